"""Downloads of files that a service hands out by URL, to any host it names, without lending it our credentials.

Hosts are checked on every hop: the service's own, those the settings allow, and public addresses; never a private,
loopback or link-local address that a record of the source merely mentions. A name is looked up once, and the connection
goes to the very address that was checked: a name server that answers differently the second time gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

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


class UnknownHost(DownloadRefused):
    """No name server knows the host."""

    def __init__(self, host: str) -> None:
        """`host` as the address spells it."""
        super().__init__("file_missing", f"{host} is not known")


@contextmanager
def download(
    session: requests.Session, url: str, *, own_host: str, auth: AuthBase | None, max_bytes: int
) -> Iterator[Iterator[bytes]]:
    """Open a file and give its bytes in chunks. `own_host` (host[:port]) alone gets `auth`, and before any redirect.

    `session` is one of `file_session`, which decides about the hosts.

    A redirect leads to a storage URL that carries its own permission; storage refuses a second one.

    Raises:
        DownloadRefused: a host that may not be asked, too many hops, a refusal (4xx), or more than `max_bytes`.
        requests.RequestException, OSError: worth another attempt; of a 429 or 5xx with its `response`.
    """
    for hop in range(MAX_HOPS):
        parts = _parts(url)
        response = session.get(
            url,
            auth=auth if hop == 0 and parts.netloc == own_host else None,
            stream=True,
            allow_redirects=False,
            timeout=(10, 90),
        )
        if response.status_code not in (301, 302, 303, 307, 308):
            break
        response.close()
        try:
            url = urljoin(url, response.headers.get("Location", ""))
        except ValueError:
            raise DownloadRefused("file_missing", "a redirect to no address", hop=hop) from None
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


def file_session(workers: int, own_host: str, allowed: Sequence[str] = ()) -> requests.Session:
    """A session whose connections lead to `own_host`, the `allowed` hosts, and public addresses, and nowhere else."""

    def trusted(host: str, port: int | None, scheme: str) -> bool:
        netloc = f"{host}:{port}"
        plain = host if port in (None, {"http": 80, "https": 443}[scheme]) else netloc
        return bool({own_host, *allowed} & {netloc, plain}) or host in allowed

    session = requests.Session()
    session.trust_env = False
    adapter = _Adapter(trusted, pool_connections=8, pool_maxsize=workers)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


_Trusted = Callable[[str, int | None, str], bool]


class _Adapter(HTTPAdapter):
    """Opens connections that look up a name themselves, and refuse what is not public."""

    def __init__(self, trusted: _Trusted, **options: Any) -> None:
        self._trusted = trusted
        self._unknown: dict[str, str] = {}  # hosts that nobody knew, and what was said of them: a lookup may take long
        super().__init__(**options)

    def _address(self, host: str) -> str:
        if host in self._unknown:
            raise DownloadRefused("file_missing", self._unknown[host])
        try:
            return public_address(host)
        except UnknownHost as refused:
            self._unknown[host] = str(refused)
            raise

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        trusted, address = self._trusted, self._address

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                if not trusted(self.host, self.port, "http"):
                    self._dns_host = address(self.host)
                return super()._new_conn()

        class Encrypted(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                if not trusted(self.host, self.port, "https"):
                    self._dns_host = address(self.host)
                return super()._new_conn()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}


def public_address(host: str) -> str:
    """An address of the host, if all that it has are public.

    Raises:
        UnknownHost: there is none; DownloadRefused: one is not public.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise UnknownHost(host) from None
    if not found or not all(_is_public(address) for address in found):
        raise DownloadRefused(
            "file_missing", f"{host} is a private address; source.file_hosts in migration.yaml may allow it"
        )
    return found[0]


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
"""Addresses that lead to the one of version 4 in their last four bytes (RFC 6052)."""


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return address.is_global and not address.is_multicast


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise DownloadRefused("file_missing", "not an http address")
    return parts
