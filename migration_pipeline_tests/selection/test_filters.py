"""Whatever is combined in migration.yaml: the SQL steps decide as a plain loop does, and every record is counted."""

import datetime as dt
import random
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import AgentEntry, Mapping
from migration_pipeline.model.entities import ENTITY_TYPES, RECORDS
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.outcomes import OUTCOMES
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.model.run import Run
from migration_pipeline.selection import ranked, select
from migration_pipeline.staging import Staging
from migration_pipeline.target.payloads import map_entity
from migration_pipeline.target.plan import make_plan
from migration_pipeline_tests.selection.oracle import Oracle, counted

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
CHOSEN = ("agents", "teams", "fields", "tags", "companies", "contacts", "tickets")
TICKETS = 60


def rows_of_a_desk() -> dict[str, list[dict[str, Any]]]:
    """A small help desk by chance, the same each time."""
    chance = random.Random(3)  # noqa: S311 - the same each time is what is wanted
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in RECORDS if table != "rejects"}
    rows["agents"] = [{"source_id": f"a{n}", "name": f"Agent {n}", "email": f"a{n}@acme.example"} for n in range(3)]
    rows["teams"] = [{"source_id": f"g{n}", "name": name} for n, name in enumerate(("Support", "Sales", "Old"))]
    rows["companies"] = [{"source_id": f"o{n}", "name": f"Company {n}"} for n in range(4)]
    rows["fields"] = [
        {"source_id": "360", "scope": "ticket", "key": "product", "title": "Product", "type": "option",
         "options": [{"value": "p1", "label": "Chair"}, {"value": "p2", "label": "Desk"}]},
        {"source_id": "361", "scope": "ticket", "key": "vip", "title": "VIP", "type": "boolean"},
        {"source_id": "362", "scope": "ticket", "key": "parts", "title": "Parts", "type": "options"},
    ]  # fmt: skip
    rows["contacts"] = [
        {
            "source_id": f"c{n}",
            "kind": "placeholder" if n == 9 else "end_user",
            "active": n not in (7, 9),
            "suspended": n == 8,
            "company_refs": chance.sample(["o0", "o1", "o2"], n % 2),
            "name": f"Person {n}",
            "emails": [],
            "created_at": START,
        }
        for n in range(12)
    ]
    for n in range(TICKETS):
        attributes = {"360": chance.choice(["p1", "p2"]), "361": chance.choice([True, False])}
        attributes |= {"362": chance.sample(["x", "Y", "z"], 2)} if n % 3 else {}
        created = START + dt.timedelta(hours=chance.randrange(24 * 300))
        status = chance.choice(["new", "open", "pending", "solved", "closed", "deleted"])
        rows["tickets"].append(
            {
                "source_id": f"{n}",
                "subject": f"Subject {n}",
                "status": status,
                "status_label": "Waiting" if status == "pending" else status,
                "state": {"deleted": "deleted", "closed": "closed", "solved": "closed"}.get(status, "open"),
                "kind": chance.choice([None, "problem", "question"]),
                "channel": chance.choice(["web", "email"]),
                "brand": chance.choice(["Acme", "Other"]),
                "tags": chance.sample(["red", "Green", "blue"], chance.randrange(3)),
                "team_ref": chance.choice([None, "g0", "g1"]),
                "assignee_ref": chance.choice([None, "a0", "a1", "gone"]),
                "company_ref": chance.choice([None, "o0", "o1"]),
                "requester_ref": f"c{chance.randrange(10)}",
                "cc_refs": [f"c{chance.randrange(10)}"] if n % 5 == 0 else [],
                "attributes": orjson.dumps(attributes).decode(),
                "created_at": created,
                "updated_at": created + dt.timedelta(days=chance.randrange(30)),
            }
        )
        rows["comments"].append(
            {"source_id": f"{n}1", "ticket_ref": f"{n}", "position": 0, "author_ref": f"c{chance.randrange(11)}",
             "visibility": "public", "body_text": "Hello", "created_at": created}
        )  # fmt: skip
    for name in ("red", "Green", "blue"):
        rows["tags"].append({"source_id": name, "name": name})
    return rows


ROWS = rows_of_a_desk()


