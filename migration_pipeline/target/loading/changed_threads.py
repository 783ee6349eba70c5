"""Carrying a ticket's changes into its conversation: what differs from what was written, and nothing else.

Belongs here: which calls a change needs, their order, and what people's own changes mean for them. Does not belong
here: the first load of a thread (`threads`), request bodies (`messages`, `steps`).
"""

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from migration_pipeline.journal import Known, Operation, Outcome, Remembered
from migration_pipeline.journal.protocol import State
from migration_pipeline.target import messages, reading, steps, volumes
from migration_pipeline.target.canonical import same_value
from migration_pipeline.target.dates import written_at
from migration_pipeline.target.loading import impressions, threads
from migration_pipeline.target.loading.cuts import as_begun
from migration_pipeline.target.loading.desk import Desk, json_of
from migration_pipeline.target.loading.slots import filled, revised
from migration_pipeline.target.loading.slots import volumes as volumes_made
from migration_pipeline.target.loading.threads import Opened, Volume
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.messages import Reply
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Json, Step

NOBODY: Final = "0"
"""The assignee that takes an assignment away (Intercom OpenAPI 2.16, manageConversation)."""


@dataclass
class Changing:
    """A conversation, or an Intercom ticket in the shape of one, that is being changed."""

    desk: Desk
    work: Work
    row: Row
    contacts: dict[str, Known]
    id: str
    before: Json  # as it was when we came
    present: set[str]
    labels: Json  # the attributes that we set
    reply: Callable[[Reply, int, int], Step]  # the call that adds a part, see `messages.reply` for the seconds
    read: Callable[[], Json | None]
    told: set[str] = field(default_factory=set)  # reason codes of what was not carried

    def attempt(self, step: Step, slot: str | None = None) -> bool:
        """Perform a step under the name that its slot has for it now; whether it was done."""
        return threads.attempt(self.desk, self.work, revised(self.work, step, slot))

    def lost(self, reason: str, detail: str) -> None:
        """Tell that something was not carried."""
        self.told.add(reason)
        self.work.losses.append((reason, detail))

    def now(self) -> Json:
        """The conversation as it is; asked for where our last call did not show it."""
        if self.work.sent == 0:
            return self.before
        return self.work.shown or self.read() or self.before


def _changing(
    desk: Desk, work: Work, volume: Volume, contacts: dict[str, Known], conversation: str, before: Json
) -> Changing:
    labels, _ = threads.attributes_of(desk, Work(work.entity_type, work.source_id, {}), volume.row)
    return Changing(
        desk=desk,
        work=work,
        row=volume.row,
        contacts=contacts,
        id=conversation,
        before=before,
        present=reading.people(before),
        labels=labels,
        reply=lambda said, not_before, undated: messages.reply(
            conversation, said, not_before, desk.blobs.read, desk.client.conversation, undated
        ),
        read=lambda: desk.client.conversation(conversation),
    )


def change(desk: Desk, work: Work, row: Row, parts: Iterable[Row], known: Remembered) -> Outcome:
    """Bring a migrated ticket's conversation up to date; what became of it.

    Raises:
        ParentMissing, StepUnclear.
    """
    conversations = volumes_made(work) or {1: str(known.target_id)}
    before = {number: desk.client.conversation(conversation) for number, conversation in conversations.items()}
    if not all(before.values()):
        return desk.migrated(work, row, str(known.target_id), "conflict_deleted")
    rule = desk.migration.options.conflicts
    touched = {
        name
        for number, there in before.items()
        for name in impressions.touched(impressions.of_volume(known.seen, number), there or {}, work)
    }
    if touched and rule == "report_only":
        work.notes.append(f"changed in Intercom: {', '.join(sorted(touched))}")
        return desk.migrated(work, row, str(known.target_id), "conflict_reported")
    said = as_begun(work, row["opener_comment_ref"], parts)
    contacts = threads.contacts_of(desk, row, said)
    company = threads.company_of(desk, work, row)
    tags = threads.tags_of(desk, row)
    changed, further = _shared_out(desk, work, row, threads.replies_of(row, said, contacts), list(conversations))
    existing = [
        _changing(
            desk,
            work.of_volume(volume.number),
            volume,
            contacts,
            conversations[volume.number],
            before[volume.number] or {},
        )
        for volume in changed
    ]
    for thread, volume in zip(existing, changed, strict=True):
        say(thread, _with_opener(thread, list(volume.replies)))
        _let_in(thread)
    opened = _go_on(existing[-1], further)
    keep = bool(touched) and rule == "keep_target"
    for thread, volume in zip(existing, changed, strict=True):
        if not keep:
            tag(thread, tags)
            _describe(thread, company, impressions.of_volume(known.seen, volume.number))
            _assign(thread)
        _leave(thread, keep=keep)
    for one in opened:
        threads.complete(desk, one, contacts, tags, company)
    return outcome(existing, opened, touched, known, keep=keep)


