"""The story of one ticket: its steps folded into what changed, who said what, and the state it ends in.

Here: the fold over a ticket's audits, the base's and later ones. Not here: JSON shapes, and which audits exist.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migration_pipeline.sandbox.zendesk.world import catalogue, files, ids, people, prose, seeds, skeleton
from migration_pipeline.sandbox.zendesk.world.files import File
from migration_pipeline.sandbox.zendesk.world.population import GONE, LIGHT, Population
from migration_pipeline.sandbox.zendesk.world.prose import Writing
from migration_pipeline.sandbox.zendesk.world.seeds import pick
from migration_pipeline.sandbox.zendesk.world.skeleton import LAST_COMMENT, STATUS_NAMES, Kind, Skeleton
from migration_pipeline.sandbox.zendesk.world.vocabulary import LANGUAGES, PRODUCTS, TAGS

SYSTEM = -1
CARD = "4111 1111 1111 1111"
MASK = "▇"


@dataclass(frozen=True, slots=True)
class Later:
    """An audit that came after the base was laid out. ``params`` says what it does where ``seed`` does not."""

    seq: int
    time: int
    kind: Kind
    seed: int
    params: Mapping[str, Any]


@dataclass(slots=True)
class Step:
    """One audit: what it changed as (field, value, previous), and its comment, if any."""

    seq: int
    time: int
    kind: Kind
    author: int
    public: bool = True
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    target: int | None = None
    """The seq of the comment that a redaction or privacy change is about."""
    others: tuple[int, ...] = ()
    """Ticket ids of a merge."""
    seed: int = 0
    text: str | None = None
    assignee: int = -1
    """Who had the ticket, and who was copied, when the step was made: later changes do not rewrite old mail."""
    ccs: tuple[int, ...] = ()

    @property
    def has_comment(self) -> bool:
        """Whether the audit brings a comment."""
        return self.kind <= LAST_COMMENT


@dataclass(slots=True)
class Ticket:
    """A ticket's state after all its steps; people and groups by number, -1 for none."""

    place: int
    id: int
    subject: str
    requester: int
    submitter: int
    language: int
    status: str = "new"
    custom_status: int = 0
    priority: str | None = None
    type: str | None = None
    group: int = -1
    assignee: int = -1
    tags: list[str] = field(default_factory=list)
    fields: dict[int, Any] = field(default_factory=dict)
    ccs: list[int] = field(default_factory=list)
    followers: list[int] = field(default_factory=list)
    is_public: bool = True
    rating: dict[str, Any] | None = None
    external_id: str | None = None
    due_at: int | None = None
    steps: list[Step] = field(default_factory=list)
    redacted: dict[int, int] = field(default_factory=dict)
    """Comment seq -> time of its redaction."""
    private_since: dict[int, int] = field(default_factory=dict)
    files_redacted: dict[int, int] = field(default_factory=dict)
    deleted_at: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """All that is needed to tell any ticket's story."""

    seed: int
    people: Population
    tickets: Skeleton
    later: Mapping[int, Sequence[Later]]
    """By ticket place."""
    first_users: int
    """How many users the base has: whom old tickets copied must not depend on who came later."""


def fold(world: World, place: int) -> Ticket:
    """The whole story of the ticket at ``place``."""
    rows = world.tickets
    draw = seeds.rng(world.seed, seeds.TICKET, place)
    ticket = _opened(world, place, draw)
    first, end = int(rows.first[place]), int(rows.first[place + 1])
    final = STATUS_NAMES[int(rows.status[place])]
    ends_itself = final in ("solved", "closed", "deleted")
    for seq in range(end - first):
        kind = Kind(int(rows.audit_kind[first + seq]))
        step = Step(
            seq, int(rows.audit_time[first + seq]), kind, SYSTEM, seed=seeds.mix(world.seed, seeds.AUDIT, place, seq)
        )
        _apply(world, ticket, step, {})
        if seq == end - first - 1 and not ends_itself:
            _set_status(ticket, step, final, seeds.rng(step.seed, 3))
        ticket.steps.append(step)
    for later in world.later.get(place, ()):
        step = Step(later.seq, later.time, later.kind, SYSTEM, seed=later.seed)
        _apply(world, ticket, step, later.params)
        ticket.steps.append(step)
    return ticket


