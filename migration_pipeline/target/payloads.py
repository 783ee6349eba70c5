"""Mapping: from canonical records to payloads, entity type by entity type. Pure: the same input gives the same digests.

Belongs here: which rule serves which entity type, and what it needs. Does not belong here: the rules (`directory`,
`profiles`, `conversations`, `articles`), or sending anything (`loading`).
"""

import logging
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Final

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.staging import Staging
from migration_pipeline.target.articles import article_rows, collection_rows
from migration_pipeline.target.conversations import map_tickets
from migration_pipeline.target.directory import agent_rows, field_rows, tag_rows, team_rows
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.profiles import company_rows, contact_rows
from migration_pipeline.target.ticket_rules import type_rows

_ASSET: Final = "normalized"

_log = logging.getLogger(__name__)

_WRITTEN: Final[Mapping[str, tuple[str, ...]]] = {"tickets": ("tickets", "parts")}
"""The payload tables of an entity type, where they are not one of its own name."""

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "agents": ("agents",),
    "teams": ("teams",),
    "fields": ("fields", "companies", "contacts", "tickets"),
    "tags": ("tags", "companies", "contacts", "tickets", "articles"),
    "companies": ("fields", "tags", "companies", "contacts", "tickets", "comments"),
    "contacts": ("fields", "tags", "companies", "contacts", "agents", "tickets", "comments"),
    "tickets": ("agents", "teams", "fields", "tags", "companies", "contacts", "tickets", "comments", "attachments"),
    "collections": ("collections", "articles"),
    "articles": ("agents", "collections", "articles", "article_translations", "article_attachments"),
}
"""The tables of records that an entity type's payloads follow from: without them, a wrong payload would look right."""


def map_entity(entity_type: str, staging: Staging, mapping: Rules, migration: Migration) -> dict[str, int]:
    """Write the payload tables of one entity type; their rows by table (`tickets` writes `parts` as well).

    Tables that were made of just this stay as they are.

    Images whose bytes stand in a comment's text are added to the blob store, as the files they become.

    Raises:
        SettingsError: a table of records is not there yet, or mapping.yaml names no fallback admin.
    """
    for table in _NEEDED[entity_type]:
        staging.tables.require("records", table, _ASSET)
    inputs = Inputs(staging, mapping, migration)
    known = all("snapshots" in (staging.tables.built_from("records", table) or {}) for table in _NEEDED[entity_type])
    unchanged = staging.tables.reusable("payloads", _WRITTEN.get(entity_type, (entity_type,)), inputs.built_from())
    if known and unchanged is not None:
        _log.debug("%s: the payloads are reused, for records, mapping and options are the same", entity_type)
        return unchanged
    return _MAPPERS[entity_type](inputs)


_MAPPERS: Final[Mapping[str, Callable[[Inputs], dict[str, int]]]] = {
    "agents": lambda inputs: {"agents": inputs.write("agents", agent_rows(inputs))},
    "teams": lambda inputs: {"teams": inputs.write("teams", team_rows(inputs))},
    "fields": lambda inputs: {"fields": inputs.write("fields", chain(field_rows(inputs), type_rows(inputs)))},
    "tags": lambda inputs: {"tags": inputs.write("tags", tag_rows(inputs))},
    "companies": lambda inputs: {"companies": inputs.write("companies", company_rows(inputs))},
    "contacts": lambda inputs: {"contacts": inputs.write("contacts", contact_rows(inputs))},
    "tickets": map_tickets,
    "collections": lambda inputs: {"collections": inputs.write("collections", collection_rows(inputs))},
    "articles": lambda inputs: {"articles": inputs.write("articles", article_rows(inputs))},
}
