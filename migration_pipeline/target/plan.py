"""The load plan: what the mode of a run decides, as rows that the loader executes without knowing modes.

demo: the sample, and all it refers to. full: everything. Either way a record whose payload the journal knows to be
in the target already is kept, and needs no call. delta: what is new, what differs from what the target holds, and what
left the source after it was migrated; nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.outcomes import OUTCOMES
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.model.run import Run
from migration_pipeline.model.selection import LEFT_OUT_REASONS
from migration_pipeline.staging import Staging
from migration_pipeline.staging.duck import quoted
from migration_pipeline.target import endpoints
from migration_pipeline.target.endpoints import Call
from migration_pipeline.target.foreseen import FORESEEN, Held, foresee

FAILURES: Final = frozenset({"invalid_phone", "malformed_record", "comments_missing"})
"""Reasons of mapping and normalization that count as failed; every other reason not to move is a skip by rule."""

_CONVERSATION: Final = "(payload.ticket_type IS NULL)::BIGINT"

_CALLS: Final[Mapping[str, Mapping[Call, str]]] = {
    "agents": {},
    "teams": {},
    "fields": {endpoints.ATTRIBUTE: "1 + coalesce(json_array_length(payload.body, '$.attributes'), 0)"},
    "tags": {endpoints.TAG: "1"},
    "companies": {
        endpoints.COMPANY: "1",
        endpoints.COMPANY_TAGS: "len(payload.tags)",
        endpoints.COMPANY_NOTE: "(payload.note IS NOT NULL)::BIGINT",
    },
    "contacts": {
        endpoints.CONTACT: "1",
        endpoints.CONTACT_COMPANIES: "len(payload.company_refs)",
        endpoints.CONTACT_TAGS: "len(payload.tags)",
        endpoints.CONTACT_NOTE: "(payload.note IS NOT NULL)::BIGINT",
    },
    "tickets": {
        endpoints.TICKET: "(payload.ticket_type IS NOT NULL)::BIGINT",
        endpoints.TICKET_MESSAGES: "payload.part_count * (payload.ticket_type IS NOT NULL)::BIGINT",
        endpoints.TICKET_TAGS: "len(payload.tags) * (payload.ticket_type IS NOT NULL)::BIGINT",
        endpoints.TICKET_STATE: """
            (payload.ticket_type IS NOT NULL AND (payload.ticket_state <> 'submitted' OR payload.state = 'closed'))
            ::BIGINT
        """,
        endpoints.CONVERSATION: f"payload.volumes * {_CONVERSATION}",
        endpoints.MESSAGES: f"(payload.part_count + 2 * (payload.volumes - 1)) * {_CONVERSATION}",
        endpoints.PARTICIPANTS: f"len(payload.participant_refs) * payload.volumes * {_CONVERSATION}",
        endpoints.TAGS: f"len(payload.tags) * payload.volumes * {_CONVERSATION}",
        endpoints.FIELDS: f"payload.volumes * {_CONVERSATION}",
        endpoints.ASSIGNEES: f"""
            ((payload.admin_id IS NOT NULL)::BIGINT + (payload.team_id IS NOT NULL)::BIGINT)
            * payload.volumes * {_CONVERSATION}
        """,
        endpoints.STATE: f"(payload.state <> 'open')::BIGINT * payload.volumes * {_CONVERSATION}",
    },
    "collections": {endpoints.COLLECTION: "1"},
    "articles": {
        endpoints.ARTICLE: "1",
        endpoints.ARTICLE_TAGS: "len(payload.tags)",
        endpoints.ARTICLE_AGAIN: """
            (
                coalesce(payload.kind = 'article' AND payload.state = 'published', FALSE)
                OR coalesce(list_has_any(
                    [link.ref FOR link IN payload.links IF link.entity_type = 'articles'],
                    (
                        SELECT list(other.source_id) FROM payload_articles AS other
                        SEMI JOIN scope_articles ON other.source_id = scope_articles.id
                        ANTI JOIN (FROM outcomes WHERE entity_type = 'articles' AND outcome = 'migrated') AS there
                            ON there.source_id = other.source_id
                        WHERE other.skip IS NULL
                    )
                ), FALSE)
            )::BIGINT
        """,
    },
}
"""Writing calls that creating one record needs: what a conversation costs is R + T + E + P + 5 at most, and what an
Intercom ticket costs R + T + E + 2, E being notes for files that a contact's message cannot carry.

