"""The report of a run: four columns per entity type, lists, losses, verification, and one page that holds it all.

Belongs here: counting, listing and showing what became of the records. Does not belong here: deciding any of it; the
report reads the plan, the outcomes and the verification, and adds nothing of its own.

A report is a folder, `reports/<run_id>/` below the migration's root, that can be handed on as it is:

    report.html                                        the page; opens offline, links to the lists beside it
    records, migrated, failed, skipped .csv .parquet   one row per record
    losses.csv, losses.parquet                         what of the migrated records could not be kept
    mismatches.csv, mismatches.parquet                 fields that the target holds differently
    changes.csv, changes.parquet                       of a demo: fields that differ from the demo before
    summary.json                                       the counts

What a comparison with an earlier run finds is to go into `reports/<run_id>/since/<earlier run>/`.
"""

from migration_pipeline.reports.build import InconsistentReport, build
from migration_pipeline.reports.markdown import four_columns_markdown
from migration_pipeline.reports.report import Report, open_report, read_report
from migration_pipeline.reports.shown import differences

__all__ = [
    "InconsistentReport",
    "Report",
    "build",
    "differences",
    "four_columns_markdown",
    "open_report",
    "read_report",
]
