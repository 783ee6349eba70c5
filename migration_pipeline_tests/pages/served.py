"""A mapping's page that is being served, and a person who reads and sends its form without a browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lxml.html
import requests

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping, load_mapping, save_mapping
from migration_pipeline.config.tickets import TicketRule
from migration_pipeline.pages import MappingServer
from migration_pipeline.target.candidates import write_candidates
from migration_pipeline.target.catalogue import (
    Admin,
    Catalogue,
    ConversationAttribute,
    DataAttribute,
    Option,
    Tag,
    Team,
)
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.losses import write_losses
from migration_pipeline.target.proposals import propose
from migration_pipeline.target.ticket_types import TicketState, TicketType, TicketTypes
from migration_pipeline_tests.mapping.desk import Desk, migration

HOSTILE = '"><script>alert(1)</script></datalist>\N{RIGHT-TO-LEFT OVERRIDE}'
ME = Admin("1", "Owner", "owner@target.example")
WORKSPACE = Catalogue(
    workspace="w", region="us", timezone="UTC", me=ME,
    admins=(
        ME, Admin("101", "Ann", "ann@acme.example"), Admin("102", "Robert", "rob@target.example"),
        Admin("103", HOSTILE, "x'y@target.example"),
    ),
    teams=(Team("501", "Support"), Team("502", f"Sales {HOSTILE}")),
    conversation_attributes=(
        ConversationAttribute("1", "Size", "list", (Option("i", "Alpha"), Option("j", "Beta"))),
        ConversationAttribute("2", "Count", "integer"),
        ConversationAttribute("4", "Total", "integer"),
        ConversationAttribute("3", "Gone", "string", archived=True),
        ConversationAttribute("5", "Reason", "list", (Option("i", "Bug"), Option("j", "Wish")), required=True),
    ),
    tags=(Tag("71", "VIP"), Tag("72", "Refunds")),
    data_attributes=(DataAttribute("8", f"Plan {HOSTILE}", "contact", "string"),),
)  # fmt: skip
OPTIONS = [
    {"value": "a", "label": "Alpha"}, {"value": "b", "label": "Beta"}, {"value": HOSTILE, "label": f"Odd {HOSTILE}"},
]  # fmt: skip


TYPES = TicketTypes(
    {"task": TicketType("t", "Task", "Customer", {})},
    (
        TicketState("s", "submitted", (), frozenset()),
        TicketState("w", "in_progress", ("Waiting for parts",), frozenset()),
    ),
)
FILES = ("catalogue.json", "proposals.json", "ticket_types.json")


def settings_of(folder: Path) -> Migration:
    """Settings by which tasks become Intercom tickets."""
    rule = TicketRule.model_validate({"when": {"kinds": ["task"]}, "as": "ticket", "type": "Task"})
    return migration(folder).model_copy(update={"tickets": (rule,)})


def proposed(folder: Path) -> Migration:
    """A help desk with something of each kind, and a workspace for which a mapping was proposed."""
    desk = Desk(folder)
    field = {"scope": "ticket", "active": True}
    desk.add("fields", **field, source_id="11", key="size", title="Size", type="option", options=OPTIONS)
    desk.add("fields", **field, source_id="12", key="notes", title=f"Notes {HOSTILE}", type="multiline")
    desk.add("fields", **field, source_id="13", key="count", title="Count of seats", type="integer")
    desk.add("fields", **field | {"scope": "contact"}, source_id="contact:plan", key="plan", title="Plan", type="text")
    given = f'{{"11": "a", "12": "{"y" * 300}", "13": 3}}'
    tags = ["vip", "refund", HOSTILE]
    desk.ticket("1", {"body_text": "x"}, priority="high", brand=HOSTILE, kind="task", attributes=given, tags=tags)
    desk.ticket("2", {"body_text": "x"}, external_id="e" * 300, tags=["refund"])
    desk.add("articles", source_id="31", locale="en-us", tags=[], active=True)
    for locale in ("en-us", "en-gb", "tlh"):
        desk.add("article_translations", source_id=f"31-{locale}", article_ref="31", locale=locale, title="T")
    desk.contact("c3", locale="de", attributes='{"plan": "gold"}')
    staging, _ = desk.write()
    settings = settings_of(folder)
    rules = propose(staging, WORKSPACE, Mapping(statuses={"open": "open", "hold": "snoozed"}), settings)
    save_mapping(settings.mapping_path, rules)
    inputs = Inputs(staging, rules, settings)
    write_losses(inputs, WORKSPACE)
    write_candidates(inputs, WORKSPACE)
    (settings.root / "catalogue.json").write_bytes(WORKSPACE.to_json())
    (settings.root / "ticket_types.json").write_bytes(TYPES.to_json())
    return settings


@contextmanager
def serving(settings: Migration) -> Iterator["Person"]:
    """A person before the page, whose server is at work."""
    with MappingServer(settings) as server:
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield Person(server.url, settings, thread)
        finally:
            server.stop()
            thread.join()


class Person:
    """Somebody with the address of the page."""

    def __init__(self, address: str, settings: Migration, server: threading.Thread) -> None:
        self.address = address
        self.server = server
        parts = urlsplit(address)
        self.site = f"{parts.scheme}://{parts.netloc}/"
        self.path = settings.mapping_path
        self.session = requests.Session()

    @property
    def mapping(self) -> Mapping:
        """mapping.yaml as it is now."""
        return load_mapping(self.path)

    def open(self) -> "Page":
        """The page, by the address at first, then by the cookie."""
        answer = self.session.get(self.site if self.session.cookies else self.address, timeout=10)
        assert answer.status_code == 200, answer.text
        return Page(self, answer)

    def send(self, fields: dict[str, str], **more: Any) -> requests.Response:
        """Send a form as the page's own."""
        headers = {"Origin": self.site[:-1], "Sec-Fetch-Site": "same-origin"} | more.pop("headers", {})
        return self.session.post(self.site, data=fields, headers=headers, timeout=10, **more)


class Page:
    """A page as it was handed out, and its form as a browser would send it."""

    def __init__(self, person: Person, answer: requests.Response) -> None:
        self._person = person
        self.answer = answer
        document: Any = lxml.html.document_fromstring(answer.content.decode())  # the stubs know no forms
        self.document = document
        self.fields: dict[str, str] = dict(document.forms[0].form_values()) if document.forms else {}

    @property
    def text(self) -> str:
        """What can be read on it."""
        return " ".join(self.document.text_content().split())

    def line(self, title: str, section: str = "") -> Any:
        """The part of the page about an entry with this title; the first that bears it alone, else the only one."""
        inside = self.document if not section else self.document.get_element_by_id(section).getparent()
        found = {one: one.find(".//h3").text_content() for one in inside.iter("article")}
        alike = [one for one, told in found.items() if told == title][:1]
        (one,) = alike or [one for one, told in found.items() if title in told]
        return one

    def enter(self, title: str, control: str, value: str, section: str = "") -> None:
        """Fill in a control of an entry; that of an option is named by its label."""
        line = self.line(title, section)
        names = [one.get("name") for one in line.iter("input", "select")]
        own = [name for name in names if name and name.endswith(f".{control}")]
        own = own or [one.get("for") for one in line.iter("label") if one.text_content().strip() == control]
        self.fields[own[0]] = value

    def save(self, **more: str) -> "Page":
        """The page that comes of sending the form."""
        return Page(self._person, self._person.send({**self.fields, **more}))
