"""Companies, tags and data attributes: upserts, invisibility, scrolling, bulk tagging, limits and checks of values."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_pipeline_tests.sandbox.conftest import served
from migration_pipeline_tests.sandbox.intercom_kit import T0, Json, Kit, workspace


def visible(desk: Kit, **more: object) -> Json:
    """A company with a contact."""
    company = desk.company(**more)
    desk.ok("POST", f"/contacts/{desk.contact()['id']}/companies", {"id": company["id"]})
    return company


def test_a_company_is_made_once_and_then_updated(desk: Kit) -> None:
    made = desk.company(plan="Gold", size=3, monthly_spend=9.9, remote_created_at=T0, website="https://a.example")
    again = desk.ok("POST", "/companies", {"company_id": made["company_id"], "industry": "Toys"})
    assert again["id"] == made["id"]
    assert (again["name"], again["plan"]["name"], again["size"], again["industry"]) == ("Acme", "Gold", 3, "Toys")
    assert (again["monthly_spend"], again["remote_created_at"]) == (9, T0)
    kept = desk.ok("PUT", f"/companies/{made['id']}", {"company_id": "other", "name": "New"})
    assert (kept["company_id"], kept["name"]) == (made["company_id"], "New")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x"}, "parameter_missing"),
        ({"company_id": "1", "test": "invalid"}, "bad_request"),
        ({"company_id": "1", "monthly_spend": 2**31}, "parameter_invalid"),
        ({"company_id": "1", "size": "three"}, "parameter_invalid"),
    ],
)
def test_companies_that_cannot_be(desk: Kit, body: Json, code: str) -> None:
    assert desk.error("POST", "/companies", body) == (400, code)


def test_the_message_for_an_unknown_key_names_it(desk: Kit) -> None:
    assert desk.post("/companies", {"test": 1}).json()["errors"][0]["message"] == "bad 'test' parameter"


@pytest.mark.behaviour("S16")
def test_a_company_without_contacts_is_in_no_list_but_can_be_read(desk: Kit) -> None:
    hidden, shown = desk.company(), visible(desk)
    listed = {c["id"] for c in desk.ok("GET", "/companies?per_page=60")["data"]}
    assert shown["id"] in listed
    assert hidden["id"] not in listed
    posted = {c["id"] for c in desk.ok("POST", "/companies/list", {"per_page": 60})["data"]}
    assert posted == listed
    assert desk.ok("GET", f"/companies/{hidden['id']}")["id"] == hidden["id"]
    found = desk.ok("GET", f"/companies?company_id={hidden['company_id']}")
    assert [c["id"] for c in found["data"]] == [hidden["id"]]
    desk.switch(companies_by_company_id="object")
    assert desk.ok("GET", f"/companies?company_id={hidden['company_id']}")["id"] == hidden["id"]
    assert desk.error("GET", "/companies?company_id=nothing") == (404, "company_not_found")


def test_lists_go_on_by_url_or_object_and_end_at_ten_thousand(desk: Kit) -> None:
    for _ in range(3):
        visible(desk)
    first = desk.ok("GET", "/companies?per_page=2&order=asc")
    assert first["pages"]["next"].startswith(desk.base_url + "/companies?")
    second = desk.ok("GET", first["pages"]["next"])
    assert second["pages"]["page"] == 2
    assert {c["id"] for c in first["data"]}.isdisjoint(c["id"] for c in second["data"])
    desk.switch(pages_next="object")
    assert desk.ok("GET", "/companies?per_page=2")["pages"]["next"] == {
        "page": 2,
        "per_page": 2,
        "starting_after": None,
    }
    assert desk.error("GET", "/companies?per_page=50&page=201") == (400, "parameter_invalid")
    assert desk.error("GET", "/companies?page=0") == (400, "parameter_invalid")


def test_page_sizes_over_the_maximum(desk: Kit) -> None:
    assert desk.ok("GET", "/companies?per_page=500")["pages"]["per_page"] == 60
    desk.switch(per_page_over_max="reject")
    assert desk.error("GET", "/companies?per_page=500") == (400, "parameter_invalid")


def test_a_deleted_company_is_gone_for_its_contacts_too(desk: Kit) -> None:
    company, who = desk.company(), desk.contact()
    desk.ok("POST", f"/contacts/{who['id']}/companies", {"id": company["id"]})
    assert [c["id"] for c in desk.ok("GET", f"/companies/{company['id']}/contacts")["data"]] == [who["id"]]
    assert desk.ok("DELETE", f"/companies/{company['id']}")["deleted"] is True
    assert desk.error("GET", f"/companies/{company['id']}") == (404, "company_not_found")
    assert desk.ok("GET", f"/contacts/{who['id']}/companies")["total_count"] == 0


def test_company_notes_came_with_2_16(desk: Kit) -> None:
    path = f"/companies/{desk.company()['id']}/notes"
    note = desk.ok("POST", path, {"body": "note"})
    assert desk.ok("GET", path)["data"] == [note]
    old = desk.at("2.15")
    assert old.error("POST", path, {"body": "note"}) == (400, "intercom_version_invalid")
    old.close()


def test_one_scroll_keeps_its_parameter_and_ends_with_an_empty_page(tmp_path: Path) -> None:
    with served(lambda url: workspace(tmp_path, url)) as service:
        desk = Kit(service.base_url)
        made = {visible(desk)["id"] for _ in range(103)}
        desk.company()
        sizes: list[int] = []
        params, seen, path = set(), set(), "/companies/scroll"
        while not sizes or sizes[-1]:
            page = desk.ok("GET", path)
            sizes.append(len(page["data"]))
            params.add(page["scroll_param"])
            seen |= {c["id"] for c in page["data"]}
            assert (page["pages"], page["total_count"]) == (None, None)
            path = f"/companies/scroll?scroll_param={page['scroll_param']}"
        assert (sizes, len(params), seen) == ([100, 3, 0], 1, made)

        param = desk.ok("GET", "/companies/scroll")["scroll_param"]
        assert desk.error("GET", "/companies/scroll")[0] == 400
        assert "scroll already exists" in desk.get("/companies/scroll").json()["errors"][0]["message"]
        desk.advance(59)
        desk.ok("GET", f"/companies/scroll?scroll_param={param}")
        desk.advance(61)
        assert desk.error("GET", f"/companies/scroll?scroll_param={param}") == (404, "not_found")

        desk.switch(scroll_fails_after=1)
        param = desk.ok("GET", "/companies/scroll")["scroll_param"]
        broken = desk.get(f"/companies/scroll?scroll_param={param}")
        assert broken.status_code == 500
        assert "restart the scroll" in broken.json()["errors"][0]["message"]
        assert desk.get("/companies/scroll").status_code == 200, "it starts from zero"
        desk.close()


def test_a_tag_is_found_whatever_its_case_or_made(desk: Kit) -> None:
    made = desk.ok("POST", "/tags", {"name": "Big Spender"})
    assert desk.ok("POST", "/tags", {"name": "big spender"})["id"] == made["id"]
    assert desk.ok("GET", f"/tags/{made['id']}")["name"] == "Big Spender"
    assert desk.ok("POST", "/tags", {"name": "Whale", "id": made["id"]})["name"] == "Whale"
    other = desk.ok("POST", "/tags", {"name": "Other"})
    assert desk.error("POST", "/tags", {"name": "whale", "id": other["id"]}) == (400, "parameter_invalid")
    assert desk.error("POST", "/tags", {"test": "invalid"}) == (400, "parameter_invalid")
    assert desk.error("GET", "/tags/1") == (404, "not_found")


def test_one_call_tags_many_and_tells_which(desk: Kit) -> None:
    ann, bob, company = desk.contact(), desk.contact(), desk.company()
    users = [{"id": ann["id"]}, {"id": bob["id"]}, {"id": "nobody"}]
    tag = desk.ok("POST", "/tags", {"name": "bulk", "users": users})
    assert tag["users"] == [
        {"id": ann["id"], "tagged": True},
        {"id": bob["id"], "tagged": True},
        {"id": "nobody", "tagged": False},
    ]
    desk.ok("POST", "/tags", {"name": "bulk", "companies": [{"company_id": company["company_id"]}]})
    assert [t["name"] for t in desk.ok("GET", f"/companies/{company['id']}")["tags"]["tags"]] == ["bulk"]
    applied = desk.ok("GET", f"/contacts/{bob['id']}/tags")["data"]
    assert [t["id"] for t in applied] == [tag["id"]]
    desk.advance(100)
    desk.ok("POST", "/tags", {"name": "bulk", "users": [{"id": bob["id"]}]})
    assert desk.ok("GET", f"/contacts/{bob['id']}/tags")["data"] == applied, "tagging again changes nothing"
    desk.ok("POST", "/tags", {"name": "bulk", "users": [{"id": bob["id"], "untag": True}]})
    assert desk.ok("GET", f"/contacts/{bob['id']}/tags")["data"] == []
    old = desk.at("2.15")
    assert old.error("POST", "/tags", {"name": "bulk", "users": users}) == (404, "not_found")
    assert set(old.ok("POST", "/tags", {"name": "bulk"})) == {"type", "id", "name"}
    old.close()


@pytest.mark.parametrize("rule", ["idempotent", "error"])
def test_tagging_a_contact_twice(desk: Kit, rule: str) -> None:
    desk.switch(tag_idempotence=rule)
    path = f"/contacts/{desk.contact()['id']}/tags"
    tag = desk.ok("POST", "/tags", {"name": "twice"})["id"]
    first = desk.ok("POST", path, {"id": tag})
    assert first["applied_by"]["type"] == "admin"
    desk.advance(100)
    if rule == "idempotent":
        assert desk.ok("POST", path, {"id": int(tag)}) == first
    else:
        assert desk.error("POST", path, {"id": tag}) == (400, "parameter_invalid")
    assert len(desk.ok("GET", path)["data"]) == 1
    assert desk.error("POST", path, {"id": 1}) == (404, "not_found")
    assert desk.error("DELETE", f"{path}/1") == (404, "tag_not_found")


@pytest.mark.parametrize("rule", ["reject", "accept"])
def test_deleting_a_tag_that_is_in_use(desk: Kit, rule: str) -> None:
    desk.switch(tag_delete_with_taggings=rule)
    who = desk.contact()
    tag = desk.ok("POST", "/tags", {"name": f"used {rule}", "users": [{"id": who["id"]}]})["id"]
    if rule == "reject":
        assert desk.error("DELETE", f"/tags/{tag}") == (400, "tag_has_dependent_objects")
    else:
        assert desk.delete(f"/tags/{tag}").content == b""
        assert desk.ok("GET", f"/contacts/{who['id']}")["tags"]["total_count"] == 0


def test_tags_per_object_may_be_limited(desk: Kit) -> None:
    desk.switch(max_tags_per_object=1)
    path = f"/contacts/{desk.contact()['id']}/tags"
    first, second = (desk.ok("POST", "/tags", {"name": name})["id"] for name in ("m1", "m2"))
    desk.ok("POST", path, {"id": first})
    assert desk.error("POST", path, {"id": second}) == (400, "parameter_invalid")


def test_a_data_attribute_is_read_back_as_the_service_keeps_it(desk: Kit) -> None:
    options = [{"value": "1-10"}, {"value": "11-20"}]
    for data_type, stored in (("options", "string"), ("datetime", "date"), ("float", "float")):
        name = desk.attribute(data_type, options=options if data_type == "options" else None)
        listed = [a for a in desk.ok("GET", "/data_attributes?model=contact")["data"] if a["name"] == name]
        assert [(a["data_type"], a.get("options")) for a in listed] == [
            (stored, ["1-10", "11-20"] if data_type == "options" else None)
        ]
        assert name not in {a["name"] for a in desk.ok("GET", "/data_attributes?model=company")["data"]}


def test_data_attributes_that_cannot_be(desk: Kit) -> None:
    taken = desk.attribute(model="company")
    for body in (
        {"name": taken, "model": "contact", "data_type": "string"},
        {"name": taken.upper(), "model": "company", "data_type": "string"},
        {"name": "Email", "model": "contact", "data_type": "string"},
        {"name": "!nv@l!d n@me", "model": "company", "data_type": "string"},
        {"name": "ok", "model": "conversation", "data_type": "string"},
        {"name": "ok", "model": "contact", "data_type": "mithril"},
        {"name": "ok", "model": "contact", "data_type": "options", "options": [{"value": "one"}]},
        {"name": "ok", "model": "contact", "data_type": "options", "options": {"value": "one"}},
    ):
        assert desk.error("POST", "/data_attributes", body) == (400, "parameter_invalid"), body
    message = desk.post("/data_attributes", {"name": taken, "model": "contact", "data_type": "string"}).json()
    assert f"You already have '{taken}' in your company data" in message["errors"][0]["message"]
    assert desk.error("GET", "/data_attributes?model=conversation") == (422, "parameter_invalid")
    assert desk.error("PUT", "/data_attributes/1", {}) == (404, "field_not_found")


def test_archived_attributes_are_hidden_and_make_room(desk: Kit) -> None:
    name = desk.attribute()
    key = next(a["id"] for a in desk.ok("GET", "/data_attributes")["data"] if a["name"] == name)
    desk.ok("PUT", f"/data_attributes/{key}", {"archived": True})
    assert name not in {a["name"] for a in desk.ok("GET", "/data_attributes")["data"]}
    assert name in {a["name"] for a in desk.ok("GET", "/data_attributes?include_archived=true")["data"]}
    assert desk.error("POST", "/contacts", {"external_id": "a1", "custom_attributes": {name: "x"}})[0] == 400


def test_a_workspace_has_250_data_attributes_at_most(tmp_path: Path) -> None:
    with served(lambda url: workspace(tmp_path, url)) as service:
        desk = Kit(service.base_url)
        for _ in range(250):
            desk.attribute()
        body = {"name": "one more", "model": "contact", "data_type": "string"}
        assert desk.error("POST", "/data_attributes", body) == (400, "parameter_invalid")
        desk.close()


@pytest.mark.parametrize("model", ["contact", "company"])
@pytest.mark.parametrize(
    ("data_type", "good", "bad"),
    [
        ("string", "x", [1]),
        ("integer", 3, "three"),
        ("float", 1.5, "much"),
        ("boolean", True, "yes"),
        ("date", T0, "2020-01-01"),
        ("options", "b", "c"),
    ],
)
def test_values_must_fit_their_attribute(desk: Kit, model: str, data_type: str, good: object, bad: object) -> None:
    more = {"options": [{"value": "a"}, {"value": "b"}]} if data_type == "options" else {}
    name = desk.attribute(data_type, model, **more)
    make = desk.contact if model == "contact" else desk.company
    made = make(custom_attributes={name: good})
    assert made["custom_attributes"] == {name: good}
    path = f"/contacts/{made['id']}" if model == "contact" else f"/companies/{made['id']}"
    assert desk.error("PUT", path, {"custom_attributes": {name: bad}}) == (422, "type_mismatch")
    desk.switch(attribute_type_mismatch="ignore")
    assert desk.ok("PUT", path, {"custom_attributes": {name: bad}})["custom_attributes"] == {name: good}
    assert desk.ok("PUT", path, {"custom_attributes": {name: None}})["custom_attributes"] == {name: None}


def test_unknown_attributes_and_long_strings_follow_their_switches(desk: Kit) -> None:
    name = desk.attribute()
    assert desk.contact(custom_attributes={name: "x" * 300})["custom_attributes"] == {name: "x" * 255}
    desk.switch(long_string="reject", unknown_custom_attribute="ignore")
    assert desk.contact(custom_attributes={"nothing": 1})["custom_attributes"] == {}
    body = {"external_id": "long", "custom_attributes": {name: "x" * 256}}
    assert desk.error("POST", "/contacts", body) == (400, "parameter_invalid")