# Volumes


_LINKS: Final = frozenset({f"part/{volumes.NEXT}", f"part/{volumes.BACK}"})


def _shared_out(
    desk: Desk, work: Work, row: Row, replies: Sequence[Reply], numbers: Sequence[int]
) -> tuple[list[Volume], list[Volume]]:
    """The ticket's conversations as they are to be, and those to be opened.

    A message stays where it was sent; a new one goes to the end, in a further conversation once the last one is full.
    """
    room = volumes.capacity(desk.migration.options.max_parts, len(json_of(row["attributes"])))
    where = {
        slot: number
        for number in numbers
        for slot in filled(work.of_volume(number))
        if slot.startswith("part/") and slot not in _LINKS
    }
    mine: dict[int, list[Reply]] = {number: [] for number in numbers}
    counts = Counter(where.values())
    last = numbers[-1]
    for reply in replies:
        number = where.get(f"part/{reply.key}")
        if number is None:
            if counts[last] >= room:
                last += 1
                mine[last] = []
            counts[last] += 1
            number = last
        mine[number].append(reply)
    found = [Volume(number, volumes.row_of(row, number, _moment(said)), tuple(said)) for number, said in mine.items()]
    return [one for one in found if one.number in numbers], [one for one in found if one.number not in numbers]


def _moment(said: Sequence[Reply]) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(said[0].created_at, dt.UTC) if said else None


def _go_on(last: "Changing", further: Sequence[Volume]) -> list[Opened]:
    """Open the further conversations, each linked with the one before it."""
    opened: list[Opened] = []
    before = Opened(
        last.work, Volume(last.work.volume, last.row, ()), last.id, set(), reading.newest_second(last.now())
    )
    for volume in further:
        try:
            one = threads.open_volume(last.desk, last.work.of_volume(volume.number), volume, last.contacts, before.id)
        except StepRefused as refusal:
            last.work.refusals.append(str(refusal))
            break
        threads.lead(last.desk, before, volumes.NEXT, one)
        opened.append(one)
        before = one
    return opened


# Messages


def say(thread: Changing, replies: list[Reply]) -> None:
    """Add what is new, take back what was redacted or is no longer public, and tell what was edited."""
    work, desk = thread.work, thread.desk
    opened_at = last = int(work.operations[work.key("create")].adapted["created_at"])
    undated = max((written_at(one) for slot, one in filled(work).items() if slot.startswith("part/")), default=0)
    withdrawn: set[str] = set()
    for reply in replies:
        known = filled(work).get(f"part/{reply.key}")
        earliest = last
        if known is not None:
            verdict = difference(reply, known)
            last = max(last, int(known.adapted["created_at"]))
            if verdict == "same":
                work.losses.extend(thread.reply(reply, last, 0).losses(known.adapted))
                continue
            if verdict == "withdraw":
                withdrawn.add(comment_of(reply.key))
                _redact(thread, known.target_id or _found(thread, known.identity), f"part {reply.key}")
                earliest = opened_at
            elif verdict == "edited" and desk.migration.options.edited_comments == "append":
                reply = replace(reply, created_at=max(reply.created_at, last))
            else:
                reason = "author_changed" if verdict == "author" else "comment_edited"
                thread.lost(reason, f"message {reply.position + 1}")
                continue
        step = revised(work, thread.reply(reply, earliest, undated))
        threads.say(desk, work, thread.id, reply, step, thread.present)
        sent = work.operations.get(work.key(step.name))
        if sent is not None and known is None:
            last = max(last, int(sent.adapted["created_at"]))
            undated = max(undated, written_at(sent))
    _withdraw_rest(thread, withdrawn, {f"part/{reply.key}" for reply in replies})


def difference(reply: Reply, known: Operation) -> str:
    """How a message that was sent differs from what it should be: same, withdraw, author or edited."""
    meant = messages.identity_of(reply, known.adapted).split("|")
    was = (known.identity or "").split("|")
    (kind, author, _, *content), (old_kind, old_author, _, *old_content) = meant, was
    if (kind, author, content) == (old_kind, old_author, old_content):
        return "same"
    if kind != old_kind or (reply.redacted and content != old_content):
        return "withdraw"
    return "author" if author != old_author else "edited"


