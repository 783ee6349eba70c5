"""Contacts: who conflicts with whom, archiving and deletion, merging, companies and notes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from migration_pipeline_tests.sandbox.intercom_kit import T0, Json, Kit

DAY = 86_400


def conflict(desk: Kit, method: str, path: str, body: Json) -> tuple[str, bool]:
    """The id that a 409 names, and whether it speaks of an archived contact."""
    answer = desk.call(method, path, body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "conflict"), answer.text
    message = answer.json()["errors"][0]["message"]
    match = re.fullmatch(r"(A|An archived) contact matching those details already exists with id=(\w+)", message)
    assert match, message
    return match[2], match[1] != "A"


def test_a_new_contact_has_what_it_was_given_and_a_24_hex_id(desk: Kit) -> None:
    made = desk.contact(
        phone="+353 87 123 4567", signed_up_at=T0, owner_id=desk.admin, unsubscribed_from_emails=True, created_at=5
    )
    assert re.fullmatch(r"[0-9a-f]{24}", made["id"])
    assert (made["role"], made["signed_up_at"], made["owner_id"]) == ("user", T0, str(desk.admin))
    assert (made["phone"], made["formatted_phone"]) == ("+353 87 123 4567", "+353871234567")
    assert made["unsubscribed_from_emails"] is True
    assert made["created_at"] > T0, "created_at cannot be set"
    assert desk.ok("GET", f"/contacts/{made['id']}") == made
    assert desk.ok("GET", f"/contacts/find_by_external_id/{made['external_id']}") == made


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "parameter_missing"),
        ({"name": "Ann"}, "parameter_missing"),
        ({"role": "user"}, "parameter_invalid"),
        ({"role": "admin"}, "parameter_invalid"),
        ({"email": "no address"}, "parameter_invalid"),
        ({"external_id": "v1", "email_verified": True}, "parameter_invalid"),
        ({"external_id": "v2", "owner_id": 1}, "parameter_invalid"),
        ({"external_id": "v3", "signed_up_at": "yesterday"}, "parameter_invalid"),
        ({"external_id": "v4", "name": ["x"]}, "parameter_invalid"),
        ({"external_id": "v5", "custom_attributes": {"never defined": 1}}, "parameter_invalid"),
    ],
)
def test_contacts_that_cannot_be(desk: Kit, body: Json, code: str) -> None:
    assert desk.error("POST", "/contacts", body) == (400, code)


def test_an_external_id_is_unique_among_users(desk: Kit) -> None:
    ann, bob = desk.contact(), desk.contact()
    same = {"external_id": ann["external_id"], "email": "other@customer.example"}
    assert conflict(desk, "POST", "/contacts", same) == (ann["id"], False)
    assert conflict(desk, "PUT", f"/contacts/{bob['id']}", same) == (ann["id"], False)
    assert desk.ok("PUT", f"/contacts/{ann['id']}", {"external_id": ann["external_id"]})["id"] == ann["id"]


def test_an_email_is_shared_by_users_with_external_ids_but_identifies_one_without(desk: Kit) -> None:
    ann = desk.contact()
    assert desk.contact(email=ann["email"])["id"] != ann["id"]
    assert conflict(desk, "POST", "/contacts", {"email": ann["email"].upper()})[0] == ann["id"]


@pytest.mark.parametrize("rule", ["create", "conflict"])
def test_email_with_a_new_external_id_against_an_email_only_user(desk: Kit, rule: str) -> None:
    only = desk.contact(external_id=None)
    desk.switch(email_with_new_external_id=rule)
    body = {"external_id": f"new:{only['id']}", "email": only["email"]}
    if rule == "create":
        assert desk.ok("POST", "/contacts", body)["id"] != only["id"]
    else:
        assert conflict(desk, "POST", "/contacts", body) == (only["id"], False)


def test_an_archived_contact_is_hidden_holds_its_id_and_can_come_back(desk: Kit) -> None:
    ann = desk.contact()
    one = f"/contacts/{ann['id']}"
    assert desk.ok("POST", f"{one}/archive")["archived"] is True
    assert desk.error("GET", one) == (404, "not_found")
    assert desk.get(one).json()["errors"][0]["message"] == "User Not Found"
    assert desk.error("GET", f"/contacts/find_by_external_id/{ann['external_id']}") == (404, "not_found")
    assert conflict(desk, "POST", "/contacts", {"external_id": ann["external_id"]}) == (ann["id"], True)
    assert desk.ok("POST", f"{one}/unarchive")["archived"] is False
    assert desk.ok("GET", one)["id"] == ann["id"]


def test_a_deleted_contact_holds_its_external_id_for_seven_days(desk: Kit) -> None:
    ann = desk.contact()
    again = {"external_id": ann["external_id"]}
    assert desk.ok("DELETE", f"/contacts/{ann['id']}")["deleted"] is True
    assert desk.error("GET", f"/contacts/{ann['id']}") == (404, "not_found")
    assert desk.error("POST", f"/contacts/{ann['id']}/unarchive")[1] == "not_restorable"
    desk.advance(7 * DAY - 60)
    assert conflict(desk, "POST", "/contacts", again) == (ann["id"], True)
    desk.advance(120)
    assert desk.ok("POST", "/contacts", again)["id"] != ann["id"]


def test_a_lead_gets_its_external_id_from_the_service_and_can_become_a_user(desk: Kit) -> None:
    lead = desk.contact(role="lead", external_id="mine")
    assert lead["external_id"] != "mine"
    assert desk.contact(role="lead", email=lead["email"])["id"] != lead["id"], "leads may share an email"
    assert desk.error("GET", f"/contacts/find_by_external_id/{lead['external_id']}") == (404, "not_found")
    user = desk.ok("PUT", f"/contacts/{lead['id']}", {"role": "user", "external_id": f"up:{lead['id']}"})
    assert (user["role"], user["external_id"]) == ("user", f"up:{lead['id']}")
    assert desk.error("PUT", f"/contacts/{lead['id']}", {"role": "lead"}) == (400, "client_error")


def test_merging_needs_a_lead_a_user_and_something_in_common(desk: Kit) -> None:
    user, stranger = desk.contact(), desk.contact(role="lead")
    lead = desk.contact(role="lead", email=user["email"])
    talk = desk.conversation(lead)
    for body in ({"from": user["id"], "into": lead["id"]}, {"from": stranger["id"], "into": user["id"]}):
        assert desk.error("POST", "/contacts/merge", body) == (400, "invalid_merge")
    merged = desk.ok("POST", "/contacts/merge", {"from": lead["id"], "into": user["id"]})
    assert merged["merge_history"][0]["source_contact_id"] == lead["id"]
    answer = desk.get(f"/contacts/{lead['id']}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (410, "contact_merged")
    assert answer.headers["link"] == f'</contacts/{user["id"]}>; rel="canonical"'
    assert desk.error("GET", f"/contacts/find_by_external_id/{lead['external_id']}") == (410, "contact_merged")
    assert desk.ok("GET", f"/conversations/{talk}")["contacts"]["contacts"][0]["id"] == user["id"]
    forced = {"from": stranger["id"], "into": user["id"], "skip_duplicate_validation": True}
    assert desk.ok("POST", "/contacts/merge", forced)["id"] == user["id"]


@pytest.mark.parametrize(("rule", "expected"), [("null", {"email": None}), ("absent", {}), ("empty", {"email": ""})])
def test_how_a_missing_email_is_answered(desk: Kit, rule: str, expected: Json) -> None:
    desk.switch(contact_without_email=rule)
    made = desk.contact(email=None)
    assert {k: v for k, v in made.items() if k == "email"} == expected


def test_what_changed_between_versions(desk: Kit) -> None:
    who = desk.contact(owner_id=desk.admin, email_verified=True)
    old = desk.at("2.15")
    before = old.ok("GET", f"/contacts/{who['id']}")
    old.close()
    assert (who["owner_id"], who["email_verified"]) == (str(desk.admin), True)
    assert before["owner_id"] == desk.admin
    assert "email_verified" not in before


def test_invalid_emails_pass_where_the_service_takes_them(desk: Kit) -> None:
    desk.switch(invalid_email="accept")
    assert desk.contact(email="no address")["email"] == "no address"


def test_a_block_hides_a_contact(desk: Kit) -> None:
    who = desk.contact()
    assert desk.ok("POST", f"/contacts/{who['id']}/block")["blocked"] is True
    assert desk.error("GET", f"/contacts/{who['id']}") == (404, "not_found")


def test_attaching_a_company_is_idempotent_and_says_what_is_missing(desk: Kit) -> None:
    who, company = desk.contact(), desk.company()
    path = f"/contacts/{who['id']}/companies"
    for _ in range(2):
        assert desk.ok("POST", path, {"id": company["id"]})["user_count"] == 1
    listed = desk.ok("GET", path)
    assert [c["id"] for c in listed["data"]] == [company["id"]]
    assert desk.ok("GET", f"/contacts/{who['id']}")["companies"]["total_count"] == 1
    assert desk.error("POST", path, {}) == (400, "parameter_not_found")
    assert desk.error("POST", path, {"id": "nothing"}) == (404, "company_not_found")
    assert desk.error("POST", "/contacts/nobody/companies", {"id": company["id"]}) == (404, "not_found")
    desk.switch(contact_companies_key="companies")
    assert desk.ok("GET", path)["companies"] == listed["data"]
    desk.ok("DELETE", f"{path}/{company['id']}")
    assert desk.ok("GET", path)["total_count"] == 0


def test_a_contact_embeds_ten_companies_at_most(desk: Kit) -> None:
    who = desk.contact()
    for _ in range(11):
        desk.ok("POST", f"/contacts/{who['id']}/companies", {"id": desk.company()["id"]})
    embedded = desk.ok("GET", f"/contacts/{who['id']}")["companies"]
    assert (len(embedded["data"]), embedded["total_count"], embedded["has_more"]) == (10, 11, True)
    pages: list[Any] = []
    path: str | None = f"/contacts/{who['id']}/companies?per_page=6"
    while path:
        page = desk.ok("GET", path)
        pages.append(len(page["data"]))
        path = page["pages"]["next"]
    assert pages == [6, 5]


def test_notes_are_dated_now_and_each_call_adds_one(desk: Kit) -> None:
    who = desk.contact()
    path = f"/contacts/{who['id']}/notes"
    for _ in range(2):
        note = desk.ok("POST", path, {"body": "remember\nthis", "admin_id": desk.admin, "created_at": T0})
    assert note["created_at"] > T0
    assert note["body"] == "<p>remember<br>this</p>"
    assert note["author"]["id"] == str(desk.admin)
    assert desk.ok("GET", path)["total_count"] == 2
    assert desk.ok("GET", f"/notes/{note['id']}") == note
    assert desk.error("POST", path, {"admin_id": desk.admin}) == (400, "parameter_missing")
    assert desk.error("POST", path, {"body": "x", "admin_id": 1}) == (404, "admin_not_found")
    assert desk.error("GET", "/notes/1") == (404, "not_found")
