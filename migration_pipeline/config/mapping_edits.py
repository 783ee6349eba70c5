"""Changes that a person makes to `mapping.yaml` by other means than an editor: comments, order and spelling stay.

Belongs here: reading the file as it is now, changing values of it, and writing it where nobody else has since. Does not
belong here: what the file may say (`mapping`), or where changes come from (`pages`).
"""

from collections.abc import Iterable
from collections.abc import Mapping as Entries
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap

from migration_pipeline.config import yamlfile
from migration_pipeline.config.mapping import ENTRY_KEYS, Mapping, dumped, replace_text, tail_kept
from migration_pipeline.config.mapping_blocks import Blocks
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
    blocks: Blocks
    mapping: Mapping

    @cached_property
    def text(self) -> str:
        """What it said."""
        return self.blocks.text

    @cached_property
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
    return _read(path, text)


def _read(path: Path, text: str) -> MappingFile:
    document = yamlfile.parse(path, text)
    return MappingFile(path, Blocks.of(document, text), yamlfile.validated(path, document, Mapping, expand=False))


def edited(file: MappingFile, edits: Edits) -> MappingFile | list[Refusal]:
    """The file with the edits, or why it cannot be so; nothing is written."""
    wanted = _wanted(file.mapping, edits)
    wrong = yamlfile.complaints(wanted, Mapping)
    if wrong:
        return [Refusal(way, sentence) for way, sentence in wrong]
    meant = Mapping.model_validate(wanted)
    blocks = _few_changed(file, edits, meant)
    if blocks is not None:
        return MappingFile(file.path, blocks, meant)
    document = yamlfile.parse(file.path, file.text)
    for way, value in edits.items():
        _put(document, way, value)
    try:
        after = _read(file.path, dumped(document))
    except SettingsError as error:
        return [Refusal((), str(error).rstrip("."))]
    if after.mapping != meant:
        # Aliases and merge keys: one text that stands for several entries.
        return [Refusal((), "this change would change other entries, too; make it in the file itself")]
    return after


def _few_changed(file: MappingFile, edits: Edits, meant: Mapping) -> Blocks | None:
    """The text with the edits, by way of the changed entries alone; None where these do not stand for themselves.

    Reading and writing thousands of entries takes seconds.
    """
    known = file.blocks.by_place
    whole = {way[0] for way, value in edits.items() if len(way) == 2 and (value is UNSAID or way not in known)}
    before = file.blocks.picked({way[:2] for way in edits}, {str(section) for section in whole})
    if before is None:
        return None
    try:
        document = yamlfile.parse(file.path, before.text)
        if not _same(document, file.mapping):
            return None
        for way, value in edits.items():
            _put(document, way, value)
        text = dumped(document)
        document = yamlfile.parse(file.path, text)
        after = Blocks.of(document, text)
        complete = {way[:2] for way, value in edits.items() if value is not UNSAID} <= after.by_place.keys()
        return file.blocks.replaced(before, after) if complete and _same(document, meant) else None
    except SettingsError:
        return None


def _same(part: CommentedMap, mapping: Mapping) -> bool:
    """Whether the entries of a part of a file say what the mapping does."""
    if yamlfile.complaints(part, Mapping):
        return False
    read = Mapping.model_validate(yamlfile.plain(part))
    for section in read.model_fields_set:
        entries, meant = getattr(read, section), getattr(mapping, section)
        if isinstance(entries, dict):
            meant = {key: meant[key] for key in entries if key in meant}
        if entries != meant:
            return False
    return True


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


def _wanted(mapping: Mapping, edits: Edits) -> dict[str, Any]:
    """What the mapping says with the edits, by way of values alone."""
    document = mapping.model_dump()
    for way, value in edits.items():
        node: dict[Any, Any] = document
        for key in way[:-1]:
            node = node[key]
        if value is UNSAID:
            node.pop(way[-1], None)
        else:
            node[way[-1]] = value
    return document


def _put(document: CommentedMap, way: Place, value: Any) -> None:
    """Change one value of the document."""
    top = _own(document, way[0])
    if len(way) == 1:
        document[top] = value
        return
    section = document.get(top)
    key = _own(section or (), way[1])
    if len(way) == 2 and (value is UNSAID or not section or key not in section):
        _list(document, top, key, value)
        return
    # The comment above an entry is kept with the last value of the one before: whatever ends that, it stays below.
    with tail_kept(section, key):
        node = section
        for part in way[1:-1]:
            own = _own(node, part)
            if own not in node:
                _insert(node, own, CommentedMap())
            node = node[own]
        _change(node, _own(node, way[-1]), value)


def _list(document: CommentedMap, top: Any, key: Any, value: Any) -> None:
    """Add a plain value to the end of a section, or take one out of it; comments keep their places."""
    with tail_kept(document, top):
        section = document.get(top)
        if value is not UNSAID:
            if not section:
                document[top] = section = CommentedMap()
            section[key] = value
        elif section and key in section:
            _change(section, key, value)
            if not section:
                document[top] = CommentedMap()


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


def _own(node: Iterable[Any], key: Any) -> Any:
    """The key as the document has it: YAML reads some without quotes as numbers, or as true and false."""
    return next((own for own in node if own == key or _spelled(own) == key), key)


def _spelled(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