def comment_count(world: World, place: int) -> int:
    """How many comments a ticket has, without telling its story."""
    rows = world.tickets
    kinds = rows.audit_kind[int(rows.first[place]) : int(rows.first[place + 1])]
    return int((kinds <= LAST_COMMENT).sum()) + sum(later.kind <= LAST_COMMENT for later in world.later.get(place, ()))


def _opened(world: World, place: int, draw: random.Random) -> Ticket:
    rows, who = world.tickets, world.people
    flags = int(rows.flags[place])
    requester = int(rows.requester[place])
    language = int(who.language[requester])
    submitter = pick(draw, who.writers) if flags & skeleton.ON_BEHALF else requester
    ticket = Ticket(
        place, int(rows.ids[place]), prose.subject(LANGUAGES[language], draw), requester, submitter, language
    )
    if flags & skeleton.EMPTY:
        ticket.subject = ""
    ticket.priority = pick(draw, (None, "normal", "normal", "low", "high", "urgent"))
    ticket.type = pick(draw, (None, None, "question", "question", "incident", "task"))
    if flags & skeleton.PROBLEM:
        ticket.type = "problem"
    if flags & skeleton.INCIDENT:
        ticket.type = "incident"
    ticket.group = int(rows.group[place])
    if draw.random() < 0.35:
        ticket.tags = sorted({pick(draw, TAGS) for _ in range(1 + int(draw.random() * 3))})
    for k in catalogue.CUSTOM_FIELDS:
        definition = catalogue.TICKET_FIELDS[k]
        if draw.random() < (0.08 if not definition.active else 0.9 if definition.required else 0.28):
            ticket.fields[k] = field_value(world, k, draw)
    _retag(ticket, {}, ticket.fields)
    if flags & skeleton.CCS:
        ticket.ccs = _customers(world, draw, 1 + int(draw.random() * 3), requester)
    if flags & skeleton.FOLLOWERS:
        ticket.followers = sorted({pick(draw, who.writers), pick(draw, who.light or who.writers)})
    if draw.random() < 0.05:
        ticket.external_id = f"ext-{place}"
    if ticket.type == "task":
        ticket.due_at = int(rows.created[place]) + 5 * 86_400
    return ticket


def field_value(world: World, place: int, draw: random.Random) -> Any:
    """A value for the custom ticket field at ``place``."""
    return _VALUES[catalogue.TICKET_FIELDS[place].type](world, catalogue.TICKET_FIELDS[place], draw)


_VALUES: dict[str, Callable[[World, catalogue.Field, random.Random], Any]] = {
    "text": lambda _, __, d: pick(d, ("A-20417", "Ä/ö ß", "注文 12", " padded ", "<b>x</b>", "K-7 & K-8")),
    "textarea": lambda _, __, d: pick(d, ("Zeile 1\nZeile 2", "Nothing to add.", "Voir « annexe »\n\n- un\n- deux")),
    "checkbox": lambda _, __, d: d.random() < 0.5,
    "date": lambda _, __, d: (
        f"20{22 + int(d.random() * 4)}-{1 + int(d.random() * 12):02d}-{1 + int(d.random() * 28):02d}"
    ),
    "integer": lambda _, __, d: int(d.random() * 30) - 1,
    "decimal": lambda _, __, d: f"{d.random() * 900:.2f}",
    "regexp": lambda _, __, d: f"{pick(d, ('AB', 'XZ', 'QQ'))}-{int(d.random() * 1e6):06d}",
    "tagger": lambda _, f, d: pick(d, f.options)[1],
    "multiselect": lambda _, f, d: sorted({pick(d, f.options)[1] for _ in range(1 + int(d.random() * 3))}),
    "partialcreditcard": lambda _, __, d: f"XXXXXXXXXXXX{int(d.random() * 9000) + 1000}",
    "lookup": lambda w, _, d: str(ids.user(pick(d, w.people.writers))),
}


def _tags_of(values: Mapping[int, Any]) -> set[str]:
    """Option values, and the tag of a ticked box, are tags of the ticket as well."""
    found: set[str] = set()
    for k, value in values.items():
        definition = catalogue.TICKET_FIELDS[k]
        if definition.type == "tagger" and value:
            found.add(value)
        elif definition.type == "multiselect":
            found.update(value or ())
        elif definition.type == "checkbox" and value and definition.tag:
            found.add(definition.tag)
    return found


def _retag(ticket: Ticket, before: Mapping[int, Any], after: Mapping[int, Any]) -> None:
    ticket.tags = sorted((set(ticket.tags) - _tags_of(before)) | _tags_of(after))


