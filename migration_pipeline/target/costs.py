"""Calls that loading and reading back take at Intercom, by entity type, from a load plan.

Belongs here: endpoint costs as data. Does not belong here: the writing calls of one record, which stand in the plan
itself (`plan`), or seconds (`model.costs`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from migration_pipeline.config import Migration
from migration_pipeline.model.costs import Limit, Work
from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target.client import WINDOW_SECONDS
from migration_pipeline.target.preparation import Preparation
from migration_pipeline.target.rows import count

APP: Final = "app"
"""The one bucket of an app's calls."""

FIXED: Final = 8
"""Calls of any run: GET /me for the gate, and the seven of the catalogue."""

TYPES: Final = 14
"""Calls for ticket types and states where tickets become Intercom tickets: rules, plan, loading and reading back."""

LISTS: Final[Mapping[str, tuple[int, int]]] = {
    "agents": (0, 1),
    "teams": (0, 1),
    "fields": (3, 3),
    "tags": (1, 1),
    "companies": (2, 0),
    "contacts": (2, 0),
    "tickets": (2, 2),
    "collections": (1, 1),
    "articles": (2, 1),
}
"""Lists that are read whole: (before an entity type is loaded, when it is read back)."""

READ_BACK: Final[Mapping[str, str]] = {
    "agents": "0",
    "teams": "0",
    "fields": "0",
    "tags": "0",
    "companies": "1 + (payload.note IS NOT NULL)::BIGINT",
    "contacts": """
        1 + (len(payload.company_refs) > 0)::BIGINT + (len(payload.tags) > 0)::BIGINT
        + (payload.note IS NOT NULL)::BIGINT
    """,
    "tickets": """
        greatest(payload.volumes, 1) + (
            payload.ticket_type IS NOT NULL AND (len(payload.tags) > 0 OR payload.company_ref IS NOT NULL)
        )::BIGINT
    """,
    "collections": "1",
    "articles": "1 + greatest(plan.calls - 1 - len(payload.tags), 0)",
}
"""Reading calls per record that arrived; an article is also read before it is sent a second time."""


def works(staging: Staging, migration: Migration, made: Preparation) -> Iterator[Work]:
    """What the run of the plan as it stands does at the target, in order; files are fetched besides, without limit.

    `made` is what the workspace lacks: what it has needs no call.
    """
    yield Work("target", "agents", "catalogue", FIXED, (APP,))
    connection = staging.connect()
    fields = staging.tables.scan("payloads", "fields", PAYLOADS["fields"])
    if count(connection, f"SELECT count(*) FROM {fields} WHERE model = 'ticket_type'") != (0,):
        yield Work("target", "tickets", "lists", TYPES, (APP,))
    readings = []
    for entity_type in ENTITY_TYPES:
        plan = staging.tables.scan("plan", entity_type, PLAN)
        payload = staging.tables.scan("payloads", entity_type, PAYLOADS[entity_type])
        there = "action <> 'create'" if entity_type in ("fields", "tags") else "TRUE"
        calls, longest = count(
            connection,
            f"SELECT coalesce(sum(calls) FILTER ({there}), 0)::BIGINT, coalesce(max(calls), 0)::BIGINT FROM {plan}",
        )
        calls += {"fields": made.calls, "tags": len(made.tags)}.get(entity_type, 0)
        (reads,) = count(
            connection,
            f"SELECT coalesce(sum({READ_BACK[entity_type]}), 0) FROM {plan} AS plan JOIN {payload} AS payload "
            "USING (source_id) WHERE plan.action IN ('create', 'update')",
        )
        if entity_type == "tickets":
            calls += _unread(staging) + _with_files(staging, migration.options.files_per_part)
        if entity_type == "articles" and migration.help_center.host == "source":
            calls += _behind_a_login(staging)
        before, after = LISTS[entity_type]
        yield Work("target", entity_type, "lists", before, (APP,))
        yield Work("target", entity_type, "load", calls, (APP,), parallel=True, longest=longest)
        readings += [
            Work("target", entity_type, "lists", after, (APP,)),
            Work("target", entity_type, "verify", reads, (APP,), parallel=True),
        ]
    yield from readings


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
