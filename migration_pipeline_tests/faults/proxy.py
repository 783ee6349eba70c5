"""Something between a run and a service that can be made to hang, or to be away."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import requests

DROPPED = ("connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date", "server")


class Proxy:
    """Passes every call on to `upstream`, unless it was told otherwise."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.hanging = threading.Event()  # set once a call hangs
        self._free = threading.Event()
        self._away = False
        self._match = ""
        self._left = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def hang_after(self, match: str, calls: int) -> None:
        """Answer so many more calls whose `METHOD path` holds `match`; those after them hang, before they arrive."""
        self._match, self._left = match, calls
        self._free.clear()

    def release(self) -> None:
        """Let calls through again; those that hung find their caller gone."""
        self._match = ""
        self._free.set()

    def away(self, away: bool) -> None:
        """Answer 503 to everything, as the gateway of a service that is down does; or pass calls on again."""
        self._away = away

    def stands(self, call: str) -> bool:
        """Whether a call may go on; where not, it has hung until `release`."""
        with self._lock:
            if not self._match or self._match not in call:
                return True
            self._left -= 1
            if self._left >= 0:
                return True
        self.hanging.set()
        self._free.wait(60)
        return False

    @property
    def is_away(self) -> bool:
        """Whether the service is down."""
        return self._away


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that are gone are no news."""


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_call(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if proxy.is_away:
                self._answer(503, {}, b"")
                return
            if not proxy.stands(f"{self.command} {self.path}"):
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
            }
            answer = session.request(self.command, proxy.upstream + self.path, data=body, headers=headers, timeout=60)
            self._answer(answer.status_code, dict(_kept(answer)), answer.content)

        do_GET = handle_one_call  # noqa: N815 - the names that the library looks for
        do_POST = do_PUT = do_DELETE = handle_one_call  # noqa: N815 - as above

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    return Handler


def _kept(answer: requests.Response) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in answer.headers.items() if name.lower() not in DROPPED)
