"""Where tokens are kept: in the system's keyring where there is one, else in a file that only its owner reads.

Belongs here: the two places, and what happens when one of them fails. Does not belong here: what a token is good for.
Neither place is below `data_dir`: staged data can be handed on without handing on access.
"""

import logging
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import keyring
import orjson
from filelock import FileLock
from keyring.backend import KeyringBackend
from platformdirs import user_state_path

from migration_pipeline.staging.atomic import read_json, replacing

SERVICE: Final = "migration-pipeline"
"""The name that entries have in the keyring."""

PATIENCE_S: Final = 20.0
"""Seconds for the keyring's answer: a person may have to unlock it first."""

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Tokens(Protocol):
    """A place for one document with tokens."""

    def read(self) -> dict[str, Any] | None:
        """The document; None where there is none, or none that can be read."""
        ...

    def write(self, document: dict[str, Any]) -> None:
        """Keep the document, durably, in place of any earlier one.

        Raises:
            OSError: the disk is full or not writable.
        """
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes out from a read to the write that follows from it."""
        ...


@dataclass
class HeldTokens:
    """Tokens that nobody has confirmed yet: held by this process alone."""

    document: dict[str, Any] | None = None

    def read(self) -> dict[str, Any] | None:
        """See `Tokens`."""
        return self.document

    def write(self, document: dict[str, Any]) -> None:
        """See `Tokens`."""
        self.document = document

    def alone(self) -> AbstractContextManager[None]:
        """See `Tokens`."""
        return nullcontext()


class TokenFile:
    """Tokens in a file with mode 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any] | None:
        """See `Tokens`."""
        try:
            document = read_json(self.path)
        except (orjson.JSONDecodeError, OSError):
            return None
        return document if isinstance(document, dict) else None

    def write(self, document: dict[str, Any]) -> None:
        """See `Tokens`."""
        with replacing(self.path) as aside:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps(document))

    def forget(self) -> bool:
        """Remove the file; whether there was one."""
        found = self.path.exists()
        self.path.unlink(missing_ok=True)
        return found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See `Tokens`."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f"{self.path.name}.lock")):
            yield


class TokenStore:
    """Tokens in the system's keyring, or in a file where there is none or it fails."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        """`name` tells the service, its address and whose tokens they are; `folder` is for the file."""
        self.name = name
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[:80].strip("-")
        unique = sha256(name.encode()).hexdigest()[:8]
        self._silent = False  # a keyring that did not answer once is asked no more
        self._file = TokenFile((folder or state_folder()) / f"{readable}-{unique}.json")

    @property
    def place(self) -> str:
        """Where the tokens are, for a person; "" where there are none."""
        if self._file.path.exists():
            return str(self._file.path)
        return "the system's keyring" if self._from_keyring() is not None else ""

    def read(self) -> dict[str, Any] | None:
        """See `Tokens`. A file exists only where the keyring failed after it was last written, so it goes first."""
        return self._file.read() or self._from_keyring()

    def write(self, document: dict[str, Any]) -> None:
        """See `Tokens`."""
        if self._into_keyring(orjson.dumps(document).decode()):
            self._file.forget()
        else:
            self._file.write(document)

    def forget(self) -> bool:
        """Remove the tokens from both places; whether there were any.

        Raises:
            OSError: the keyring does not answer, and may have some still.
        """
        found = self._file.forget()

        def remove(backend: KeyringBackend) -> bool:
            there = backend.get_password(SERVICE, self.name) is not None
            if there:
                backend.delete_password(SERVICE, self.name)
            return there

        try:
            return bool(_asked(remove)) or found
        except Exception as error:
            raise OSError(
                f"the system's keyring does not let {self.name!r} be removed ({type(error).__name__})"
            ) from None

    def alone(self) -> AbstractContextManager[None]:
        """See `Tokens`."""
        return self._file.alone()

    def _from_keyring(self) -> dict[str, Any] | None:
        try:
            text = self._answer(lambda backend: backend.get_password(SERVICE, self.name))
            document = orjson.loads(text) if text else None
        except orjson.JSONDecodeError:
            return None
        return document if isinstance(document, dict) else None

    def _into_keyring(self, text: str) -> bool:
        def keep(backend: KeyringBackend) -> bool:
            backend.set_password(SERVICE, self.name, text)
            return True

        return bool(self._answer(keep))

    def _answer(self, question: Callable[[KeyringBackend], Answer]) -> Answer | None:
        """What the keyring answers; None, and a warning, where it does not, and none where there is no keyring."""
        if self._silent:
            return None
        try:
            return _asked(question)
        except (
            Exception
        ) as error:  # locked, no session bus, ...: backends let the errors of their own libraries through
            self._silent = isinstance(error, TimeoutError)
            told = type(error).__name__
            _log.warning("The system's keyring is locked or does not answer (%s): it is done without.", told)
            return None


def state_folder() -> Path:
    """The folder of token files, outside any migration's own."""
    return user_state_path("migration_pipeline") / "tokens"


def _asked(question: Callable[[KeyringBackend], Answer]) -> Answer | None:
    """What the system's keyring answers; None without a keyring.

    A thread waits for it: the libraries of backends wait without end for one that hangs, or for a person who should
    unlock it on a screen where nobody is.

    Raises:
        TimeoutError: it does not answer.
        Exception: what its library raises.
    """
    answers: queue.Queue[tuple[Answer | None, Exception | None]] = queue.Queue(1)

    def ask() -> None:
        try:
            backend = _backend()
            answers.put((question(backend) if backend else None, None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer, error = answers.get(timeout=PATIENCE_S)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer


def _backend() -> KeyringBackend | None:
    """The keyring of the system; None where there is none, as on a machine without a desktop session.

    Backends that are no safer than a file of ours (none at all, plain text) rank below 1 (keyring, "Write your own
    keyring backend": `priority`).
    """
    try:
        backend = keyring.get_keyring()
        return backend if backend.viable and backend.priority >= 1 else None
    except Exception:  # PYTHON_KEYRING_BACKEND may name what is not installed
        return None
