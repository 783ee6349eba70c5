"""The way of a code (RFC 6749, "Authorization Code Grant"): a browser goes to a service's page, and comes back to us.

Belongs here: the address to send it to, a server for the one answer, and what makes an answer ours. Does not belong
here: opening a browser, or what a code is exchanged for.
"""

import hmac
import queue
import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from migration_pipeline.model.errors import AccessDenied, SettingsError

HOST: Final = "127.0.0.1"
"""Never `localhost`, which may be another address on some machines (RFC 8252, section 7.3)."""

_DONE: Final = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>migrate connect</title>
<p>The answer has arrived. Close this page and go on in the terminal.</p></html>
"""
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": str(len(_DONE)),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_IDLE_S: Final = 10.0
"""Seconds that a connection may stay silent; browsers open some that they never use."""


@dataclass(frozen=True)
class Consent:
    """A service's page where a person allows access."""

    service: str
    page: str
    parameters: Mapping[str, str]
    https_only: bool = False  # never sends a browser back to this machine itself

    def address(self, state: str, redirect_uri: str | None) -> str:
        """Where to send the browser; without `redirect_uri` the service uses the first that is registered."""
        back = {"redirect_uri": redirect_uri} if redirect_uri else {}
        return f"{self.page}?{urlencode({**self.parameters, 'state': state, **back})}"


class Callback:
    """A server on loopback that takes one answer. Use it as a context."""

    def __init__(self, port: int, certificate: Path | None = None) -> None:
        """`port` 0 takes any that is free; with a `certificate` (PEM, its key in the same file) the server is https.

        Raises:
            SettingsError: the port is taken, or the file holds no certificate with its key.
        """
        self._answers: queue.Queue[Mapping[str, str]] = queue.Queue(maxsize=1)
        context = _secured(certificate) if certificate else None
        try:
            self._server = _Server((HOST, port), partial(_Handler, self._answers))
        except OSError as error:
            raise SettingsError(
                f"Port {port} of {HOST} cannot be listened on ({error.strerror}): name another with --port."
            ) from None
        if context is not None:
            # The handshake is the connection's own thread's: a browser that asks its person first keeps nobody waiting.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{'https' if context else 'http'}://{HOST}:{self._server.server_address[1]}/callback"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> Mapping[str, str]:
        """The parameters that the browser came back with.

        Raises:
            AccessDenied: nothing came in time.
        """
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            raise AccessDenied(
                f"No answer came to {self.url} within {seconds:g} seconds: begin again, or paste the code with --paste."
            ) from None


def _secured(certificate: Path) -> ssl.SSLContext:
    def locked() -> str:
        raise ValueError("its key has a password")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, password=locked)
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(
            f"--certificate {certificate} cannot be used ({told}): it has to hold a certificate and its key, without a "
            "password, as PEM."
        ) from None
    return context


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: browsers end connections as they like, above all those whose certificate they do not know."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE_S
    server_version = "migrate"
    sys_version = ""

    def __init__(self, answers: "queue.Queue[Mapping[str, str]]", *connection: Any) -> None:
        self._answers = answers  # the base class answers the request before its constructor ends
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Take what looks like an answer, whatever its path: what forwards it here may have one of its own."""
        answer = _parameters(self.path)
        if not answer.keys() & {"code", "error"}:
            self.send_error(404)
            return
        try:
            self._answers.put_nowait(answer)
        except queue.Full:
            self.send_error(410)
            return
        self.send_response(200)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(_DONE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing: a request line holds a code."""


def pasted(text: str, state: str) -> Mapping[str, str]:
    """What a person copied: the address that the browser came back to, or the code alone, which tells no state.

    Whoever carries a bare code here by hand answers the request with this `state`.
    """
    text = text.strip()
    return _parameters(text) if "?" in text or "://" in text else {"code": text, "state": state}


def code_of(answer: Mapping[str, str], state: str, service: str) -> str:
    """The code of an answer to the request that had `state`.

    Raises:
        AccessDenied: it answers another request, says no, or has no code.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(errors="replace"), state.encode()):
        raise AccessDenied(
            "The browser came back with another state than it left with, so the answer is not to this request and was "
            "not used: begin again."
        )
    if "error" in answer:
        told = re.sub(r"[^\w .,:-]", "", f"{answer['error']}: {answer.get('error_description', '')}")[:200].strip(": ")
        raise AccessDenied(f"{service} gave no access ({told}): begin again and allow it there.")
    if not answer.get("code"):
        raise AccessDenied(f"The browser came back from {service} without a code: begin again.")
    return answer["code"]


def _parameters(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
