"""Short words for what tests of the Intercom stand-in do again and again. Holds no assertions of its own."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from migration_pipeline.sandbox.intercom import build, config
from migration_pipeline.sandbox.service import Service
from migration_pipeline_tests.sandbox.conftest import Client

Json = dict[str, Any]
SEED = 7
TOKEN: str = config(base_url="", seed=SEED)["token"]
T0 = 1_600_000_000

_numbers = itertools.count(1)


def workspace(
    folder: Path,
    url: str,
    *,
    limits: bool = False,
    plan: str | None = None,
    latency_ms: int = 0,
    agents: Sequence[str] = (),
) -> Service:
    """A workspace of the tests' seed."""
    return build(
        folder, tickets=0, seed=SEED, plan=plan, limits=limits, latency_ms=latency_ms, base_url=url, agents=agents
    )


def file(name: str = "a.txt", data: bytes = b"hello", content_type: str = "text/plain") -> Json:
    """An attachment_files item."""
    return {"name": name, "content_type": content_type, "data": base64.b64encode(data).decode()}


class Kit(Client):
    """A client of the stand-in that knows how to make things."""

    def __init__(self, base_url: str, version: str = "2.16") -> None:
        super().__init__(base_url, {"Authorization": f"Bearer {TOKEN}", "Intercom-Version": version})
        self.admin = int(self.get("/me").json()["id"])
        self._outbox_before = len(self.control("GET", "outbox").json())

    def at(self, version: str) -> Kit:
        """The same workspace in another version."""
        return Kit(self.base_url, version)

    def admins(self) -> list[Json]:
        found: list[Json] = self.get("/admins").json()["admins"]
        return found

    def team(self) -> int:
        return int(self.get("/teams").json()["teams"][0]["id"])

    def contact(self, **more: Any) -> Json:
        number = next(_numbers)
        body = {"external_id": f"zendesk:{number}", "email": f"c{number}@customer.example", "name": "Ann", **more}
        return self.ok("POST", "/contacts", {k: v for k, v in body.items() if v is not None})

    def company(self, **more: Any) -> Json:
        return self.ok("POST", "/companies", {"company_id": f"zendesk:{next(_numbers)}", "name": "Acme", **more})

    def conversation(self, contact: Json | None = None, **more: Any) -> str:
        who = contact or self.contact()
        body = {"from": {"type": "user", "id": who["id"]}, "body": "Hello", "created_at": T0, **more}
        made: str = self.ok("POST", "/conversations", body)["conversation_id"]
        return made

    def note(self, conversation: str, **more: Any) -> Json:
        body = {"message_type": "note", "type": "admin", "admin_id": self.admin, "body": "<p>n</p>", **more}
        return self.ok("POST", f"/conversations/{conversation}/reply", body)

    def comment(self, conversation: str, **more: Any) -> Json:
        return self.note(conversation, **{"message_type": "comment", "body": "<p>c</p>", **more})

    def contact_reply(self, conversation: str, contact: Json, **more: Any) -> Json:
        body = {"message_type": "comment", "type": "user", "intercom_user_id": contact["id"], "body": "Thanks", **more}
        return self.ok("POST", f"/conversations/{conversation}/reply", body)

    def part(self, conversation: str, message_type: str, **more: Any) -> Json:
        body = {"message_type": message_type, "type": "admin", "admin_id": self.admin, **more}
        return self.ok("POST", f"/conversations/{conversation}/parts", body)

    def ticket_type(self, category: str = "Customer") -> Json:
        return self.ok("POST", "/ticket_types", {"name": f"Type {next(_numbers)}", "category": category})

    def ticket(self, ticket_type: Json, contact: Json | None = None, **more: Any) -> Json:
        who = contact or self.contact()
        attributes = {"_default_title_": "Broken", "_default_description_": "It broke"}
        body = {
            "ticket_type_id": ticket_type["id"],
            "contacts": [{"id": who["id"]}],
            "ticket_attributes": attributes,
            "created_at": T0,
            "skip_notifications": True,
            **more,
        }
        return self.ok("POST", "/tickets", body)

    def attribute(self, data_type: str = "string", model: str = "contact", **more: Any) -> str:
        name = f"field {next(_numbers)}"
        self.ok("POST", "/data_attributes", {"name": name, "model": model, "data_type": data_type, **more})
        return name

    def conversation_attribute(self, data_type: str = "string", **more: Any) -> Json:
        body = {"name": f"attr {next(_numbers)}", "data_type": data_type, **more}
        return self.ok("POST", "/conversations/attributes", body)

    def article(self, **more: Any) -> Json:
        return self.ok("POST", "/articles", {"title": "How to", "author_id": self.admin, "body": "<p>So.</p>", **more})

    def collection(self, **more: Any) -> Json:
        return self.ok("POST", "/help_center/collections", {"name": f"Collection {next(_numbers)}", **more})

    def ok(self, method: str, path: str, body: object = None) -> Json:
        """The JSON of a call that must succeed."""
        answer = self.call(method, path, body)
        if answer.status_code != 200:
            raise AssertionError(f"{method} {path} answered {answer.status_code}: {answer.text}")
        parsed: Json = answer.json() if answer.content else {}
        return parsed

    def error(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and code of a call that must fail, in the error.list envelope."""
        answer = self.call(method, path, body)
        envelope = answer.json()
        if envelope.get("type") != "error.list" or "request_id" not in envelope:
            raise AssertionError(f"{method} {path} answered {answer.status_code} without error.list: {answer.text}")
        return answer.status_code, envelope["errors"][0]["code"]

    def switch(self, **values: Any) -> None:
        """Set switches; `desk` puts them back."""
        answer = self.control("POST", "switches", values)
        if answer.status_code != 200:
            raise AssertionError(answer.text)

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", {"advance_s": seconds})

    def outbox(self) -> list[Json]:
        """What was sent since this client was made."""
        entries: list[Json] = self.control("GET", "outbox").json()
        return entries[self._outbox_before :]


def reset(kit: Kit) -> None:
    """All switches back to their defaults, and no faults."""
    described = kit.control("GET", "switches").json()
    kit.switch(**{name: value["default"] for name, value in described.items() if value["value"] != value["default"]})
    kit.control("POST", "faults", [])
