"""The tickets of a demo: drawn by chance from all, the same again and again, and complete in themselves."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from migration_pipeline.sources import Sample
from migration_pipeline_tests.sources.conftest import Desk, Place, Whole, without


def existing(whole: Whole) -> set[str]:
    return {ticket["source_id"] for ticket in whole.records["tickets"] if ticket["state"] != "deleted"}


def test_the_same_seed_draws_the_same_tickets_and_another_one_others(
    desk: Desk, somewhere: Place, elsewhere: Callable[..., Place], whole: Whole
) -> None:
    first = somewhere.source.draw(15, 1, somewhere.staging, somewhere.run())
    again = elsewhere("again")
    assert again.source.draw(15, 1, again.staging, again.run()) == first
    other = elsewhere("other")
    assert set(other.source.draw(15, 2, other.staging, other.run()).ids) != set(first.ids)
    assert len(set(first.ids)) == 15
    assert set(first.ids) <= existing(whole)


@pytest.mark.behaviour("S09")
def test_the_draw_is_the_same_from_a_complete_snapshot_and_costs_no_call(
    desk: Desk, somewhere: Place, elsewhere: Callable[..., Place]
) -> None:
    asked = elsewhere("asked")
    drawn = asked.source.draw(30, 9, asked.staging, asked.run())
    somewhere.source.extract("tickets", somewhere.staging, somewhere.run())
    before = somewhere.source.usage.calls
    assert somewhere.source.draw(30, 9, somewhere.staging, somewhere.run()) == drawn
    assert somewhere.source.usage.calls == before


@pytest.mark.behaviour("B15")
def test_every_ticket_can_be_drawn_archived_ones_too_and_deleted_ones_cannot(
    desk: Desk, somewhere: Place, whole: Whole
) -> None:
    listed = {str(ticket["id"]) for ticket in desk.get("tickets", **{"page[size]": 100}).json()["tickets"]}
    assert existing(whole) - listed, "the desk has archived tickets"
    everything = somewhere.source.draw(1000, 1, somewhere.staging, somewhere.run())
    assert set(everything.ids) == existing(whole)


def test_chance_prefers_no_ticket(desk: Desk, somewhere: Place, whole: Whole) -> None:
    somewhere.source.extract("tickets", somewhere.staging, somewhere.run())
    drawn: Counter[str] = Counter()
    for seed in range(30):
        drawn.update(somewhere.source.draw(20, seed, somewhere.staging, somewhere.run()).ids)
    tickets = existing(whole)
    assert set(drawn) == tickets
    mean = 30 * 20 / len(tickets)
    # Chi-square over n - 1 degrees has mean n - 1 and variance 2(n - 1); five deviations are no accident.
    chi = sum((drawn[ticket] - mean) ** 2 / mean for ticket in tickets)
    freedom = len(tickets) - 1
    assert chi < freedom + 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("vanished", [True, False])
def test_a_desk_without_open_tickets_is_drawn_from_too(
    desk: Desk, somewhere: Place, whole: Whole, vanished: bool
) -> None:
    """The list of tickets hides archived ones: when all are, it is empty."""
    if vanished:
        client = somewhere.source._client
        get = client.get

        def without_list(path: str, params: dict[str, object] | None = None, **options: object) -> dict[str, object]:
            body = get(path, params, **options)  # type: ignore[arg-type]  # passed on as it came
            return {**body, "tickets": []} if path == "tickets" else body

        client.get = without_list  # type: ignore[method-assign, assignment]  # no switch empties the list alone
    drawn = somewhere.source.draw(20, 3, somewhere.staging, somewhere.run())
    assert len(drawn.ids) == 20
    assert set(drawn.ids) <= existing(whole)


def test_a_draw_does_not_move_the_cursor_of_a_later_full_pass(desk: Desk, somewhere: Place, whole: Whole) -> None:
    somewhere.sample(12)
    assert somewhere.staging.snapshots.state("tickets").cursor is None
    assert not somewhere.staging.snapshots.state("tickets").complete
    desk.advance(61)
    full = somewhere.again()
    full.extract()
    full.normalize()
    mine = full.told(*whole.records)
    assert mine == whole.records


@pytest.mark.behaviour("S09", "S48")
def test_a_sample_is_complete_in_itself_and_equal_to_the_full_run(desk: Desk, somewhere: Place, whole: Whole) -> None:
    ids = set(somewhere.sample(15))
    somewhere.normalize()

    def of_sample(table: str, key: str) -> list[dict[str, object]]:
        return sorted((row for row in whole.records[table] if row[key] in ids), key=repr)

    assert somewhere.told("tickets")["tickets"] == of_sample("tickets", "source_id")
    # Only the update events tell that a comment was redacted, and a sample reads none; the text is the same.
    mine = without(somewhere.records("comments"), "redacted")
    assert mine == without(of_sample("comments", "ticket_ref"), "redacted")
    assert somewhere.told("attachments")["attachments"] == of_sample("attachments", "ticket_ref")

    tickets, comments = somewhere.records("tickets"), somewhere.records("comments")
    mentioned = {ticket["requester_ref"] for ticket in tickets} | {
        ref for ticket in tickets for ref in ticket["cc_refs"]
    }
    authors = {comment["author_ref"] for comment in comments if comment["author_ref"]}
    contacts = {row["source_id"]: row for row in somewhere.records("contacts")}
    agents = {row["source_id"] for row in somewhere.records("agents")}
    assert mentioned <= set(contacts)
    assert authors <= set(contacts) | agents
    assert {ticket["assignee_ref"] for ticket in tickets} - {None} <= agents | set(contacts)
    companies = {row["source_id"] for row in somewhere.records("companies")}
    assert {ticket["company_ref"] for ticket in tickets} - {None} <= companies
    assert {ref for row in contacts.values() for ref in row["company_refs"]} <= companies
    assert {ticket["team_ref"] for ticket in tickets} - {None} <= {
        row["source_id"] for row in somewhere.records("teams")
    }
    used = {key for ticket in tickets for key in json.loads(ticket["attributes"])}
    assert used <= {row["source_id"] for row in somewhere.records("fields")}
    assert {tag for ticket in tickets for tag in ticket["tags"]} <= {row["name"] for row in somewhere.records("tags")}

    everyone = {row["source_id"]: row for row in whole.records["contacts"]}
    assert {key: everyone[key] for key in contacts} == contacts
    companies_in_full = {row["source_id"]: row for row in whole.records["companies"]}
    assert all(companies_in_full[row["source_id"]] == row for row in somewhere.records("companies"))


@pytest.mark.behaviour("S48")
def test_a_sample_reads_only_what_belongs_to_it(desk: Desk, somewhere: Place, whole: Whole) -> None:
    desk.asked()
    ids = set(somewhere.sample(5))
    asked = desk.asked()
    assert not [route for route in asked if "incremental" in route]
    assert asked["GET /api/v2/tickets/{id}/comments"] == len(ids) == 5
    assert asked["GET /api/v2/tickets/show_many"] <= 3
    assert asked["GET /api/v2/users/show_many"] == 1
    somewhere.normalize()
    assert {row["source_id"] for row in somewhere.records("tickets")} == ids
    assert len(somewhere.records("contacts")) < len(whole.records["contacts"])


def test_a_sample_that_is_read_again_costs_only_the_short_lists(desk: Desk, somewhere: Place) -> None:
    somewhere.sample(6)
    desk.asked()
    again = somewhere.again()
    again.sample(6)
    asked = desk.asked()
    assert not [route for route in asked if "comments" in route or "attachments" in route or "users" in route]


def test_a_ticket_that_vanished_since_it_was_drawn_fails_nothing(desk: Desk, somewhere: Place) -> None:
    gone = Sample(1, 2, ("999999", "888888"))
    for entity_type in somewhere.order:
        somewhere.source.extract_sample(entity_type, gone, somewhere.staging, somewhere.run())
    assert somewhere.normalize()["tickets"] == 0


def test_fewer_tickets_than_wanted_are_all_of_them(desk: Desk, somewhere: Place, whole: Whole) -> None:
    assert len(somewhere.source.draw(5000, 1, somewhere.staging, somewhere.run()).ids) == len(existing(whole))
