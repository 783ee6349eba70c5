"""Calls that loading and reading back take at Intercom, by entity type, from a load plan.

Belongs here: endpoint costs as data. Does not belong here: the writing calls of one record, which stand in the plan
itself (`plan`), or seconds (`model.costs`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from migration_pipeline.config import Migration
from migration_pipeline.model.costs import Limit, Work
from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.outcomes import VERIFICATION
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target import endpoints
from migration_pipeline.target.client import WINDOW_SECONDS
from migration_pipeline.target.preparation import Preparation
from migration_pipeline.target.rows import count

APP: Final = "app"
"""The one bucket of an app's calls."""

Endpoints = Mapping[str, int]

_ADMINS: Final = "GET /admins"
_TEAMS: Final = "GET /teams"
_TAGS: Final = "GET /tags"
_ATTRIBUTES: Final = "GET /conversations/attributes"
_PEOPLE: Final = "GET /data_attributes"
_CENTERS: Final = "GET /help_center/help_centers"

FIXED: Final[Endpoints] = {"GET /me": 2, _ADMINS: 1, _TEAMS: 1, _TAGS: 1, _ATTRIBUTES: 1, _PEOPLE: 2}
"""Calls of any run: for the gate, and those of the catalogue."""

TYPES: Final[Endpoints] = {"GET /ticket_types": 6, "GET /ticket_states": 6, "GET /me": 2}
"""Calls for ticket types and states where tickets become Intercom tickets: rules, plan, loading and reading back."""

LISTS: Final[Mapping[str, tuple[Endpoints, Endpoints]]] = {
    "agents": ({}, {_ADMINS: 1}),
    "teams": ({}, {_TEAMS: 1}),
    "fields": ({_ATTRIBUTES: 1, _PEOPLE: 2}, {_ATTRIBUTES: 1, _PEOPLE: 2}),
    "tags": ({_TAGS: 1}, {_TAGS: 1}),
    "companies": ({_TAGS: 1, _PEOPLE: 1}, {}),
    "contacts": ({_TAGS: 1, _PEOPLE: 1}, {}),
    "tickets": ({_TAGS: 1, _ATTRIBUTES: 1}, {_TAGS: 1, _ATTRIBUTES: 1}),
    "collections": ({_CENTERS: 1}, {_CENTERS: 1}),
    "articles": ({_TAGS: 1, _CENTERS: 1}, {_CENTERS: 1}),
}
"""Lists that are read whole: (before an entity type is loaded, when it is read back)."""

ONE: Final[Mapping[str, str]] = {
    "companies": "GET /companies/{id}",
    "contacts": "GET /contacts/{id}",
    "tickets": "GET /conversations/{id}, /tickets/{id}",
    "collections": "GET /help_center/collections/{id}",
    "articles": "GET /articles/{id}, /internal_articles/{id}",
}
"""Where a record is read: before it is changed, and back."""

READ_BACK: Final[Mapping[str, Mapping[str, str]]] = {
    "companies": {
        ONE["companies"]: "1",
        "GET /companies/{id}/notes": "(payload.note IS NOT NULL)::BIGINT",
    },
    "contacts": {
        ONE["contacts"]: "1",
        "GET /contacts/{id}/companies": "(len(payload.company_refs) > 0)::BIGINT",
        "GET /contacts/{id}/tags": "(len(payload.tags) > 0)::BIGINT",
        "GET /contacts/{id}/notes": "(payload.note IS NOT NULL)::BIGINT",
    },
    "tickets": {
        ONE["tickets"]: """
            greatest(payload.volumes, 1) + (
                payload.ticket_type IS NOT NULL AND (len(payload.tags) > 0 OR payload.company_ref IS NOT NULL)
            )::BIGINT
        """
    },
    "collections": {ONE["collections"]: "1"},
    "articles": {
        ONE[
            "articles"
        ]: "1 + coalesce(list_sum([one.calls FOR one IN plan.changes IF one.endpoint = 'AGAIN']), 0)".replace(
            "AGAIN", endpoints.ARTICLE_AGAIN.endpoint
        )
    },
}
"""Reading calls per record that arrived; an article is also read before it is sent a second time."""


