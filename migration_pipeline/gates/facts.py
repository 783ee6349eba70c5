"""What an approval speaks of: everything that decides what a run writes, as small facts with a digest each.

Facts are kept one by one, not as one hash, so that a refusal can name what changed, and so that what the proposal adds
for records that are new in the source does not void what a person approved.

Belongs here: what counts, and what does not. Does not belong here: who approved it (`approval`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.staging.atomic import read_json, write_json
from migration_pipeline.staging.provenance import code_digest

VOLATILE: Final = (
    "name",
    "data_dir",
    "source.auth",
    "source.workers",
    "source.patience_s",
    "target.token",
    "target.workers",
    "target.search_wait_s",
    "target.patience_s",
    "demo",
    "delta",
    "full",
    "checklist",
    "notify",
    "archive",
)
"""Settings that decide when, how fast or by whose hand a run writes, and never what: they void no approval. Whatever is
not listed counts, so that a new setting counts until somebody decides otherwise."""

DECIDING_CODE: Final = tuple(
    f"migration_pipeline.{room}" for room in ("config", "masking", "model", "selection", "sources", "target")
)
"""The packages that decide what is written."""

DESCRIPTIVE: Final = frozenset({"name", "email", "title", "matched_by", "score", "evidence"})
"""Keys of a mapping entry that tell a reader who it is and why; what becomes of records does not follow from them."""

_PROPOSED: Final = "proposed.json"


@dataclass(frozen=True)
class Facts:
    """Digests by key: `source`, `target`, `code`, `settings.<key>` and `mapping.<section>.<id>`."""

    digests: Mapping[str, str]

    @property
    def hash(self) -> str:
        """One hash of all of them."""
        return hashlib.sha256(orjson.dumps(dict(self.digests), option=orjson.OPT_SORT_KEYS)).hexdigest()


def facts_of(migration: Migration, mapping: Rules | None) -> Facts:
    """The facts as they are now; without a mapping.yaml yet, those of the rest."""
    content: dict[str, Any] = {
        "source": migration.source.account,
        "target": [migration.target.url, migration.target.workspace],
        "code": [version("migration-pipeline"), code_digest(*DECIDING_CODE)],
    }
    # Secrets are dumped as stars; they could be changed without changing what is written.
    settings = migration.model_dump(mode="json", exclude={"path"})
    content |= {f"settings.{key}": value for key, value in _leaves(settings) if not _is_volatile(key)}
    if mapping is not None:
        content |= {f"mapping.{key}": value for key, value in _entries(mapping.model_dump(mode="json"))}
    return Facts({key: _digest(value) for key, value in content.items()})


def note_proposed(root: Path, before: Facts, after: Facts) -> None:
    """Write down what a proposal added to mapping.yaml: what stands in `after` and not in `before`.

    `root` is the migration's folder.

    Raises:
        OSError: the disk is full or not writable.
    """
    added = {key: digest for key, digest in after.digests.items() if key not in before.digests}
    known = proposed(root)
    if added.items() <= known.items():
        return
    write_json(root / _PROPOSED, dict(known) | added)


def proposed(root: Path) -> Mapping[str, str]:
    """Every entry that a proposal ever added, as it added it."""
    found: dict[str, str] = read_json(root / _PROPOSED) or {}
    return found


def _leaves(node: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted key; lists are one value."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _is_volatile(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in VOLATILE)


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The entries of mapping.yaml by section and key, without what only describes them."""
    for section, value in document.items():
        if not isinstance(value, dict):
            yield section, value
            continue
        for key, entry in value.items():
            deciding = entry
            if isinstance(entry, dict):
                deciding = {name: item for name, item in entry.items() if name not in DESCRIPTIVE}
            yield f"{section}.{key}", deciding


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
