"""docs/schemas is what the models say; settings are refused with what is allowed; secrets in a file draw a warning."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no stubs of its own
import pytest
from ruamel.yaml import YAML

from migration_pipeline.cli import template
from migration_pipeline.config import load_migration, secret_checks
from migration_pipeline.config.mapping import save_mapping
from migration_pipeline.config.schemas import FOLDER, MODELS, schema, text
from migration_pipeline.model.errors import SettingsError
from migration_pipeline_tests.mapping.test_mapping_file import FIRST

SETTINGS = """\
name: acme
source:
  kind: zendesk
  subdomain: acme
  auth: {client_id: a, client_secret: s3cret-of-zendesk}
target:
  workspace: w
  token: ${TOKEN}
"""


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_schemas_in_docs_are_those_of_the_models(name: str) -> None:
    """Where this fails: python -m migration_pipeline.config.schemas"""
    assert (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8") == text(name)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_key_is_described(name: str) -> None:
    made = schema(name)
    jsonschema.Draft202012Validator.check_schema(made)
    assert [where for where, one in _keys(made, made["$defs"]) if not one.get("description")] == []


def _keys(made: dict[str, Any], defs: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in (*defs.items(), ("", made)):
        for key, value in one.get("properties", {}).items():
            yield f"{name}.{key}", value


def test_editors_take_what_we_write_and_refuse_mistakes(tmp_path: Path) -> None:
    save_mapping(tmp_path / "mapping.yaml", FIRST)
    mapping = YAML(typ="safe").load((tmp_path / "mapping.yaml").read_text())
    checker = jsonschema.Draft202012Validator(schema("mapping"))
    assert list(checker.iter_errors(mapping)) == []
    assert list(checker.iter_errors({**mapping, "statuses": {"open": "done"}})) != []
    settings = YAML(typ="safe").load(template.render("zendesk", "acme", "eu", "w"))
    checker = jsonschema.Draft202012Validator(schema("migration"))
    assert list(checker.iter_errors(settings)) == []
    assert list(checker.iter_errors({**settings, "demo": {"size": "${SIZE}"}})) == []
    assert list(checker.iter_errors({**settings, "demo": {"size": "many"}})) != []


@pytest.mark.behaviour("B06")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: zendesk", "kind: zendesc", "line 3: source.kind: expected zendesk."),
        (
            "  workspace: w",
            "  workspace: w\n  workers: 100",
            "line 8: target.workers: expected a whole number from 1 to 64.",
        ),
        ("  workspace: w", "  workspace: w\n  region: mars", "line 8: target.region: expected one of us, eu, au."),
        ("  workspace: w", "  workspace: ''", "line 7: target.workspace: expected a text that is not empty."),
        ("  workspace: w", "  regoin: eu", "line 7: target.regoin: unknown key; the nearest is region."),
        ("name: acme", "name: acme\noptions: {invalid_phone: ask}", "expected one of attribute, drop, fail."),
        ("name: acme", "name: acme\ndemo: {seed: -1}", "line 2: demo.seed: expected a whole number of 0 or more."),
        ("name: acme", "name: acme\nversion: 2", "line 2: version: the file is of a version that this pipeline"),
        ("name: acme", "name: [1]", "line 1: name: expected a text."),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "migration.yaml"
    path.write_text(SETTINGS.replace("${TOKEN}", "x").replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_migration(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_a_secret_in_the_file_draws_a_warning_that_does_not_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret-of-intercom")
    path = tmp_path / "migration.yaml"
    path.write_text(SETTINGS, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        load_migration(path)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(
        f"{path}, line 5: source.auth.client_secret: a secret stands in the file itself; write ${{NAME}}"
    )
    assert "s3cret" not in told
    (check,) = secret_checks(path)
    assert (check.status, "s3cret" in str(check)) == ("warn", False)
    caplog.clear()
    path.write_text(SETTINGS.replace("subdomain: acme", "base_url: http://127.0.0.1:1"), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        load_migration(path)
    assert caplog.records == []
    assert "s3cret" not in json.dumps(load_migration(path).model_dump(mode="json"))