def _customers(world: World, draw: random.Random, count: int, but: int) -> list[int]:
    who = world.people
    found: list[int] = []
    for _ in range(count * 3):
        number = who.agents + int(draw.random() * (world.first_users - who.agents))
        if number != but and number not in found and not who.flags[number] & GONE and len(found) < count:
            found.append(number)
    return found


def _set(ticket: Ticket, step: Step, name: str, value: Any) -> None:
    previous = getattr(ticket, name)
    if previous != value:
        step.changes.append((name, value, previous))
        setattr(ticket, name, value)


def _set_status(ticket: Ticket, step: Step, status: str, draw: random.Random) -> None:
    if ticket.status == status:
        return
    _set(ticket, step, "status", status)
    choice = catalogue.STATUSES_OF.get(status)
    if choice:
        _set(ticket, step, "custom_status", choice[0] if draw.random() < 0.8 else pick(draw, choice))


def _apply(world: World, ticket: Ticket, step: Step, params: Mapping[str, Any]) -> None:
    draw = seeds.rng(step.seed)
    step.assignee, step.ccs = ticket.assignee, tuple(ticket.ccs)
    step.author = params["author"] if "author" in params else _author(world, ticket, step, draw)
    _RULES[step.kind](world, ticket, step, draw, params)
    step.text = params.get("text")
    if step.kind in _PRIVATE or (step.author >= 0 and _is_light(world.people, step.author)):
        step.public = False
    if step.kind == Kind.CREATE and int(world.tickets.flags[ticket.place]) & (skeleton.NOTES_ONLY | skeleton.CHAT):
        step.public = False
    if step.has_comment and step.seq == 0:
        ticket.is_public = step.public
    elif step.has_comment and step.public and not ticket.is_public:
        _set(ticket, step, "is_public", True)


_PRIVATE = frozenset((Kind.NOTE, Kind.MERGE_IN, Kind.MERGE_OUT))


def _is_light(who: Population, number: int) -> bool:
    return number < who.agents and int(who.agent_kind[number]) == LIGHT


def _author(world: World, ticket: Ticket, step: Step, draw: random.Random) -> int:
    who, flags = world.people, int(world.tickets.flags[ticket.place])
    if step.kind == Kind.CREATE:
        return ticket.submitter if not flags & skeleton.ON_BEHALF or draw.random() < 0.6 else ticket.requester
    if step.kind in (Kind.REPLY_USER, Kind.RATING):
        if flags & skeleton.GONE_PERSON and not who.flags[ticket.requester] & GONE:
            gone = [k for k in range(who.agents, min(world.first_users, who.agents + 4_000)) if who.flags[k] & GONE]
            return pick(draw, gone) if gone else ticket.requester
        return ticket.requester
    if step.kind == Kind.REPLY_CC:
        return pick(draw, ticket.ccs) if ticket.ccs else ticket.requester
    if step.kind in (Kind.RULE, Kind.CLOSE):
        return SYSTEM
    if step.kind == Kind.NOTE and who.light and draw.random() < 0.3:
        return pick(draw, who.light)
    if flags & skeleton.FORMER_AGENT and draw.random() < 0.6:
        return pick(draw, who.former)
    if ticket.assignee >= 0 and draw.random() < 0.7:
        return ticket.assignee
    return pick(draw, who.members[ticket.group] if ticket.group >= 0 else who.writers)


_Rule = Callable[[World, Ticket, Step, random.Random, Mapping[str, Any]], None]


def _create(world: World, ticket: Ticket, step: Step, draw: random.Random, _: Mapping[str, Any]) -> None:
    """Values at the opening are told as Create events, so they are the state already."""
    flags = int(world.tickets.flags[ticket.place])
    home = int(world.tickets.assignee[ticket.place])
    if home >= 0 and draw.random() < 0.5:
        ticket.assignee = home
        ticket.status = "open"
        ticket.custom_status = catalogue.STATUSES_OF["open"][0]
    if flags & skeleton.ON_BEHALF:
        ticket.status = "open"
        ticket.custom_status = catalogue.STATUSES_OF["open"][0]
    step.public = True


def _answer(world: World, ticket: Ticket, step: Step, draw: random.Random, _: Mapping[str, Any]) -> None:
    home = int(world.tickets.assignee[ticket.place])
    if ticket.assignee < 0 <= home:
        _set(ticket, step, "assignee", home)
    _set_status(ticket, step, "pending" if draw.random() < 0.6 else "open", draw)


