"""A thread that does not fit into one conversation: linked, alike, growing at its end, verified and removed as one."""

import datetime as dt
import itertools
from typing import Any

import pytest

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.model.run import Run
from migration_pipeline.target.rollback import roll_back
from migration_pipeline.target.verify import summary, verify
from migration_pipeline_tests.target.bench import PATIENCE, START, Bench, Row

ROOM = 10


def messages(conversation: dict[str, Any]) -> list[str]:
    return [part["body"] for part in conversation["conversation_parts"]["conversation_parts"] if part["body"]]


def conversations(bench: Bench) -> list[dict[str, Any]]:
    """The ticket's conversations, in their order."""
    made = [
        op for op in bench.journal.operations("tickets", bench.id("t")).values() if op.kind == "create_conversation"
    ]
    ids = [op.target_id for op in sorted(made, key=lambda op: (len(op.op_key), op.op_key)) if op.target_id]
    found = [bench.client.conversation(target_id) for target_id in ids]
    return [one for one in found if one is not None]


def grow(bench: Bench, row: Row, first: int, last: int) -> None:
    """Add messages to the ticket in the source, and carry them."""
    for number in range(first, last):
        place = {"ticket_ref": bench.id("t"), "position": number, "volume": 1 + number // ROOM}
        part = bench.said(f"<p>m{number}</p>", comment_ref=f"c{number}", after=60 + number)
        bench.rows["parts"].append(part | place)
    row.update(digest=f"{row['digest']}+", volumes=1 + (last - 1) // ROOM)


@pytest.mark.behaviour("B04", "B05", "B12")
def test_a_long_thread_goes_on_in_linked_conversations(bench: Bench) -> None:
    bench.document["options"] = {"max_parts": ROOM}
    bench.write_config()
    bench.contact("ann")
    bench.contact("bob")
    bench.tag("red")
    bench.field("key", name=KEY_ATTRIBUTE, body=f'{{"name": "{KEY_ATTRIBUTE}", "data_type": "string"}}')
    row = bench.ticket(
        "t", "ann", tags=[bench.rows["tags"][0]["name"]], admin_id=bench.admins[0], state="closed",
        participant_refs=[bench.id("bob")], attributes=f'{{"{KEY_ATTRIBUTE}": "zendesk:t"}}',
    )  # fmt: skip
    grow(bench, row, 0, 2 * ROOM + 5)
    assert bench.load_all()["tickets"].migrated == 1

    made = conversations(bench)
    assert len(made) == 3
    said = [text for one in made for text in messages(one) if text.startswith("<p>m")]
    assert said == [f"<p>m{number}</p>" for number in range(2 * ROOM + 5)]
    for one, following in itertools.pairwise(made):
        assert following["id"] in messages(one)[-1]
        assert one["id"] in messages(following)[0]
    assert {one["state"] for one in made} == {"closed"}
    assert {str(one["admin_assignee_id"]) for one in made} == {bench.admins[0]}
    assert [one["custom_attributes"][KEY_ATTRIBUTE] for one in made] == ["zendesk:t", "zendesk:t/2", "zendesk:t/3"]
    assert {len(one["tags"]["tags"]) for one in made} == {1}
    assert {len(one["contacts"]["contacts"]) for one in made} == {2}
    assert bench.outcome("tickets", "t")["target_id"] == made[0]["id"]

    grow(bench, row, 2 * ROOM + 5, 3 * ROOM + 2)
    row["state"] = "open"
    assert bench.load("tickets", "run-2", t="update").failed == 0
    made = conversations(bench)
    assert [sum(text.startswith("<p>m") for text in messages(one)) for one in made] == [ROOM, ROOM, ROOM, 2]
    assert made[3]["id"] in messages(made[2])[-1]
    assert {one["state"] for one in made} == {"open"}
    writes = int(bench.control.get("stats")["writes"])
    assert bench.load("tickets", "run-3", t="update").failed == 0
    assert int(bench.control.get("stats")["writes"]) == writes

    told = verify("tickets", bench.staging, bench.journal, bench.client, Run("run-3", "delta"))
    assert summary(bench.staging)["mismatches"] == []
    assert told.compared == told.matched
    assert [field["compared"] for field in summary(bench.staging)["fields"] if field["field"] == "comments"] == [1]

    bench.journal.begin_run("run-4", "rollback", bench.migration.target.workspace)
    back = Run("run-4", "rollback")
    done = roll_back(["run-1"], bench.staging, bench.journal, bench.client, bench.migration, back, patience=PATIENCE)
    assert done.removed["tickets"] == 1
    assert all(bench.client.conversation(one["id"]) is None for one in made)


@pytest.mark.behaviour("B01", "B03", "B12")
def test_a_deleted_ticket_leaves_none_of_its_conversations(bench: Bench) -> None:
    bench.document["options"] = {"max_parts": ROOM, "deleted_tickets": "delete"}
    bench.write_config()
    bench.contact("ann")
    row = bench.ticket("t", "ann")
    grow(bench, row, 0, 2 * ROOM + 5)
    bench.ticket("other", "ann", [bench.said("<p>x</p>", after=90_000)], created_at=START + dt.timedelta(days=1))
    bench.load_all()
    made = conversations(bench)
    assert len(made) == 3
    bench.control.delete("stats")
    bench.control.fault("drop_after_commit", "DELETE /conversations/{id}")
    bench.load("tickets", "run-2", t="retire:deleted_in_source", other="keep")
    told = bench.outcome("tickets", "t")
    assert (told["outcome"], told["reason"]) == ("skipped", "removed_from_target")
    assert bench.journal.in_doubt() == []
    assert all(bench.client.conversation(one["id"]) is None for one in made)
    assert bench.control.calls("DELETE /conversations/{id}") == 3
    assert bench.client.conversation(bench.outcome("tickets", "other")["target_id"]) is not None
    assert verify("tickets", bench.staging, bench.journal, bench.client, Run("run-4", "delta")).compared > 0
    assert {found["source_id"] for found in summary(bench.staging)["mismatches"]} == set()
    bench.again()
    before = int(bench.control.get("stats")["writes"])
    bench.load("tickets", "run-5", t="skip:deleted_in_source", other="keep")
    assert int(bench.control.get("stats")["writes"]) == before
