"""Who may see a page: the one browser that opened the address which the command printed.

Belongs here: the token of that address, and the cookie that takes its place. Does not belong here: requests of other
sites (`guard`).
"""

import secrets

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Access:
    """ASGI middleware: the token works once and becomes a cookie that no other site can have the browser send."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        """`port` makes the cookie this server's own: browsers share cookies between the ports of a name."""
        self.token = secrets.token_urlsafe(32)
        self._app = app
        self._name = f"migrate_{port}"
        self._secret = secrets.token_urlsafe(32)
        self._spent = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, exchange the token, or refuse with 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.query_params.get("token")
        known = same(request.cookies.get(self._name), self._secret)
        if known and given is None:
            await self._app(scope, receive, send)
            return
        fresh = not self._spent and request.method == "GET" and same(given, self.token)
        if not (known or fresh):
            told = "This address was used already." if same(given, self.token) else "This page needs its address."
            await PlainTextResponse(
                f"{told} Stop `migrate map --edit`, start it again, and open the address that it prints.\n",
                status_code=403,
            )(scope, receive, send)
            return
        answer = RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})
        if fresh:
            self._spent = True
            answer.set_cookie(self._name, self._secret, httponly=True, samesite="strict")
        await answer(scope, receive, send)


def same(given: str | None, secret: str) -> bool:
    """Whether the secret was given, in a time that tells nothing about it."""
    return given is not None and secrets.compare_digest(given.encode("utf-8", "replace"), secret.encode())
