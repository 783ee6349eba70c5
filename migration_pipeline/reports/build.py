"""Making a report: from plan, outcomes and verification to the lists, the numbers and the page.

Belongs here: the order of the work and the check that the numbers add up. Does not belong here: what counts as what
(`records.sql`), how files are written (`lists`), or how the page looks (`page`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb

from migration_pipeline.config import Migration
from migration_pipeline.gates import checklist, read_approval
from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.model.outcomes import OUTCOMES, VERIFICATION
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.model.reasons import REASONS
from migration_pipeline.reports import changes, counts, left_out, lists, page, shown
from migration_pipeline.reports.report import SUMMARY, ListFile, Report, Summary, report_folder
from migration_pipeline.staging import Staging, inventory
from migration_pipeline.staging.atomic import write_json
from migration_pipeline.staging.duck import quoted
from migration_pipeline.staging.progress import read_progress

UNEXPLAINED: Final = "No sentence explains this code yet."


class InconsistentReport(MigrationError):
    """The lists do not add up; that is a defect of the pipeline, and no report is better than a wrong one."""


def build(
    staging: Staging,
    run_id: str,
    mode: str,
    migration: Migration,
    *,
    started_at: dt.datetime | None = None,
    finished_at: dt.datetime | None = None,
    calls: Mapping[str, int] | None = None,
    target_links: Mapping[str, str] | None = None,
    entity_types: Sequence[str] = ENTITY_TYPES,
    dry_run: bool = False,
) -> Report:
    """Write the report of a run to `reports/<run_id>/`, in place of an earlier one of the same run.

    It tells of the plan as it stands, the outcomes as they were exported last, and the newest verification.
    `started_at` and `finished_at` are UTC; without them, the run's progress file and the present time stand in.
    `calls` are the run's requests by side (`source`, `target`). `target_links` gives, by entity type, the address of a
    record's page in the target with `{id}` in it, for outcomes that come without one. Of a `dry_run`, what the plan
    would write is told as skipped, with the reason `dry_run`.

    Raises:
        InconsistentReport: an entity type's migrated, failed and skipped records are not all that were available.
        SettingsError: `run_id` cannot be the name of a folder.
        OSError: the disk is full or not writable.
    """
    folder = report_folder(staging.root, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    # The summary is what makes a folder a report: while its lists change, there is none.
    (folder / SUMMARY).unlink(missing_ok=True)
    connection = staging.connect()
    try:
        _name_tables(connection, staging, entity_types, target_links or {})
        shown.name(connection, migration)
        if dry_run:
            connection.execute(_sql("rehearsal"))
        demo = mode == "demo" and not dry_run
        compared = demo and changes.compare(connection, staging, run_id, migration, entity_types)
        written = _write_lists(connection, folder, everything=mode == "full", compared=compared)
        started_at = started_at or _started(staging, run_id)
        finished_at = finished_at or dt.datetime.now(dt.UTC)
        summary = Summary(
            run_id=run_id,
            mode=mode,
            dry_run=dry_run,
            migration=migration.name,
            source=migration.source.kind,
            source_url=migration.source.url,
            target=f"{migration.target.kind} workspace {migration.target.workspace}",
            target_url=migration.target.url,
            started_at=started_at,
            finished_at=finished_at,
            seconds=(finished_at - started_at).total_seconds() if started_at else None,
            calls=dict(calls or {}),
            entities=counts.entities(connection),
            reasons=counts.reasons(connection),
            losses=counts.losses(connection),
            verified=counts.verified(connection),
            fields=counts.fields(connection),
            mismatches=next(file.rows for file in written if file.name == "mismatches"),
            lists=written,
            built_from={
                entity_type: staging.tables.built_from("plan", entity_type) or {} for entity_type in entity_types
            },
            problems=counts.problems(connection, UNEXPLAINED),
            filters=left_out.steps(connection, staging),
            masked=left_out.masked(connection),
            inventory=counts.inventory(connection),
            changes=next((file.rows for file in written if file.name == "changes"), None),
        )
        _add_up(summary)
        report = Report(folder, summary)
        closing = [] if mode == "demo" or dry_run else checklist(migration, read_approval(staging.root).signed)
        due = [item for item in closing if item["when"] == "after"]
        page.write(report, counts.excerpts(connection, compared=compared), due)
        write_json(folder / SUMMARY, report.to_json())
        return report
    finally:
        connection.close()


def _name_tables(
    connection: duckdb.DuckDBPyConnection, staging: Staging, entity_types: Sequence[str], links: Mapping[str, str]
) -> None:
    """Give the staged tables, the sentences and the load order the names that the SQL uses."""
    # The lists keep the order of `records.sql`, which the plain connection need not.
    connection.execute("SET preserve_insertion_order = true")

    def union(stage: str, tables: Sequence[str], schema: object) -> str:
        return " UNION ALL BY NAME ".join(f"FROM {staging.tables.scan(stage, table, schema)}" for table in tables)

    rejects = [f"rejects_{entity_type}" for entity_type in entity_types]
    connection.execute(f"CREATE VIEW load_plan AS {union('plan', entity_types, PLAN)}")
    connection.execute(f"CREATE VIEW rejects AS {union('records', rejects, RECORDS['rejects'])}")
    connection.execute(f"CREATE VIEW known_outcomes AS {union('outcomes', ['outcomes'], OUTCOMES)}")
    connection.execute("CREATE VIEW outcomes AS FROM known_outcomes")
    connection.execute(f"CREATE VIEW inventory AS FROM {inventory.relation(staging)}")
    connection.execute(f"CREATE VIEW verification AS {union('verification', entity_types, VERIFICATION)}")
    for name, columns, rows in (
        ("load_order", "entity_type VARCHAR, position BIGINT", [(one, n) for n, one in enumerate(entity_types)]),
        ("reasons", "code VARCHAR, sentence VARCHAR", list(REASONS.items())),
        ("links", "entity_type VARCHAR, template VARCHAR", list(links.items())),
    ):
        connection.execute(f"CREATE TABLE {name} ({columns})")
        if rows:
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)


def _write_lists(
    connection: duckdb.DuckDBPyConnection, folder: Path, *, everything: bool, compared: bool
) -> tuple[ListFile, ...]:
    connection.execute(f"CREATE VIEW scope AS {_sql('scope').format(everything=str(everything).lower())}")
    files = [lists.write(connection, folder, "records", _sql("records").format(unexplained=UNEXPLAINED))]
    connection.execute(f"CREATE VIEW records AS FROM {quoted(str(folder / 'records.parquet'))}")
    files += [
        lists.write(connection, folder, outcome, f"FROM records WHERE outcome = '{outcome}'")
        for outcome in ("migrated", "failed", "skipped")
    ]
    connection.execute(
        "CREATE VIEW compared AS FROM verification SEMI JOIN (FROM records WHERE outcome = 'migrated') AS moved "
        "ON moved.entity_type = verification.entity_type AND moved.source_id = verification.source_id"
    )
    for name in ("losses", "mismatches"):
        files.append(lists.write(connection, folder, name, _sql(name).format(unexplained=UNEXPLAINED)))
        connection.execute(f"CREATE VIEW {name} AS FROM {quoted(str(folder / f'{name}.parquet'))}")
    files.append(lists.write(connection, folder, "inventory", "FROM inventory ORDER BY kind, lower(name), source_id"))
    if compared:
        files.append(lists.write(connection, folder, "changes", "FROM changes"))
    return tuple(files)


def _add_up(summary: Summary) -> None:
    """Let no report out whose columns disagree."""
    wrong = [
        f"{one.entity_type}: {one.available} available, but {one.migrated} migrated, {one.failed} failed and "
        f"{one.skipped} skipped"
        for one in summary.entities
        if not one.adds_up
    ]
    listed = {file.name: file.rows for file in summary.lists}
    if listed["records"] != listed["migrated"] + listed["failed"] + listed["skipped"]:
        wrong.append("the lists of migrated, failed and skipped records are not all records")
    if wrong:
        raise InconsistentReport(
            f"The report of run {summary.run_id} does not add up ({'; '.join(wrong)}). Nothing is lost: the "
            "journal holds what was done. This is a defect of the pipeline; please report it with this sentence."
        )


def _started(staging: Staging, run_id: str) -> dt.datetime | None:
    progress = read_progress(staging.root / "progress.json")
    if progress is None or progress["run_id"] != run_id:
        return None
    return dt.datetime.fromtimestamp(progress["started"], dt.UTC)


def _sql(name: str) -> str:
    return resources.files("migration_pipeline.reports").joinpath(f"{name}.sql").read_text(encoding="utf-8")