def _with_opener(thread: Changing, replies: list[Reply]) -> list[Reply]:
    """The replies to compare, with the opening words among them where the opener cannot say them (any more)."""
    work, row = thread.work, thread.row
    opening = work.operations[work.key("create")]
    was, ref = opening.adapted.get("comment"), row["opener_comment_ref"]
    requester = str(thread.contacts[row["requester_ref"]].target_id)
    if requester != opening.adapted["contact"]:
        thread.lost("requester_changed", f"now contact {row['requester_ref']}")
    sent = filled(work)
    withdrawn = "redact/source" in sent
    said_now = messages.opener_as_reply(
        requester, row["opener"], int(opening.adapted["created_at"]), f"{ref}.0", redacted=bool(row["opener_redacted"])
    )
    if ref is None or was != ref:
        if was is not None and not withdrawn:
            # Who opened says so no more: it became internal, or is no longer the first.
            moved = [reply for reply in replies if comment_of(reply.key) == was]
            if any(reply.kind == "note" or reply.redacted for reply in moved):
                _redact(thread, None, "opener")
            else:
                replies = [reply for reply in replies if reply not in moved]
        if ref is None:
            return replies
        if f"part/{ref}.0" in sent:
            return [reply for reply in replies if comment_of(reply.key) != ref]
        return [said_now, *replies]
    if withdrawn:
        return [said_now, *replies]
    step = messages.create_conversation(requester, row["opener"], said_now.created_at, ref)
    if step.identity(opening.adapted) == opening.identity:
        work.losses.extend(replace(step).losses(opening.adapted))
        return replies
    if row["opener_redacted"]:
        _redact(thread, None, "opener")
        return [said_now, *replies]
    if thread.desk.migration.options.edited_comments == "append":
        return [said_now, *replies]
    thread.lost("comment_edited", "message 1")
    return replies


def _withdraw_rest(thread: Changing, comments: set[str], kept: set[str]) -> None:
    """Take back further parts of comments that were taken back: their files may be what had to go."""
    for slot, operation in filled(thread.work).items():
        if slot.startswith("part/") and slot not in kept and comment_of(slot.removeprefix("part/")) in comments:
            _redact(thread, operation.target_id, slot)


def _redact(thread: Changing, part: str | None, what: str) -> None:
    """Make a message unreadable in the target; the opener where `part` is None and `what` says so."""
    if what == "opener":
        source = reading.opener(thread.before).id
        thread.attempt(steps.redact(thread.id, "source", source), "redact/source")
    elif part is not None:
        known = thread.work.operations.get(thread.work.key(f"redact/{part}"))
        if known is None or known.state is not State.DONE:
            threads.attempt(thread.desk, thread.work, steps.redact(thread.id, "conversation_part", part))
    else:
        thread.work.refusals.append(f"{what} must be redacted, and is not found in the conversation")


def _found(thread: Changing, identity: str | None) -> str | None:
    """The id of a message whose call never told it."""
    found = messages.recognize(
        list(reading.messages(thread.before)), identity or "", frozenset(impressions.sent(thread.work)),
        others_known=False,
    )  # fmt: skip
    return found.id if found else None


def comment_of(key: str) -> str:
    """The comment that a reply's key names."""
    return key.rsplit(".", 1)[0]


# Everything around the messages


def _let_in(thread: Changing) -> None:
    """Add participants that are new, a requester who did not open the conversation among them."""
    for ref in (thread.row["requester_ref"], *(thread.row["participant_refs"] or ())):
        contact = thread.contacts[ref].target_id
        if contact is None:
            thread.work.losses.append(("reference_skipped", f"participant {ref} ({thread.contacts[ref].reason})"))
        elif contact not in thread.present:
            thread.present.add(contact)
            thread.attempt(steps.add_participant(thread.id, ref, contact, thread.desk.admin_id))


def tag(
    thread: Changing,
    tags: Mapping[str, str],
    put_on: Callable[[str, str, str, str], Step] = steps.tag_conversation,
    take_off: Callable[[str, str, str], Step] = steps.untag_conversation,
) -> None:
    """Put on tags that are missing; take off those that we put on and the ticket no longer has."""
    desk, held = thread.desk, reading.tags(thread.before)
    for tag_id, name in tags.items():
        if tag_id not in held:
            thread.attempt(put_on(thread.id, name, tag_id, desk.admin_id))
    for slot, operation in filled(thread.work).items():
        if not slot.startswith("tag/") or operation.kind != "tag_conversation":
            continue
        unwanted = desk.tags.get(slot.removeprefix("tag/").casefold())
        if unwanted is not None and unwanted not in tags and unwanted in held:
            thread.attempt(take_off(thread.id, unwanted, desk.admin_id), slot)


