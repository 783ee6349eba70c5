"""What `migrate map` shows of a mapping: entries that want a look, and what the values of fields will lose.

Belongs here: printing. Does not belong here: finding either (`target.proposals`, `target.losses`).
"""

from collections.abc import Iterable, Mapping, Sequence
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


def by_name(rules: Rules) -> list[str]:
    """Agents who are taken for a teammate of the same name, though no address says so."""
    return [entry.name or key for key, entry in rules.agents.items() if entry.matched_by == "name"]


def tell(rules: Rules, losses: Iterable[Mapping[str, Any]]) -> None:
    """Print what wants a look, who has no teammate, and the losses of the most records."""
    if alone := without_teammate(rules):
        console.print(f"[yellow]![/] admin {rules.fallback_admin} stands in for {_agents(alone)} without a ", end="")
        console.print(f"teammate: {_named(alone)}", soft_wrap=True, markup=False)
    if named := by_name(rules):
        console.print(f"[yellow]![/] {_agents(named)} matched by name alone: {escape(_named(named))}", soft_wrap=True)
        console.print("  look at them: `matched_by: name` in mapping.yaml, or `migrate map --edit`", soft_wrap=True)
    for one in to_review(rules):
        console.print(f"[yellow]![/] {escape(one['entry'])} becomes", end=" ")
        console.print(f"{one['target']}: look at it ({one['evidence']})", soft_wrap=True, markup=False)
    rows = list(losses)
    for row in rows[:_SHOWN]:
        detail = f" ({row['detail']})" if row["detail"] else ""
        told = f"{row['section']}.{row['key']} {row['title'] or ''}: {sentence(row['reason'])}{detail}"
        many = f"{row['records']:>8} record{' ' if row['records'] == 1 else 's'}"
        console.print(f"{many}  {told}", soft_wrap=True, markup=False)
    if len(rows) > _SHOWN:
        console.print(f"and {len(rows) - _SHOWN} more: mapping.losses in staging.duckdb")


def _agents(names: Sequence[str]) -> str:
    return f"{len(names)} agent{'' if len(names) == 1 else 's'}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
