"""Dagster's web server on 127.0.0.1, behind a guard: other web sites that the operator has open reach nothing.

Dagster's own server has no login, takes mutations by GET and as plain text, and looks at neither Host nor Origin, so
that any page in the operator's browser could start a load. Belongs here: starting the server behind the guard. Does not
belong here: what the guard refuses (`pages.guard`), or logins; where others need the UI, a proxy with a login stands
before it and speaks to it from this machine.
"""

import signal
from typing import Final

import click
import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from migration_pipeline.pages.guard import HOST, Guard

MODULE: Final = "migration_pipeline.definitions"
_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_OPEN_SECONDS: Final = 3
"""How long pages that are still open keep their connections once the server is told to end."""


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    """Serve the UI of the instance in $DAGSTER_HOME until stopped; what serves its code ends with it."""
    # uvicorn raises once more, by itself, the signal that ended it: Python's default for SIGTERM would end the process
    # before the code's server is told.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance,
            version=__version__,
            workspace_load_target=ModuleTarget(
                module_name=MODULE, attribute=None, working_directory=None, location_name=None
            ),
        ) as workspace,
    ):
        app = create_app_from_workspace_process_context(workspace)
        try:
            uvicorn.run(
                Guard(app, port), host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=_OPEN_SECONDS
            )
        finally:
            for stop in _STOPS:  # a Ctrl-C reaches this process twice, from the terminal and from `migrate ui`
                signal.signal(stop, signal.SIG_IGN)


if __name__ == "__main__":
    main()
