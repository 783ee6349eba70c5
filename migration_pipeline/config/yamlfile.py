"""YAML files with line numbers: reading, `${ENV}` expansion, and a model's complaints told in the file's own terms."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from migration_pipeline.config.allowed import expected
from migration_pipeline.model.errors import SettingsError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]
"""The way to a value: keys and positions, from the document's top."""

VERSION: Final = 1
"""The version of both files that this pipeline reads."""


class Misplaced(ValueError):
    """A model's complaint about one of its values, with the way to it."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load(file: Path, model: type[Model], *, expand: bool = True, **known: object) -> Model:
    """The file's content, and what is `known` besides, as `model`.

    `${NAME}` is replaced from the environment, then from a `.env` beside the file, unless `expand` is false (a file
    that repeats what a help desk's people typed must not hand out the environment).

    Raises:
        SettingsError: the file is missing, is no YAML, names an unset variable, or does not fit the model; the sentence
            names file, line, key and what is allowed.
    """
    return validated(file, read(file), model, expand=expand, **known)


def validated(file: Path, document: CommentedMap, model: type[Model], *, expand: bool = True, **known: object) -> Model:
    """A document that was read from `file` as `model`; see `load`.

    Raises:
        SettingsError: as `load` raises it.
    """
    version = document.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise SettingsError(
            f"{at(file, document, ('version',))}: the file is of a version that this pipeline does not read; it reads "
            f"version {VERSION}."
        )
    try:
        return model.model_validate({**(_expanded(document, file) if expand else plain(document)), **known})
    except ValidationError as error:
        raise SettingsError(_complaint(error, document, file, model)) from None


def read(path: Path) -> CommentedMap:
    """The document as it stands, comments and line numbers kept.

    Raises:
        SettingsError: the file is missing, unreadable or no YAML mapping.
    """
    return parse(path, read_text(path))


def read_text(path: Path) -> str:
    """The file's text.

    Raises:
        SettingsError: the file is missing or unreadable.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist; `migrate init` writes one, --config names another.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from None


def parse(path: Path, text: str) -> CommentedMap:
    """The document that `text` of a file says, comments and line numbers kept; `path` is named in errors.

    Raises:
        SettingsError: it is no YAML mapping.
    """
    try:
        reader = YAML(typ="rt")
        reader.preserve_quotes = True
        document = reader.load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{line}: no valid YAML: {getattr(error, 'problem', error)}.") from None
    if not isinstance(document, CommentedMap):
        raise SettingsError(f"{path}: expected `key: value` lines at the top level.")
    return document


def complaints(document: Mapping[Any, Any], model: type[BaseModel]) -> list[tuple[Place, str]]:
    """Everything that keeps a document from being a `model`: the way to each mistake, and the sentence without stop."""
    try:
        model.model_validate(plain(document))
    except ValidationError as error:
        return [_told(one, document, model) for one in error.errors(include_url=False, include_input=False)]
    return []


def place(path: Path, keys: Iterable[str | int]) -> str:
    """A setting as errors name it: file, line and key; without the line where the file cannot be read."""
    try:
        document = read(path)
    except SettingsError:
        return f"{path}: {'.'.join(map(str, keys))}"
    return at(path, document, tuple(keys))


def environment(path: Path) -> Mapping[str, str | None]:
    """The variables that a file may name: those of the process, then those of a `.env` beside the file."""
    return {**dotenv_values(path.parent / ".env"), **os.environ}


def _expanded(node: Any, path: Path) -> Any:
    known = environment(path)

    def substitute(match: re.Match[str]) -> str:
        value = known.get(match[1])
        if value is None:
            raise SettingsError(
                f"{path}: the environment variable {match[1]} is not set; set it, or put it into .env beside it."
            )
        return value

    def walk(item: Any) -> Any:
        if isinstance(item, CommentedMap):
            return {str(key): walk(value) for key, value in item.items()}
        if isinstance(item, CommentedSeq):
            return [walk(value) for value in item]
        return _VARIABLE.sub(substitute, item) if isinstance(item, str) else item

    return walk(node)


def plain(node: Any) -> Any:
    """A document's values without comments, its keys as text."""
    if isinstance(node, CommentedMap):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [plain(value) for value in node]
    return node


def at(path: Path, document: CommentedMap, place: Place) -> str:
    """Where a value stands, as every complaint begins: file, line, key."""
    location = _location(place, document)
    key = ".".join(str(part) for part in location) or "the file"
    return f"{path}, line {_line(document, location)}: {key}"


def _complaint(error: ValidationError, document: CommentedMap, path: Path, model: type[BaseModel]) -> str:
    found = error.errors(include_url=False, include_input=False)
    # A misspelled key is also missed under its right name: the misspelling is what a person has to see.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    place, message = _told(first, document, model)
    return f"{at(path, document, place)}: {message}."


def _told(complaint: ErrorDetails, document: Mapping[Any, Any], model: type[BaseModel]) -> tuple[Place, str]:
    """The way to what one of pydantic's complaints is about, and what it says."""
    told = complaint.get("ctx", {}).get("error")
    place = (*complaint["loc"], *told.place) if isinstance(told, Misplaced) else complaint["loc"]
    location = _location(place, document)
    message = expected(model, [str(part) for part in location], complaint["type"]) or complaint["msg"]
    return tuple(location), message.removeprefix("Value error, ")


def _location(parts: tuple[int | str, ...], document: Mapping[Any, Any]) -> list[Any]:
    """The way to what is wrong in the document's own keys, without what pydantic adds to it (names of validators)."""
    node: Any = document
    location: list[Any] = []
    for part in parts:
        if isinstance(node, Mapping) and (own := [key for key in node if str(key) == str(part)]):
            location.append(own[0])
            node = node[own[0]]
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            location.append(part)
            node = node[part]
        elif isinstance(part, int) or part.isidentifier():
            location.append(part)
            node = None
    return location


def _line(document: CommentedMap, location: list[Any]) -> int:
    node: Any = document
    line = 1
    for part in location:
        try:
            line = (node.lc.key(part) if isinstance(node, CommentedMap) else node.lc.item(part))[0] + 1
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line
