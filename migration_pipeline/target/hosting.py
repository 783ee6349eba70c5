"""Where Intercom fetches an article's pictures from while it is saved: from us, from the source, or from a store.

Belongs here: addresses for files, and serving or uploading their bytes. Does not belong here: which files an article
shows (`articles`), or what becomes of a picture that Intercom could not take (`loading.articles`).

What we serve is read-only, only what an article of this run shows, below a path that nobody can guess, and only while
articles are loaded.
"""

import mimetypes
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote, unquote

import fsspec

from migration_pipeline.config.help_center import HelpCenter
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.staging import BlobStore

File = Mapping[str, Any]
"""A file of a payload: url, name, content_type, sha256."""

Address = Callable[[File], str | None]
"""The address that a file can be fetched from; None where it has none."""

_CHUNK: Final = 1 << 18
_PICTURE: Final = re.compile(r"image/[\w.+-]+")
"""Content types that are told as they are; any other would be what the source says, and might be a page that acts."""


@dataclass(frozen=True)
class Hosts:
    """Where files are to be had."""

    pictures: Address  # good until Intercom has copied them
    links: Address  # good for readers, as long as the article stands there


@contextmanager
def hosting(settings: HelpCenter, blobs: BlobStore) -> Iterator[Hosts]:
    """Addresses for files; those of pictures are good until the block ends.

    Raises:
        SettingsError: the port is taken, or the store cannot be written.
    """
    if settings.host == "serve":
        with _serving(settings, blobs) as address:
            yield Hosts(address, _at_source)
    elif settings.host == "store":
        stored = _storing(settings, blobs)
        yield Hosts(stored, stored if settings.store_url is not None else _at_source)  # a signed link soon ends
    else:
        yield Hosts(_at_source, _at_source)


def _at_source(file: File) -> str | None:
    url = str(file["url"])
    return url if url.startswith(("http://", "https://")) else None


class _Server(ThreadingHTTPServer):
    """Serves the files that it was told of."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], blobs: BlobStore) -> None:
        super().__init__(address, _Handler)
        self.blobs = blobs
        self.token = secrets.token_urlsafe(24)
        self.files: dict[str, str] = {}  # content type by SHA-256


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of /<token>/<sha256>/<name>, and 404 to everything else."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "files"
    timeout = 30  # seconds that whoever asks may be silent
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: Any) -> None:
        """Paths hold the token: nothing is logged."""

    def _answer(self, *, body: bool) -> None:
        parts = unquote(self.path.partition("?")[0]).split("/")
        known = len(parts) == 4 and secrets.compare_digest(parts[1].encode(), self.server.token.encode())
        content_type = self.server.files.get(parts[2]) if known else None
        path = self.server.blobs.path(parts[2]) if content_type else None
        if content_type is None or path is None or not path.exists():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if body:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    self.wfile.write(chunk)


@contextmanager
def _serving(settings: HelpCenter, blobs: BlobStore) -> Iterator[Address]:
    host, _, port = settings.listen.rpartition(":")
    try:
        server = _Server((host, int(port)), blobs)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"Pictures cannot be served at {settings.listen} ({error}); set help_center.listen to a free port."
        ) from error
    threading.Thread(target=server.serve_forever, name="pictures", daemon=True).start()

    def address(file: File) -> str | None:
        if not file["sha256"]:
            return _at_source(file)
        server.files[file["sha256"]] = _told(file)
        return f"{str(settings.base_url).rstrip('/')}/{server.token}/{file['sha256']}/{quote(_plain_name(file))}"

    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()


def _storing(settings: HelpCenter, blobs: BlobStore) -> Address:
    """Upload a file when its address is first asked for."""
    try:
        files, root = fsspec.core.url_to_fs(str(settings.store))
    except (ValueError, ImportError) as error:
        raise SettingsError(f"help_center.store cannot be used: {error}.") from error
    done: dict[str, str] = {}
    lock = threading.Lock()

    def address(file: File) -> str | None:
        sha256 = file["sha256"]
        if not sha256:
            return _at_source(file)
        path = f"{sha256}/{_plain_name(file)}"
        with lock:
            if path not in done:
                where = f"{root.rstrip('/')}/{path}"
                done[path] = _uploaded(files, where, blobs.path(sha256), _told(file), settings, path)
        return done[path]

    return address


def _uploaded(files: Any, where: str, blob: Path, content_type: str, settings: HelpCenter, path: str) -> str:
    try:
        if not files.exists(where):
            files.makedirs(where.rpartition("/")[0], exist_ok=True)
            # Stores tell readers the type that a local name's ending stands for; blobs have none, and Intercom takes
            # no picture that comes as something else.
            with TemporaryDirectory() as folder:
                named = Path(folder) / f"file{mimetypes.guess_extension(content_type) or ''}"
                shutil.copyfile(blob, named)
                files.put_file(str(named), where)
        if settings.store_url is not None:
            return f"{str(settings.store_url).rstrip('/')}/{quote(path)}"
        return str(files.sign(where, expiration=settings.store_link_s))
    except NotImplementedError as error:
        raise SettingsError(
            "help_center.store signs no links; set help_center.store_url to the public address of that folder."
        ) from error
    except OSError as error:
        raise SettingsError(f"help_center.store cannot be written: {error}.") from error


def _told(file: File) -> str:
    told = str(file["content_type"])
    return told if _PICTURE.fullmatch(told) else "application/octet-stream"


def _plain_name(file: File) -> str:
    name = "".join(mark for mark in str(file["name"]) if mark.isprintable() and mark not in "/\\")
    return name[-100:].lstrip(".") or "file"
