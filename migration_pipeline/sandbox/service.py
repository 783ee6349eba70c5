"""The shared machinery of every stand-in: one `Service` is one service's ASGI application.

How a stand-in plugs in. It brings its routes, switches, error shapes, admission and state; all else is done here:

    def build(dir, *, tickets, seed, plan, limits, latency_ms, base_url) -> Service:
        state = State(dir / "zendesk", SCHEMA)                   # SQLite, committed by the service
        clock = Clock(state.get("clock", 0.0))                   # `Service` stores it again when it is advanced
        switches = Switches(SWITCHES, state.get("switches"))
        return Service(
            kind="zendesk", base_url=base_url, state=state, clock=clock, switches=switches,
            routes=[Route("GET", "/api/v2/tickets/{id}", handler), ...],
            shapes=Shapes(not_found=..., malformed=..., failure=..., throttled=...),
            admit=admit,            # authentication and limits: an Answer refuses the call, None lets it pass
            extra_headers=headers,  # e.g. rate headers, on every answer that passed through `admit`
            normalise=strip_json,   # optional: raw path -> the path that the routes know
            controls={("POST", "activity"): activity},           # further control routes
            latency_ms=latency_ms,
        )

A handler takes a `Call` and returns an `Answer` (see `wire`), plainly or as a coroutine. Plain handlers run whole in
the event loop: each is atomic. A coroutine must do its awaiting (fetching, heavy work in a thread) before its first
write, since all requests share one transaction. `raise RefusalError(answer)` answers from anywhere. The service commits
the state after an answer below 400 and rolls back otherwise, and after exceptions, which become `shapes.failure`.

Time comes only from `service.clock.now()`; rate windows from `windows.FixedWindow`. `service.stats.credits` may be
raised by a stand-in. Faults, latency, statistics, recording and the control routes under `/_sandbox` are done here.
Serve with `serving.serve`, whose protocol lets faults cut the connection.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.faults import FaultError, FaultPlan, Faults
from migration_pipeline.sandbox.recorder import Recorder
from migration_pipeline.sandbox.state import State
from migration_pipeline.sandbox.stats import Stats
from migration_pipeline.sandbox.switches import SwitchError, Switches
from migration_pipeline.sandbox.wire import (
    Answer,
    Call,
    Handler,
    Headers,
    MalformedBodyError,
    RefusalError,
    Route,
    RouteTable,
    decode_headers,
    json_answer,
)

CONTROL = "/_sandbox"
TRANSPORT = "sandbox.transport"
GARBAGE = b'{"type": "conv\xff\xfe<html>502'

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shapes:
    """A service's own answers where this module has to answer for it."""

    not_found: Callable[[Call], Answer]
    """No such route (or no such method on it)."""
    malformed: Callable[[Call], Answer]
    """The body is not JSON."""
    failure: Callable[[Call], Answer]
    """500, for faults and for bugs of the stand-in."""
    throttled: Callable[[Call], Answer]
    """429, for the fault `throttle`."""
    unavailable: Callable[[Call], Answer] | None = None
    """503, for the fault `unavailable`; without, it is a `failure`."""
    timed_out: Callable[[Call], Answer] | None = None
    """408, for the fault `timeout_after_commit`; without, it is a `failure`."""


def _no_outbox() -> list[dict[str, Any]]:
    return []


def _admit_all(_: Call) -> Answer | None:
    return None


def _no_headers(_: Call) -> Headers:
    return ()


def _same_path(path: str) -> str:
    return path


