"""Downloads of files that a service hands out by URL, to any host it names, without lending it our credentials.

Hosts are checked on every hop: the service's own, those the settings allow, and public addresses; never a private,
loopback or link-local address that a record of the source merely mentions.
"""

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from migration_pipeline.model.errors import MigrationError

MAX_HOPS = 5
CHUNK = 1 << 18


class DownloadRefused(MigrationError):
    """The file was not fetched; the text says why, `reason` is a reason code of the report."""

    def __init__(self, reason: str, detail: str, *, status: int | None = None, hop: int = 0) -> None:
        """`status` is the HTTP status of a refusal, `hop` the number of redirects that were followed to it."""
        super().__init__(detail)
        self.reason = reason
        self.status = status
        self.hop = hop


@contextmanager
def download(
    session: requests.Session, url: str, *, own_host: str, auth: AuthBase | None, allowed: Sequence[str], max_bytes: int
) -> Iterator[Iterator[bytes]]:
    """Open a file and give its bytes in chunks. `own_host` (host[:port]) alone gets `auth`, and before any redirect.

    A redirect leads to a storage URL that carries its own permission; storage refuses a second one.

    Raises:
        DownloadRefused: a host that may not be asked, too many hops, a refusal (4xx), or more than `max_bytes`.
        requests.RequestException, OSError: worth another attempt; of a 429 or 5xx with its `response`.
    """
    for hop in range(MAX_HOPS):
        netloc = urlsplit(url).netloc
        if netloc != own_host and netloc not in allowed and urlsplit(url).hostname not in allowed:
            _require_public(url)
        response = session.get(
            url,
            auth=auth if hop == 0 and netloc == own_host else None,
            stream=True,
            allow_redirects=False,
            timeout=(10, 90),
        )
        if response.status_code not in (301, 302, 303, 307, 308):
            break
        url = urljoin(url, response.headers.get("Location", ""))
        response.close()
    else:
        raise DownloadRefused("file_missing", f"more than {MAX_HOPS} redirects")
    with response:
        if response.status_code >= 500 or response.status_code == 429:
            raise requests.HTTPError(f"{response.status_code}", response=response)
        if response.status_code >= 400:
            raise DownloadRefused(
                "file_missing", f"the source answered {response.status_code}", status=response.status_code, hop=hop
            )
        yield _limited(response, max_bytes)


def _limited(response: requests.Response, max_bytes: int) -> Iterator[bytes]:
    seen = 0
    expected = response.headers.get("Content-Length", "")
    for chunk in response.iter_content(CHUNK):
        seen += len(chunk)
        if seen > max_bytes:
            raise DownloadRefused("file_too_large", f"more than {max_bytes} bytes")
        yield chunk
    if expected.isdigit() and "Content-Encoding" not in response.headers and seen != int(expected):
        raise requests.ConnectionError(f"{seen} of {expected} bytes")


def _require_public(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DownloadRefused("file_missing", "not an http address")
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(parts.hostname, None)}
    except OSError:
        raise DownloadRefused("file_missing", f"{parts.hostname} is not known") from None
    if not all(ipaddress.ip_address(address).is_global for address in addresses):
        raise DownloadRefused(
            "file_missing", f"{parts.hostname} is a private address; source.file_hosts in migration.yaml may allow it"
        )
