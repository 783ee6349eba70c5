"""Loading the collections of the help centre, each below its parent, which arrived before.

Belongs here: the calls of a collection, and what people's own changes mean for them. Does not belong here: request
bodies (`article_steps`), or articles.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migration_pipeline.journal import Outcome, Remembered
from migration_pipeline.target import article_steps as steps
from migration_pipeline.target.canonical import short_hash
from migration_pipeline.target.loading.desk import CONFLICTS, Desk, json_of
from migration_pipeline.target.loading.library import Library, parent_of, tell_languages_left
from migration_pipeline.target.loading.slots import revised
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json


def collection(desk: Desk, library: Library, work: Work, row: Row) -> Outcome:
    """A collection below its parent, which arrived before."""
    body = _collection_body(desk, library, work, row)
    try:
        collection_id = desk.writer.perform(work, steps.create_collection(body))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    return _settled_collection(desk, library, work, row, str(collection_id))


def changed_collection(desk: Desk, library: Library, work: Work, row: Row, known: Remembered) -> Outcome:
    """Bring a collection up to date."""
    collection_id = str(known.target_id)
    actual = desk.client.collection(collection_id)
    if actual is None:
        return desk.migrated(work, row, collection_id, "conflict_deleted")
    body = _collection_body(desk, library, work, row)
    conflict = None
    if known.seen and known.seen != _collection_seen(actual):
        conflict = CONFLICTS[desk.migration.options.conflicts]
    if conflict in (None, "conflict_overwritten"):
        try:
            desk.writer.perform(work, revised(work, steps.update_collection(collection_id, body)))
        except StepRefused as refusal:
            work.notes.append(str(refusal))
            return replace(desk.migrated(work, row, collection_id, "update_failed"), digest=known.digest)
    else:
        work.losses.append((conflict, "name or place"))
    return replace(_settled_collection(desk, library, work, row, collection_id), reason=conflict)


def _collection_body(desk: Desk, library: Library, work: Work, row: Row) -> Json:
    body = json_of(row["body"])
    tell_languages_left(library, work, body)
    names = {
        locale: one for locale, one in body.pop("translated_content", {}).items() if library.addresses.takes(locale)
    }
    if names:
        body["translated_content"] = names
    parent = parent_of(desk, work, row["parent_ref"])
    return body | ({"parent_id": int(parent)} if parent else {})


def _settled_collection(desk: Desk, library: Library, work: Work, row: Row, collection_id: str) -> Outcome:
    answer = work.answers.get("create_collection") or work.answers.get("update_collection")
    answer = answer or desk.client.collection(collection_id) or {}
    url = str(answer.get("url") or "") or None
    library.addresses.arrived("collections", work.source_id, collection_id, url)
    told = desk.migrated(work, row, collection_id, seen=_collection_seen(answer))
    return replace(told, target_url=url)


def _collection_seen(answer: Mapping[str, Any]) -> Json:
    told = [answer.get("name"), answer.get("description"), str(answer.get("parent_id") or "")]
    translated = {
        locale: [one.get("name"), one.get("description")] for locale, one in steps.translations(answer).items()
    }
    return {"looks": short_hash([*told, translated])}
