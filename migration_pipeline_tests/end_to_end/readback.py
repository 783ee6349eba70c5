"""An independent proof: both services read by plain loops over their APIs, and every comment looked for in the target.

Knows nothing of the pipeline: no import, no table; of its report only the list of losses, where that is given, and
only what that list names is excused. Run by hand as

    python -m migration_pipeline_tests.end_to_end.readback DIR [LOSSES_CSV ...]

where DIR is a sandbox's folder, and each list is that of one run.
"""

import base64
import csv
import datetime as dt
import hashlib
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lxml.html
import requests
from ruamel.yaml import YAML

Json = dict[str, Any]

LAG_SECONDS = 3
"""Lists of the target lag behind its writes."""

WINDOW_S = 10.0
"""Intercom's rate window; Zendesk says itself how long to wait."""


@dataclass
class Findings:
    """What was compared, and what differs."""

    tickets: int = 0
    comments: int = 0
    files: int = 0
    excused: int = 0  # comments whose date the list of losses names, and the text says
    wrong: list[str] = field(default_factory=list)


def words(html: str) -> list[str]:
    """The words of a text, however it is marked up; pictures and control characters say nothing."""
    html = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", html)
    if not html.strip():
        return []
    try:
        tree = lxml.html.fromstring(f"<div>{html}</div>")
    except lxml.etree.ParserError:
        return re.findall(r"\w+", html)
    lxml.etree.strip_elements(tree, "script", "style", with_tail=False)
    return re.findall(r"\w+", " ".join(str(text) for text in tree.itertext()))


def contains(haystack: list[str], needle: list[str]) -> bool:
    """Whether all words of `needle` stand in `haystack`, in their order."""
    rest = iter(haystack)
    return all(word in rest for word in needle)


def pictures(html: str) -> list[str]:
    """The hashes of pictures whose bytes stand in the text itself."""
    inline = re.findall(r'src="data:image/[a-z]+;base64,([^"]+)"', html)
    return [hashlib.sha256(base64.b64decode(data)).hexdigest() for data in inline]


class Patient(requests.Session):
    """A session that waits where a service says that it was asked too often."""

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        while (response := super().request(*arguments, **options)).status_code == 429:
            time.sleep(float(response.headers.get("Retry-After", WINDOW_S)))
        return response


class Zendesk:
    """The source, read by plain loops."""

    def __init__(self, config: Json) -> None:
        self.url = config["base_url"].rstrip("/")
        auth = config["auth"]
        token = requests.post(
            f"{self.url}/oauth/tokens",
            json={"grant_type": "client_credentials", "scope": "read", **auth},
            timeout=30,
        ).json()["access_token"]
        self.session = Patient()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **params: Any) -> Json:
        """One page."""
        url = path if "://" in path else f"{self.url}/api/v2/{path}"
        response = self.session.get(url, params=params, timeout=60)
        response.raise_for_status()
        answer: Json = response.json()
        return answer

    def tickets(self) -> Iterator[Json]:
        """Every ticket, the newest state of each."""
        newest: dict[int, Json] = {}
        page = self.get("incremental/tickets/cursor", start_time=0, support_type_scope="all")
        while True:
            newest.update({ticket["id"]: ticket for ticket in page["tickets"]})
            if page["end_of_stream"]:
                return iter(newest.values())
            page = self.get("incremental/tickets/cursor", cursor=page["after_cursor"], support_type_scope="all")

    def users(self) -> dict[int, Json]:
        """Every user by id."""
        found: dict[int, Json] = {}
        page = self.get("incremental/users/cursor", start_time=0)
        while True:
            found.update({user["id"]: user for user in page["users"]})
            if page["end_of_stream"]:
                return found
            page = self.get("incremental/users/cursor", cursor=page["after_cursor"])

    def comments(self, ticket: int) -> list[Json]:
        """The comments of a ticket, oldest first."""
        found: list[Json] = []
        params: Json = {"page[size]": 100, "include_inline_images": "true", "sort": "created_at"}
        while True:
            page = self.get(f"tickets/{ticket}/comments", **params)
            found += page["comments"]
            if not page["meta"]["has_more"]:
                return sorted(found, key=lambda comment: (comment["created_at"], comment["id"]))
            params["page[after]"] = page["meta"]["after_cursor"]

    def file(self, attachment: Json) -> str | None:
        """The hash of a file's bytes; None where the source does not hand it out."""
        response = self.session.get(attachment["content_url"], timeout=60)
        return hashlib.sha256(response.content).hexdigest() if response.ok else None