@dataclass
class Service:
    """One stand-in. Call it as an ASGI application; `close()` when it stops."""

    kind: str
    base_url: str
    state: State
    clock: Clock
    switches: Switches
    routes: Sequence[Route]
    shapes: Shapes
    admit: Callable[[Call], Answer | None] = _admit_all
    extra_headers: Callable[[Call], Headers] = _no_headers
    normalise: Callable[[str], str] = _same_path
    outbox: Callable[[], list[dict[str, Any]]] = _no_outbox
    controls: Mapping[tuple[str, str], Handler] = field(default_factory=dict)
    latency_ms: int = 0
    recorder: Recorder | None = None

    def __post_init__(self) -> None:
        """Index the routes and take up the statistics of an earlier run."""
        self.table = RouteTable(self.routes)
        self.stats = Stats(self.state.get("stats"))
        self.faults = Faults()
        self.control_routes: dict[tuple[str, str], Handler] = {
            ("GET", "stats"): lambda _: json_answer(self.stats.as_json()),
            ("DELETE", "stats"): self._reset_stats,
            ("GET", "outbox"): lambda _: json_answer(self.outbox()),
            ("POST", "faults"): self._set_faults,
            ("POST", "clock"): self._advance_clock,
            ("GET", "switches"): lambda _: json_answer(self.switches.described()),
            ("POST", "switches"): self._set_switches,
            **self.controls,
        }

    @property
    def control_url(self) -> str:
        """Where the control routes are."""
        return self.base_url + CONTROL

    def turn(self, changes: Mapping[str, Any]) -> None:
        """Set switches, all or none, and keep them over a restart. Raises SwitchError."""
        self.switches.set(changes)
        self.state.put("switches", self.switches.changed())
        self.state.commit()

    def close(self) -> None:
        """Keep the statistics and close the state and the recording."""
        self.state.put("stats", self.stats.as_json())
        self.state.close()
        if self.recorder:
            self.recorder.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode("ascii")
        method = scope["method"]
        if path == CONTROL or path.startswith(CONTROL + "/"):
            call = _call(scope, path, path, {})
            call.body = await _body(receive)
            await _send(send, await self._control(call))
            return
        found = self.table.find(method, self.normalise(path))
        route, params = found or (Route(method, "(no such route)", self.shapes.not_found, open=True), {})
        await self._serve(route, _call(scope, path, route.template, params), scope, receive, send)

    async def _serve(self, route: Route, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        self.stats.requests[route.name] += 1
        self.stats.hosts[call.headers.get("host", "")] += 1
        fault = self.faults.draw(route.name)
        if fault == "refuse":
            await _cut(scope, receive)
            return
        call.body = await _body(receive)
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        if fault == "slow":
            await asyncio.sleep(self.faults.delay_s())
        if fault == "error_before":
            answer = self.shapes.failure(call)
        elif fault == "unavailable":
            answer = (self.shapes.unavailable or self.shapes.failure)(call)
        elif fault == "throttle":
            answer = self.shapes.throttled(call)
        else:
            answer = await self._answer(route, call)
        if fault == "duplicate":
            # Delivered twice on the way, as a proxy that tries again does; the client sees the second answer.
            self._count(route, answer)
            call.scratch.clear()
            answer = await self._answer(route, call)
        self._count(route, answer)
        if self.recorder and route.recorded:
            self.recorder.write(call, answer)
        if fault == "drop_after_commit":
            await _cut(scope, receive)
            return
        if fault == "error_after_commit":
            answer = self.shapes.failure(call)
        elif fault == "timeout_after_commit":
            answer = (self.shapes.timed_out or self.shapes.failure)(call)
        elif fault == "garbage":
            answer = Answer(200, GARBAGE, answer.content_type)
        await _send(send, answer, self.extra_headers(call) if not route.open else ())

    def _count(self, route: Route, answer: Answer) -> None:
        if answer.status == 429:
            self.stats.throttled += 1
        # Counted by what was done, not by what the client got to see: a dropped answer was a write all the same.
        if route.is_write and 200 <= answer.status < 300:
            self.stats.writes += 1

    async def _answer(self, route: Route, call: Call) -> Answer:
        try:
            refused = None if route.open else self.admit(call)
            if refused is not None:
                answer = refused
            else:
                given = route.handler(call)
                answer = given if isinstance(given, Answer) else await given
        except RefusalError as refusal:
            answer = refusal.answer
        except MalformedBodyError:
            answer = self.shapes.malformed(call)
        except Exception:
            log.exception("%s %s failed in the stand-in", call.method, call.target)
            answer = self.shapes.failure(call)
        if answer.status < 400:
            self.state.commit()
        else:
            self.state.rollback()
        return answer

    async def _control(self, call: Call) -> Answer:
        handler = self.control_routes.get((call.method, call.path.removeprefix(CONTROL).strip("/")))
        if handler is None:
            return json_answer({"error": f"no control route {call.method} {call.path}"}, 404)
        try:
            given = handler(call)
            answer = await given if inspect.isawaitable(given) else given
        except (ValueError, KeyError, TypeError, MalformedBodyError) as error:
            self.state.rollback()
            return json_answer({"error": str(error)}, 400)
        except RefusalError as refusal:
            self.state.rollback()
            return refusal.answer
        self.state.commit()
        return answer

    def _reset_stats(self, _: Call) -> Answer:
        self.stats.reset()
        return json_answer(self.stats.as_json())

    def _set_faults(self, call: Call) -> Answer:
        self.faults.start(FaultPlan.parse(call.json))
        return json_answer(self.faults.plan.as_json())

    def _advance_clock(self, call: Call) -> Answer:
        self.clock.advance(float((call.json or {})["advance_s"]))
        self.state.put("clock", self.clock.offset_s)
        return json_answer({"now": self.clock.now()})

    def _set_switches(self, call: Call) -> Answer:
        if not isinstance(call.json, dict):
            raise SwitchError("switches must be an object of names and values")
        self.turn(call.json)
        return json_answer(self.switches.values())


__all__ = ["Answer", "Call", "Clock", "FaultError", "RefusalError", "Route", "Service", "Shapes", "State", "Switches"]


def _call(scope: Scope, path: str, template: str, params: dict[str, str]) -> Call:
    query = scope["query_string"].decode("latin-1")
    return Call(scope["method"], path, template, params, query, dict(decode_headers(scope["headers"])))


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks = [body]
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


async def _send(send: Send, answer: Answer, headers: Headers = ()) -> None:
    fixed: list[tuple[bytes, bytes]] = [(b"content-length", b"%d" % len(answer.body))]
    if answer.body:
        fixed.append((b"content-type", answer.content_type))
    await send({"type": "http.response.start", "status": answer.status, "headers": [*fixed, *answer.headers, *headers]})
    await send({"type": "http.response.body", "body": answer.body})


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer, and wait until the server has noticed."""
    scope["extensions"][TRANSPORT].abort()
    while (await receive())["type"] != "http.disconnect":
        pass
