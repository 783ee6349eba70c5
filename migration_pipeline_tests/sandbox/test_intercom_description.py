"""Every operation of the stand-in is called once, recorded, and held against Intercom's own description."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from migration_pipeline.sandbox.recorder import Recorder
from migration_pipeline_tests.sandbox.conftest import served
from migration_pipeline_tests.sandbox.intercom_kit import T0, Kit, file, workspace

CHECKER = Path(__file__).parents[3] / "shared" / "contracts" / "check_intercom.py"


def exercise(desk: Kit) -> None:
    """A call of every operation with a good answer, and some with an error."""
    me = desk.admin
    for path in ("/admins", f"/admins/{me}", "/teams", f"/teams/{desk.team()}", "/ticket_states"):
        desk.ok("GET", path)

    text, choice = desk.attribute(), desk.attribute("options", options=[{"value": "a"}, {"value": "b"}])
    flag = desk.attribute("boolean", model="company")
    attributes = desk.ok("GET", "/data_attributes?model=contact")["data"]
    changed = next(a["id"] for a in attributes if a["name"] == choice)
    desk.ok("PUT", f"/data_attributes/{changed}", {"options": [{"value": "a"}, {"value": "b"}, {"value": "c"}]})

    company = desk.company(
        plan="Gold", size=3, website="https://acme.example", industry="Toys", monthly_spend=9, remote_created_at=T0
    )
    desk.ok("PUT", f"/companies/{company['id']}", {"name": "Acme 2", "custom_attributes": {flag: True}})
    ann = desk.contact(
        phone="+353871234567", owner_id=str(me), signed_up_at=T0, custom_attributes={text: "x", choice: "c"}
    )
    lead = desk.contact(role="lead", email=ann["email"], external_id=None)
    bob = desk.contact(email=None, unsubscribed_from_emails=True)
    desk.ok("PUT", f"/contacts/{bob['id']}", {"name": "Bob", "avatar": "https://acme.example/b.png"})
    one = f"/contacts/{ann['id']}"
    desk.ok("GET", one)
    desk.ok("GET", f"/contacts/find_by_external_id/{ann['external_id']}")
    desk.ok("POST", f"{one}/companies", {"id": company["id"]})
    desk.ok("GET", f"{one}/companies")
    desk.ok("GET", f"/companies/{company['id']}/contacts")
    for path in (
        f"/companies?company_id={company['company_id']}",
        f"/companies/{company['id']}",
        "/companies?per_page=1",
        "/companies/scroll",
    ):
        desk.ok("GET", path)
    desk.ok("POST", "/companies/list")
    desk.ok("POST", f"{one}/notes", {"body": "<p>note</p>", "admin_id": str(me)})
    note = desk.ok("GET", f"{one}/notes")["data"][0]["id"]
    desk.ok("GET", f"/notes/{note}")
    desk.ok("POST", f"/companies/{company['id']}/notes", {"body": "note"})
    desk.ok("GET", f"/companies/{company['id']}/notes")

    tag = desk.ok("POST", "/tags", {"name": "vip", "users": [{"id": bob["id"]}]})["id"]
    desk.ok("POST", "/tags", {"name": "vip", "companies": [{"id": company["id"]}]})
    desk.ok("POST", "/tags", {"name": "VIP", "id": tag})
    unused = desk.ok("POST", "/tags", {"name": "unused"})["id"]
    desk.ok("GET", "/tags")
    desk.ok("GET", f"/tags/{tag}")
    desk.ok("DELETE", f"/tags/{unused}")
    desk.ok("POST", f"{one}/tags", {"id": tag})
    desk.ok("GET", f"{one}/tags")
    desk.ok("DELETE", f"{one}/tags/{tag}")

    listed = desk.conversation_attribute("list", options=[{"label": "High"}])
    for data_type in ("string", "integer", "decimal", "boolean", "datetime", "relationship", "files"):
        more = {"reference": {"type": "one", "object_type_id": "Order"}} if data_type == "relationship" else {}
        plain = desk.conversation_attribute(data_type, description="d", **more)
    attribute = f"/conversations/attributes/{listed['id']}"
    desk.ok("POST", f"{attribute}/options", {"label": "Low"})
    desk.ok("PUT", attribute, {"description": "changed"})
    desk.ok("GET", attribute)
    desk.ok("GET", "/conversations/attributes")
    desk.ok("DELETE", f"/conversations/attributes/{plain['id']}")

    talk = desk.conversation(ann, subject="Question")
    desk.comment(talk, created_at=T0 + 10, skip_notifications=True, attachment_files=[file("ü.txt")])
    desk.note(talk, created_at=T0 + 20)
    options = [{"text": "Yes", "uuid": "a5e1c524-5ddd-4c3e-9328-6bca5d6e3edb"}]
    desk.comment(talk, message_type="quick_reply", body="?", reply_options=options)
    desk.contact_reply(talk, ann, created_at=T0 + 30)
    desk.ok(
        "PUT", f"/conversations/{talk}", {"read": True, "title": "T", "custom_attributes": {listed["name"]: "High"}}
    )
    desk.ok("PUT", f"/conversations/{talk}", {"company_id": company["id"]})
    desk.ok(
        "POST", f"/conversations/{talk}/customers", {"admin_id": str(me), "customer": {"intercom_user_id": bob["id"]}}
    )
    desk.ok("DELETE", f"/conversations/{talk}/customers/{bob['id']}", {"admin_id": str(me)})
    desk.ok("POST", f"/conversations/{talk}/tags", {"id": tag, "admin_id": str(me)})
    desk.part(talk, "assignment", assignee_id=str(me))
    desk.part(talk, "assignment", type="team", assignee_id=str(desk.team()))
    desk.part(talk, "snoozed", snoozed_until=T0 + 10**9)
    desk.part(talk, "open")
    desk.part(talk, "close", body="bye")
    desk.contact_reply(talk, ann)
    shown = desk.ok("GET", f"/conversations/{talk}")
    desk.ok("GET", f"/conversations/{talk}?display_as=plaintext")
    desk.ok("DELETE", f"/conversations/{talk}/tags/{tag}", {"admin_id": str(me)})
    part = shown["conversation_parts"]["conversation_parts"][0]["id"]
    redact = {"type": "conversation_part", "conversation_id": talk, "conversation_part_id": part}
    desk.ok("POST", "/conversations/redact", redact)
    desk.ok("POST", "/messages", {
        "message_type": "email", "subject": "s", "body": "b", "template": "plain",
        "from": {"type": "admin", "id": me}, "to": {"type": "user", "id": ann["id"]},
    })  # fmt: skip

    kind = desk.ticket_type()
    desk.ok("PUT", f"/ticket_types/{kind['id']}", {"description": "changed"})
    made = desk.ok(
        "POST",
        f"/ticket_types/{kind['id']}/attributes",
        {"name": "Level", "description": "l", "data_type": "list", "list_items": "a,b"},
    )
    desk.ok("PUT", f"/ticket_types/{kind['id']}/attributes/{made['id']}", {"list_items": "a,b,c"})
    desk.ok("GET", f"/ticket_types/{kind['id']}")
    desk.ok("GET", "/ticket_types")
    level = made["input_options"]["list_options"][0]["id"]
    assignment = {"admin_assignee_id": str(me), "team_assignee_id": str(desk.team())}
    ticket = desk.ticket(kind, ann, assignment=assignment, company_id=company["id"])
    path = f"/tickets/{ticket['id']}"
    desk.ok("POST", f"{path}/reply", {
        "message_type": "note", "type": "admin", "admin_id": str(me), "body": "n", "attachment_files": [file()],
    })  # fmt: skip
    desk.ok("POST", f"{path}/reply", {"message_type": "comment", "type": "user", "email": ann["email"], "body": "c"})
    desk.ok("POST", f"{path}/tags", {"id": tag, "admin_id": str(me)})
    desk.ok("DELETE", f"{path}/tags/{tag}", {"admin_id": str(me)})
    desk.ok("PUT", path, {
        "ticket_attributes": {"Level": level}, "ticket_state_id": "8324", "open": False, "admin_id": me,
        "assignee_id": str(desk.admins()[1]["id"]), "skip_notifications": True,
    })  # fmt: skip
    desk.ok("PUT", path, {"snoozed_until": T0 + 10**9, "skip_notifications": True})
    desk.ok("GET", path)
    job = desk.ok(
        "POST", "/tickets/enqueue", {"ticket_type_id": kind["id"], "contacts": [{"email": "new@customer.example"}]}
    )
    desk.ok("GET", f"/jobs/status/{job['id']}")
    desk.ok("POST", f"/conversations/{talk}/convert", {"ticket_type_id": kind["id"]})

    desk.advance(5)
    for where in ("/contacts", "/conversations"):
        desk.ok("GET", f"{where}?per_page=1")
        found = desk.ok(
            "POST", f"{where}/search", {"query": {"field": "created_at", "operator": ">", "value": T0 - 10**6}}
        )
        assert found["total_count"], where
    found = desk.ok("POST", "/tickets/search", {
        "query": {"operator": "AND", "value": [{"field": "contact_ids", "operator": "=", "value": ann["id"]}]},
        "pagination": {"per_page": 1},
    })  # fmt: skip
    assert found["pages"]["next"]
    desk.ok("GET", f"/jobs/status/{job['id']}")

    other = desk.conversation(bob)
    desk.ok("DELETE", f"/conversations/{other}?retain_metrics=true")
    desk.ok("GET", "/conversations/deleted")
    desk.ok("DELETE", path)
    desk.ok("DELETE", f"{one}/companies/{company['id']}")
    desk.ok("DELETE", f"/companies/{company['id']}")
    desk.ok("POST", "/contacts/merge", {"from": lead["id"], "into": ann["id"]})
    desk.ok("POST", f"{one}/archive")
    desk.ok("POST", f"{one}/unarchive")
    desk.ok("POST", f"{one}/block")
    desk.ok("DELETE", f"/contacts/{bob['id']}")
    desk.error("GET", f"/contacts/{lead['id']}")
    desk.error("POST", "/contacts", {"external_id": ann["external_id"]})
    desk.error("GET", "/nothing/here")


def exercise_help_centre(desk: Kit) -> None:
    """The same for the help centre; its images come from an attachment of the workspace."""
    center = desk.ok("GET", "/help_center/help_centers")["data"][0]
    one_center = f"/help_center/help_centers/{center['id']}"
    desk.ok("GET", one_center)
    parent = desk.collection(description="d", help_center_id=int(center["id"]))
    french = {"type": "group_translated_content", "fr": {"type": "group_content", "name": "Factures"}}
    child = desk.collection(parent_id=parent["id"], translated_content=french)
    desk.ok("GET", f"/help_center/collections/{child['id']}")
    desk.ok("GET", "/help_center/collections?per_page=1")
    desk.ok("PUT", f"/help_center/collections/{child['id']}", {"description": "changed", "parent_id": None})

    shown = desk.note(desk.conversation(), attachment_files=[file("a.png", b"png", "image/png")])
    image = shown["conversation_parts"]["conversation_parts"][-1]["attachments"][0]["url"].replace("&", "&amp;")
    german = {"type": "article_content", "title": "Wie", "body": "So", "author_id": desk.admin, "state": "published"}
    article = desk.article(
        body=f"<h3>Top</h3><p>x<img src='{image}'></p>",
        description="d",
        state="published",
        parent_id=int(parent["id"]),
        parent_type="collection",
        translated_content={"type": "article_translated_content", "de": german},
        ai_chatbot_availability=True,
    )
    draft = desk.ok("POST", "/articles", {"title": "D", "author_id": desk.admin, "body_markdown": "# D"})
    one = f"/articles/{article['id']}"
    desk.ok("GET", one)
    desk.ok("PUT", one, {"title": "Changed", "parent_id": str(child["id"]), "parent_type": "collection"})
    desk.ok("GET", "/articles?per_page=1")
    desk.advance(5)
    assert desk.ok("GET", "/articles/search?phrase=changed&state=published")["total_count"] == 1
    tag = desk.ok("POST", "/tags", {"name": "kb"})["id"]
    desk.ok("POST", f"{one}/tags", {"id": tag})
    desk.ok("GET", one)
    desk.ok("DELETE", f"{one}/tags/{tag}")

    redirects = f"{one_center}/redirects"
    old = {"from_url": f"{center['url']}/old", "locale": "fr", "target_type": "article", "target_id": article["id"]}
    made = desk.ok("POST", redirects, old)
    desk.error("POST", redirects, old)
    desk.ok("GET", redirects)
    desk.ok("GET", f"{redirects}/{made['id']}")
    desk.ok("DELETE", f"{redirects}/{made['id']}")

    inner = desk.ok("POST", "/internal_articles", {
        "title": "I", "body": "b", "author_id": desk.admin, "owner_id": desk.admin,
    })  # fmt: skip
    desk.ok("GET", "/internal_articles")
    inside = f"/internal_articles/{inner['id']}"
    desk.ok("GET", inside)
    desk.ok("PUT", inside, {"body_markdown": "**b**"})
    desk.ok("POST", f"{inside}/tags", {"id": tag, "admin_id": str(desk.admin)})
    desk.ok("DELETE", f"{inside}/tags/{tag}")
    desk.ok("DELETE", inside)
    desk.ok("DELETE", f"/articles/{draft['id']}")
    desk.ok("DELETE", f"/help_center/collections/{parent['id']}")


def exercise_made_by_hand(desk: Kit) -> None:
    """The same for what people make in the UI, and for what hangs on it."""
    for path in ("/segments", "/brands", "/macros", "/subscription_types"):
        found = desk.ok("GET", path)
        first = (found.get("data") or found["segments"])[0]["id"]
        if path != "/subscription_types":
            desk.ok("GET", f"{path}/{first}")
    contact = f"/contacts/{desk.contact()['id']}"
    desk.ok("GET", f"{contact}/segments")
    desk.ok("GET", f"/companies/{desk.company()['id']}/segments")
    desk.ok("POST", f"{contact}/subscriptions", {"id": "302", "consent_type": "opt_out"})
    desk.ok("GET", f"{contact}/subscriptions")
    desk.ok("GET", contact)
    desk.ok("DELETE", f"{contact}/subscriptions/302")

    talk, tracker = desk.conversation(), desk.ticket(desk.ticket_type("Tracker"))["id"]
    desk.ok("POST", f"/tickets/{tracker}/linked_conversations", {"conversation_id": talk})
    desk.ok("GET", f"/tickets/{tracker}")
    desk.ok("DELETE", f"/tickets/{tracker}/linked_conversations/{talk}")
    order = {"ticket_type_id": desk.ticket_type("Tracker")["id"], "ticket_state_id": "8321"}
    desk.ok("POST", f"/tickets/{tracker}/change_type", order)
    listed = desk.conversation_attribute("list", options=[{"label": "a"}, {"label": "b"}, {"label": "c"}])
    option = f"/conversations/attributes/{listed['id']}/options/{listed['options'][0]['id']}"
    desk.ok("PUT", option, {"label": "A"})
    desk.ok("DELETE", option)


def test_every_operation_answers_in_the_described_shape(tmp_path: Path) -> None:
    record = tmp_path / "exchanges.jsonl"
    with served(lambda url: workspace(tmp_path, url)) as service:
        service.recorder = Recorder(record)
        desk = Kit(service.base_url)
        exercise(desk)
        exercise_help_centre(desk)
        exercise_made_by_hand(desk)
        routes = {route.name for route in service.routes if route.recorded}
        called = set(desk.control("GET", "stats").json()["requests"])
        desk.close()
    assert routes <= called, f"not exercised: {sorted(routes - called)}"

    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert set(lines[0]) == {"method", "path", "request", "status", "response"}
    assert not [line for line in lines if urlsplit(line["path"]).path.startswith(("/_sandbox", "/files", "/i/"))]
    if not CHECKER.exists():
        pytest.skip("Intercom's description is not beside the project, so shapes were exercised but not checked")
    outcome = subprocess.run([sys.executable, CHECKER, record], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert re.search(r"\b0 violations", outcome.stdout), outcome.stdout
