"""What keeps other web sites away from a server on this machine: requests that they cause are refused.

Belongs here: telling them by Host, Origin and Sec-Fetch-Site. Does not belong here: who may see a page (`access`).
"""

from collections.abc import Iterable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOST: Final = "127.0.0.1"
NAMES: Final = (HOST, "localhost")
"""What this machine may be called in an address; any other name that leads here was bent to do so (DNS rebinding)."""

OWN_SITES: Final = frozenset({"same-origin", "none"})
"""What a browser says of requests that the page makes, or a person by typing an address (Fetch Metadata, W3C)."""

_POLICY_VIOLATION: Final = 1008


class Guard:
    """ASGI middleware that refuses requests of other sites with 403, web sockets among them."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        """`port` is the one that the server listens on."""
        self._app = app
        self._hosts = frozenset(f"{name}:{port}" for name in NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or refuse it."""
        refusal = self._refusal(scope["headers"]) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal})

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Why a request is refused; None where it comes from the UI itself, or from no browser."""
        told: dict[str, list[str]] = {}
        for name, value in headers:
            told.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").lower())
        if len(told.get("host", [])) != 1 or told["host"][0] not in self._hosts:
            return "This server answers only under its own address."
        if any(origin not in self._origins for origin in told.get("origin", [])):
            return "This server answers only its own pages (Origin)."
        if any(site not in OWN_SITES for site in told.get("sec-fetch-site", [])):
            return "This server answers only its own pages (Sec-Fetch-Site)."
        return None
