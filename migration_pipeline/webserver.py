"""Dagster's web server on 127.0.0.1, behind a guard: other web sites that the operator has open reach nothing.

Dagster's own server has no login, takes mutations by GET and as plain text, and looks at neither Host nor Origin, so
that any page in the operator's browser could start a load. Belongs here: the guard, and starting the server behind it.
Does not belong here: logins; where others need the UI, a proxy with a login stands before it and speaks to it from this
machine.
"""

import signal
from collections.abc import Iterable
from typing import Final

import click
import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOST: Final = "127.0.0.1"
NAMES: Final = (HOST, "localhost")
"""What this machine may be called in an address; any other name that leads here was bent to do so (DNS rebinding)."""

OWN_SITES: Final = frozenset({"same-origin", "none"})
"""What a browser says of requests that the page makes, or a person by typing an address (Fetch Metadata, W3C)."""

MODULE: Final = "migration_pipeline.definitions"
_POLICY_VIOLATION: Final = 1008
_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_OPEN_SECONDS: Final = 3
"""How long pages that are still open keep their connections once the server is told to end."""


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


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    """Serve the UI of the instance in $DAGSTER_HOME until stopped; what serves its code ends with it."""
    # uvicorn raises once more, by itself, the signal that ended it: Python's default for SIGTERM would end the process
    # before the code's server is told.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance,
            version=__version__,
            workspace_load_target=ModuleTarget(
                module_name=MODULE, attribute=None, working_directory=None, location_name=None
            ),
        ) as workspace,
    ):
        app = create_app_from_workspace_process_context(workspace)
        try:
            uvicorn.run(
                Guard(app, port), host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=_OPEN_SECONDS
            )
        finally:
            for stop in _STOPS:  # a Ctrl-C reaches this process twice, from the terminal and from `migrate ui`
                signal.signal(stop, signal.SIG_IGN)


if __name__ == "__main__":
    main()
