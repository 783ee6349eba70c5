"""The tickets of a demo: drawn by chance from all that exist, and read with what belongs to them and nothing else.

Belongs here: the draw, and the people and organizations of a sample. Does not belong here: threads and files, which
are read as in a full run (`threads`, `files`).

Every ticket has a rank that depends on the seed and its id alone; the sample is the tickets of the lowest ranks. So it
is the same whether it is drawn by asking the service for ids or from a complete snapshot, and new tickets change it
little.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib import resources
from itertools import islice
from typing import Any, Final

from migration_pipeline.http import CallThreads
from migration_pipeline.model.errors import AccessDenied, Rejected
from migration_pipeline.sources import Sample
from migration_pipeline.sources.zendesk import shapes
from migration_pipeline.sources.zendesk.paging import CursorList
from migration_pipeline.sources.zendesk.streams import Reading, fresh_rows
from migration_pipeline.staging.snapshots import Row

MANY: Final = 100
"""Ids that show_many takes at once (Zendesk developer docs, "Show Multiple Tickets")."""

_LIKELY: Final = 50
"""Candidates per wanted ticket that are ranked at first; few help desks have so many gaps that more are needed."""

_FARTHEST_EXPONENT: Final = 22
"""How far ahead ids are tried, as a power of two times `MANY`: four hundred million tickets."""

_MENTIONING: Final = (
    "tickets",
    "comments",
    "thread_comments",
    "side_events",
    "log_events",
    "ticket_events",
    "users",
    "organizations",
    "organization_memberships",
)

_PEOPLE: Final = resources.files(__package__).joinpath("sql/people_of_sample.sql").read_text(encoding="utf-8")
_MACROS: Final = resources.files(__package__).joinpath("sql/macros.sql").read_text(encoding="utf-8")


def draw(reading: Reading, size: int, seed: int) -> Sample:
    """Draw `size` tickets, or all where there are fewer; their payloads go into the stream `tickets`."""
    state = reading.staging.snapshots.state("tickets")
    if state.complete and state.since <= reading.since:
        return Sample(seed, size, tuple(_from_snapshot(reading, size, seed)))
    drawn = pool(reading, size, seed)
    store_rows(reading, "tickets", [shapes.row(ticket) for ticket in drawn.values()])
    return Sample(seed, size, tuple(drawn))


def pool(reading: Reading, size: int, seed: int) -> dict[str, Any]:
    """`size` tickets by chance, or all where there are fewer, by id; nothing is stored."""
    found: dict[str, Any] = {}
    candidates = _ranked(reading, newest_id(reading), size, seed)
    while len(found) < size and (batch := list(islice(candidates, MANY))):
        found |= fetch(reading, batch)
    return dict(islice(found.items(), size))


def fetch(reading: Reading, ids: Sequence[str]) -> dict[str, Any]:
    """Those of the tickets that exist, by id and in the order asked for."""
    found: dict[str, Any] = {}
    for batch in _batches(ids, MANY):
        reading.run.check()
        existing = _show_many(reading, "tickets", batch, include="comment_count")
        found |= {ticket: existing[ticket] for ticket in batch if ticket in existing and _exists(existing[ticket])}
    return found


def newest_id(reading: Reading) -> int:
    """The highest ticket id that is in use, 0 where there is none.

    The list of tickets leaves archived ones out. Ids are given one after the other, so when the two hundred after the
    newest of the list are free, there is nothing later. Otherwise ids are tried far ahead first, then ever nearer.
    """
    highest = _listed_newest(reading)
    if highest and not _highest(reading, highest + 1) and not _highest(reading, highest + 1 + MANY):
        return highest
    for distance in (*(MANY << exponent for exponent in range(_FARTHEST_EXPONENT, -1, -2)), 1):
        while found := _highest(reading, highest + distance):
            highest = found
    return highest


def store_rows(reading: Reading, stream: str, rows: list[Row]) -> int:
    """Add rows to a stream without moving its cursor; the rows added."""
    store = reading.staging.snapshots
    state = store.state(stream)
    return store.append(stream, fresh_rows(reading.staging, stream, rows), cursor=state.cursor, complete=state.complete)


def read_people(reading: Reading, sample: Sample) -> int:
    """The users that the sample's tickets and comments mention, with identities and memberships; the rows added."""
    wanted = _unknown(reading, sample, "people")
    added = 0
    path = "users/show_many"
    with CallThreads(reading.client.settings.workers, "zendesk-people") as pool:
        for batch in _batches(wanted, MANY):
            reading.run.check()
            body = reading.client.get(path, {"ids": ",".join(batch)})
            users = reading.client.rows(body, "users", path)
            users = list(pool.map(partial(_with_own_identities, reading), users))
            # Memberships first: a user that is stored counts as read.
            memberships = [row for rows in pool.map(partial(_memberships, reading), users) for row in rows]
            added += store_rows(reading, "organization_memberships", memberships)
            added += store_rows(reading, "users", [shapes.row(user) for user in users])
    return added


