"""Which tickets a demo moves: drawn once, and kept until its settings change or a launch wishes for others.

Belongs here: when to draw anew, and from what. Does not belong here: the wish itself (`demo`), or how a source draws.
"""

import secrets
from dataclasses import replace
from typing import Any, Final

from migration_pipeline.assets.demo import Wish
from migration_pipeline.config import Migration
from migration_pipeline.config.yamlfile import place
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.run import Run
from migration_pipeline.selection import FOLLOWS_FROM, leaves_tickets_out, ranked, rules
from migration_pipeline.sources import Sample, Source
from migration_pipeline.staging import Staging
from migration_pipeline.staging.atomic import read_json, write_json

_LARGER_DRAW: Final = 25
"""Tickets that are looked at for each difficult one."""


def sample_of(migration: Migration, source: Source, staging: Staging, run: Run, wish: Wish) -> Sample:
    """The tickets of a demo: the same ones until its settings change, or a launch wishes for others.

    Raises:
        SettingsError: a ticket that was wished for does not exist, or no ticket moves.
    """
    path = migration.root / "sample.json"
    wanted = migration.demo
    filtered = leaves_tickets_out(migration)
    settings: list[Any] = [wanted.seed, wanted.size, *([rules(migration)] if filtered else [])]
    kept = read_json(path)
    if kept:
        same = kept.get("settings", [kept["seed"], kept["size"]]) == settings
        if same and (wish.empty or kept.get("run_id") == run.run_id):
            return Sample(kept["seed"], kept["size"], tuple(kept["ids"]), wanted.articles)

    def moving(size: int, seed: int) -> tuple[str, ...]:
        return _moving(migration, source, staging, run, size, seed)

    if wish.ids:
        sample = source.choose(wish.ids, staging, run)
    elif wish.sample == "difficult":
        among = moving(wanted.size * _LARGER_DRAW, wanted.seed) if filtered else None
        sample = source.difficult(wanted.size, wanted.seed, staging, run, among)
    else:
        seed = secrets.randbelow(2**31) if wish.redraw else wanted.seed
        if filtered:
            sample = Sample(seed, wanted.size, moving(wanted.size, seed))
        else:
            sample = source.draw(wanted.size, seed, staging, run)
    about = {"seed": sample.seed, "size": sample.size, "ids": list(sample.ids)}
    write_json(path, {"settings": settings, "run_id": run.run_id, **about})
    return replace(sample, articles=wanted.articles)


def _moving(migration: Migration, source: Source, staging: Staging, run: Run, size: int, seed: int) -> tuple[str, ...]:
    """Tickets by chance of those that the settings let move, which takes the lists of the source to know."""
    if "tickets" not in migration.entities:
        raise SettingsError(
            f"{place(migration.path, ['entities'])}: a demo is drawn from tickets, which this leaves out; "
            "start a full run, or let tickets move."
        )
    source.read_lists(FOLLOWS_FROM, staging, run)
    for entity_type in FOLLOWS_FROM:
        source.normalize(entity_type, staging)
    return ranked(staging, migration, size, seed)