A thread that takes several conversations costs all but its parts for each, and two notes that link them. An article
costs a second call where it becomes public, and where it links to another one of the run: it is made before that.
"""

UPDATED: Final[Mapping[str, Mapping[Call, str]]] = {
    "fields": {endpoints.OPTION: "1"},
    "tags": {endpoints.TAG: "1"},
    "companies": {endpoints.COMPANY_FIELDS: "1"},
    "contacts": {endpoints.CONTACT_FIELDS: "1"},
    "tickets": {endpoints.FIELDS: "1"},
    "collections": {endpoints.COLLECTION_FIELDS: "1"},
    "articles": {endpoints.ARTICLE_FIELDS: "1"},
}
"""What an update counts as where nobody asks the journal; agents and teams take none."""

DEFINITIONS: Final = ("agents", "teams", "fields", "tags")
"""What other records rest on by name: it follows mapping.yaml in every mode, or records would miss it."""

_SAMPLE_SCOPE: Final[Mapping[str, str]] = {
    "tickets": "SELECT id FROM sample",
    "contacts": """
        SELECT requester_ref AS id FROM sampled_tickets
        UNION SELECT unnest(participant_refs) FROM sampled_tickets
        UNION SELECT contact_ref FROM payload_parts SEMI JOIN sample ON ticket_ref = sample.id
    """,
    "companies": """
        SELECT company_ref AS id FROM sampled_tickets
        UNION SELECT unnest(company_refs) FROM payload_contacts
            SEMI JOIN scope_contacts ON source_id = scope_contacts.id
    """,
    "agents": """
        SELECT assignee_ref AS id FROM record_tickets SEMI JOIN sample ON source_id = sample.id
        UNION SELECT author_ref FROM record_articles SEMI JOIN drawn_articles ON source_id = drawn_articles.id
        UNION SELECT author_ref FROM record_comments SEMI JOIN sample ON ticket_ref = sample.id
    """,
    "teams": "SELECT team_ref AS id FROM record_tickets SEMI JOIN sample ON source_id = sample.id",
    "fields": """
        SELECT unnest(json_keys(attributes)) AS id FROM record_tickets SEMI JOIN sample ON source_id = sample.id
        UNION SELECT source_id FROM payload_fields WHERE starts_with(source_id, 'pipeline:')
        UNION SELECT source_id FROM payload_fields SEMI JOIN (
            SELECT 'contact' AS model, unnest(json_keys(body, '$.custom_attributes')) AS name
            FROM payload_contacts SEMI JOIN scope_contacts ON source_id = scope_contacts.id
            UNION SELECT 'company', unnest(json_keys(body, '$.custom_attributes'))
            FROM payload_companies SEMI JOIN scope_companies ON source_id = scope_companies.id
        ) AS filled USING (model, name)
    """,
    "tags": """
        SELECT payload_tags.source_id AS id FROM payload_tags SEMI JOIN (
            SELECT unnest(tags) AS name FROM sampled_tickets
            UNION SELECT unnest(tags) FROM payload_contacts SEMI JOIN scope_contacts ON source_id = scope_contacts.id
            UNION SELECT unnest(tags) FROM payload_companies SEMI JOIN scope_companies ON source_id = scope_companies.id
            UNION SELECT unnest(tags) FROM payload_articles SEMI JOIN drawn_articles ON source_id = drawn_articles.id
        ) AS used ON used.name = payload_tags.name
    """,
    "collections": """
        WITH RECURSIVE above(id) AS (
            SELECT collection_ref FROM payload_articles SEMI JOIN drawn_articles ON source_id = drawn_articles.id
            UNION SELECT parent_ref FROM payload_collections JOIN above ON source_id = above.id
        )
        SELECT id FROM above
    """,
    "articles": "SELECT id FROM drawn_articles",
}
"""What a demo moves of each entity type: the sampled tickets and articles and what they refer to, nothing else."""


@dataclass(frozen=True)
class Draw:
    """How many articles a demo moves, and by which seed they are drawn."""

    size: int
    seed: int


def make_plan(
    entity_type: str,
    staging: Staging,
    run: Run,
    sample: tuple[str, ...] | None,
    articles: Draw | None = None,
    held: Held | None = None,
) -> dict[str, int]:
    """Write the plan of one entity type; the number of rows by action.

    `sample` are the source ids of a demo's tickets, `articles` its draw of articles; a `sample` of None plans
    everything. By what is `held` in the target, the calls of a delta's updates are counted; else each counts as one.
    """
    connection = staging.connect()
    _views(connection, staging, entity_type, sample, articles or Draw(0, 0))
    query = _changes(entity_type) if run.mode == "delta" else _query(entity_type)
    staging.tables.write_query("plan", entity_type, PLAN, connection, _added_up(query), {"run_id": run.run_id})
    if run.mode == "delta" and held is not None:
        _count_updates(entity_type, staging, run, connection, held)
    counts = connection.sql(
        f"SELECT action, count(*) FROM {staging.tables.scan('plan', entity_type, PLAN)} GROUP BY action"
    ).fetchall()
    return {str(action): int(rows) for action, rows in counts}


def _count_updates(
    entity_type: str, staging: Staging, run: Run, connection: duckdb.DuckDBPyConnection, held: Held
) -> None:
    """Put the calls that updates and retirements take into the plan."""
    counted = pa.Table.from_batches(foresee(entity_type, staging, held), FORESEEN)
    if not counted.num_rows:
        return
    connection.register("foreseen", counted)
    query = (
        "SELECT plan.* EXCLUDE (calls) REPLACE (coalesce(foreseen.changes, plan.changes) AS changes, "
        "coalesce(foreseen.reads, plan.reads) AS reads) "
        f"FROM {staging.tables.scan('plan', entity_type, PLAN)} AS plan LEFT JOIN foreseen USING (source_id)"
    )
    staging.tables.write_query("plan", entity_type, PLAN, connection, _added_up(query), {"run_id": run.run_id})


def _views(
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    entity_type: str,
    sample: tuple[str, ...] | None,
    articles: Draw,
) -> None:
    """Name the tables, the sample, and the scope of each entity type; without a sample, of the one that is planned."""
    planned = ENTITY_TYPES if sample is not None else (entity_type,)
    for prefix, stage, schemas in (("record", "records", RECORDS), ("payload", "payloads", PAYLOADS)):
        named = schemas if sample is not None else {name: schemas[name] for name in {entity_type, "tickets"}}
        for table, schema in named.items():
            connection.execute(f"CREATE VIEW {prefix}_{table} AS FROM {staging.tables.scan(stage, table, schema)}")
    for name in planned:
        rejects = staging.tables.scan("records", f"rejects_{name}", RECORDS["rejects"])
        connection.execute(f"CREATE VIEW rejects_{name} AS FROM {rejects}")
    connection.execute(f"CREATE VIEW outcomes AS FROM {staging.tables.scan('outcomes', 'outcomes', OUTCOMES)}")
    if sample is None:
        for name in planned:
            connection.execute(
                f"CREATE VIEW scope_{name} AS SELECT source_id AS id FROM payload_{name} "
                f"UNION SELECT source_id FROM rejects_{name}"
            )
        return
    connection.execute("CREATE TABLE sample AS SELECT unnest(?::VARCHAR[]) AS id", [list(sample)])
    connection.execute("CREATE VIEW sampled_tickets AS FROM payload_tickets SEMI JOIN sample ON source_id = sample.id")
    connection.execute(
        "CREATE TABLE drawn_articles AS SELECT source_id AS id FROM record_articles WHERE active "
        "ORDER BY md5(? || ':' || source_id), source_id LIMIT ?",
        [str(articles.seed), articles.size],
    )
    for name in _resting_on(entity_type):
        query = f"SELECT DISTINCT id FROM ({_SAMPLE_SCOPE[name]}) WHERE id IS NOT NULL"
        connection.execute(f"CREATE TABLE scope_{name} AS {query}")


def _resting_on(entity_type: str) -> list[str]:
    """The entity types whose scopes tell that of one, and itself, each after those that it rests on."""
    needed = {entity_type}
    for name in reversed([*_SAMPLE_SCOPE]):
        if name in needed:
            needed.update(re.findall(r"scope_(\w+)", _SAMPLE_SCOPE[name]))
    return [name for name in _SAMPLE_SCOPE if name in needed]


def _since(payload: str, outcome: str) -> str:
    """SQL that is true of a record which was migrated and is left out by the settings by now."""
    reasons = ", ".join(f"'{reason}'" for reason in LEFT_OUT_REASONS)
    return f"{outcome}.outcome = 'migrated' AND {payload}.skip IN ({reasons})"


def _listed(calls: Mapping[Call, str]) -> str:
    """SQL of what a record takes, as the plan's column `changes`."""
    if not calls:
        return "NULL"
    each = ", ".join(
        f"{{'what': {quoted(call.what)}, 'endpoint': {quoted(call.endpoint)}, 'calls': {sql}}}"
        for call, sql in calls.items()
    )
    return f"[one FOR one IN [{each}] IF one.calls > 0]"


