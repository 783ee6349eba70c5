"""The stand-in of Zendesk Support, the source side of a migration, with a generated help desk.

Here: how it is assembled. The world is generated in ``world``; ``desk`` holds its present state; ``routes_*`` answer.
The knowledge base is laid out in ``world.guide``; ``guide`` holds its present state.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from migration_pipeline.sandbox.service import Answer, Call, Clock, Route, Service, Shapes, State, Switches
from migration_pipeline.sandbox.wire import json_answer
from migration_pipeline.sandbox.zendesk import (
    consent,
    errors,
    guide,
    oauth,
    routes_conversations,
    routes_exports,
    routes_files,
    routes_guide,
    routes_guide_comments,
    routes_guide_files,
    routes_guide_pages,
    routes_inventory,
    routes_oauth,
    routes_people,
    routes_search,
    routes_settings,
    routes_suspended,
    routes_tickets,
)
from migration_pipeline.sandbox.zendesk.activity import Activity
from migration_pipeline.sandbox.zendesk.desk import SCHEMA, Desk
from migration_pipeline.sandbox.zendesk.limits import Limits
from migration_pipeline.sandbox.zendesk.oauth import Authority
from migration_pipeline.sandbox.zendesk.plans import plan_of
from migration_pipeline.sandbox.zendesk.site import Site
from migration_pipeline.sandbox.zendesk.switches import SWITCHES
from migration_pipeline.sandbox.zendesk.world.people import name_of
from migration_pipeline.sandbox.zendesk.world.population import populate

__all__ = ["agent_names", "build", "config"]

MOST_CHANGES = 10_000


def build(
    dir: Path,  # noqa: A002 - the name that all stand-ins share
    *,
    tickets: int,
    seed: int,
    plan: str | None,
    limits: bool,
    latency_ms: int,
    base_url: str,
    further: Sequence[str] = (),
) -> Service:
    """A help desk of ``tickets`` tickets, drawn from ``seed``, its changes kept in ``dir``/zendesk.

    ``further`` are the URLs at which this service answers too, each for the help center of one more brand.
    ``plan`` as in `plans`; ``limits`` enforces the rate limits. Raises ValueError for an unknown plan, or for a folder
    that holds a help desk of another size or seed.
    """
    state = State(dir / "zendesk", SCHEMA + guide.SCHEMA + consent.SCHEMA)
    clock = Clock(state.get("clock", 0.0))
    brands = 1 + len(further)
    made = {"tickets": tickets, "seed": seed, **({"brands": brands} if further else {})}
    if state.get("made", made) != made:
        raise ValueError(f"{dir} holds a help desk of {state.get('made')}, not of {made}: choose another folder")
    epoch = state.get("epoch") or int(clock.now()) - 3_600
    state.put("made", made)
    state.put("epoch", epoch)
    state.commit()
    desk = Desk(state, tickets=tickets, seed=seed, epoch=epoch)
    chosen = plan_of(plan)
    site = Site(
        desk=desk,
        guide=guide.Guide(state, tickets=tickets, seed=seed, epoch=epoch, who=desk.base_people, brands=brands),
        hosts=(base_url, *further),
        clock=clock,
        switches=Switches(SWITCHES, state.get("switches")),
        plan=chosen,
        authority=Authority(state, seed),
        limits=Limits(chosen, clock, enforced=limits),
    )
    return Service(
        kind="zendesk",
        base_url=base_url,
        state=state,
        clock=clock,
        switches=site.switches,
        routes=_routes(site),
        shapes=Shapes(
            not_found=lambda _: errors.no_endpoint(),
            malformed=lambda _: json_answer(
                {"error": "Unprocessable Entity", "message": "Server could not parse JSON"}, 422
            ),
            failure=lambda _: errors.failure(site.switches["failure_status"]),
            throttled=site.throttled,
        ),
        admit=site.admit,
        extra_headers=site.headers,
        normalise=normalise,
        controls={("POST", "activity"): lambda call: _activity(site, call)},
        latency_ms=latency_ms,
    )


def config(*, base_url: str, seed: int) -> dict[str, Any]:
    """The source block of migration.yaml."""
    auth = {"client_id": oauth.client_id(seed), "client_secret": oauth.client_secret(seed)}
    return {"kind": "zendesk", "base_url": base_url, "auth": auth}


def agent_names(*, tickets: int, seed: int) -> list[str]:
    """What the agents of a help desk of this size and seed are called, in the order of their numbers."""
    everyone = populate(tickets, seed, 0)
    return [name_of(seed, everyone, number) for number in range(everyone.agents)]


def normalise(path: str) -> str:
    """The path without `.json` and without a slash at its end, both of which the service does not mind."""
    return path.rstrip("/").removesuffix(".json") or "/"


def _routes(site: Site) -> list[Route]:
    modules = (
        routes_exports,
        routes_tickets,
        routes_people,
        routes_settings,
        routes_files,
        routes_conversations,
        routes_guide,
        routes_guide_comments,
        routes_guide_files,
        routes_guide_pages,
        routes_suspended,
        routes_inventory,
        routes_oauth,
        routes_search,
    )
    return [route for module in modules for route in module.routes(site)]


def _activity(site: Site, call: Call) -> Answer:
    """Changes of tickets and people, `kinds` of them where named; and of the knowledge base where articles are."""
    order = call.json or {}
    articles = int(order.get("articles", 0))
    tickets = int(order.get("tickets", 0 if articles else 1))
    for name, count in (("tickets", tickets), ("articles", articles)):
        if not 0 <= count <= MOST_CHANGES:
            raise ValueError(f"{name} must lie between 0 and {MOST_CHANGES}")
    seed, now = int(order.get("seed", 0)), int(site.clock.now())
    site.shape()
    changed = Activity(site.desk, seed, now, order.get("kinds")).run(tickets) if tickets else []
    changed += site.guide.change(articles, seed, now)
    site.cache.clear()
    return json_answer({"changed": changed})