def read_organizations(reading: Reading, sample: Sample) -> int:
    """The organizations of the sample's tickets and people; the rows added."""
    added = 0
    for batch in _batches(_unknown(reading, sample, "organizations"), MANY):
        reading.run.check()
        existing = _show_many(reading, "organizations", batch)
        added += store_rows(reading, "organizations", [shapes.row(record) for record in existing.values()])
    return added


def _from_snapshot(reading: Reading, size: int, seed: int) -> list[str]:
    relation = reading.staging.snapshots.newest("tickets")
    with reading.staging.connect() as connection:
        rows = connection.execute(
            f"SELECT id FROM {relation} WHERE NOT starts_with(id, '?') "
            "AND (payload ->> '$.status') IS DISTINCT FROM 'deleted' ORDER BY md5(? || ':' || id), id LIMIT ?",
            [str(seed), size],
        ).fetchall()
    return [str(row[0]) for row in rows]


def _ranked(reading: Reading, highest: int, size: int, seed: int) -> Iterator[str]:
    """All ids up to the highest, lowest rank first."""
    done = 0
    with reading.staging.connect() as connection:
        for limit in (max(size * _LIKELY, 10 * MANY), highest):
            rows = connection.execute(
                "SELECT id::VARCHAR FROM range(1, ? + 1) AS ids(id) ORDER BY md5(? || ':' || id), id LIMIT ? OFFSET ?",
                [highest, str(seed), limit, done],
            ).fetchall()
            done += len(rows)
            yield from (str(row[0]) for row in rows)


def _listed_newest(reading: Reading) -> int:
    body = reading.client.get("tickets", {"sort": "-id", "page[size]": 1})
    tickets = reading.client.rows(body, "tickets", "tickets")
    return max((int(found) for ticket in tickets if (found := shapes.usable_id(shapes.field(ticket, "id")))), default=0)


def _highest(reading: Reading, first: int) -> int:
    """The highest id that a ticket has, of a hundred from the `first` on; 0 where none has."""
    reading.run.check()
    ids = [str(ticket) for ticket in range(first, first + MANY)]
    return max((int(found) for found in _show_many(reading, "tickets", ids)), default=0)


def _show_many(reading: Reading, kind: str, ids: Sequence[str], **params: str) -> dict[str, Any]:
    """Those of up to a hundred records that the service still has, by id."""
    path = f"{kind}/show_many"
    try:
        body = reading.client.get(path, {"ids": ",".join(ids)} | params)
    except Rejected as refusal:
        if refusal.status == 404:
            return {}
        raise
    records = reading.client.rows(body, kind, path)
    by_id = {shapes.usable_id(shapes.field(record, "id")): record for record in records}
    return {found: record for found, record in by_id.items() if found is not None}


def _exists(ticket: Any) -> bool:
    return bool(shapes.field(ticket, "status") != "deleted")


def _unknown(reading: Reading, sample: Sample, which: str) -> list[str]:
    """Ids that the sample refers to and the snapshots do not have yet."""
    with reading.staging.connect() as connection:
        connection.execute(_MACROS)
        for stream in _MENTIONING:
            connection.execute(f"CREATE VIEW raw_{stream} AS FROM {reading.staging.snapshots.newest(stream)}")
        connection.execute("CREATE TABLE sample AS SELECT unnest(?::VARCHAR[]) AS id", [list(sample.ids)])
        connection.execute(_PEOPLE)
        return [str(row[0]) for row in connection.execute(f"FROM unknown_{which}").fetchall()]


def _with_own_identities(reading: Reading, user: Any) -> Any:
    """The user with identities, as the export brings them."""
    owner = shapes.usable_id(shapes.field(user, "id"))
    if owner is None:
        return user
    return {**user, "identities": _all(reading, f"users/{owner}/identities", "identities")}


def _memberships(reading: Reading, user: Any) -> list[Row]:
    owner = shapes.usable_id(shapes.field(user, "id"))
    # Who is in several organizations has one of them as `organization_id`; who has none there is in none.
    if owner is None or shapes.field(user, "organization_id") is None:
        return []
    path = f"users/{owner}/organization_memberships"
    return [shapes.row(record) for record in _all(reading, path, "organization_memberships")]


def _all(reading: Reading, path: str, key: str) -> list[Any]:
    """A short list to its end; empty where the service no longer has its owner."""
    pager = CursorList()
    records: list[Any] = []
    while not pager.finished:
        try:
            body = reading.client.get(path, pager.params())
        except (Rejected, AccessDenied) as refusal:
            if refusal.status in (403, 404):
                return records
            raise
        records += reading.client.rows(body, key, path)
        pager.advance(body)
    return records


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
