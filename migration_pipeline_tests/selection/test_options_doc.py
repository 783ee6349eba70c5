"""docs/options.md names every filter, option and reason, and its example is a good one."""

import re
from pathlib import Path

import migration_pipeline
from migration_pipeline.config import Filters, Masking, load_migration
from migration_pipeline.config.masking import KNOWN
from migration_pipeline.model.selection import LEFT_OUT_REASONS
from migration_pipeline_tests.settings import assert_refused, settings

DOC = (Path(migration_pipeline.__file__).parent.parent / "docs" / "options.md").read_text(encoding="utf-8")


def test_every_filter_rule_and_reason_is_in_the_table() -> None:
    table = "\n".join(line for line in DOC.splitlines() if line.startswith("| `"))
    lacking = [f"filters.{name}" for name in Filters.model_fields if not re.search(rf"`(filters\.)?{name}`", table)]
    lacking += [f"masking.{name}" for name in Masking.model_fields if f"`masking.{name}`" not in table]
    lacking += [name for names in KNOWN.values() for name in names if name not in table]
    told = re.findall(r"`([a-z_]+)`", "\n".join(line.rsplit("|", 2)[1] for line in table.splitlines()))
    reasons = {f"filtered{name}" if name.startswith("_") else name for name in told}
    assert lacking == []
    assert set(LEFT_OUT_REASONS) - {"unused_tag"} <= reasons


def test_the_example_is_read_as_it_is_meant(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOC, re.DOTALL)
    assert example is not None
    migration = load_migration(settings(tmp_path, example[1]))
    assert migration.filters.fields == {"Product": ("Chair", "Desk"), "360001234": ("true",)}
    assert migration.filters.teams == ("Support", None)
    assert migration.masking.custom == {"customer": "KD-[0-9]{6}"}


def test_mistakes_are_refused_by_line_and_key(tmp_path: Path) -> None:
    mistakes = {
        "entities: [tickets]": "line 4: entities: tickets cannot move without agents and teams and contacts",
        "filters:\n  created: {from: 2024-05-01, to: 2024-04-01}": "line 5: filters.created: from (2024-05-01) is",
        "filters:\n  tags: {any: [a], none: [A]}": "line 5: filters.tags: a is both asked for and ruled out",
        "filters:\n  tagz: []": "line 5: filters.tagz: unknown key",
        "options:\n  title: '{subject} {foo}'": "line 5: options.title: write {subject} and {id}",
        "masking:\n  custom: {kd: 'a(?=b)'}": "line 5: masking.custom.kd: no regular expression that can be used",
        "masking:\n  custom: {kd: 'x*'}": "line 5: masking.custom.kd: this expression matches the empty text",
        "masking:\n  fields: {phone: drop}": "line 5: masking.fields.phone: write the kind before the field",
    }
    assert_refused(tmp_path, mistakes)