def _taking(entity_type: str) -> str:
    """SQL of what a record takes, by its action."""
    created, updated = _listed(_CALLS[entity_type]), _listed(UPDATED.get(entity_type, {}))
    return f"CASE action WHEN 'create' THEN {created} WHEN 'update' THEN {updated} END"


def _added_up(query: str) -> str:
    """SQL of plan rows with the calls of all their changes."""
    return (
        "SELECT * EXCLUDE (changes, reads), changes, coalesce(reads, 0) AS reads, "
        "coalesce(list_sum([one.calls FOR one IN changes]), 0)::BIGINT AS calls "
        f"FROM (FROM ({query}) UNION ALL BY NAME SELECT NULL::BIGINT AS reads WHERE false)"
    )


def _query(entity_type: str) -> str:
    """One row per record in scope: rejected ones fail, the others do what payload and journal say."""
    failures = ", ".join(f"'{reason}'" for reason in sorted(FAILURES))
    definitions = ", ".join(f"'{name}'" for name in DEFINITIONS)
    return f"""
        SELECT
            '{entity_type}' AS entity_type,
            payload.source_id,
            payload.source_url,
            CASE
                WHEN payload.skip IN ({failures}) THEN 'fail'
                WHEN {_since("payload", "outcome")} THEN 'keep'
                WHEN payload.skip IS NOT NULL THEN 'skip'
                WHEN outcome.outcome = 'migrated' AND '{entity_type}' IN ({definitions})
                    AND outcome.digest IS DISTINCT FROM payload.digest THEN 'update'
                WHEN outcome.outcome = 'migrated' THEN 'keep'
                ELSE 'create'
            END AS action,
            CASE
                WHEN {_since("payload", "outcome")} THEN 'filtered_since'
                WHEN payload.skip IS NOT NULL THEN payload.skip
                WHEN action = 'keep' AND outcome.digest <> payload.digest THEN 'changed_since'
            END AS reason,
            payload.skip_detail AS detail,
            payload.digest,
            {_taking(entity_type)} AS changes
        FROM payload_{entity_type} AS payload
        SEMI JOIN scope_{entity_type} AS scope ON payload.source_id = scope.id
        LEFT JOIN outcomes AS outcome
            ON outcome.entity_type = '{entity_type}' AND outcome.source_id = payload.source_id
        UNION ALL BY NAME
        SELECT entity_type, source_id, source_url,
            CASE WHEN reason IN ({failures}) THEN 'fail' ELSE 'skip' END AS action, reason, detail, NULL AS digest
        FROM rejects_{entity_type}
        SEMI JOIN scope_{entity_type} AS scope ON source_id = scope.id
    """


