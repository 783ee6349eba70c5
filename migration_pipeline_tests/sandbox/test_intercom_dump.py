"""The dump of a workspace: what was stored, with the hashes of all files, whole or in pages."""

from __future__ import annotations

import hashlib

from migration_pipeline_tests.sandbox.file_host import BYTES
from migration_pipeline_tests.sandbox.intercom_kit import Json, Kit, file

SHA = hashlib.sha256(BYTES).hexdigest()


def test_the_dump_holds_everything_with_the_hashes_of_its_files(desk: Kit, host: str) -> None:
    company = desk.company()
    text = desk.attribute()
    who = desk.contact(custom_attributes={text: "x"})
    desk.ok("POST", f"/contacts/{who['id']}/companies", {"id": company["id"]})
    desk.ok("POST", f"/contacts/{who['id']}/notes", {"body": "n"})
    desk.ok("POST", "/tags", {"name": "Kept", "users": [{"id": who["id"]}]})
    kind = desk.ticket_type()
    level = desk.ok("POST", f"/ticket_types/{kind['id']}/attributes", {
        "name": "Level", "description": "", "data_type": "list", "list_items": "low,high",
    })  # fmt: skip
    high = level["input_options"]["list_options"][1]["id"]
    ticket = desk.ticket(kind, who, ticket_attributes={"_default_title_": "T", "Level": high})
    desk.ok("POST", f"/tickets/{ticket['id']}/reply", {
        "message_type": "note", "type": "admin", "admin_id": desk.admin, "attachment_files": [file("b", BYTES)],
    })  # fmt: skip
    article = desk.article(body=f"<p>x</p><img src='{host}/image.png'>")

    dump: Json = desk.control("GET", "dump").json()
    contact = next(c for c in dump["contacts"] if c["id"] == who["id"])
    assert (contact["companies"], contact["tags"]) == ([company["company_id"]], ["Kept"])
    assert (contact["custom_attributes"], len(contact["notes"])) == ({text: "x"}, 1)
    thread = next(c for c in dump["conversations"] if str(c["id"]) == ticket["id"])
    assert thread["ticket_attributes"]["Level"] == "high"
    assert thread["contacts"][0]["external_id"] == who["external_id"]
    assert [f["sha256"] for part in thread["parts"] for f in part["attachments"]] == [SHA]
    shown = next(a for a in dump["articles"] if str(a["id"]) == article["id"])
    assert [i["sha256"] for i in shown["contents"]["en"]["images"]] == [SHA]
    assert dump.keys() >= {"companies", "collections", "redirects", "tags", "outbox", "internal_articles"}

    paged: list[Json] = []
    after: int | None = 0
    while after is not None:
        page = desk.control("GET", f"dump?kind=conversations&limit=2&after={after}").json()
        paged += page["items"]
        after = page["next"]
    assert paged == dump["conversations"]
    assert desk.control("GET", "dump?kind=people").status_code == 400
