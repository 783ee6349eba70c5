"""Loading the articles of the help centre: first as drafts, then with their links, and public.

Belongs here: the calls of an article, and what people's own changes mean for them. Does not belong here: request bodies
(`article_steps`), the texts in them (`article_texts`), what an article becomes (`target.articles`), or addresses
(`addresses`, `hosting`).

An article arrives as a draft: one whose answer was lost is nobody's business until it is found. Once all are there,
each is read back; where its text is what was sent, one call makes it public and leads its links to the new places.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from migration_pipeline.journal import Outcome, Remembered, State
from migration_pipeline.model.errors import Rejected
from migration_pipeline.target import article_steps as steps
from migration_pipeline.target.canonical import body_hash, short_hash
from migration_pipeline.target.loading.article_texts import held_pictures, meant, rendering, same_text
from migration_pipeline.target.loading.desk import CONFLICTS, Desk, json_of
from migration_pipeline.target.loading.library import Library, parent_of, tell_languages_left
from migration_pipeline.target.loading.slots import filled, revised
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Adapted, Json, Step

_UNTRIED: Final = "untried"
"""Key of `Adapted`: the article was made without any picture, because Intercom did not say which one it refuses."""


def article(desk: Desk, library: Library, work: Work, row: Row) -> Outcome:
    """A new article, as a draft."""
    made = _meant(desk, library, work, row, public=False)
    try:
        article_id = _created(desk, library, work, row, made)
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    if row["kind"] == "article":
        _tag(desk, work, row, article_id)
    return _arrived(desk, library, work, row, article_id, work.answers.get(f"create_{row['kind']}"))


def _created(desk: Desk, library: Library, work: Work, row: Row, made: Json) -> str:
    """Create the article. Where Intercom refuses it for a picture that it does not name, each one is tried alone."""
    render, pictures = rendering(library.hosts, row, made)
    step = steps.create_article(row["kind"], made, render, pictures)
    bare = replace(step, start={steps.WITHOUT: sorted(pictures), _UNTRIED: True})
    earlier = work.operations.get(work.key(step.name))
    if earlier is not None and _UNTRIED in earlier.adapted:
        article_id = desk.writer.perform(work, bare)
    else:
        try:
            return str(desk.writer.perform(work, step))
        except StepRefused as refusal:
            if refusal.status not in (400, 422) or not pictures:
                raise
            try:
                article_id = desk.writer.perform(work, bare)
            except StepRefused:
                raise refusal from None  # it is not the pictures
    _try_pictures(desk, work, row, made, str(article_id), render, pictures)
    return str(article_id)


def _try_pictures(
    desk: Desk, work: Work, row: Row, made: Json, article_id: str, render: steps.Render, pictures: Mapping[str, str]
) -> None:
    """Add one picture after the other to an article that was made without any; those that are refused stay links."""
    without = set(pictures)
    for picture in sorted(pictures):
        step = steps.update_article(row["kind"], article_id, made, render, pictures, without - {picture})
        try:
            desk.writer.perform(work, replace(step, name=f"picture/{short_hash(picture)}", adapt=_in_no_other_way))
            without.discard(picture)
        except StepRefused:
            continue


def _in_no_other_way(refusal: Rejected, adapted: Adapted) -> Adapted | None:
    del refusal, adapted
    return None


def changed_article(desk: Desk, library: Library, work: Work, row: Row, known: Remembered) -> Outcome:
    """Bring an article up to date, its links and its state among it."""
    article_id = str(known.target_id)
    kind = _kind(work, row)
    actual = desk.client.article(kind, article_id)
    if actual is None:
        return desk.migrated(work, row, article_id, "conflict_deleted")
    conflict = _conflict(desk, known, actual)
    if conflict in ("conflict_kept", "conflict_reported"):
        work.losses.append((conflict, "text or state"))
        return desk.migrated(work, row, article_id, conflict, seen=known.seen)
    if kind != row["kind"]:
        work.losses.append(("article_kind_stays", f"it is an {kind.replace('_', ' ')}"))
        return desk.migrated(work, row, article_id, "article_kind_stays", seen=known.seen)
    made = _meant(desk, library, work, row, public=True)
    if not _put(desk, library, work, row, made, article_id, actual):
        work.notes.extend(work.refusals)
        work.refusals.clear()
        return replace(desk.migrated(work, row, article_id, "update_failed", seen=known.seen), digest=known.digest)
    if kind == "article":
        _tag(desk, work, row, article_id)
    answer = work.answers.get(f"update_{kind}") or desk.client.article(kind, article_id)
    return replace(_arrived(desk, library, work, row, article_id, answer), reason=conflict)


def unpublished(desk: Desk, work: Work, row: Row, known: Remembered) -> Outcome:
    """Make an article that left the source a draft; one that people changed since follows `conflicts`.

    An internal article stays: nobody outside ever saw it.
    """
    article_id, reason = str(known.target_id), row["planned_reason"]
    actual = desk.client.article("article", article_id) if _kind(work, row) == "article" else None
    if actual is None:
        return desk.migrated(work, row, article_id, reason)
    if (conflict := _conflict(desk, known, actual)) in ("conflict_kept", "conflict_reported"):
        work.losses.append((conflict, "text or state"))
        return desk.migrated(work, row, article_id, reason)
    try:
        desk.writer.perform(work, revised(work, steps.unpublish_article(article_id, actual)))
    except StepRefused as refusal:
        work.notes.append(str(refusal))
        return desk.migrated(work, row, article_id, "update_failed")
    work.notes.append("made a draft, as set")
    answer = work.answers.get("unpublish_article") or desk.client.article("article", article_id) or {}
    return desk.migrated(work, row, article_id, reason, seen=seen(answer))


def finish(desk: Desk, library: Library, work: Work, row: Row, known: Remembered) -> Outcome | None:
    """Make an article that arrived public, with its links as far as their ends are there; None where nothing is left.

    Nothing is sent where people changed it since, or where its text is not what was sent.
    """
    sent = filled(work).get("create")
    if sent is None or known.digest != row["digest"] or _kind(work, row) != row["kind"]:
        return None
    made = _meant(desk, library, work, row, public=True)
    article_id = str(known.target_id)
    if sent.payload_hash == short_hash(made):
        return None
    actual = desk.client.article(row["kind"], article_id)
    if actual is None:
        return None
    if _conflict(desk, known, actual) in ("conflict_kept", "conflict_reported"):
        return None
    if not same_text(row, made, actual, set(without(work))):
        work.losses.extend(_refused(work))
        return desk.migrated(work, row, article_id, "article_stays_draft", seen=known.seen)
    if not _put(desk, library, work, row, made, article_id, actual):
        work.notes.extend(work.refusals)
        work.refusals.clear()
        work.losses.extend(_refused(work))
        return desk.migrated(work, row, article_id, "update_failed", seen=known.seen)
    return _arrived(desk, library, work, row, article_id, work.answers.get(f"update_{row['kind']}"))


def redirect(desk: Desk, library: Library, work: Work, row: Row, article_id: str) -> None:
    """Have the help centre lead the article's old addresses to it, where they are the help centre's own.

    That is so once the old domain points at Intercom; the exported lists serve every other server. An address that was
    refused once is not tried again.
    """
    center = library.addresses.help_center
    if center is None or row["kind"] != "article" or not desk.migration.help_center.redirects:
        return
    for old in row["old_urls"] or ():
        if not old["url"].startswith(f"{library.addresses.base}/"):
            continue
        step = steps.create_redirect(center, old["url"], old["locale"], "article", article_id)
        known = work.operations.get(work.key(step.name))
        if known is not None and known.state in (State.DONE, State.REJECTED):
            continue
        try:
            desk.writer.perform(work, step)
        except StepRefused as refusal:
            work.losses.append(("redirect_refused", f"{old['url']}: {refusal}"[:300]))


def _put(
    desk: Desk, library: Library, work: Work, row: Row, made: Json, article_id: str, actual: Mapping[str, Any]
) -> bool:
    """Send the whole article again. Pictures that Intercom holds are named by the addresses it gave them."""
    refused = without(work)
    render, pictures = rendering(library.hosts, row, made, held_pictures(made, actual, set(refused)))
    step = steps.update_article(row["kind"], article_id, made, render, pictures, refused)
    try:
        desk.writer.perform(work, revised(work, step))
    except StepRefused as refusal:
        work.refusals.append(str(refusal))
        return False
    return True


def _meant(desk: Desk, library: Library, work: Work, row: Row, *, public: bool) -> Json:
    """See `meant`; links that lead nowhere yet are told.

    Raises:
        ParentMissing: its collection did not arrive.
    """
    addresses = library.addresses if public else library.before
    made, kept = meant(row, addresses, parent_of(desk, work, row["collection_ref"]), public=public)
    work.losses.extend(("link_kept", url[:200]) for url in kept)
    tell_languages_left(library, work, json_of(row["body"]))
    return made


def without(work: Work) -> list[str]:
    """Pictures that Intercom could not take."""
    newest = filled(work)
    if "create" not in newest:
        return []
    refused: list[str] = newest["create"].adapted.get(steps.WITHOUT, [])
    if _UNTRIED in newest["create"].adapted:
        taken = [one.adapted[steps.WITHOUT] for slot, one in newest.items() if slot.startswith("picture/")]
        refused = min([refused, *taken], key=len)
    return refused


def _arrived(
    desk: Desk, library: Library, work: Work, row: Row, article_id: str, answer: Mapping[str, Any] | None
) -> Outcome:
    answer = answer or desk.client.article(row["kind"], article_id) or {}
    work.losses.extend(_refused(work))
    url = str(answer.get("url") or "") or None
    if row["kind"] == "article":
        library.addresses.arrived("articles", work.source_id, article_id, url)
    told = desk.migrated(work, row, article_id, seen=seen(answer))
    return replace(told, target_url=url or told.target_url)


def _refused(work: Work) -> list[tuple[str, str]]:
    return [("image_refused", url[:200]) for url in without(work)]


def seen(answer: Mapping[str, Any]) -> Json:
    """An impression of an article: hashes of what people may change."""
    told = [answer.get("title"), body_hash(answer.get("body")), answer.get("state"), str(steps.parent_of(answer) or "")]
    texts = {
        locale: [one.get("title"), body_hash(one.get("body")), one.get("state")]
        for locale, one in steps.translations(answer).items()
    }
    return {"looks": short_hash([told, texts])}


def _conflict(desk: Desk, known: Remembered, actual: Mapping[str, Any]) -> str | None:
    if not known.seen or known.seen == seen(actual):
        return None
    return CONFLICTS[desk.migration.options.conflicts]


def _kind(work: Work, row: Row) -> str:
    """What the article was made as."""
    made = {operation.kind for operation in work.operations.values()}
    return next((kind for kind in steps.ROUTES if f"create_{kind}" in made), str(row["kind"]))


def _tag(desk: Desk, work: Work, row: Row, article_id: str) -> None:
    """Put tags on that are new, and take off those of ours that the source no longer has."""
    sent = filled(work)
    wanted = {f"tag/{name}": name for name in row["tags"] or ()}
    for slot, name in wanted.items():
        tag_id = desk.tags.get(name.casefold())
        if tag_id is None:
            work.losses.append(("reference_skipped", f"tag {name}"))
        elif slot not in sent or sent[slot].kind != "tag_article":
            _attempt(desk, work, steps.tag_article(article_id, name, tag_id), slot)
    for slot, operation in sent.items():
        if operation.kind == "tag_article" and slot not in wanted:
            tag_id = desk.tags.get(slot.removeprefix("tag/").casefold())
            if tag_id is not None:
                _attempt(desk, work, steps.untag_article(article_id, tag_id), slot)


def _attempt(desk: Desk, work: Work, step: Step, slot: str) -> None:
    try:
        desk.writer.perform(work, revised(work, step, slot))
    except StepRefused as refusal:
        work.refusals.append(str(refusal))
