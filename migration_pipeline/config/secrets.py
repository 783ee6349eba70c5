"""Secrets that stand in migration.yaml themselves, where a name of the environment should.

Belongs here: finding and telling them, never their text. Does not belong here: reading them (`yamlfile`).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from migration_pipeline.config import yamlfile
from migration_pipeline.config.allowed import reached

_LOOPBACK: Final = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def literal_secrets(path: Path, model: type[BaseModel]) -> list[str]:
    """A sentence with file, line and key for each secret of the file that is no `${NAME}`.

    Credentials for a service on this machine's loopback open nothing else, and are left alone.

    Raises:
        SettingsError: the file cannot be read.
    """
    document = yamlfile.read(path)
    root = _schema(model)
    return [
        f"{yamlfile.at(path, document, keys)}: a secret stands in the file itself; write ${{NAME}}, and NAME=... into "
        ".env beside it"
        for keys, value in _texts(document)
        if value and "${" not in value and any(one.get("writeOnly") for one in reached(root, keys))
    ]


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _texts(node: Mapping[Any, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts of a document with the way to each; sections whose service is on loopback are left out."""
    address: Any = node.get("base_url")
    if isinstance(address, str) and address.startswith(_LOOPBACK):
        return
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _texts(value, (*above, str(key)))
        elif isinstance(value, str):
            yield (*above, str(key)), value
