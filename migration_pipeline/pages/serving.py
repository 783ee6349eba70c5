"""Serving the mapping's page on a free port of 127.0.0.1 until the person is done, or stops the command.

Belongs here: the socket, the address, the end. Does not belong here: what is served (`mapping_page`).
"""

import socket
from types import TracebackType
from typing import Final, Self

import uvicorn

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping_edits import read_mapping_file
from migration_pipeline.pages.access import Access
from migration_pipeline.pages.guard import HOST, Guard
from migration_pipeline.pages.known import Known
from migration_pipeline.pages.mapping_page import MappingPage
from migration_pipeline.target.candidates import FILE

_END_SECONDS: Final = 3


class MappingServer:
    """A server of one page; it listens from its construction on, and answers while `serve` runs."""

    def __init__(self, migration: Migration) -> None:
        """Read what the page is about.

        Raises:
            SettingsError: mapping.yaml is wrong, or there are no proposals for it yet.
        """
        file = read_mapping_file(migration.mapping_path)
        page = MappingPage(file, Known.of(migration), self.stop)
        self._socket = socket.create_server((HOST, 0))
        port = self._socket.getsockname()[1]
        access = Access(page.app, port)
        self.url = f"http://{HOST}:{port}/?token={access.token}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                Guard(access, port),
                access_log=False,
                log_level="warning",
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=_END_SECONDS,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def serve(self) -> None:
        """Answer until `stop`, or until a signal ends the process's work."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Have `serve` return once what is under way is answered."""
        self._server.should_exit = True


def proposed(migration: Migration) -> bool:
    """Whether there is a mapping with proposals to decide on."""
    return migration.mapping_path.exists() and (migration.root / FILE).exists()
