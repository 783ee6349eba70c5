"""What a user is told of an error: one sentence that says what to do, and the exit code of the command.

Belongs here: errors of the machine below every stage, a full or a damaged disk. Does not belong here: the sentences of
the services and of the settings, which their own errors carry.
"""

import errno
import re
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import sqlalchemy.exc

from migration_pipeline.model.errors import MigrationError, RefusedByGate, RunStopped, SettingsError

_MALFORMED: Final = re.compile(r"malformed|not a database|disk I/O error")
_EXIT_CODES: Final[dict[type[MigrationError], int]] = {SettingsError: 2, RefusedByGate: 3}


def exit_code(error: MigrationError) -> int:
    """What a command that ends with this error exits with: 2 for a setting, 3 for a gate, else 1."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


def sentence_of(error: BaseException, config: Path) -> MigrationError | None:
    """The error as a user should see it; None for a defect of ours, which keeps its traceback."""
    if isinstance(error, MigrationError):
        return error
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    told = isinstance(error, OSError | duckdb.Error | sqlalchemy.exc.DBAPIError) and (
        "No space left" in str(error) or "disk is full" in str(error)
    )
    if full or told:
        return SettingsError(
            f"The disk is full. Free some space, or let data_dir in {config} name another disk, and start again: "
            "the run goes on from where it was."
        )
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return SettingsError(f"{error.filename} cannot be written ({error.strerror}); check data_dir in {config}.")
    damaged = re.search(r"(\S+\.parquet)", str(error)) if isinstance(error, duckdb.Error | pa.ArrowInvalid) else None
    if damaged:
        path = Path(damaged[1].strip("'\"`"))
        return SettingsError(
            f"{path} is damaged ({str(error).splitlines()[0][:200]}). Remove the folder {path.parent} and start again: "
            "what it held is read and made anew."
        )
    if isinstance(error, sqlalchemy.exc.DatabaseError) and _MALFORMED.search(str(error.orig)):
        return SettingsError(
            f"The journal of the migration that {config} names, journal.sqlite, is damaged ({error.orig}). Put its "
            "newest backup back, or rescue it with `sqlite3 journal.sqlite .recover`; do not remove it: it is what "
            "keeps conversations from arriving twice."
        )
    if not isinstance(error, Exception):  # a signal, under whatever name
        return RunStopped("The run was stopped; the next one goes on from here.")
    return None
