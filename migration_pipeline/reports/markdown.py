"""The four columns as Markdown, for places that show Markdown (an asset's page, a chat)."""

from migration_pipeline.reports.report import Report


def four_columns_markdown(report: Report) -> str:
    """A table: entity type, available, migrated, failed, skipped, and a line per reason below it."""
    counts = report.summary.entities
    lines = ["| entity type | available | migrated | failed | skipped |", "| :-- | --: | --: | --: | --: |"]
    lines += [
        f"| {one.entity_type} | {one.available} | {one.migrated} | {one.failed} | {one.skipped} |" for one in counts
    ]
    available, migrated, failed, skipped = (
        sum(getattr(one, column) for one in counts) for column in ("available", "migrated", "failed", "skipped")
    )
    lines.append(f"| **all** | **{available}** | **{migrated}** | **{failed}** | **{skipped}** |")
    if report.summary.reasons:
        lines.append("")
        lines += [
            f"- {one.records} {one.entity_type} {one.outcome}: `{_code(one.reason)}` — {one.sentence}"
            for one in report.summary.reasons
        ]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Text that cannot leave a code span or its line."""
    return " ".join(text.replace("`", "'").split())
