"""What `migrate map` shows of a mapping: entries that want a look, and what the values of fields will lose.

Belongs here: printing. Does not belong here: finding either (`target.proposals`, `target.losses`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.markup import escape

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


def without_teammate(rules: Rules) -> list[str]:
    """Agents for whom the fallback admin stands in, by name."""
    return [entry.name or entry.email or key for key, entry in rules.agents.items() if entry.target is None]


def tell(rules: Rules, losses: Iterable[Mapping[str, Any]]) -> None:
    """Print what wants a look, who has no teammate, and the losses of the most records."""
    if alone := without_teammate(rules):
        named = ", ".join(alone[:_SHOWN]) + (f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else "")
        console.print(
            f"[yellow]![/] admin {rules.fallback_admin} stands in for {len(alone)} agents without a teammate: ", end=""
        )
        console.print(named, soft_wrap=True, markup=False)
    for one in to_review(rules):
        console.print(f"[yellow]![/] {escape(one['entry'])} becomes", end=" ")
        console.print(f"{one['target']}: look at it ({one['evidence']})", soft_wrap=True, markup=False)
    rows = list(losses)
    for row in rows[:_SHOWN]:
        detail = f" ({row['detail']})" if row["detail"] else ""
        told = f"{row['section']}.{row['key']} {row['title'] or ''}: {sentence(row['reason'])}{detail}"
        console.print(f"{row['records']:>8} records  {told}", soft_wrap=True, markup=False)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN} more: mapping.losses in staging.duckdb")