def migration(folder: Path, **sections: Any) -> Migration:
    return Migration.model_validate(
        {
            "name": "desk",
            "data_dir": folder,
            "source": {"kind": "zendesk", "subdomain": "acme", "auth": {"email": "a@b.c", "token": "secret"}},
            "target": {"token": "secret", "workspace": "w"},
            "path": folder / "migration.yaml",
            **sections,
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of the help desk, written once."""
    where = tmp_path_factory.mktemp("desk")
    staging = Staging(migration(where))
    for table, rows in ROWS.items():
        batch = pa.RecordBatch.from_pylist(rows, RECORDS[table])
        staging.tables.write("records", table, RECORDS[table], [batch], {"snapshots": "the same"})
    staging.tables.write("outcomes", "outcomes", OUTCOMES, [], {})
    return where


def table(staging: Staging, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(staging.tables.path("selection", name)).to_pylist()
    return rows


def some(*values: str | None) -> st.SearchStrategy[list[str | None]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=3)


QUICK: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
    "phases": [Phase.generate],  # to look for the smallest of bad examples takes minutes here
}
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "created": st.fixed_dictionaries(
            {"from": st.dates(dt.date(2023, 12, 1), dt.date(2024, 5, 1))},
            optional={"to": st.dates(dt.date(2024, 5, 2), dt.date(2025, 1, 1))},
        ),
        "statuses": some("new", "OPEN", "waiting", "solved", "closed"),
        "kinds": some(None, "problem", "question"),
        "channels": some("web", "Email", None),
        "brands": some("acme", "Other"),
        "tags": st.fixed_dictionaries(
            {}, optional={"any": some("RED", "green"), "all": some("blue"), "none": some("pink")}
        ),
        "fields": st.dictionaries(
            st.sampled_from(["360", "product", "vip", "Parts"]),
            st.lists(st.sampled_from(["p1", "desk", "true", "y", None]), min_size=1, max_size=3),
            max_size=2,
        ),
        "teams": some(None, "g0", "sales"),
        "assignees": some(None, "a0", "A1@acme.example", "gone"),
        "companies": some(None, "o0", "company 1"),
        "archived": st.booleans(),
        "suspended": st.booleans(),
    },
)  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "inactive_people": st.sampled_from(["move", "skip"]),
        "unreferenced_contacts": st.sampled_from(["keep", "skip"]),
    },
)
ENTITIES = st.sampled_from([CHOSEN, CHOSEN[:3] + CHOSEN[5:], ("agents", "teams", "contacts", "tickets"), CHOSEN[:-1]])


@pytest.mark.behaviour("S32", "S33", "S34", "S35", "S36", "S37", "S38", "S41", "S51")
@settings(max_examples=25, **QUICK)
@given(filters=FILTERS, options=OPTIONS, entities=ENTITIES)
def test_the_steps_decide_as_a_plain_loop_does(
    folder: Path, filters: dict[str, Any], options: dict[str, Any], entities: tuple[str, ...]
) -> None:
    chosen = migration(folder, filters=filters, options=options, entities=entities)
    staging = Staging(chosen)
    oracle = Oracle(chosen, ROWS)
    if "tickets" in entities and not oracle.moving():
        with pytest.raises(SettingsError, match=r"filters.*: 0 of \d+ tickets match"):
            select(staging, chosen)
        return
    selection = select(staging, chosen)
    left_out = table(staging, "left_out") if selection.entity_types else []
    for entity_type in ENTITY_TYPES:
        told = {row["source_id"]: row["reason"] for row in left_out if row["entity_type"] == entity_type}
        assert told == oracle.reasons(entity_type)
    steps = table(staging, "steps") if selection.entity_types else []
    assert {(row["entity_type"], row["reason"]): row["removed"] for row in steps if row["removed"]} == {
        (entity_type, reason): count
        for entity_type in ENTITY_TYPES
        for reason, count in counted(oracle.reasons(entity_type).values()).items()
    }


@pytest.mark.behaviour("S51")
@settings(max_examples=4, **QUICK)
@given(filters=FILTERS, options=OPTIONS, entities=ENTITIES)
def test_every_record_has_one_row_in_the_plan(
    folder: Path, filters: dict[str, Any], options: dict[str, Any], entities: tuple[str, ...]
) -> None:
    chosen = migration(folder, filters=filters, options=options, entities=entities)
    staging = Staging(chosen)
    oracle = Oracle(chosen, ROWS)
    if "tickets" in entities and not oracle.moving():
        return
    mapping = Mapping(fallback_admin="1", agents={"a0": AgentEntry(target="1")})
    for entity_type in ENTITY_TYPES:
        map_entity(entity_type, staging, mapping, chosen)
    created = {}
    for entity_type in ENTITY_TYPES:
        make_plan(entity_type, staging, Run("r", "full"), None)
        plan = pq.read_table(staging.tables.path("plan", entity_type), schema=PLAN).to_pylist()
        planned = [row for row in plan if not row["source_id"].startswith("pipeline:")]
        created[entity_type] = {row["source_id"] for row in planned if row["action"] == "create"}
        assert sorted(row["source_id"] for row in planned) == sorted(row["source_id"] for row in ROWS[entity_type])
        reasons = {row["source_id"]: row["reason"] for row in planned if row["action"] == "skip"}
        assert oracle.reasons(entity_type).items() <= reasons.items()
    assert created["tickets"] == {row["source_id"] for row in oracle.moving()}


@pytest.mark.behaviour("S48")
def test_a_sample_is_drawn_from_what_moves(folder: Path) -> None:
    chosen = migration(folder, filters={"kinds": ["problem"]})
    moving = {row["source_id"] for row in Oracle(chosen, ROWS).moving()}
    few = ranked(Staging(chosen), chosen, 5, 1)
    assert len(few) == 5
    assert set(few) <= moving
    assert set(ranked(Staging(chosen), chosen, 1000, 1)) == moving
    assert ranked(Staging(chosen), chosen, 5, 2) != few


MISTAKES = {
    "filters:\n  teams:\n    - Support\n    - Suport": (
        "line 6: filters.teams.1: the source has none of the name or id 'Suport'"
    ),
    "filters:\n  fields:\n    Colour: red": (
        "line 5: filters.fields.Colour: the source has none of the name or id 'colour'"
    ),
    "filters:\n  tags:\n    any: [violet]": "line 4: filters.tags: 0 of",
    "filters:\n  created: {to: 2001-01-01}\n  kinds: [problem]": "line 3: filters: 0 of",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_filter_that_cannot_be_meant_is_refused_by_line_and_key(folder: Path, text: str) -> None:
    path = folder / "mistake.yaml"
    path.write_text("# a migration\nname: desk\n" + text, encoding="utf-8")
    sections = dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    chosen = migration(folder, **sections, path=path)
    with pytest.raises(SettingsError) as told:
        select(Staging(chosen), chosen)
    assert MISTAKES[text] in str(told.value)


def test_a_value_that_no_record_has_is_told_beside_its_step(folder: Path) -> None:
    chosen = migration(folder, filters={"tags": {"any": ["red", "rde"]}, "assignees": ["a0", "nobody@acme.example"]})
    select(Staging(chosen), chosen)
    notes = {row["step"]: row["note"] for row in table(Staging(chosen), "steps")}
    assert notes["filters.tags"].endswith("filters.tags.any.1: no record has 'rde'")
    assert notes["filters.assignees"].endswith("filters.assignees.1: no record has 'nobody@acme.example'")


@pytest.mark.behaviour("B18")
def test_what_was_migrated_before_a_filter_came_is_told_once_and_stays(folder: Path) -> None:
    chosen = migration(folder, filters={"kinds": ["problem"]})
    staging = Staging(chosen)
    gone = set(Oracle(chosen, ROWS).reasons("tickets"))
    map_entity("tickets", staging, Mapping(fallback_admin="1"), chosen)

    def planned(mode: Literal["full", "delta"], reason: str | None) -> dict[str, set[str | None]]:
        outcomes = [
            {"entity_type": "tickets", "source_id": source_id, "target_id": "t", "outcome": "migrated",
             "reason": reason, "digest": "of an earlier payload"}
            for source_id in gone
        ]  # fmt: skip
        batch = pa.RecordBatch.from_pylist([dict.fromkeys(OUTCOMES.names) | row for row in outcomes], OUTCOMES)
        staging.tables.write("outcomes", "outcomes", OUTCOMES, [batch], {})
        make_plan("tickets", staging, Run("r", mode), None)
        rows = pq.read_table(staging.tables.path("plan", "tickets"), schema=PLAN).to_pylist()
        actions: dict[str, set[str | None]] = {}
        for row in rows:
            if row["source_id"] in gone:
                actions.setdefault(row["action"], set()).add(row["reason"])
        return actions

    assert planned("full", None) == {"keep": {"filtered_since"}}
    assert planned("delta", None) == {"retire": {"filtered_since"}}
    assert planned("delta", "filtered_since") == {}
    staging.tables.write("outcomes", "outcomes", OUTCOMES, [], {})
