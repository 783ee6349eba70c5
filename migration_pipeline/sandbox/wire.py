"""What crosses the wire: the request as handlers see it, the answer they give, and the table of routes.

No service's own rules stand here: error shapes, authentication and limits belong to the stand-ins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from re import Pattern
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from starlette.routing import compile_path

JSON = b"application/json; charset=utf-8"

Headers = tuple[tuple[bytes, bytes], ...]


class MalformedBodyError(Exception):
    """The request's body is not JSON; the service answers its own shape for that."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: HTTP status, body bytes, content type, further headers (lower-case names)."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: Headers = ()


class RefusalError(Exception):
    """Raised anywhere below a handler to answer at once; whatever the handler wrote is rolled back."""

    def __init__(self, answer: Answer) -> None:
        """Carry `answer` up to the service."""
        super().__init__(f"answered {answer.status}")
        self.answer = answer


def json_answer(payload: Any, status: int = 200, headers: Headers = ()) -> Answer:
    """`payload` as a JSON answer; `orjson.Fragment` parts are put in as they are."""
    return Answer(status, orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS), JSON, headers)


@dataclass(slots=True)
class Call:
    """One request. `params` are the path's, `query` the query string's (last value wins), header names lower-case."""

    method: str
    path: str
    template: str
    params: dict[str, str]
    query_string: str
    headers: dict[str, str]
    body: bytes = b""
    scratch: dict[str, Any] = field(default_factory=dict)
    """Room for a stand-in to carry things from `admit` to its handlers and headers (token, version, allowance)."""
    _query: dict[str, str] | None = None
    _payload: Any = None
    _parsed: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query string as a dict, empty values kept."""
        if self._query is None:
            self._query = dict(parse_qsl(self.query_string, keep_blank_values=True))
        return self._query

    @property
    def target(self) -> str:
        """Path with query, as sent."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    @property
    def json(self) -> Any:
        """The body as JSON, None when empty. Raises MalformedBodyError."""
        if not self._parsed:
            if self.body.strip():
                try:
                    self._payload = orjson.loads(self.body)
                except orjson.JSONDecodeError as error:
                    raise MalformedBodyError(str(error)) from error
            self._parsed = True
        return self._payload


Handler = Callable[[Call], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a service.

    `template` is a path with `{name}` parameters. `writes`: whether a 2xx answer counts as a write (None: every method
    but GET). `open`: served without `admit` (no authentication, no limits). `recorded`: False keeps it out of --record.
    """

    method: str
    template: str
    handler: Handler
    writes: bool | None = None
    open: bool = False
    recorded: bool = True

    @property
    def name(self) -> str:
        """As statistics and faults name it: `POST /conversations/{id}/reply`."""
        return f"{self.method} {self.template}"

    @property
    def is_write(self) -> bool:
        """Whether a 2xx answer counts as a write."""
        return self.method != "GET" if self.writes is None else self.writes


class RouteTable:
    """Finds the route of a request. Literal segments win over parameters; `{name:path}` takes the rest of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Index `routes` by method and first segment, so that a look-up tries few patterns."""
        self._patterns: dict[tuple[str, str], list[tuple[Pattern[str], Route]]] = {}
        for route in sorted(routes, key=lambda r: r.template.count("{")):
            key = (route.method, _first_segment(route.template))
            self._patterns.setdefault(key, []).append((compile_path(route.template)[0], route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the unquoted path parameters, or None. `path` is the raw, still quoted path."""
        for key in ((method, _first_segment(path)), (method, "{")):
            for pattern, route in self._patterns.get(key, ()):
                if match := pattern.match(path):
                    return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def methods(self, path: str, candidates: Iterable[str] = ("GET", "POST", "PUT", "DELETE", "PATCH")) -> list[str]:
        """The methods under which `path` exists, for services that tell 405 from 404."""
        return [method for method in candidates if self.find(method, path)]


def _first_segment(path: str) -> str:
    segment = path.split("/", 2)[1] if path.startswith("/") else ""
    return "{" if segment.startswith("{") else segment


def decode_headers(pairs: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """ASGI header pairs as a dict with lower-case names."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
