"""Runs services on loopback sockets until told to stop. Only the server's affairs; no route is known here."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator, Sequence

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from migration_pipeline.sandbox.service import TRANSPORT, Service

HOST = "127.0.0.1"


class CuttableProtocol(HttpToolsProtocol):
    """Hands the connection's transport to the application, so that a fault can close it without an answer."""

    def on_message_begin(self) -> None:
        """Add the transport to the scope of the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]  # an extension of our own


class _Server(uvicorn.Server):
    """A server that leaves signals to `serve`, because two of them share one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(preferred: int = 0) -> socket.socket:
    """A listening loopback socket on `preferred`, or on any free port where that one is taken."""
    for port in (preferred, 0) if preferred else (0,):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
            sock.listen(512)
        except OSError:
            sock.close()
            if port == 0:
                raise
            continue
        sock.setblocking(False)
        return sock
    raise AssertionError("a socket was made or the error was raised")


def url_of(sock: socket.socket) -> str:
    """The base URL of a listening socket."""
    return f"http://{HOST}:{sock.getsockname()[1]}"


class Running:
    """Services being served; `stop()` ends them from within the loop, `stop_threadsafe()` from outside."""

    def __init__(self, services: Sequence[tuple[Service, list[socket.socket]]]) -> None:
        """Prepare one server per service on its sockets."""
        self._services = services
        self._servers = [_Server(_config(service)) for service, _ in services]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, *, signals: bool = False) -> None:
        """Serve until stopped, then close the services. `signals`: SIGTERM and SIGINT stop it."""
        self._loop = asyncio.get_running_loop()
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self.stop)
        try:
            await asyncio.gather(
                *(server.serve(sockets=s) for server, (_, s) in zip(self._servers, self._services, strict=True))
            )
        finally:
            for service, _ in self._services:
                service.close()

    @property
    def started(self) -> bool:
        """Whether all servers accept connections."""
        return all(server.started for server in self._servers)

    def stop(self) -> None:
        """Let every server finish."""
        for server in self._servers:
            server.should_exit = True

    def stop_threadsafe(self) -> None:
        """The same, from another thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self.stop)


def _config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        service,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        date_header=False,
        # A loaded client may sit idle between calls; a server closing under it would look like a fault.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
