"""Files on their way in: base64 in a call, or a URL that the service fetches. Where they are kept stands in `files`.

Which calls take files, and what becomes of them, is the affair of conversations, tickets and articles.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import mimetypes
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests

from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.intercom.payload import Json, objects
from migration_pipeline.sandbox.switches import Switches

LIMIT = 10
FETCH_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a call brought it."""

    name: str
    content_type: str
    data: bytes


class FetchError(Exception):
    """A URL that could not be fetched; the text says why."""


async def uploads_of(body: Json, switches: Switches, *, files: bool = True) -> list[Upload]:
    """The files a call brings: attachment_files if any, else attachment_urls, which are fetched now.

    `files` False: this call does not know attachment_files. Raises Intercom's 4xx for too many, broken, too large or
    unreachable ones. To be awaited before anything is written.
    """
    given = objects(body, "attachment_files") if files else []
    urls = body.get("attachment_urls") or []
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise invalid("attachment_urls must be an array of URLs", "attachment_urls")
    if len(given) > LIMIT or len(urls) > LIMIT:
        raise fail(switches["too_many_files_status"], "parameter_invalid", "A maximum of 10 attachments is allowed")
    if given:
        uploads = [_decoded(item) for item in given]
    else:
        uploads = list(await asyncio.gather(*(_attachment(url, switches) for url in urls)))
    for upload in uploads:
        cap = switches["attachment_max_bytes"]
        if cap and len(upload.data) > cap:
            raise fail(422, "parameter_invalid", f"Attachment {upload.name} is larger than {cap} bytes")
        if upload.content_type.partition(";")[0].strip().lower() in switches["refused_content_types"]:
            raise fail(422, "parameter_invalid", f"Attachment {upload.name} is of a type that is not allowed")
        if not upload.data and switches["empty_files"] == "reject":
            raise invalid(f"Attachment {upload.name} is empty", "attachment_files")
    return uploads


async def fetched(url: str, *, hops: int = 0) -> Upload:
    """The file behind an http(s) URL, following at most `hops` redirects. Raises FetchError.

    The service fetches from the public internet; here it is loopback alone, which is all that a test may reach.
    """
    return await asyncio.to_thread(_fetch, url, hops)


async def _attachment(url: str, switches: Switches) -> Upload:
    status = switches["attachment_url_failure_status"]
    try:
        upload = await fetched(url)
        if switches["attachment_url_types"] == "images" and not upload.content_type.startswith("image/"):
            raise FetchError(f"{upload.content_type} is no image")
    except FetchError as error:
        message = f"Attachment could not be fetched: {error}"
        raise fail(status, "parameter_invalid", message, field="attachment_urls") from None
    return upload


def _decoded(item: Json) -> Upload:
    name, content_type, data = (item.get(key) for key in ("name", "content_type", "data"))
    if not isinstance(name, str) or not name or not isinstance(content_type, str) or not isinstance(data, str):
        raise invalid("attachment_files need name, content_type and data", "attachment_files")
    try:
        return Upload(name, _header_safe(content_type), base64.b64decode(data, validate=True))
    except binascii.Error:
        raise invalid(f"data of attachment {name} is not base64", "attachment_files") from None


def _fetch(url: str, hops: int) -> Upload:
    response = _response(url)
    while response.is_redirect and hops:
        # Every hop is looked at: a redirect must not lead out of where the stand-in may go.
        url, hops = urljoin(url, response.headers["location"]), hops - 1
        response = _response(url)
    if response.status_code != 200:
        raise FetchError(f"the host answered {response.status_code}")
    name = unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "attachment"
    content_type = response.headers.get("content-type") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Upload(name, _header_safe(content_type), response.content)


def _response(url: str) -> requests.Response:
    if not _is_loopback(url):
        raise FetchError("the host cannot be reached")
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=FETCH_TIMEOUT_S, allow_redirects=False)
        except (requests.RequestException, ValueError):
            raise FetchError("the host did not answer") from None


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return False
        found: set[Any] = {info[4][0] for info in socket.getaddrinfo(parts.hostname, None)}
    except (OSError, ValueError):
        return False
    return all(ipaddress.ip_address(address).is_loopback for address in found)


def _header_safe(content_type: str) -> str:
    """A content type that can stand in a response header."""
    kept = "".join(c for c in content_type if " " <= c < "\x7f")
    return kept or "application/octet-stream"