def works(staging: Staging, migration: Migration, made: Preparation) -> Iterator[Work]:
    """What the run of the plan as it stands does at the target, in order; files are fetched besides, without limit.

    `made` is what the workspace lacks: what it has needs no call.
    """
    yield _reading("agents", "catalogue", FIXED)
    connection = staging.connect()
    fields = staging.tables.scan("payloads", "fields", PAYLOADS["fields"])
    if count(connection, f"SELECT count(*) FROM {fields} WHERE model = 'ticket_type'") != (0,):
        yield _reading("tickets", "lists", TYPES)
    readings = []
    for entity_type in ENTITY_TYPES:
        plan = staging.tables.scan("plan", entity_type, PLAN)
        there = "action <> 'create'" if entity_type in ("fields", "tags") else "TRUE"
        written = {
            str(endpoint): int(calls)
            for endpoint, calls in connection.execute(
                "SELECT change.endpoint, sum(change.calls)::BIGINT "
                f"FROM (SELECT unnest(changes) AS change FROM {plan} WHERE {there}) GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        }
        (longest,) = count(connection, f"SELECT coalesce(max(calls), 0)::BIGINT FROM {plan}")
        for endpoint, calls in _more(staging, migration, made, entity_type):
            written[endpoint] = written.get(endpoint, 0) + calls
        (looked_at,) = count(connection, f"SELECT coalesce(sum(reads), 0)::BIGINT FROM {plan}")
        before, after = LISTS[entity_type]
        yield _reading(entity_type, "lists", before)
        if looked_at:
            yield _reading(entity_type, "look", {ONE[entity_type]: looked_at}, parallel=True)
        yield Work(
            "target",
            entity_type,
            "load",
            sum(written.values()),
            (APP,),
            parallel=True,
            longest=longest,
            endpoints={endpoint: calls for endpoint, calls in written.items() if calls},
        )
        reads = _read_back(staging, entity_type)
        if entity_type != "articles" or reads:
            readings.append(_reading(entity_type, "lists", after))
        readings.append(_reading(entity_type, "verify", reads, parallel=True))
    yield from readings


def _reading(entity_type: str, what: str, by_endpoint: Endpoints, *, parallel: bool = False) -> Work:
    calls = sum(by_endpoint.values())
    return Work("target", entity_type, what, calls, (APP,), parallel=parallel, endpoints=by_endpoint)


def _more(staging: Staging, migration: Migration, made: Preparation, entity_type: str) -> Iterator[tuple[str, int]]:
    """Writing calls that do not stand in the plan's rows, by endpoint."""
    if entity_type == "fields":
        yield endpoints.ATTRIBUTE.endpoint, made.calls
    elif entity_type == "tags":
        yield endpoints.TAG.endpoint, len(made.tags)
    elif entity_type == "tickets":
        yield endpoints.MESSAGES.endpoint, _unread(staging) + _with_files(staging, migration.options.files_per_part)
    elif entity_type == "articles" and migration.help_center.host == "source":
        yield endpoints.ARTICLE.endpoint, _behind_a_login(staging)


def _read_back(staging: Staging, entity_type: str) -> Endpoints:
    """Calls for reading back what arrives, and once more what arrived earlier and did not match."""
    plan = staging.tables.scan("plan", entity_type, PLAN)
    payload = staging.tables.scan("payloads", entity_type, PAYLOADS[entity_type])
    findings = staging.tables.scan("verification", entity_type, VERIFICATION)
    each = READ_BACK.get(entity_type)
    if not each:
        return {}
    reads = count(
        staging.connect(),
        f"SELECT {', '.join(f'coalesce(sum({calls}), 0)::BIGINT' for calls in each.values())} "
        f"FROM {payload} AS payload LEFT JOIN {plan} AS plan USING (source_id) "
        "WHERE payload.skip IS NULL AND (plan.action IN ('create', 'update') OR payload.source_id IN "
        f"(SELECT source_id FROM {findings} WHERE NOT matched))",
    )
    return {endpoint: calls for endpoint, calls in zip(each, reads, strict=True) if calls}


def _unread(staging: Staging) -> int:
    """Comments that the source counts and that were not read yet: each becomes a part."""
    plan = staging.tables.scan("plan", "tickets", PLAN)
    tickets = staging.tables.scan("records", "tickets", RECORDS["tickets"])
    comments = staging.tables.scan("records", "comments", RECORDS["comments"])
    (missing,) = count(
        staging.connect(),
        "SELECT coalesce(sum(greatest(ticket.comment_count - coalesce(read.comments, 0), 0)), 0)::BIGINT "
        f"FROM {tickets} AS ticket SEMI JOIN (FROM {plan} WHERE action IN ('create', 'update')) AS plan "
        "ON plan.source_id = ticket.source_id "
        f"LEFT JOIN (SELECT ticket_ref, count(*) AS comments FROM {comments} WHERE kind IN ('text', 'voice') "
        "GROUP BY ticket_ref) AS read "
        "ON read.ticket_ref = ticket.source_id",
    )
    return missing


def _with_files(staging: Staging, files_per_part: int) -> int:
    """Parts that files make which were not fetched yet: payloads know only of files that are there.

    A comment carries `files_per_part` files, and has a part of its own anyway; an opener carries none, and neither does
    a contact's message in an Intercom ticket.
    """
    plan = staging.tables.scan("plan", "tickets", PLAN)
    payload = staging.tables.scan("payloads", "tickets", PAYLOADS["tickets"])
    parts = staging.tables.scan("payloads", "parts", PAYLOADS["parts"])
    files = staging.tables.scan("records", "attachments", RECORDS["attachments"])
    (more,) = count(
        staging.connect(),
        f"""
        WITH carried AS (
            SELECT ticket_ref, comment_ref, count(*) FILTER (sha256 IS NOT NULL) AS here,
                count(*) FILTER (sha256 IS NOT NULL OR missing = 'file_missing') AS whole
            FROM {files} GROUP BY ALL
        )
        SELECT coalesce(sum(
            greatest(ceil(whole / {files_per_part}), least_parts) - greatest(ceil(here / {files_per_part}), least_parts)
        ), 0)::BIGINT
        FROM (
            SELECT carried.*, (
                payload.opener_comment_ref IS DISTINCT FROM comment_ref AND (
                    payload.ticket_type IS NULL OR comment_ref NOT IN (
                        SELECT comment_ref FROM {parts} WHERE author_kind = 'contact' AND comment_ref IS NOT NULL
                    )
                )
            )::BIGINT AS least_parts
            FROM carried JOIN {payload} AS payload ON payload.source_id = carried.ticket_ref
            SEMI JOIN (FROM {plan} WHERE action IN ('create', 'update')) AS plan ON plan.source_id = payload.source_id
        )
        """,
    )
    return more


def _behind_a_login(staging: Staging) -> int:
    """Pictures that Intercom will hardly get from the source: of articles that not everybody may read, and of drafts.

    Each is named by a refusal of the whole article, which is sent again without it.
    """
    plan = staging.tables.scan("plan", "articles", PLAN)
    payload = staging.tables.scan("payloads", "articles", PAYLOADS["articles"])
    articles = staging.tables.scan("records", "articles", RECORDS["articles"])
    texts = staging.tables.scan("records", "article_translations", RECORDS["article_translations"])
    (pictures,) = count(
        staging.connect(),
        "SELECT coalesce(sum(len([file.url FOR file IN payload.files IF file.picture])), 0)::BIGINT "
        f"FROM {payload} AS payload SEMI JOIN (FROM {plan} WHERE action = 'create') AS plan "
        "ON plan.source_id = payload.source_id "
        f"SEMI JOIN (SELECT article.source_id FROM {articles} AS article LEFT JOIN {texts} AS own "
        "ON own.article_ref = article.source_id AND own.locale = article.locale "
        "WHERE audience <> 'everyone' OR own.state = 'draft') AS hidden ON hidden.source_id = payload.source_id",
    )
    return pictures


def limits(per_window: int | None) -> dict[str, Limit]:
    """The limit that answers tell in `X-RateLimit-Limit`; none where they tell none."""
    return {} if per_window is None else {APP: Limit(per_window, WINDOW_SECONDS)}