def _changes(entity_type: str) -> str:
    """One row per record that is not in the target as the source has it now."""
    failures = ", ".join(f"'{reason}'" for reason in sorted(FAILURES))
    merged = "NULL"
    joined = ""
    if entity_type == "tickets":
        merged = "merge.ref"
        joined = """
        LEFT JOIN (
            SELECT source_id, min(link.ref) AS ref
            FROM (SELECT source_id, unnest(links) AS link FROM record_tickets) WHERE link.type = 'merged_into'
            GROUP BY source_id
        ) AS merge ON merge.source_id = payload.source_id"""
    return f"""
        WITH decided AS (
            SELECT
                '{entity_type}' AS entity_type,
                payload.source_id,
                payload.source_url,
                CASE
                    WHEN {_since("payload", "outcome")}
                        THEN CASE WHEN outcome.reason IS DISTINCT FROM 'filtered_since' THEN 'retire' ELSE 'keep' END
                    WHEN outcome.outcome = 'migrated' AND payload.skip IS NOT NULL
                        THEN CASE WHEN outcome.reason IS DISTINCT FROM payload.skip THEN 'retire' ELSE 'keep' END
                    WHEN outcome.outcome = 'migrated'
                        THEN CASE WHEN outcome.digest IS DISTINCT FROM payload.digest THEN 'update' ELSE 'keep' END
                    WHEN outcome.outcome = 'skipped' AND payload.skip IS NOT NULL
                        AND outcome.digest IS NOT DISTINCT FROM payload.digest THEN 'keep'
                    WHEN outcome.outcome = 'failed' AND payload.skip = outcome.reason THEN 'keep'
                    WHEN payload.skip IN ({failures}) THEN 'fail'
                    WHEN payload.skip IS NOT NULL THEN 'skip'
                    WHEN outcome.outcome = 'skipped' AND outcome.digest = payload.digest
                        AND '{entity_type}' IN ('agents', 'teams') THEN 'keep'
                    ELSE 'create'
                END AS action,
                CASE
                    WHEN {_since("payload", "outcome")} THEN 'filtered_since'
                    WHEN payload.skip IS NOT NULL THEN payload.skip
                    WHEN action = 'update' AND {merged} IS NOT NULL THEN 'merged_in_source'
                END AS reason,
                CASE
                    WHEN payload.skip IS NOT NULL THEN payload.skip_detail
                    WHEN action = 'update' AND {merged} IS NOT NULL THEN 'merged into ticket ' || {merged}
                END AS detail,
                payload.digest,
                {_taking(entity_type)} AS changes
            FROM payload_{entity_type} AS payload
            LEFT JOIN outcomes AS outcome
                ON outcome.entity_type = '{entity_type}' AND outcome.source_id = payload.source_id{joined}
        )
        FROM decided WHERE action <> 'keep'
        UNION ALL BY NAME
        SELECT rejected.entity_type, rejected.source_id, rejected.source_url,
            CASE WHEN rejected.reason IN ({failures}) THEN 'fail' ELSE 'skip' END AS action, rejected.reason,
            rejected.detail, NULL AS digest
        FROM rejects_{entity_type} AS rejected
        ANTI JOIN outcomes AS outcome ON outcome.entity_type = '{entity_type}'
            AND outcome.source_id = rejected.source_id AND outcome.reason = rejected.reason
    """
