"""Attachments: content-addressed blobs, signed URLs that expire, base64 and URL intake.

Which calls take attachments, and what becomes of them, is the conversations' and tickets' affair.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import mimetypes
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.intercom.errors import error_answer, fail, invalid
from migration_pipeline.sandbox.intercom.payload import Json, objects
from migration_pipeline.sandbox.switches import Switches
from migration_pipeline.sandbox.wire import Answer, Call, Route

LIMIT = 10
EXPIRES_S = 30 * 60
FETCH_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a call brought it."""

    name: str
    content_type: str
    data: bytes


class FileStore:
    """Blobs in a folder named by their SHA-256, and a table of names and types; the table commits with the state."""

    def __init__(self, folder: Path, db: sqlite3.Connection, clock: Clock, base_url: str, secret: str) -> None:
        """Keep blobs in `folder`; sign URLs under `base_url` with `secret`."""
        self._folder = folder
        self._db = db
        self._clock = clock
        self._base_url = base_url
        self._secret = secret.encode()

    def add(self, upload: Upload) -> Json:
        """Store a file and answer its attachment without URL: what is kept with the part."""
        digest = hashlib.sha256(upload.data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(upload.data)
        cursor = self._db.execute(
            "INSERT INTO files (sha256, name, content_type, size) VALUES (?, ?, ?, ?)",
            (digest, upload.name, upload.content_type, len(upload.data)),
        )
        return {
            "type": "upload",
            "name": upload.name,
            "file_id": cursor.lastrowid,
            "content_type": upload.content_type,
            "filesize": len(upload.data),
        }

    def with_urls(self, attachments: list[Json]) -> list[Json]:
        """Stored attachments with fresh signed URLs, as a response shows them."""
        return [
            {
                "type": a["type"],
                "name": a["name"],
                "url": self._url(a["file_id"], a["name"]),
                "content_type": a["content_type"],
                "filesize": a["filesize"],
            }
            for a in attachments
        ]

    def routes(self) -> list[Route]:
        """The download route: no authentication, the signature is the permission."""
        return [Route("GET", "/files/{id}/{name}", self.download, open=True, recorded=False)]

    def download(self, call: Call) -> Answer:
        """The file's bytes, or 403 once the signature is wrong or over."""
        expires = call.query.get("expires", "")
        expected = self._signature(call.params["id"], expires)
        if not hmac.compare_digest(call.query.get("sig", "").encode(), expected.encode()):
            return error_answer(403, "forbidden", "The signature of this URL does not match")
        if int(expires) < self._clock.now():
            return error_answer(403, "forbidden", "This URL has expired")
        row = self._db.execute("SELECT sha256, content_type FROM files WHERE id = ?", (call.params["id"],)).fetchone()
        if row is None:
            return error_answer(404, "not_found", "File not found")
        return Answer(200, self._path(row[0]).read_bytes(), str(row[1]).encode())

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _url(self, file_id: int, name: str) -> str:
        expires = str(int(self._clock.now()) + EXPIRES_S)
        return (
            f"{self._base_url}/files/{file_id}/{quote(name, safe='') or 'file'}"
            f"?expires={expires}&sig={self._signature(str(file_id), expires)}"
        )

    def _signature(self, file_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{file_id}:{expires}".encode(), hashlib.sha256).hexdigest()[:40]


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
        uploads = list(await asyncio.gather(*(asyncio.to_thread(_fetched, url, switches) for url in urls)))
    for upload in uploads:
        cap = switches["attachment_max_bytes"]
        if cap and len(upload.data) > cap:
            raise fail(422, "parameter_invalid", f"Attachment {upload.name} is larger than {cap} bytes")
        if not upload.data and switches["empty_files"] == "reject":
            raise invalid(f"Attachment {upload.name} is empty", "attachment_files")
    return uploads


def _decoded(item: Json) -> Upload:
    name, content_type, data = (item.get(key) for key in ("name", "content_type", "data"))
    if not isinstance(name, str) or not name or not isinstance(content_type, str) or not isinstance(data, str):
        raise invalid("attachment_files need name, content_type and data", "attachment_files")
    try:
        return Upload(name, _header_safe(content_type), base64.b64decode(data, validate=True))
    except binascii.Error:
        raise invalid(f"data of attachment {name} is not base64", "attachment_files") from None


def _fetched(url: str, switches: Switches) -> Upload:
    """The file behind a URL, as the service fetches it; here from loopback only, which is all that a test may reach."""

    def refuse(why: str) -> Any:
        status = switches["attachment_url_failure_status"]
        return fail(status, "parameter_invalid", f"Attachment could not be fetched: {why}", field="attachment_urls")

    if not _is_loopback(url):
        raise refuse("the host cannot be reached")
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.get(url, timeout=FETCH_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            raise refuse("the host did not answer") from None
    if response.status_code != 200:
        raise refuse(f"the host answered {response.status_code}")
    name = unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "attachment"
    content_type = response.headers.get("content-type") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if switches["attachment_url_types"] == "images" and not content_type.startswith("image/"):
        raise refuse(f"{content_type} is no image")
    return Upload(name, _header_safe(content_type), response.content)


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    try:
        found = {info[4][0] for info in socket.getaddrinfo(parts.hostname, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address).is_loopback for address in found)


def _header_safe(content_type: str) -> str:
    """A content type that can stand in a response header."""
    kept = "".join(c for c in content_type if " " <= c < "\x7f")
    return kept or "application/octet-stream"