def _describe(thread: Changing, company: str | None, seen: Mapping[str, Any] | None) -> None:
    """Title, company and attributes that differ, in one call."""
    desk, work, before = thread.desk, thread.work, thread.before
    labels, ids = threads.attributes_of(desk, work, thread.row)
    actual = reading.attributes(before)
    changed = [
        name
        for name, value in labels.items()
        if not same_value(value, actual.get(name)) and not same_value(ids[name], actual.get(name))
    ]
    ours = (seen or {}).get(impressions.ATTRIBUTES, {})
    gone = {name: None for name in ours if name not in labels and actual.get(name) not in (None, "")}
    rest: Json = {}
    if thread.row["title"] and not same_value(thread.row["title"], before.get("title")):
        rest["title"] = thread.row["title"]
    if company is not None and company != reading.company(before):
        rest["company_id"] = company
    if not (changed or gone or rest):
        return
    step = threads.put(
        desk,
        thread.id,
        "attributes",
        {name: labels[name] for name in changed} | gone,
        {name: ids[name] for name in changed} | gone,
        rest,
    )
    threads.performed(desk, work, revised(work, step))


def _assign(thread: Changing) -> None:
    """Admin and team where they differ; whom the ticket lost, the conversation loses too."""
    sent = filled(thread.work)
    for kind in ("admin", "team"):
        wanted, actual = thread.row[f"{kind}_id"], reading.assignee(thread.before, kind)
        if wanted == actual:
            continue
        if wanted is None and f"assign_{kind}" not in sent:
            continue  # nobody of ours: a rule of the workspace may have assigned it
        thread.attempt(steps.assign(thread.id, kind, wanted or NOBODY, thread.desk.admin_id))


def _leave(thread: Changing, *, keep: bool) -> None:
    """Put the conversation into the ticket's state, or into the one in which people had left it."""
    actual = thread.now()
    wanted = reading.state(thread.before) if keep else thread.row["state"]
    if reading.state(actual) == wanted:
        return
    admin = thread.desk.admin_id
    if wanted == "open":
        thread.attempt(steps.reopen(thread.id, admin), "state-open")
    elif wanted == "closed":
        thread.attempt(steps.close(thread.id, admin), "state-closed")
    else:
        default = int(time.time()) + thread.desk.migration.options.snooze_days * threads.DAY
        until = _until(thread, keep=keep)
        thread.attempt(steps.snooze(thread.id, admin, until if until > time.time() + 60 else default), "state-snoozed")


def _until(thread: Changing, *, keep: bool) -> int:
    if keep:
        return int(thread.before.get("snoozed_until") or 0)
    until = thread.row["snoozed_until"]
    return threads.seconds(until) if until else 0


def outcome(
    existing: Sequence[Changing], opened: Sequence[Opened], touched: set[str], known: Remembered, *, keep: bool
) -> Outcome:
    """The outcome, with the impression that the next change is compared with."""
    thread = existing[0]
    desk, work, row = thread.desk, thread.work, thread.row
    told = []
    for one in existing:
        impression: dict[str, Any] = impressions.of_conversation(one.now(), one.labels, one.work)
        before = impressions.of_volume(known.seen, one.work.volume)
        if touched and keep and before is not None:
            impression |= {name: before[name] for name in touched}
        told.append(impression)
    seen: dict[str, Any] = told[0]
    further = told[1:] + ([threads.impression(desk, [one]) for one in opened])
    if further:
        seen = seen | {impressions.FURTHER: further}
    told_first = ("comment_edited", "author_changed", "requester_changed")
    codes = {code for one in existing for code in one.told}
    reason = next((code for code in told_first if code in codes), row["planned_reason"] or row["remark"])
    work.notes.extend(filter(None, [row["planned_detail"] or row["remark_detail"]]))
    if touched:
        reason = "conflict_kept" if keep else "conflict_overwritten"
        work.notes.append(f"changed in Intercom: {', '.join(sorted(touched))}")
        work.losses.append((reason, ", ".join(sorted(touched))))
    if work.refusals:
        work.notes.extend(work.refusals)
        work.refusals.clear()
        refused = desk.migrated(work, row, thread.id, "update_failed", seen=known.seen)
        return replace(refused, digest=known.digest)
    return desk.migrated(work, row, thread.id, reason, seen=seen)
