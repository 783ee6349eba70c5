"""Loading the help centre: collections, and articles first as drafts, then with their links, and public.

Belongs here: the calls of a collection and of an article, and what people's own changes mean for them. Does not belong
here: request bodies (`article_steps`), what an article becomes (`articles`), or addresses (`addresses`, `hosting`).

An article arrives as a draft: one whose answer was lost is nobody's business until it is found. Once all are there,
each is read back; where its text is what was sent, one call makes it public and leads its links to the new places.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Final

from migration_pipeline.journal import Outcome, Remembered, State
from migration_pipeline.model.errors import Rejected
from migration_pipeline.target import article_steps as steps
from migration_pipeline.target.addresses import NewAddresses
from migration_pipeline.target.articles import ADDRESSES, unescaped
from migration_pipeline.target.canonical import body_hash, short_hash
from migration_pipeline.target.hosting import Hosts
from migration_pipeline.target.loading.desk import CONFLICTS, Desk, json_of
from migration_pipeline.target.loading.slots import filled, revised
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Adapted, Json, Step

_UNTRIED: Final = "untried"
"""Key of `Adapted`: the article was made without any picture, because Intercom did not say which one it refuses."""

_IMAGE: Final = re.compile(r'<img src="([^"]*)" alt="([^"]*)">')
_SHOWN: Final = re.compile(r"""<img\b[^>]*?\bsrc=["']([^"']*)["']""")


@dataclass(frozen=True)
class Library:
    """What loading the help centre needs besides a desk."""

    addresses: NewAddresses
    before: NewAddresses  # as they were when loading began: what a draft links to, whichever order articles arrive in
    hosts: Hosts


def library(addresses: NewAddresses, hosts: Hosts) -> Library:
    """A library at the beginning of a load."""
    return Library(addresses, replace(addresses, known=dict(addresses.known)), hosts)


# Collections


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
    _languages_left(library, work, body)
    names = {
        locale: one for locale, one in body.pop("translated_content", {}).items() if library.addresses.takes(locale)
    }
    if names:
        body["translated_content"] = names
    parent = _parent(desk, work, row["parent_ref"])
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
    return {"looks": short_hash([*told, _by_locale(answer, ("name", "description"))])}


def _parent(desk: Desk, work: Work, ref: str | None) -> str | None:
    """The collection that a record stands in; None at the top, and where it does not move by rule.

    Raises:
        ParentMissing: it did not arrive.
    """
    if ref is None:
        return None
    parent = desk.parents("collections", [ref], "collection")[ref]
    if parent.target_id is None:
        work.losses.append(("reference_skipped", f"collection {ref} ({parent.reason})"))
    return parent.target_id


# Articles


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
    render, pictures = _rendering(library, row, made)
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
    if not _same_text(row, made, actual, set(without(work))):
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
    render, pictures = _rendering(library, row, made, _held(made, actual, set(refused)))
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
    made, kept = meant(row, addresses, _parent(desk, work, row["collection_ref"]), public=public)
    work.losses.extend(("link_kept", url[:200]) for url in kept)
    _languages_left(library, work, json_of(row["body"]))
    return made


def _languages_left(library: Library, work: Work, body: Json) -> None:
    """Tell of languages that the help centre does not have."""
    left = [locale for locale in body.get("translated_content", {}) if not library.addresses.takes(locale)]
    work.losses.extend(("locale_not_enabled", locale) for locale in left)


def meant(row: Row, addresses: NewAddresses, parent_id: str | None, *, public: bool) -> tuple[Json, list[str]]:
    """The article as it is to be, in the target's ids and addresses but for its files'; all drafts until it is public.

    Beside it, the links whose ends are not in the target.
    """
    body = json_of(row["body"])
    links = {link["url"]: link for link in row["links"] or ()}
    kept: dict[str, None] = {}

    def now(found: re.Match[str]) -> str:
        link = links.get(unescaped(found[2])) if found[1] == "href" else None
        if link is None:
            return found[0]
        address = addresses.of(link)
        if address is None:
            kept[link["url"]] = None
            return found[0]
        return f' href="{escape(address)}"'

    def text(content: Json) -> Json:
        state = {"state": content["state"] if public else "draft"} if "state" in content else {}
        return {**content, "body": ADDRESSES.sub(now, content["body"]), **state}

    made = text(body) | {"author_id": int(row["author_id"])}
    if row["kind"] == "internal_article":
        return made | {"owner_id": int(row["author_id"])}, list(kept)
    if "translated_content" in body:
        made["translated_content"] = {
            locale: text(one) for locale, one in body["translated_content"].items() if addresses.takes(locale)
        }
    parent = {"parent_id": int(parent_id), "parent_type": "collection"} if parent_id else {}
    return made | parent, list(kept)


def _rendering(
    library: Library, row: Row, made: Json, held: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[steps.Render, dict[str, str]]:
    """How the body of a call is made, and the addresses of its pictures as Intercom fetches them.

    `held` are addresses of pictures that Intercom holds, by language ('' for the main text) and the payload's address.
    """
    files = {file["url"]: file for file in row["files"] or ()}
    texts = [made["body"], *(one["body"] for one in made.get("translated_content", {}).values())]
    shown = dict.fromkeys(unescaped(found[1]) for html in texts for found in _IMAGE.finditer(html))

    def fetched(url: str) -> str | None:
        file = files.get(url, {"url": url, "name": "image", "content_type": "", "sha256": None})
        return library.hosts.pictures(file)

    pictures = {url: address for url in shown if (address := fetched(url))}

    def written(locale: str, content: Json, without: frozenset[str]) -> Json:
        known = (held or {}).get(locale, {})

        def picture(found: re.Match[str]) -> str:
            url, words = unescaped(found[1]), found[2]
            address = None if url in without else known.get(url) or pictures.get(url)
            if address:
                return f'<img src="{escape(address)}" alt="{words}">'
            name = words or escape(str(files.get(url, {}).get("name") or "image"))
            before = found.string[: found.start()]
            if url.startswith("embedded:") or before.rfind("<a ") > before.rfind("</a>"):
                return f"[image: {name}]"
            return f'<a href="{found[1]}">[image: {name}]</a>'

        def linked(found: re.Match[str]) -> str:
            file = files.get(unescaped(found[2])) if found[1] == "href" else None
            address = library.hosts.links(file) if file and not file["picture"] and file["sha256"] else None
            return f' href="{escape(address)}"' if address else found[0]

        return {**content, "body": ADDRESSES.sub(linked, _IMAGE.sub(picture, content["body"]))}

    def render(without: frozenset[str]) -> Json:
        body = written("", made, without)
        if "translated_content" in made:
            body["translated_content"] = {
                locale: written(locale, one, without) for locale, one in made["translated_content"].items()
            }
        return body

    return render, pictures


def _held(made: Json, actual: Mapping[str, Any], without: set[str]) -> dict[str, dict[str, str]]:
    """Addresses that Intercom gave the pictures, where it shows as many as were sent."""
    translated = _dict(actual.get("translated_content"))
    found: dict[str, dict[str, str]] = {}
    for locale, content in {"": made, **made.get("translated_content", {})}.items():
        there = actual if not locale else _dict(translated.get(locale))
        sent = [url for one in _IMAGE.finditer(content["body"]) if (url := unescaped(one[1])) not in without]
        shown = [unescaped(address) for address in _SHOWN.findall(str(there.get("body") or ""))]
        if len(sent) == len(shown):
            found[locale] = dict(zip(sent, shown, strict=True))
    return found


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


def _same_text(row: Row, made: Json, actual: Mapping[str, Any], without: set[str]) -> bool:
    """Whether Intercom holds the words that were sent, in every language."""
    translated = _dict(actual.get("translated_content"))
    files = {file["url"]: file for file in row["files"] or ()}
    for locale, content in {"": made, **made.get("translated_content", {})}.items():
        there = actual if not locale else _dict(translated.get(locale))
        if locale and not there:
            return False
        if body_hash(in_words(files, content["body"], without)) != body_hash(there.get("body")):
            return False
    return True


def in_words(files: Mapping[str, Mapping[str, Any]], html: str, without: Iterable[str]) -> str:
    """The HTML with the words that stand in for pictures that could not be taken; `files` by address."""
    left = set(without)

    def picture(found: re.Match[str]) -> str:
        url = unescaped(found[1])
        if url not in left:
            return found[0]
        return f"[image: {found[2] or escape(str(files.get(url, {}).get('name') or 'image'))}]"

    return _IMAGE.sub(picture, html)


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
        for locale, one in sorted(_dict(answer.get("translated_content")).items())
        if isinstance(one, dict)
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


def _by_locale(answer: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    translated = _dict(answer.get("translated_content"))
    return {
        locale: [one.get(name) for name in names] for locale, one in sorted(translated.items()) if isinstance(one, dict)
    }


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


Loader = Callable[[Desk, Library, Work, Row], Outcome]
Changer = Callable[[Desk, Library, Work, Row, Remembered], Outcome]

LOADERS: Final[Mapping[str, Loader]] = {"collections": collection, "articles": article}
CHANGERS: Final[Mapping[str, Changer]] = {"collections": changed_collection, "articles": changed_article}
