"""Searches and cursor lists: lag, paging, dates by day or second, operators, limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migration_pipeline_tests.sandbox.intercom_kit import T0, Json, Kit


def found(desk: Kit, what: str, query: Json, **more: Any) -> list[str]:
    """The ids that a search finds, in its order."""
    key = {"contacts": "data"}.get(what, what)
    return [item["id"] for item in desk.ok("POST", f"/{what}/search", {"query": query, **more})[key]]


def where(field: str, operator: str, value: Any) -> Json:
    return {"field": field, "operator": operator, "value": value}


def everyone(*queries: Json) -> Json:
    return {"operator": "AND", "value": list(queries)}


def test_new_objects_are_found_late_but_read_at_once(desk: Kit) -> None:
    desk.switch(search_lag_s=60)
    who = desk.contact()
    talk = desk.conversation(who)
    ticket = desk.ticket(desk.ticket_type(), who)["id"]
    by_contact = where("contact_ids", "=", who["id"])
    searches = {
        "contacts": where("external_id", "=", who["external_id"]),
        "conversations": everyone(by_contact, where("created_at", "=", T0)),
        "tickets": by_contact,
    }
    assert {what: found(desk, what, query) for what, query in searches.items()} == {what: [] for what in searches}
    assert who["id"] not in [c["id"] for c in desk.ok("GET", "/contacts?per_page=150")["data"]]
    assert talk not in [c["id"] for c in desk.ok("GET", "/conversations?per_page=150")["conversations"]]
    for path in (f"/contacts/{who['id']}", f"/contacts/find_by_external_id/{who['external_id']}", f"/tickets/{ticket}"):
        desk.ok("GET", path)
    desk.switch(lists_lag=False)
    assert who["id"] in [c["id"] for c in desk.ok("GET", "/contacts?per_page=150")["data"]]
    desk.advance(61)
    assert found(desk, "contacts", searches["contacts"]) == [who["id"]]
    assert found(desk, "conversations", searches["conversations"]) == [ticket, talk]
    assert found(desk, "tickets", searches["tickets"]) == [ticket]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_dates_of_contacts_match_by_day_in_the_workspaces_time_zone(desk: Kit, zone: str) -> None:
    desk.switch(timezone=zone, search_lag_s=0)
    noon = datetime(2020, 3, 10, 12, tzinfo=ZoneInfo(zone))
    day = {
        "before": noon.replace(day=9, hour=23),
        "early": noon.replace(hour=0, minute=1),
        "late": noon.replace(hour=23),
    }
    day["after"] = noon.replace(day=11, hour=0, minute=1)
    ids = {name: desk.contact(signed_up_at=int(at.timestamp()))["id"] for name, at in day.items()}
    names = {contact_id: name for name, contact_id in ids.items()}

    def match(operator: str) -> set[str]:
        query = where("signed_up_at", operator, str(int(noon.timestamp())))
        hits = found(desk, "contacts", query, pagination={"per_page": 150})
        return {names[i] for i in hits if i in names}

    assert match("=") == {"early", "late"}
    assert match(">") == {"after"}
    assert match("<") == {"before"}
    for operator in ("!=", ">=", "<=", "IN", "NIN"):
        body = {"query": where("signed_up_at", operator, int(noon.timestamp()))}
        assert desk.error("POST", "/contacts/search", body) == (400, "parameter_invalid")


def test_dates_of_conversations_match_by_the_second_and_include_it(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    who = desk.contact()
    talks = [desk.conversation(who, created_at=T0 + n) for n in range(3)]
    mine = where("contact_ids", "IN", [who["id"]])

    def match(operator: str) -> set[int]:
        hits = found(desk, "conversations", everyone(mine, where("created_at", operator, T0 + 1)))
        return {talks.index(hit) for hit in hits}

    assert [match(operator) for operator in ("=", ">", "<", "!=")] == [{1}, {1, 2}, {0, 1}, {0, 2}]


def test_dates_of_tickets_take_all_comparisons(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    who, kind = desk.contact(), desk.ticket_type()
    tickets = [desk.ticket(kind, who, created_at=T0 + n)["id"] for n in range(3)]
    mine = where("contact_ids", "=", who["id"])

    def match(operator: str) -> set[int]:
        hits = found(desk, "tickets", everyone(mine, where("created_at", operator, T0 + 1)))
        return {tickets.index(hit) for hit in hits}

    assert [match(operator) for operator in (">=", "<=", ">", "<")] == [{1, 2}, {0, 1}, {1, 2}, {0, 1}]


def test_operators_on_texts(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    names = ["100% wool", "cotton_shirt", "woollen"]
    mark = desk.contact()["external_id"]
    ids = {desk.contact(name=name, phone=mark)["id"]: name for name in names}

    def match(operator: str, value: Any) -> set[str]:
        query = everyone(where("phone", "=", mark), where("name", operator, value))
        return {ids[hit] for hit in found(desk, "contacts", query)}

    assert match("~", "wool") == {"100% wool", "woollen"}
    assert match("~", "0% w") == {"100% wool"}, "a percent sign is itself"
    assert match("~", "n_s") == {"cotton_shirt"}, "so is an underscore"
    assert match("!~", "wool") == {"cotton_shirt"}
    assert match("^", "wool") == {"woollen"}
    assert match("$", "wool") == {"100% wool"}
    assert match("IN", names[:2]) == set(names[:2])
    assert match("NIN", names[:2]) == {names[2]}
    assert match("!=", names[0]) == set(names[1:])
    assert match("=", None) == set()


def test_contacts_are_found_by_their_attributes_tags_and_any_case_of_email(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    name = desk.attribute("integer")
    who = desk.contact(custom_attributes={name: 41})
    other = desk.contact(custom_attributes={name: 43})
    tag = desk.ok("POST", "/tags", {"name": f"tag {name}", "users": [{"id": who["id"]}]})["id"]
    assert found(desk, "contacts", where(f"custom_attributes.{name}", ">", 42)) == [other["id"]]
    assert found(desk, "contacts", where("tag_id", "=", tag)) == [who["id"]]
    assert found(desk, "contacts", where("email", "=", who["email"].upper())) == [who["id"]]
    assert desk.error("POST", "/contacts/search", {"query": where("tag_id", "IN", [tag])}) == (400, "parameter_invalid")
    desk.ok("POST", f"/contacts/{who['id']}/archive")
    assert found(desk, "contacts", where("email", "=", who["email"])) == []


def test_bodies_are_searched_by_words(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    who = desk.contact()
    talk = desk.conversation(who, body="Where is my (blue) Müller parcel?")

    def match(value: str) -> bool:
        query = everyone(where("contact_ids", "=", who["id"]), where("source.body", "~", value))
        return found(desk, "conversations", query) == [talk]

    assert [match(value) for value in ("parcel", "MÜLLER", "parc", "my parcel")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("where_", "query"),
    [
        ("contacts", where("company_id", "=", "1")),
        ("tickets", where("ticket_id", "=", "1")),
        ("tickets", where("tag_ids", "=", "1")),
        ("conversations", where("created_at", ">=", T0)),
        ("conversations", where("title", "=", "x")),
    ],
)
def test_what_no_public_material_names_cannot_be_searched_for(desk: Kit, where_: str, query: Json) -> None:
    assert desk.error("POST", f"/{where_}/search", {"query": query})[0] == 400
    desk.switch(undocumented_search=True)
    assert desk.post(f"/{where_}/search", {"query": query}).status_code == (400 if "title" in str(query) else 200)


def test_what_a_migration_leaves_empty_can_be_asked_for(desk: Kit) -> None:
    for name in ("statistics.count_reopens", "conversation_rating.replied_at"):
        assert found(desk, "conversations", where(name, ">", 1)) == []
    assert found(desk, "contacts", where("last_email_opened_at", ">", 1)) == []
    assert found(desk, "conversations", where("ai_agent_participated", "=", True)) == []


def test_conversations_are_found_by_state_assignee_and_tag(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    who = desk.contact()
    talk, other = desk.conversation(who), desk.conversation(who)
    tag = desk.ok("POST", "/tags", {"name": f"tag {talk}"})["id"]
    desk.ok("POST", f"/conversations/{talk}/tags", {"id": tag, "admin_id": desk.admin})
    desk.part(talk, "assignment", assignee_id=desk.admin)
    desk.part(talk, "close")
    mine = where("contact_ids", "=", who["id"])
    for query, expected in (
        (where("state", "=", "closed"), [talk]),
        (where("open", "=", True), [other]),
        (where("admin_assignee_id", "=", str(desk.admin)), [talk]),
        (where("tag_ids", "IN", [tag]), [talk]),
        (where("tag_ids", "NIN", [tag]), [other]),
        ({"operator": "OR", "value": [where("state", "=", "closed"), where("id", "=", other)]}, [talk, other]),
    ):
        assert sorted(found(desk, "conversations", everyone(mine, query))) == sorted(expected), query


def test_attributes_of_conversations_are_searched_only_where_the_service_still_can(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    talk, name = desk.conversation(), desk.conversation_attribute()["name"]
    desk.ok("PUT", f"/conversations/{talk}", {"custom_attributes": {name: "zendesk:1"}})
    query = where(f"custom_attributes.{name}", "=", "zendesk:1")
    assert desk.error("POST", "/conversations/search", {"query": query}) == (400, "invalid_field")
    desk.switch(conversation_search_custom_attributes=True)
    assert found(desk, "conversations", query) == [talk]


def test_tickets_are_found_by_the_id_of_an_attribute(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    kind = desk.ticket_type()
    body = {"name": "migration_key", "description": "", "data_type": "string"}
    attribute = desk.ok("POST", f"/ticket_types/{kind['id']}/attributes", body)["id"]
    ticket, _ = (desk.ticket(kind, ticket_attributes={"migration_key": f"zendesk:{n}"})["id"] for n in (1, 2))
    assert found(desk, "tickets", where(f"ticket_attribute.{attribute}", "=", "zendesk:1")) == [ticket]
    desk.ok("PUT", f"/tickets/{ticket}", {"ticket_attributes": {"migration_key": "zendesk:3"}})
    assert found(desk, "tickets", where(f"ticket_attribute.{attribute}", "=", "zendesk:1")) == []
    assert found(desk, "tickets", where(f"ticket_attribute.{attribute}", "IN", ["zendesk:3"])) == [ticket]
    assert (
        found(desk, "tickets", everyone(where("ticket_type_id", "=", kind["id"]), where("category", "=", "task"))) == []
    )
    assert (
        len(
            found(desk, "tickets", everyone(where("ticket_type_id", "=", kind["id"]), where("state", "=", "submitted")))
        )
        == 2
    )


@pytest.mark.parametrize(
    "query",
    [
        None,
        {},
        {"field": "name", "value": "x"},
        {"operator": "XOR", "value": [where("name", "=", "x")]},
        {"operator": "AND", "value": []},
        everyone(*[where("name", "=", "x")] * 16),
        everyone(everyone(everyone(where("name", "=", "x")))),
        where("name", "<", "x"),
        where("name", "=", ["a", "b"]),
        where("name", "~", None),
        where("created_at", ">", "yesterday"),
        where("owner_id", "=", "nobody"),
        where("unsubscribed_from_emails", "=", "perhaps"),
    ],
)
def test_queries_that_make_no_sense(desk: Kit, query: Any) -> None:
    assert desk.error("POST", "/contacts/search", {"query": query}) == (400, "parameter_invalid")


def test_fifteen_filters_on_two_levels_are_fine_and_unknown_fields_are_not(desk: Kit) -> None:
    assert found(desk, "contacts", everyone(everyone(*[where("name", "=", "nobody")] * 15))) == []
    for what in ("contacts", "conversations", "tickets"):
        body = {"query": where("shoe_size", "=", 43)}
        assert desk.error("POST", f"/{what}/search", body) == (400, "invalid_field")


def test_contacts_are_sorted_on_demand(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    mark = desk.contact()["external_id"]
    ids = [desk.contact(phone=mark, signed_up_at=T0 + n)["id"] for n in (2, 1, 3)]
    query = where("phone", "=", mark)
    up = found(desk, "contacts", query, sort={"field": "signed_up_at", "order": "ascending"})
    assert up == [ids[1], ids[0], ids[2]]
    assert found(desk, "contacts", query, sort={"field": "signed_up_at", "order": "descending"}) == up[::-1]
    body = {"query": query, "sort": {"field": "signed_up_at", "order": "desc"}}
    assert desk.error("POST", "/contacts/search", body) == (400, "invalid_sort_order")


def test_cursors_walk_over_everything_once_and_the_last_page_has_no_next(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    who = desk.contact()
    talks = {desk.conversation(who) for _ in range(7)}
    query = where("contact_ids", "=", who["id"])
    seen, sizes, numbers, cursor = [], [], [], None
    while True:
        paging = {"per_page": 3, **({"starting_after": cursor} if cursor else {})}
        page = desk.ok("POST", "/conversations/search", {"query": query, "pagination": paging})
        seen += [c["id"] for c in page["conversations"]]
        sizes.append(len(page["conversations"]))
        numbers.append((page["pages"]["page"], page["pages"]["total_pages"], page["total_count"]))
        if "next" not in page["pages"]:
            break
        cursor = page["pages"]["next"]["starting_after"]
    assert (sizes, numbers) == ([3, 3, 1], [(1, 3, 7), (2, 3, 7), (3, 3, 7)])
    assert len(seen) == 7
    assert set(seen) == talks
    assert "conversation_parts" not in page["conversations"][0]


def test_lists_have_their_own_page_sizes_and_refuse_strange_cursors(desk: Kit) -> None:
    desk.switch(search_lag_s=0)
    for _ in range(12):
        desk.conversation()
    assert len(desk.ok("GET", "/contacts")["data"]) == 10
    page = desk.ok("GET", "/contacts?per_page=5")
    following = desk.ok("GET", f"/contacts?per_page=5&starting_after={page['pages']['next']['starting_after']}")
    assert {c["id"] for c in page["data"]}.isdisjoint(c["id"] for c in following["data"])
    assert desk.ok("GET", "/conversations")["pages"]["per_page"] == 20
    assert desk.ok("GET", "/contacts?per_page=500")["pages"]["per_page"] == 150
    for path in ("/contacts?starting_after=nonsense", "/conversations?starting_after=WzFd"):
        assert desk.error("GET", path) == (400, "client_error")


def test_a_day_has_its_bounds_where_clocks_change() -> None:
    from migration_pipeline.sandbox.intercom.search import day_bounds

    zone = ZoneInfo("America/Los_Angeles")
    noon = datetime(2020, 3, 8, 19, tzinfo=UTC)
    begin, end = day_bounds(int(noon.timestamp()), zone)
    assert (end - begin, datetime.fromtimestamp(begin, zone).hour) == (23 * 3600, 0)
