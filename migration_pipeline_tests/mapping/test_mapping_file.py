"""mapping.yaml: complaints with file, line and key; what a person wrote stays."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_pipeline.config.mapping import AgentEntry, FieldEntry, Mapping, TeamEntry, load_mapping, save_mapping
from migration_pipeline.model.errors import SettingsError

FIRST = Mapping(
    fallback_admin="900",
    agents={
        "17": AgentEntry(name="Ann", email="ann@x.example", target="101", matched_by="email"),
        "18": AgentEntry(name="Bob", matched_by="nothing"),
    },
    teams={"5": TeamEntry(name="Support", matched_by="nothing")},
    fields={"360": FieldEntry(title="Size: #1", target="Size", type="list", matched_by="new")},
    statuses={"open": "open"},
    attributes={"status": "Zendesk status"},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mapping.yaml"


def test_the_file_explains_itself_and_reads_back(path: Path) -> None:
    save_mapping(path, FIRST)
    assert path.read_text(encoding="utf-8").startswith("# mapping.yaml - what becomes what in Intercom.")
    assert load_mapping(path) == FIRST


def test_what_a_person_wrote_stays(path: Path) -> None:
    save_mapping(path, FIRST)
    written = path.read_text(encoding="utf-8")
    edited = (
        written.replace("target: '101'", "target: 77  # she moved")
        .replace("  '18':", "  # left in May\n  '18':")
        .replace("status: Zendesk status", "status: null")
        .replace("tags: {}", "tags:\n  old: new\n")
    )
    path.write_text(edited, encoding="utf-8")
    known = load_mapping(path)
    assert known.agents["17"].target == "77"
    assert known.attributes == {"status": None}

    save_mapping(path, FIRST)  # a proposal made without looking at the file
    assert path.read_text(encoding="utf-8") == edited


def test_open_entries_are_filled_and_new_ones_added(path: Path) -> None:
    save_mapping(path, FIRST)
    before = path.read_text(encoding="utf-8")
    later = FIRST.model_copy(
        update={
            "agents": {
                "17": AgentEntry(name="Ann", target="999", matched_by="name"),
                "18": AgentEntry(name="Bob", target="102", matched_by="email"),
                "19": AgentEntry(name="Cy", matched_by="nothing"),
            },
            "teams": {**FIRST.teams, "6": TeamEntry(name="Sales", target="502", matched_by="name")},
            "statuses": {"open": "closed", "hold": "snoozed"},
            "tags": {"old": None},
        }
    )
    save_mapping(path, later)
    known = load_mapping(path)
    assert [known.agents[key].target for key in ("17", "18", "19")] == ["101", "102", None]
    assert known.teams["6"].target == "502"
    assert known.statuses == {"open": "open", "hold": "snoozed"}
    assert known.tags == {"old": None}
    after = path.read_text(encoding="utf-8")
    comments = [line for line in before.splitlines() if line.startswith("#")]
    assert [line for line in after.splitlines() if line.startswith("#")] == comments
    assert (
        after.index("'19':") < after.index("# Teams by their id") < after.index("'6':") < after.index("# Ticket fields")
    )


def test_a_decided_null_is_not_proposed_again(path: Path) -> None:
    save_mapping(path, FIRST)
    edited = path.read_text(encoding="utf-8").replace("matched_by: nothing", "matched_by: hand")
    path.write_text(edited, encoding="utf-8")
    save_mapping(path, FIRST.model_copy(update={"agents": {"18": AgentEntry(target="102", matched_by="email")}}))
    assert path.read_text(encoding="utf-8") == edited


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "agents:\n  17:\n    target: 5\n    taget: 6\n",
            "line 4: agents.17.taget: unknown key; the nearest is target.",
        ),
        ("agents:\n  '17':\n    target: [1]\n", "line 3: agents.17.target: expected a text or a whole number or null."),
        (
            "statuses:\n  new: open\n  old: done\n",
            "line 3: statuses.old: expected one of open, snoozed, closed.",
        ),
        ("tags: 5\n", "line 1: tags: expected `key: value` lines here."),
        ("fields:\n  5: {target: a.b}\n", "line 2: fields.5.target: an attribute's name is not empty"),
        ("fields:\n  5: {target: Migration_Key}\n", "migration_key is the pipeline's own attribute."),
        ("fields:\n  5: {target: Ab}\n  6: {target: aB}\n", "fields.6: also becomes 'aB', as fields.5 does"),
        (
            "fields:\n  5: {target: S, type: list}\n  6: {target: S}\n",
            "also becomes 'S', as fields.5 does; give them two names, or the same spelling and type ('S', list).",
        ),
        (
            "contact_fields:\n  a: {target: S}\ncompany_fields:\n  b: {target: S}\n",
            "line 4: company_fields.b: also becomes 'S', as contact_fields.a does; give them two names.",
        ),
        (
            "fields:\n  5:\n    options:\n      a: Big\n      b: BIG\n",
            "line 5: fields.5.options.b: 'BIG' and 'Big' differ only by case",
        ),
        (
            "fields:\n  5: {type: text}\n",
            "fields.5.type: expected one of string, integer, list, decimal, boolean, date",
        ),
        (
            "version: 2\n",
            "line 1: version: the file is of a version that this pipeline does not read; it reads version 1.",
        ),
        (
            "fields:\n  5: {target: S}\nattributes:\n  status: S\n",
            "line 2: fields.5: also becomes 'S', as attributes.status does",
        ),
        ("agents:\n  a: {}\n  a: {}\n", "no valid YAML"),
        ("- a\n", "expected `key: value` lines at the top level."),
    ],
)
def test_complaints_name_file_line_and_key(path: Path, text: str, complaint: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_mapping(path)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)


def test_two_fields_may_share_an_attribute_of_one_type(path: Path) -> None:
    path.write_text("fields:\n  5: {target: S}\n  6: {target: S}\ntags:\n", encoding="utf-8")
    assert {entry.target for entry in load_mapping(path).fields.values()} == {"S"}


def test_texts_of_the_source_do_not_reach_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "s3cret")
    save_mapping(path, Mapping(agents={"1": AgentEntry(name="${SECRET_OF_THE_HOST}")}))
    assert load_mapping(path).agents["1"].name == "${SECRET_OF_THE_HOST}"


# Proposals put names on one line and drop control characters, which YAML has no way to keep unescaped.
PRINTABLE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])


@given(st.dictionaries(st.text(PRINTABLE, min_size=1), st.text(PRINTABLE), max_size=4), st.text(PRINTABLE))
@settings(deadline=None, max_examples=60)
def test_any_text_reads_back(tmp_path_factory: pytest.TempPathFactory, tags: dict[str, str], name: str) -> None:
    path = tmp_path_factory.mktemp("any") / "mapping.yaml"
    mapping = Mapping(tags=dict(tags), agents={"1": AgentEntry(name=name)})
    save_mapping(path, mapping)
    assert load_mapping(path) == mapping