def _ask(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    if ticket.status in ("pending", "solved", "hold"):
        _set_status(ticket, step, "open", draw)


def _nothing(*_: Any) -> None:
    """The step changes no value."""


def _fields(world: World, ticket: Ticket, step: Step, draw: random.Random, params: Mapping[str, Any]) -> None:
    active = [k for k in catalogue.CUSTOM_FIELDS if catalogue.TICKET_FIELDS[k].active]
    place = params["field"] if "field" in params else pick(draw, active)
    value, previous = field_value(world, place, draw), ticket.fields.get(place)
    if value == previous:
        return
    tags = list(ticket.tags)
    step.changes.append((f"field:{place}", value, previous))
    _retag(ticket, {place: previous} if previous is not None else {}, {place: value})
    ticket.fields = {**ticket.fields, place: value}
    if tags != ticket.tags:
        step.changes.append(("tags", list(ticket.tags), tags))


def _tags(_: World, ticket: Ticket, step: Step, draw: random.Random, params: Mapping[str, Any]) -> None:
    tag = params.get("tag") or ("bulk_2_days" if step.kind == Kind.BATCH else pick(draw, TAGS))
    changed = [t for t in ticket.tags if t != tag] if tag in ticket.tags else sorted([*ticket.tags, tag])
    _set(ticket, step, "tags", changed)


def _priority(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    _set(ticket, step, "priority", pick(draw, ("low", "normal", "high", "urgent")))


def _assign(world: World, ticket: Ticket, step: Step, draw: random.Random, _: Mapping[str, Any]) -> None:
    if ticket.group >= 0 and not int(world.tickets.flags[ticket.place]) & skeleton.GROUP_ONLY:
        _set(ticket, step, "assignee", pick(draw, world.people.members[ticket.group]))
        if ticket.status == "new":
            _set_status(ticket, step, "open", draw)


def _group(world: World, ticket: Ticket, step: Step, draw: random.Random, _: Mapping[str, Any]) -> None:
    flags = int(world.tickets.flags[ticket.place])
    if flags & skeleton.UNASSIGNED:
        return
    _set(ticket, step, "group", int(draw.random() * world.people.groups))
    assign = -1 if flags & skeleton.GROUP_ONLY else pick(draw, world.people.members[ticket.group])
    _set(ticket, step, "assignee", assign)


def _status(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    _set_status(ticket, step, pick(draw, ("open", "pending", "hold")), draw)


def _subject(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    _set(ticket, step, "subject", prose.subject(LANGUAGES[ticket.language], draw))


def _cc(world: World, ticket: Ticket, step: Step, draw: random.Random, _: Mapping[str, Any]) -> None:
    if draw.random() < 0.4:
        follower = pick(draw, world.people.writers)
        if follower not in ticket.followers:
            _set(ticket, step, "followers", [*ticket.followers, follower])
        return
    new = [n for n in _customers(world, draw, 1, ticket.requester) if n not in ticket.ccs]
    if new:
        step.changes.append(("ccs", [*ticket.ccs, *new], list(ticket.ccs)))
        ticket.ccs = [*ticket.ccs, *new]


def _solve(world: World, ticket: Ticket, step: Step, draw: random.Random, params: Mapping[str, Any]) -> None:
    home = int(world.tickets.assignee[ticket.place])
    if ticket.assignee < 0 <= home:
        _set(ticket, step, "assignee", home)
    _set_status(ticket, step, "solved", draw)
    _fields(world, ticket, step, draw, {"field": len(catalogue.TICKET_FIELDS) - 1, **params})


def _close(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    _set_status(ticket, step, "closed", draw)


def _merge_out(world: World, ticket: Ticket, step: Step, draw: random.Random, params: Mapping[str, Any]) -> None:
    target = params["into"] if "into" in params else world.tickets.merged_into[ticket.place]
    step.others = (int(world.tickets.ids[target]),)
    _set_status(ticket, step, "closed", draw)
    _set(ticket, step, "tags", sorted({*ticket.tags, "closed_by_merge"}))


def _merge_in(world: World, ticket: Ticket, step: Step, _: random.Random, params: Mapping[str, Any]) -> None:
    if "from" in params:
        step.others = (int(world.tickets.ids[params["from"]]),)
        return
    sources = world.tickets.merged_from[ticket.place]
    earlier = sum(1 for s in ticket.steps if s.kind == Kind.MERGE_IN)
    by_time = sorted(sources, key=lambda p: (int(world.tickets.audit_time[int(world.tickets.first[p + 1]) - 1]), p))
    step.others = (int(world.tickets.ids[by_time[min(earlier, len(by_time) - 1)]]),)


def _redact(_: World, ticket: Ticket, step: Step, __: random.Random, params: Mapping[str, Any]) -> None:
    step.target = params["target"] if "target" in params else spoken_by_customer(ticket)
    ticket.redacted[step.target] = step.time


def _privacy(_: World, ticket: Ticket, step: Step, __: random.Random, params: Mapping[str, Any]) -> None:
    step.target = params["target"] if "target" in params else spoken_by_customer(ticket)
    ticket.private_since[step.target] = step.time


def _redact_file(world: World, ticket: Ticket, step: Step, _: random.Random, __: Mapping[str, Any]) -> None:
    for earlier in ticket.steps:
        if earlier.has_comment and any(not f.inline for f in files_of(world, ticket, earlier, current=False)):
            step.target = earlier.seq
            ticket.files_redacted[earlier.seq] = step.time
            return


def _rate(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    good = draw.random() < 0.75
    comment = pick(
        draw, ("", "", "Super Service, danke!", "Too slow 🐌", "ありがとうございました。", "Never again & <no> thanks")
    )
    reason = (
        pick(draw, ("The issue took too long to resolve", "The agent's knowledge is unsatisfactory"))
        if not good
        else None
    )
    previous = ticket.rating["score"] if ticket.rating else "offered"
    ticket.rating = {"score": "good" if good else "bad", "comment": comment, "reason": reason, "time": step.time}
    step.changes.append(("satisfaction_score", ticket.rating["score"], previous))


def _delete(_: World, ticket: Ticket, step: Step, draw: random.Random, __: Mapping[str, Any]) -> None:
    ticket.deleted_at = step.time
    _set_status(ticket, step, "deleted", draw)


_RULES: dict[Kind, _Rule] = {
    Kind.CREATE: _create,
    Kind.REPLY_USER: _ask,
    Kind.REPLY_CC: _ask,
    Kind.REPLY_AGENT: _answer,
    Kind.NOTE: _nothing,
    Kind.VOICE: _nothing,
    Kind.RULE: _nothing,
    Kind.CHAT_END: _nothing,
    Kind.FIELDS: _fields,
    Kind.TAGS: _tags,
    Kind.BATCH: _tags,
    Kind.PRIORITY: _priority,
    Kind.ASSIGN: _assign,
    Kind.GROUP: _group,
    Kind.STATUS: _status,
    Kind.SUBJECT: _subject,
    Kind.CC: _cc,
    Kind.SOLVE: _solve,
    Kind.SOLVE_REPLY: _solve,
    Kind.CLOSE: _close,
    Kind.MERGE_OUT: _merge_out,
    Kind.MERGE_IN: _merge_in,
    Kind.REDACT: _redact,
    Kind.PRIVACY: _privacy,
    Kind.REDACT_FILE: _redact_file,
    Kind.RATING: _rate,
    Kind.DELETE: _delete,
}


def spoken_by_customer(ticket: Ticket) -> int:
    """The seq of the first reply of the requester, of the opening where there is none."""
    return next((s.seq for s in ticket.steps if s.kind == Kind.REPLY_USER), 0)


def writing_of(world: World, ticket: Ticket, step: Step, *, current: bool = True) -> Writing:
    """What a comment says; ``current`` False shows it as it was before any redaction."""
    written = _written(world, ticket, step)
    if current and step.seq in ticket.redacted:
        return redacted(written)
    return written


def _written(world: World, ticket: Ticket, step: Step) -> Writing:
    flags = int(world.tickets.flags[ticket.place])
    draw = seeds.rng(step.seed, 7)
    if step.text is not None:
        return prose.plain(step.text)
    if step.kind == Kind.MERGE_OUT:
        return prose.plain(f"This request was closed and merged into request #{step.others[0]}.")
    if step.kind == Kind.MERGE_IN:
        return prose.plain(
            f'Request #{step.others[0]} was closed and merged into this request. Last comment in it:\n\n"see below"'
        )
    if step.kind == Kind.VOICE:
        return prose.plain(
            "Call from: +49 30 901820\nTime of call: see below\nLength of phone call: 2 minutes, 11 seconds"
        )
    if step.seq == 0 and flags & skeleton.EMPTY:
        return Writing("", "")
    if step.seq == 0 and flags & skeleton.CHAT:
        return prose.plain(f"Conversation with {people.name_of(world.seed, world.people, ticket.requester)}")
    customer = step.author == ticket.requester or step.author >= world.people.agents
    role = "note" if step.kind == Kind.NOTE and not customer else "customer" if customer else "agent"
    to = step.assignee if customer else ticket.requester
    writing = prose.write(
        LANGUAGES[ticket.language],
        draw,
        role,
        people.name_of(world.seed, world.people, step.author) if step.author >= 0 else "System",
        people.name_of(world.seed, world.people, to) if to >= 0 else "Acme",
        mail=customer and int(world.tickets.channel[ticket.place]) == skeleton.MAIL,
    )
    if flags & skeleton.REDACTED and step.kind == Kind.REPLY_USER and step.seq == spoken_by_customer(ticket):
        writing = Writing(
            f"{writing.html}<p>My card is {CARD}.</p>", f"{writing.text}\n\nMy card is {CARD}.", writing.images
        )
    if flags & skeleton.MOJIBAKE and step.seq == 0:
        writing = prose.garbled(writing)
    return writing


def redacted(writing: Writing) -> Writing:
    """The comment after its redaction: the card number masked, or all of the text where there is none."""
    if CARD in writing.text:
        mask = MASK * len(CARD)
        return Writing(writing.html.replace(CARD, mask), writing.text.replace(CARD, mask), writing.images)
    return prose.plain(MASK * max(4, min(40, len(writing.text))))


def files_of(
    world: World, ticket: Ticket, step: Step, *, current: bool = True, images: int | None = None
) -> list[File]:
    """The files of a step's comment, inline images last. ``images`` saves composing the text to count them."""
    if not step.has_comment or step.kind in (Kind.MERGE_OUT, Kind.MERGE_IN, Kind.VOICE) or step.text is not None:
        return []
    flags = int(world.tickets.flags[ticket.place])
    if flags & skeleton.EMPTY:
        return []
    inline = images if images is not None else _written(world, ticket, step).images
    found = files.of_comment(
        world.seed,
        ticket.place,
        step.seq,
        inline,
        least=int(step.seq == 0 and bool(flags & skeleton.REDACTED)),
        many=step.seq == 0 and bool(flags & skeleton.MANY_FILES),
        big=step.seq == 0 and bool(flags & skeleton.BIG_FILES),
    )
    if current and step.seq in ticket.files_redacted and found and not found[0].inline:
        found[0] = files.File(found[0].place, "redacted.txt", "text/plain", 0, 0, redacted=True)
    return found


def is_public(ticket: Ticket, step: Step, *, current: bool = True) -> bool:
    """Whether a comment is public, now or as it was written."""
    return step.public and not (current and step.seq in ticket.private_since)


def voice_data(world: World, step: Step) -> dict[str, Any]:
    """The call behind a voice comment, without its recording's address."""
    draw = seeds.rng(step.seed, 8)
    answered = step.assignee if step.assignee >= 0 else world.people.writers[0]
    return {
        "from": "+4930901820",
        "to": "+14155550100",
        "call_id": 7_000_000_000 + seeds.mix(step.seed) % 1_000_000_000,
        "call_duration": 5 + int(draw.random() * 900),
        "answered_by_id": ids.user(answered),
        "answered_by_name": people.name_of(world.seed, world.people, answered),
        "location": "Berlin, Germany",
        "started_at": people.iso(step.time - 140),
        "transcription_text": f"Hello, I am calling about my {pick(draw, PRODUCTS)}." if draw.random() < 0.5 else None,
        "transcription_status": "completed",
    }


def chat_lines(world: World, ticket: Ticket) -> list[tuple[int, str, int, str]]:
    """The transcript of a chat: (time, user or agent or bot, number of the speaker, text)."""
    draw = seeds.rng(world.seed, seeds.TICKET, ticket.place, 5)
    home = int(world.tickets.assignee[ticket.place])
    agent = home if home >= 0 else world.people.writers[0]
    language = LANGUAGES[ticket.language]
    start = ticket.steps[0].time
    lines = [(start + 1, "bot", SYSTEM, "Hi! How can we help you today?")]
    for k in range(2 + int(draw.random() * 8)):
        user = k % 2 == 0
        said = prose.fill(pick(draw, language.customer if user else language.agent), draw)
        lines.append((start + 10 + 20 * k, "user" if user else "agent", ticket.requester if user else agent, said))
    return lines
