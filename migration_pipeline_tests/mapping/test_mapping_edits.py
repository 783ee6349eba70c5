"""Changes of mapping.yaml by other means than an editor."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from migration_pipeline.config import yamlfile
from migration_pipeline.config.mapping import AgentEntry, FieldEntry, Mapping, TeamEntry, dumped, save_mapping
from migration_pipeline.config.mapping_edits import (
    UNSAID,
    MappingFile,
    Overtaken,
    edited,
    read_mapping_file,
    replace,
)
from migration_pipeline.config.yamlfile import Place

WHOLE = Mapping(
    fallback_admin="900",
    agents={
        "17": AgentEntry(name="Ann", target="101", matched_by="near", score=90, evidence="name 90 %"),
        "18": AgentEntry(name="Bob", matched_by="nothing", score=40, evidence="nearest: Rob"),
    },
    teams={"5": TeamEntry(name="Support", target="7", matched_by="name")},
    fields={
        "360": FieldEntry(title="Size: #1", target="Size", type="list", options={"a": "A", "b": None}, default="A"),
        "361": FieldEntry(title="Note", target="Note"),
    },
    statuses={"open": "open", "hold": "snoozed"},
    priorities={"high": "high"},
    defaults={"Team": "A", "Count": 3},
    tags={"R & D": "rnd", "old": None},
)
NO_COMMENT = "# no comment"
EDITS: dict[Place, st.SearchStrategy[Any]] = {
    ("fallback_admin",): st.sampled_from(["901", None]),
    ("agents", "17", "target"): st.sampled_from(["102", None]),
    ("agents", "17", "score"): st.sampled_from([UNSAID, 70]),
    ("agents", "18", "evidence"): st.sampled_from([UNSAID, "same e-mail"]),
    ("agents", "18", "matched_by"): st.just("hand"),
    ("teams", "5", "target"): st.none(),
    ("fields", "360", "options", "a"): st.sampled_from([None, NO_COMMENT]),
    ("fields", "360", "options", "c"): st.just("C: c"),
    ("fields", "360", "options", "b"): st.just("B"),
    ("fields", "360", "default"): st.just(UNSAID),
    ("fields", "361", "options", "x"): st.just("X"),
    ("fields", "361", "default"): st.just("none yet"),
    ("fields", "361", "matched_by"): st.just("near"),
    ("statuses", "hold"): st.just("closed"),
    ("priorities", "high"): st.none(),
    ("defaults", "Team"): st.sampled_from([UNSAID, "B"]),
    ("defaults", "Count"): st.sampled_from([UNSAID, 4]),
    ("defaults", "Sure"): st.just(True),
    ("tags", "old"): st.sampled_from(["older", NO_COMMENT]),
    ("tags", "*q&a"): st.just("no"),
    ("types", "no"): st.just("1"),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    edits={("types", "no"): "1", ("defaults", "Team"): UNSAID, ("defaults", "Count"): UNSAID}, commented={1}, indent=1
)
@given(
    edits=st.fixed_dictionaries({}, optional=EDITS),
    commented=st.sets(st.integers(0, 60)),
    indent=st.sampled_from([1, 2]),
)
def test_comments_stay_whatever_changes(
    tmp_path: Path, edits: dict[Place, Any], commented: set[int], indent: int
) -> None:
    path = tmp_path / "mapping.yaml"
    path.unlink(missing_ok=True)
    save_mapping(path, WHOLE)
    lines = []
    said = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(said[next(n for n, one in enumerate(said) if one.startswith("version")) :]):
        margin = " " * (len(line) - len(line.lstrip()))
        lines += [f"{margin * indent}# above {number}"] if number in commented and line else []
        line = margin * (indent - 1) + line  # of two ways to write a file, one is not the pipeline's own
        lines.append(f"{line}  # beside {number}" if number in commented and line.strip() and "#" not in line else line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = read_mapping_file(path)
    after = edited(before, edits)
    assert isinstance(after, MappingFile), after
    assert comments(after.text) == comments(before.text)
    if indent == 1:
        assert after.text == dumped(yamlfile.parse(path, after.text))  # as if the whole file had been written anew
    replace(before, after)
    assert read_mapping_file(path) == after


def test_entries_that_nobody_touched_are_not_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    odd = "  18:   {name:  Bob,target: null}   # as Cy likes it\n"
    path.write_text(
        f"agents:\n{odd}  '17':\n    name: Ann\n    target: 101\nstatuses: {{open:  open}}\n", encoding="utf-8"
    )
    after = edited(read_mapping_file(path), {("agents", "17", "target"): "102"})
    assert isinstance(after, MappingFile)
    assert after.text == path.read_text(encoding="utf-8").replace("target: 101", "target: '102'")


def test_keys_of_one_spelling_are_two_entries(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("tags:\n  true: a\n  'true': b\nstatuses:\n  open: open\n", encoding="utf-8")
    before = read_mapping_file(path)
    assert before.text == path.read_text(encoding="utf-8")


def comments(text: str) -> list[str]:
    lines = text.replace(f"'{NO_COMMENT}'", "").splitlines()
    return sorted(one for line in lines for one in [line.partition("# ")[2]] if one)


def test_somebody_elses_words_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    save_mapping(path, WHOLE)
    before = read_mapping_file(path)
    after = edited(before, {("statuses", "open"): "closed"})
    assert isinstance(after, MappingFile)
    theirs = before.text + "# mine\n"
    path.write_text(theirs, encoding="utf-8")
    with pytest.raises(Overtaken):
        replace(before, after)
    path.unlink()
    with pytest.raises(Overtaken):
        replace(before, after)
    assert not path.exists()
