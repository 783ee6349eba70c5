"""Where files may be fetched from: no request leaves for a private address, whatever names and redirects say."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import requests
import urllib3.util.connection
from hypothesis import given
from hypothesis import strategies as st

from migration_pipeline.http import DownloadRefused, NotRecognised, download, file_session, recognised
from migration_pipeline.http.downloads import public_address
from migration_pipeline.sources.zendesk.files import kept_by_the_service


class _Server(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"abc")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[str]:
    _Server.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def fetched(url: str, own_host: str, *allowed: str) -> bytes:
    auth = requests.auth.HTTPBasicAuth("a", "b")
    with (
        file_session(2, own_host, allowed) as session,
        download(session, url, own_host=own_host, auth=auth, max_bytes=100) as chunks,
    ):
        return b"".join(chunks)


def test_the_own_host_alone_gets_credentials(served: str) -> None:
    port = served.rpartition(":")[2]
    assert fetched(f"http://{served}/a", served) == b"abc"
    assert fetched(f"http://{served}/to/http://localhost:{port}/b", served, "localhost") == b"abc"
    assert [(path, bool(auth)) for path, auth in _Server.asked] == [
        ("/a", True),
        (f"/to/http://localhost:{port}/b", True),
        ("/b", False),
    ]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/attachments/token/abc/?name=a%20b.pdf", True),
        ("/attachments/token/abc", True),
        ("/hc/article_attachments/12", True),
        ("/hc/de/article_attachments/12/a%20b.png", True),
        ("/api/v2/channels/voice/calls/CA1/twilio/recording", True),
        ("/api/v2/users.json", False),
        ("/api/v2/users.json?x=/attachments/token/abc", False),
        ("/api/v2/users.json/attachments/token/abc", False),
        ("/attachments/token/../../api/v2/users.json", False),
        ("/attachments/token/%2e%2e/%2e%2e/api/v2/users.json", False),
        ("/attachments/token/..%252f..%252fapi/v2/users.json", False),
        ("/attachments/token/..\\..\\api", False),
        ("/hc/article_attachments/../../api/v2/users.json", False),
        ("/api/v2/channels/voice/calls/CA1/../../../../users.json?recording", False),
        ("/", False),
    ],
)
def test_credentials_go_with_files_of_the_service_alone(path: str, kept: bool) -> None:
    """Who writes an image into a mail must not have the API's answer brought into the conversation."""
    assert kept_by_the_service(f"https://acme.zendesk.com{path}", "https://acme.zendesk.com") is kept
    assert kept_by_the_service(f"https://proxy.example/zd{path}", "https://proxy.example/zd/") is kept
    for other in ("https://other.zendesk.com", "http://acme.zendesk.com:8", "https://acme.zendesk.com@evil.example"):
        assert not kept_by_the_service(f"{other}{path}", "https://acme.zendesk.com")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}/x",
        "http://0x7f000001:{port}/x",
        "http://[::1]:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/x",
        "http://user@127.0.0.1:9/x",
        "http://[64:ff9b::7f00:1]/x",
        "http://224.0.0.1/x",
        "file:///etc/passwd",
        "ftp://{own}/x",
        "not an address",
        "http://[broken/x",
        "http://x:99999999/",
        "http://" + "a" * 300 + ".example/x",
        "",
    ],
)
def test_other_addresses_are_refused_at_once_and_behind_a_redirect(served: str, url: str) -> None:
    address = url.format(port=served.rpartition(":")[2], own=served)
    with pytest.raises(DownloadRefused) as refused:
        fetched(address, served)
    assert refused.value.reason == "file_missing"
    assert _Server.asked == []
    if "://" in address:
        with pytest.raises(DownloadRefused):
            fetched(f"http://{served}/to/{address}", served)
        assert len(_Server.asked) == 1


def test_a_name_that_turns_private_after_the_check_leads_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1"])
    reached: list[str] = []

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 0))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        reached.append(address[0])
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    with pytest.raises(requests.ConnectionError):
        fetched("http://rebinding.example/x", "own.example")
    assert reached == ["93.184.216.34"]


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(DownloadRefused, match="private"):
        public_address("mixed.example")


def test_a_name_that_nobody_knows_is_looked_up_once_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with file_session(2, "own.example") as session:
        for number in range(3):
            with (
                pytest.raises(DownloadRefused, match="not known"),
                download(
                    session,
                    f"http://gone.example/{number}.png",
                    own_host="own.example",
                    auth=None,
                    max_bytes=9,
                ),
            ):
                pass
    assert asked == ["gone.example"]


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
SVG = b'<?xml version="1.0"?>\n<!-- ' + b"x" * 3000 + b' -->\n<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'
PAGE = b"<!DOCTYPE html><html><body>Not here. <svg></svg></body></html>"


@pytest.mark.parametrize(
    ("content", "name", "picture", "taken"),
    [
        (PNG, "a.png", True, True),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "a.png", True, True),
        (b"RIFF\x10\0\0\0WEBPVP8 ", None, True, True),
        (SVG, "a.svg", True, True),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', None, True, True),
        (PAGE, "a.png", True, False),
        (PAGE, "a.svg", True, False),
        (b'{"error": "busy"}', "a.png", True, False),
        (b"busy", "a.png", True, False),
        (b"", "a.png", True, False),
        (PAGE, "call-7.mp3", False, False),
        (PAGE, None, False, False),
        (b'{"error": "busy"}', "a.csv", False, False),
        (PAGE, "saved.html", False, True),
        (b"", "empty.txt", False, True),
        (b"\0\1\2", "call-7.mp3", False, True),
    ],
)
def test_a_page_of_a_service_is_not_taken_for_a_file(
    content: bytes, name: str | None, picture: bool, taken: bool
) -> None:
    chunks = (content[start : start + 7] for start in range(0, len(content), 7))
    if taken:
        assert b"".join(recognised(chunks, name=name, picture=picture)) == content
    else:
        with pytest.raises(NotRecognised):
            next(recognised(chunks, name=name, picture=picture))


@given(st.binary(max_size=200), st.integers(1, 9))
def test_whatever_comes_passes_unchanged_or_is_refused(content: bytes, size: int) -> None:
    chunks = (content[start : start + size] for start in range(0, len(content), size))
    with contextlib.suppress(NotRecognised):
        assert b"".join(recognised(chunks, name="a.bin", picture=False)) == content
