"""A public host of files, here on loopback, that a stand-in fetches from. Holds no assertions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BYTES = bytes(range(256)) * 40


class _Files(BaseHTTPRequestHandler):
    """/ok/<name> is a file, /image<anything> an image, /moved leads nowhere, /to<path> to a path; all else is a 404."""

    def do_GET(self) -> None:
        moved = self.path.startswith(("/moved", "/to/"))
        self.send_response(302 if moved else 200 if self.path.startswith(("/ok/", "/image")) else 404)
        if self.path.startswith("/to/"):
            self.send_header("location", self.path.removeprefix("/to"))
        self.send_header("content-type", "image/png" if self.path.startswith("/image") else "application/zip")
        self.send_header("content-length", str(len(BYTES)))
        self.end_headers()
        self.wfile.write(BYTES)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def file_host() -> Iterator[str]:
    """Serve until the end of the block; the host's URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
