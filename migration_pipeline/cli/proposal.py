"""What `migrate map` shows of a mapping: entries that want a look, and what the values of fields will lose.

Belongs here: printing. Does not belong here: finding either (`target.proposals`, `target.losses`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from migration_pipeline.cli.output import console
from migration_pipeline.config.mapping import MODELS
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.model.reasons import sentence

_SHOWN: Final = 20


def to_review(rules: Rules) -> list[dict[str, Any]]:
    """Entries that were matched by more than a slip of chance, and less than certainty."""
    return [
        {"entry": f"{section}.{key}", "target": entry.target, "score": entry.score, "evidence": entry.evidence}
        for section in ("agents", "teams", *MODELS)
        for key, entry in getattr(rules, section).items()
        if entry.matched_by == "near"
    ]


def tell(review: Iterable[Mapping[str, Any]], losses: Iterable[Mapping[str, Any]]) -> None:
    """Print both lists; of the losses, those of the most records."""
    for one in review:
        console.print(f"[yellow]![/] {one['entry']} becomes {one['target']}: look at it ({one['evidence']})")
    rows = list(losses)
    for row in rows[:_SHOWN]:
        detail = f" ({row['detail']})" if row["detail"] else ""
        told = f"{row['section']}.{row['key']} {row['title'] or ''}: {sentence(row['reason'])}{detail}"
        console.print(f"{row['records']:>8} records  {told}", soft_wrap=True, markup=False)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN} more: mapping.losses in staging.duckdb")