class Intercom:
    """The target, read by plain loops."""

    def __init__(self, config: Json) -> None:
        self.url = config["base_url"].rstrip("/")
        self.session = Patient()
        self.session.headers.update({"Authorization": f"Bearer {config['token']}", "Intercom-Version": "2.16"})

    def get(self, path: str, **params: Any) -> Json:
        """One answer."""
        response = self.session.get(f"{self.url}/{path}", params=params, timeout=60)
        response.raise_for_status()
        answer: Json = response.json()
        return answer

    def pages(self, path: str, key: str) -> Iterator[Json]:
        """Every row of a cursor-paged list."""
        params: Json = {"per_page": 150}
        while True:
            page = self.get(path, **params)
            yield from page[key]
            following = page["pages"].get("next")
            if not following:
                return
            params["starting_after"] = following["starting_after"]

    def file(self, attachment: Json) -> str:
        """The hash of a file's bytes."""
        response = requests.get(attachment["url"], timeout=60)
        response.raise_for_status()
        return hashlib.sha256(response.content).hexdigest()


def seconds(text: str) -> int:
    """Unix seconds of a Zendesk time."""
    return int(dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


Loss = tuple[str, str, str]
"""Id of a ticket, code of the reason, and detail, as the list of losses has them."""

_WRITTEN = re.compile(r"Written (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")


def _named(text: str) -> set[int]:
    """The seconds that a text names as those in which something was written."""
    return {seconds(f"{when.replace(' ', 'T')}Z") for when in _WRITTEN.findall(text)}


def said_at(message: Json, excused: set[int]) -> int:
    """The second of a message: the target's, or the one that its text names, if the list of losses has just that."""
    named = _named(message["body"] or "") & excused
    return min(named) if named else int(message["created_at"])


def compare(folder: Path, only: set[int] | None = None, losses: Iterable[Loss] = ()) -> Findings:
    """Look for every comment of every living ticket (or of `only` these) in the target."""
    told: dict[str, list[tuple[str, str]]] = {}
    for ticket_id, reason, detail in losses:
        told.setdefault(ticket_id, []).append((reason, detail))
    config = YAML(typ="safe").load((folder / "migration.yaml").read_text())
    source, target = Zendesk(config["source"]), Intercom(config["target"])
    time.sleep(LAG_SECONDS)
    people = source.users()
    admins = {admin["email"].lower(): str(admin["id"]) for admin in target.get("admins")["admins"]}
    contacts = {row["id"]: row["external_id"] for row in target.pages("contacts", "data")}
    conversations: dict[str, list[str]] = {}
    for row in target.pages("conversations", "conversations"):
        key = row["custom_attributes"].get("migration_key", "none")
        conversations.setdefault(key, []).append(row["id"])
    findings = Findings()
    for ticket in source.tickets():
        if ticket["status"] == "deleted" or (only is not None and ticket["id"] not in only):
            continue
        key = f"zendesk:{ticket['id']}"
        found = conversations.pop(key, [])
        if len(found) != 1:
            findings.wrong.append(f"{key}: {len(found)} conversations")
            continue
        findings.tickets += 1
        conversation = target.get(f"conversations/{found[0]}")
        lost = told.get(str(ticket["id"]), [])
        _compare_thread(findings, key, ticket, source, target, conversation, people, admins, contacts, lost)
    if only is None:
        findings.wrong += [f"{key}: no such ticket" for key in conversations]
    return findings


def _messages(conversation: Json) -> list[Json]:
    """The opener and every part that somebody wrote, in the order of the thread."""
    opener = {**conversation["source"], "created_at": conversation["created_at"], "part_type": "comment"}
    parts = conversation["conversation_parts"]["conversation_parts"]
    return [opener, *(part for part in parts if part.get("body"))]


BESIDE = re.compile(r"<p><i>(?:Satisfaction rating|Chat message|Side conversation|Reply in the side conversation)\b")


def _beside(message: Json) -> bool:
    """Whether a note tells what was said beside the comments."""
    return message["part_type"] == "note" and bool(BESIDE.search(message["body"] or ""))


def _compare_thread(
    findings: Findings, key: str, ticket: Json, source: Zendesk, target: Intercom, conversation: Json,
    people: dict[int, Json], admins: dict[str, str], contacts: dict[str, str], lost: list[tuple[str, str]],
) -> None:  # fmt: skip
    messages = [message for message in _messages(conversation) if not _beside(message)]
    excused = {when for reason, detail in lost if reason == "date_refused" for when in _named(detail)}
    times = [said_at(message, excused) for message in messages]
    shown = [message["created_at"] for message in messages[1 if _named(messages[0]["body"] or "") & excused else 0 :]]
    if times != sorted(times) or shown != sorted(shown):
        findings.wrong.append(f"{key}: parts out of order")
    comments = source.comments(ticket["id"])
    first_said = comments[0] if comments and comments[0]["type"] != "VoiceComment" else None
    stub = not (first_said and first_said["public"] and first_said["author_id"] == ticket["requester_id"])
    requester = contacts.get(conversation["source"]["author"]["id"])
    if requester != f"zendesk:{ticket['requester_id']}":
        findings.wrong.append(f"{key}: opened by {requester}")
    position = 1 if stub else 0
    for number, comment in enumerate(comments):
        name = f"{key} comment {comment['id']}"
        if position >= len(messages):
            findings.wrong.append(f"{name}: missing")
            continue
        findings.comments += 1
        first = messages[position]
        wanted = words(comment["html_body"] or "")
        told = words(first["body"] or "")
        if not contains(told, wanted):
            findings.wrong.append(f"{name}: text differs: {wanted[:12]} … {told[:12]}")
        at = said_at(first, excused)
        findings.excused += at != first["created_at"]
        if abs(at - seconds(comment["created_at"])) > (2 if position == 0 else 0):
            findings.wrong.append(f"{name}: at {at}, not {comment['created_at']}")
        spoken = comment["type"] == "VoiceComment"  # calls are notes, whoever could hear them
        if (first["part_type"] == "note") != (spoken or not comment["public"]):
            findings.wrong.append(f"{name}: {first['part_type']} for public={comment['public']}")
        # Who was an agent once and is one no more still speaks for the company in a ticket assigned to them.
        former = comment["author_id"] == ticket["assignee_id"] != ticket["requester_id"]
        voice = {**comment, "former": former, "opener": position == 0}
        _compare_author(findings, name, voice, first, people, admins, contacts)
        files = [target.file(file) for file in first.get("attachments") or []]
        position += 1
        wanted_files = [source.file(file) for file in comment["attachments"] if not file.get("deleted")]
        expected = [file for file in wanted_files if file] + pictures(comment["html_body"] or "")
        if spoken and (recorded := comment["data"].get("recording_url")):
            heard = source.file({"content_url": recorded})
            expected += [heard] if heard else []
        while len(files) < len(expected) and position < len(messages):
            following = messages[position]
            if not following.get("attachments") or said_at(following, excused) - at > len(expected) + 2:
                break
            if following["author"]["id"] != first["author"]["id"]:
                break
            files += [target.file(file) for file in following["attachments"]]
            position += 1
        findings.files += len(files)
        if sorted(files) != sorted(expected):
            findings.wrong.append(f"{name}: {len(files)} files for {len(expected)} ({number})")
    if position != len(messages):
        findings.wrong.append(f"{key}: {len(messages) - position} messages too many")


def _compare_author(
    findings: Findings, name: str, comment: Json, message: Json,
    people: dict[int, Json], admins: dict[str, str], contacts: dict[str, str],
) -> None:  # fmt: skip
    author, person = message["author"], people.get(comment["author_id"])
    is_teammate = person is not None and person["role"] in ("agent", "admin")
    is_agent = person is not None and (is_teammate or comment["former"])
    if comment["opener"] or (person and not is_agent and comment["public"]):
        if contacts.get(author["id"]) != f"zendesk:{comment['author_id']}":
            findings.wrong.append(f"{name}: by {contacts.get(author['id'])}, not {comment['author_id']}")
    elif is_agent and person is not None:
        wanted = admins.get((person["email"] or "").lower()) if is_teammate else None
        if wanted and str(author["id"]) != wanted:
            findings.wrong.append(f"{name}: by admin {author['id']}, not {wanted}")
        if not wanted and person["name"].split()[0] not in (message["body"] or ""):
            findings.wrong.append(f"{name}: the stand-in does not name {person['name']}")


def main() -> int:
    """Compare and tell; 1 where anything is wrong."""
    losses: list[Loss] = []
    for path in sys.argv[2:]:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["entity_type"] == "tickets"]
        losses += [(row["source_id"], row["reason"], row["detail"]) for row in rows]
    findings = compare(Path(sys.argv[1]), losses=losses)
    for line in findings.wrong[:40]:
        sys.stdout.write(line + "\n")
    sys.stdout.write(
        f"{findings.tickets} tickets, {findings.comments} comments, {findings.files} files, "
        f"{len(findings.wrong)} wrong\n"
    )
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
