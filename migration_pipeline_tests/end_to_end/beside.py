"""An independent proof of what stands beside the comments: people in copy, followers, calls, chats, side conversations,
ratings.

Knows nothing of the pipeline. Run by hand, after `readback`, as

    python -m migration_pipeline_tests.end_to_end.beside DIR

where DIR is a sandbox's folder.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import requests
from ruamel.yaml import YAML

from migration_pipeline_tests.end_to_end.readback import BESIDE, Json, Zendesk, seconds, words


@dataclass(frozen=True)
class Said:
    """Something that was said beside the comments: when (Unix seconds), in which words, with which files (SHA-256)."""

    kind: str
    at: int
    words: list[str]
    files: list[str] = field(default_factory=list)
    name: str = ""  # who said it, where the service tells
    email: str | None = None


@dataclass
class Findings:
    """What was found, by kind, and what differs."""

    found: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Channels:
    """The source's side channels, read ticket by ticket."""

    def __init__(self, zendesk: Zendesk) -> None:
        self._zendesk = zendesk
        self.people = zendesk.users()
        self._ratings: dict[int, list[Json]] = {}
        for score in ("good", "bad"):
            for row in self._rows("satisfaction_ratings", "satisfaction_ratings", score=score):
                self._ratings.setdefault(row["ticket_id"], []).append(row)

    def _rows(self, path: str, key: str, **params: Any) -> Iterator[Json]:
        params = {"page[size]": 100, **params}
        while True:
            page = self._zendesk.get(path, **params)
            yield from page[key]
            if not page["meta"]["has_more"]:
                return
            params["page[after]"] = page["meta"]["after_cursor"]

    def said(self, ticket: int) -> list[Said]:
        """Everything that was said beside the comments of a ticket."""
        return [*self._side(ticket), *self._chats(ticket), *self._calls(ticket), *self._rated(ticket)]

    def _side(self, ticket: int) -> Iterator[Said]:
        path = f"tickets/{ticket}/side_conversations"
        page = self._zendesk.get(path, include="side_conversation_events")
        for event in page.get("side_conversation_events", ()):
            message = event["message"] or {}
            told = [message.get("subject"), message.get("body"), event["updates"].get("state")]
            told += [one["name"] for one in message.get("to", ())]
            files = self._files(message.get("attachments", ()))
            actor = event["actor"]
            yield Said("side", seconds(event["created_at"]), _all(told), files, actor["name"], actor["email"])

    def _chats(self, ticket: int) -> Iterator[Said]:
        for event in self._rows(f"tickets/{ticket}/conversation_log", "events"):
            if event["type"] != "Comment":
                files = self._files(event["attachments"])
                yield Said("chat", seconds(event["created_at"]), _all([event["content"].get("text")]), files)

    def _calls(self, ticket: int) -> Iterator[Said]:
        for comment in self._zendesk.comments(ticket):
            if comment["type"] == "VoiceComment":
                told = [
                    comment["data"].get("from"),
                    comment["data"].get("to"),
                    comment["data"].get("transcription_text"),
                ]
                yield Said("call", seconds(comment["created_at"]), _all(told))

    def _rated(self, ticket: int) -> Iterator[Said]:
        for row in self._ratings.get(ticket, ()):
            told = [row["score"], row["comment"], row.get("reason")]
            yield Said("rating", seconds(row["created_at"]), _all(told))

    def _files(self, attachments: Iterable[Json]) -> list[str]:
        return sorted(found for one in attachments if (found := self._zendesk.file(one)))


def _all(told: list[str | None]) -> list[str]:
    return words(" ".join(text for text in told if text))


def compare(folder: Path) -> Findings:
    """Look for everything beside the comments of every living ticket."""
    config = YAML(typ="safe").load((folder / "migration.yaml").read_text())
    control = orjson.loads((folder / "sandbox.json").read_bytes())["target"]["control"]
    zendesk = Zendesk(config["source"])
    channels = Channels(zendesk)
    held = {row["custom_attributes"].get("migration_key"): row for row in _dump(control)}
    tickets = [ticket for ticket in zendesk.tickets() if ticket["status"] != "deleted"]
    findings = Findings()
    with ThreadPoolExecutor(4) as pool:
        told = pool.map(lambda ticket: channels.said(ticket["id"]), tickets)
        for ticket, said in zip(tickets, told, strict=True):
            conversation = held.get(f"zendesk:{ticket['id']}")
            if conversation is None:
                findings.wrong.append(f"ticket {ticket['id']}: no conversation")
                continue
            _people(findings, ticket, conversation, channels.people)
            _notes(findings, ticket["id"], conversation, said)
    return findings


def _dump(control: str) -> Iterator[Json]:
    after: int | None = 0
    while after is not None:
        asked: Json = {"kind": "conversations", "after": after}
        page = requests.get(f"{control}/dump", params=asked, timeout=120).json()
        yield from page["items"]
        after = page["next"]


def _people(findings: Findings, ticket: Json, conversation: Json, people: dict[int, Json]) -> None:
    """People in copy take part, agents among them only by name; agents who follow are named."""
    there = {row["external_id"] for row in conversation["contacts"]}
    for person in dict.fromkeys([*ticket["email_cc_ids"], *ticket["follower_ids"]]):
        follows = person in ticket["follower_ids"]
        role = people[person]["role"] if person in people else "unknown"
        if role in ("agent", "admin") and follows:
            named = str(conversation["custom_attributes"].get("Zendesk followers"))
            right = people[person]["name"] in named
        else:
            right = f"zendesk:{person}" in there or person == ticket["requester_id"]
        findings.found["follower" if follows else "copy"] += right
        if not right:
            findings.wrong.append(f"ticket {ticket['id']}: {role} {person} (follows: {follows}) takes no part")


def _notes(findings: Findings, ticket: int, conversation: Json, said: list[Said]) -> None:
    left = [part for part in conversation["parts"] if part["part_type"] == "note"]
    for one in said:
        note = next((part for part in left if _tells(part, one)), None)
        if note is None:
            findings.wrong.append(f"ticket {ticket}: no note at {one.at} for {one.kind} {' '.join(one.words)[:80]!r}")
            continue
        left.remove(note)
        findings.found[one.kind] += 1
        findings.found["files"] += len(one.files)
    findings.wrong += [
        f"ticket {ticket}: nobody said {part['body'][:80]!r}" for part in left if BESIDE.search(part["body"])
    ]


def _tells(note: Json, one: Said) -> bool:
    """Whether a note says it, and whose words they are: those of its author, or of somebody who is named."""
    told = words(note["body"])
    files = sorted(file["sha256"] for file in note["attachments"])
    # A call has its comment's own files as well, which `readback` compares.
    right = note["created_at"] == one.at and not Counter(one.words) - Counter(told)
    speaks = note["author"]["email"] == one.email or not Counter(words(one.name)) - Counter(told)
    return right and speaks and (one.kind == "call" or files == one.files)


def main() -> int:
    """Compare and tell; 1 where anything is wrong."""
    findings = compare(Path(sys.argv[1]))
    for line in findings.wrong[:40]:
        sys.stdout.write(line + "\n")
    sys.stdout.write(", ".join(f"{count} {name}" for name, count in findings.found.items()) + "\n")
    sys.stdout.write(f"{len(findings.wrong)} wrong\n")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
