"""Changes that a person makes to `mapping.yaml` by other means than an editor: comments, order and spelling stay.

Belongs here: reading the file as it is now, changing values of it, and writing it where nobody else has since. Does not
belong here: what the file may say (`mapping`), or where changes come from (`pages`).
"""

from collections.abc import Mapping as Entries
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap

from migration_pipeline.config import yamlfile
from migration_pipeline.config.mapping import ENTRY_KEYS, Mapping, dumped, replace_text, tail_kept
from migration_pipeline.config.yamlfile import Place
from migration_pipeline.model.errors import SettingsError

UNSAID: Final = object()
"""In place of a value, for keys whose null says nothing: the key goes, or is null where a comment stands beside it."""

Edits = Entries[Place, Any]
"""The new value of each changed place, as the file's model has it."""


@dataclass(frozen=True)
class MappingFile:
    """`mapping.yaml` as it was at one moment."""

    path: Path
    text: str
    mapping: Mapping

    @property
    def digest(self) -> str:
        """What tells this text from any other."""
        return sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Refusal:
    """Why an entry cannot be as somebody wants it."""

    place: Place  # the way to it in mapping.yaml; empty for the file as a whole
    sentence: str  # without a full stop


class Overtaken(Exception):
    """The file is not as it was read any more."""


def read_mapping_file(path: Path, known: MappingFile | None = None) -> MappingFile:
    """The file as it is now; `known` where it still says the same, which saves reading thousands of entries again.

    Raises:
        SettingsError: see `yamlfile.load`.
    """
    text = yamlfile.read_text(path)
    if known is not None and text == known.text:
        return known
    return MappingFile(path, text, yamlfile.validated(path, yamlfile.parse(path, text), Mapping, expand=False))


def edited(file: MappingFile, edits: Edits) -> MappingFile | list[Refusal]:
    """The file with the edits, or why it cannot be so; nothing is written."""
    document = yamlfile.parse(file.path, file.text)
    for way, value in edits.items():
        _put(document, way, value)
    wrong = yamlfile.complaints(document, Mapping)
    if wrong:
        return [Refusal(way, sentence) for way, sentence in wrong]
    text = dumped(document)
    try:
        read_back = yamlfile.validated(file.path, yamlfile.parse(file.path, text), Mapping, expand=False)
    except SettingsError as error:
        return [Refusal((), str(error).rstrip("."))]
    if read_back != _meant(file.mapping, edits):
        # Aliases and merge keys: one text that stands for several entries.
        return [Refusal((), "this change would change other entries, too; make it in the file itself")]
    return MappingFile(file.path, text, read_back)


def replace(before: MappingFile, after: MappingFile) -> None:
    """Write `after` in place of `before`.

    Raises:
        Overtaken: somebody else changed the file; it is left alone.
        OSError: the folder is not writable.
    """
    try:
        now = yamlfile.read_text(before.path)
    except SettingsError:
        raise Overtaken from None
    if now != before.text:
        raise Overtaken
    replace_text(before.path, after.text)


def _meant(mapping: Mapping, edits: Edits) -> Mapping:
    """The mapping with the edits, by way of values alone."""
    document = mapping.model_dump()
    for way, value in edits.items():
        node: dict[Any, Any] = document
        for key in way[:-1]:
            node = node[key]
        if value is UNSAID:
            node.pop(way[-1], None)
        else:
            node[way[-1]] = value
    return Mapping.model_validate(document)


def _put(document: CommentedMap, way: Place, value: Any) -> None:
    """Change one value of the document."""
    top = _own(document, way[0])
    if len(way) == 1:
        document[top] = value
        return
    # The comment above an entry is kept with the last value of the one before: whatever ends that, it stays below.
    section = document[top]
    with tail_kept(section, _own(section, way[1])):
        node = section
        for key in way[1:-1]:
            own = _own(node, key)
            if own not in node:
                _insert(node, own, CommentedMap())
            node = node[own]
        _change(node, _own(node, way[-1]), value)


def _change(node: CommentedMap, key: Any, value: Any) -> None:
    if value is not UNSAID:
        if key in node:
            node[key] = value
        else:
            _insert(node, key, value)
    elif key in node:
        if key in node.ca.items:  # a comment stands beside it, which would go with it
            node[key] = None
        else:
            del node[key]


def _insert(node: CommentedMap, key: Any, value: Any) -> None:
    """Add a key where a reader looks for it."""
    later = ENTRY_KEYS[ENTRY_KEYS.index(key) + 1 :] if key in ENTRY_KEYS else ()
    position = next((n for n, there in enumerate(node) if there in later), len(node))
    node.insert(position, key, value)


def _own(node: Entries[Any, Any], key: Any) -> Any:
    """The key as the document has it: YAML reads some without quotes as numbers, or as true and false."""
    return next((own for own in node if own == key or _spelled(own) == key), key)


def _spelled(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
