"""Builds the workspace and its service, and says how a migration.yaml reaches it. No rule of the API stands here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.intercom import (
    admins,
    articles,
    attributes,
    companies,
    company_scroll,
    contact_links,
    contact_search,
    contacts,
    conversation_attributes,
    conversation_search,
    conversation_state,
    conversations,
    dump,
    furnishing,
    help_centers,
    help_collections,
    internal_articles,
    linked_conversations,
    made_by_hand,
    messages,
    oauth,
    outbox,
    participants,
    people,
    redirects,
    replies,
    subscriptions,
    tags,
    ticket_search,
    ticket_types,
    tickets,
)
from migration_pipeline.sandbox.intercom.admission import Admission
from migration_pipeline.sandbox.intercom.directory import Directory, directory, partial_directory
from migration_pipeline.sandbox.intercom.errors import shapes
from migration_pipeline.sandbox.intercom.files import FileStore
from migration_pipeline.sandbox.intercom.html import has_words, is_word_of
from migration_pipeline.sandbox.intercom.schema import SCHEMA
from migration_pipeline.sandbox.intercom.switches import switches
from migration_pipeline.sandbox.intercom.tokens import Tokens
from migration_pipeline.sandbox.intercom.workspace import Workspace, begin_ids, credentials, foreign_credentials
from migration_pipeline.sandbox.service import Service
from migration_pipeline.sandbox.state import State
from migration_pipeline.sandbox.switches import Switches

KIND = "intercom"
PER_MINUTE = 10_000
USED = "-used"
"""End of the name of a plan whose workspace was in use before."""

SUBJECTS = (
    admins,
    attributes,
    contacts,
    contact_search,
    contact_links,
    companies,
    company_scroll,
    tags,
    conversation_attributes,
    conversations,
    conversation_search,
    conversation_state,
    replies,
    participants,
    messages,
    ticket_types,
    tickets,
    ticket_search,
    help_centers,
    help_collections,
    articles,
    redirects,
    internal_articles,
    linked_conversations,
    made_by_hand,
    subscriptions,
)


def build(
    dir: Path,  # noqa: A002 - the name that every stand-in's build has
    *,
    tickets: int,  # noqa: ARG001 - a target starts empty; the argument is every stand-in's
    seed: int,
    plan: str | None,
    limits: bool,
    latency_ms: int,
    base_url: str,
    agents: Sequence[str] = (),
) -> Service:
    """The stand-in with its state in `dir`/intercom. Raises ValueError for a plan that is none.

    `agents`: names of a help desk's agents, of whom a new workspace knows some only; a restart keeps who is there.
    `plan` is "intercom-<calls a minute>", and ends with "-used" for a workspace that is furnished already.
    """
    state = State(dir / KIND, SCHEMA)
    begin_ids(state)
    state.db.create_function("has_words", 2, has_words, deterministic=True)
    state.db.create_function("is_word_of", 2, is_word_of, deterministic=True)
    clock = Clock(state.get("clock", 0.0))
    secret = hashlib.sha256(f"sandbox files {seed}".encode()).hexdigest()
    ws = Workspace(
        seed=seed,
        base_url=base_url,
        state=state,
        clock=clock,
        switches=Switches(switches(_per_minute(plan)), state.get("switches")),
        directory=_directory(state, seed, agents),
        files=FileStore(dir / KIND / "blobs", state.db, clock, base_url, secret),
    )
    ticket_types.seed_types(ws)
    people.restore(ws)
    if plan and plan.endswith(USED):
        furnishing.furnish(ws)
    tokens = Tokens(state, clock, credentials(seed)[0], foreign_credentials(seed)[0])
    admission = Admission(ws, tokens, enforce=limits)
    state.commit()
    return Service(
        kind=KIND,
        base_url=base_url,
        state=state,
        clock=clock,
        switches=ws.switches,
        routes=[
            *(route for subject in SUBJECTS for route in subject.routes(ws)),
            *ws.files.routes(),
            *oauth.routes(ws, tokens),
        ],
        shapes=shapes(admission.throttled),
        admit=admission,
        extra_headers=admission.headers,
        outbox=lambda: outbox.entries(ws),
        controls={
            **oauth.controls(ws, tokens),
            **dump.controls(ws),
            **people.controls(ws),
            **furnishing.controls(ws),
        },
        latency_ms=latency_ms,
    )


def _directory(state: State, seed: int, agents: Sequence[str]) -> Directory:
    names = state.get("agents")
    if names is None:
        names = list(agents)
        state.put("agents", names)
    return partial_directory(seed, names) if names else directory(seed)


def config(*, base_url: str, seed: int) -> dict[str, Any]:
    """The `target` block of migration.yaml, with the sandbox's own token."""
    token, workspace = credentials(seed)
    return {"kind": KIND, "base_url": base_url, "token": token, "workspace": workspace}


def _per_minute(plan: str | None) -> int:
    if plan is None:
        return PER_MINUTE
    match = re.fullmatch(rf"intercom(?:-(\d{{1,7}}))?({USED})?", plan)
    if match is None or int(match[1] or 1) == 0 or not (match[1] or match[2]):
        raise ValueError(
            f"plan {plan!r} is not intercom-<calls a minute>, for example intercom-1000, nor intercom{USED}"
        )
    return int(match[1] or PER_MINUTE)
