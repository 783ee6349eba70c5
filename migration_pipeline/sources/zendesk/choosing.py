"""The tickets of a demo that are not drawn by chance: those that a person names, and difficult ones.

Belongs here: which tickets. Does not belong here: the draw (`sampling`), or reading what belongs to them.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, Final

from migration_pipeline.model.errors import SettingsError
from migration_pipeline.sources import Sample
from migration_pipeline.sources.zendesk import sampling, shapes
from migration_pipeline.sources.zendesk.streams import Reading

POOL: Final = 25
"""Tickets that are looked at for each difficult one."""

_SIGNS: Final[tuple[Callable[[Any], float], ...]] = (
    lambda ticket: _number(shapes.field(ticket, "comment_count")),
    lambda ticket: -_number(str(shapes.field(ticket, "created_at") or "9")[:10].replace("-", "")),
    lambda ticket: _count(ticket, "collaborator_ids", "email_cc_ids", "follower_ids"),
    lambda ticket: _strange(ticket),
    lambda ticket: float(shapes.field(ticket, "requester_id") == shapes.field(ticket, "assignee_id")),
    lambda ticket: float(len(str(shapes.field(ticket, "description") or ""))),
    lambda ticket: _count(ticket, "tags"),
)
"""What makes a ticket difficult, as its own record tells: long, old, many listeners, odd letters, an agent who asks."""


def choose(reading: Reading, ids: Sequence[str]) -> Sample:
    """The tickets that a person names; their payloads go into the stream `tickets`.

    Raises:
        SettingsError: the help desk has no such ticket.
    """
    found = sampling.fetch(reading, ids)
    missing = [ticket for ticket in ids if ticket not in found]
    if missing:
        raise SettingsError(f"The help desk has no ticket {', '.join(missing[:10])}; name others.")
    sampling.store_rows(reading, "tickets", [shapes.row(found[ticket]) for ticket in ids])
    return Sample(0, len(ids), tuple(ids))


def difficult(reading: Reading, size: int, seed: int, among: Sequence[str] | None = None) -> Sample:
    """The most difficult ones of a larger draw, by each sign in turn; their payloads go into the stream `tickets`.

    `among` is the draw, where it was made already.
    """
    pool = sampling.pool(reading, size * POOL, seed) if among is None else sampling.fetch(reading, among[: size * POOL])
    ranked = [sorted(pool, key=lambda ticket: (-sign(pool[ticket]), ticket)) for sign in _SIGNS]
    chosen = list(dict.fromkeys(ticket for row in zip_longest(*ranked) for ticket in row if ticket is not None))[:size]
    sampling.store_rows(reading, "tickets", [shapes.row(pool[ticket]) for ticket in chosen])
    return Sample(seed, size, tuple(chosen))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _count(ticket: Any, *names: str) -> float:
    values = [shapes.field(ticket, name) for name in names]
    return float(sum(len(value) for value in values if isinstance(value, list)))


def _strange(ticket: Any) -> float:
    """The share of letters outside of ASCII."""
    text = f"{shapes.field(ticket, 'subject') or ''} {shapes.field(ticket, 'description') or ''}"
    return sum(ord(letter) > 127 for letter in text) / max(len(text), 1)
