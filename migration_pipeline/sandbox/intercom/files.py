"""Files as the workspace keeps them: content-addressed blobs, attachments whose signed URLs expire, images of articles.

How a file comes in stands in `uploads`.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from pathlib import Path
from urllib.parse import quote

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.intercom.errors import error_answer
from migration_pipeline.sandbox.intercom.payload import Json
from migration_pipeline.sandbox.intercom.uploads import Upload
from migration_pipeline.sandbox.wire import Answer, Call, Route

EXPIRES_S = 30 * 60
IMAGES = "/i/o"
"""Where the images of articles are served, as on the service's own host of downloads."""


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

    def add_image(self, upload: Upload) -> str:
        """Store an image of an article and answer its public URL, which does not expire."""
        kept = self.add(upload)
        key = kept["file_id"]
        return f"{self.images_url}{key}/{self._secret_of(key)}/{quote(upload.name, safe='') or 'image'}"

    @property
    def images_url(self) -> str:
        """What the URLs of all re-hosted images begin with."""
        return f"{self._base_url}{IMAGES}/"

    def routes(self) -> list[Route]:
        """The download routes: no authentication, what cannot be guessed in the URL is the permission."""
        return [
            Route("GET", "/files/{id}/{name}", self.download, open=True, recorded=False),
            Route("GET", IMAGES + "/{id}/{secret}/{name}", self.image, open=True, recorded=False),
        ]

    def image(self, call: Call) -> Answer:
        """A re-hosted image's bytes."""
        if not hmac.compare_digest(call.params["secret"].encode(), self._secret_of(call.params["id"]).encode()):
            return error_answer(404, "not_found", "Image not found")
        return self._answer(call.params["id"])

    def download(self, call: Call) -> Answer:
        """The file's bytes, or 403 once the signature is wrong or over."""
        expires = call.query.get("expires", "")
        expected = self._signature(call.params["id"], expires)
        if not hmac.compare_digest(call.query.get("sig", "").encode(), expected.encode()):
            return error_answer(403, "forbidden", "The signature of this URL does not match")
        if int(expires) < self._clock.now():
            return error_answer(403, "forbidden", "This URL has expired")
        return self._answer(call.params["id"])

    def _answer(self, file_id: str) -> Answer:
        row = self._db.execute("SELECT sha256, content_type FROM files WHERE id = ?", (file_id,)).fetchone()
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

    def _secret_of(self, file_id: int | str) -> str:
        return hmac.new(self._secret, f"image:{file_id}".encode(), hashlib.sha256).hexdigest()[:24]
