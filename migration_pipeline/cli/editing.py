"""`migrate map --edit`: the mapping's page in the browser, for as long as the command runs.

Belongs here: saying where it is, and opening it. Does not belong here: the page (`pages`).
"""

import threading
import webbrowser
from contextlib import suppress

from migration_pipeline.cli.output import Told, console, emit
from migration_pipeline.config import Migration
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.pages import MappingServer


def edit(migration: Migration, *, browser: bool, as_json: bool) -> None:
    """Serve the page until its Done button or Ctrl-C.

    Raises:
        Told: there is nothing to edit.
    """
    try:
        server = MappingServer(migration)
    except SettingsError as error:
        raise Told(str(error), 2) from None
    with server:
        emit({"url": server.url}, as_json=as_json)
        console.print(f"The mapping's page: {server.url}", soft_wrap=True, markup=False)
        console.print("It opens once, in one browser; its Done button or Ctrl-C ends it.", soft_wrap=True)
        if browser:
            # A browser of the terminal returns only once it was left, and asks for the page before that.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve()
    console.print(f"{migration.mapping_path} holds what you saved. `migrate map` counts its losses.", soft_wrap=True)
