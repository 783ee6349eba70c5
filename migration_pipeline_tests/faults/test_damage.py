"""Damaged files, a clock that is wrong, people who interfere: one sentence each, and nothing twice."""

import datetime as dt
import sqlite3
import threading
import time
from pathlib import Path

import pytest
import requests
from ruamel.yaml import YAML

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.model.errors import RefusedByGate, SettingsError
from migration_pipeline_tests.delta.runs import run
from migration_pipeline_tests.end_to_end import canonical, in_process
from migration_pipeline_tests.end_to_end.conftest import migrate
from migration_pipeline_tests.faults.world import LAG_S, World, assert_clean


def journal(config: Path) -> Path:
    return next(config.parent.glob("data/*/journal.sqlite"))


@pytest.mark.parametrize("damage", ["cut", "overwritten", "no database"])
def test_a_damaged_journal_is_told_and_nothing_is_sent(world: World, tmp_path: Path, damage: str) -> None:
    with world.target(tmp_path / "target") as (config, sandbox):
        assert_clean(in_process.only_load(config))
        with sqlite3.connect(journal(config)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        whole = journal(config).read_bytes()
        middle = len(whole) // 2
        damaged = {
            "cut": whole[:middle],
            "overwritten": whole[:8192] + b"\xff" * (len(whole) - 16384) + whole[-8192:],
            "no database": b"something else" * 1000,
        }[damage]
        journal(config).write_bytes(damaged)
        before = sandbox.control("target", "stats")["writes"]
        with pytest.raises(SettingsError, match=r"journal\.sqlite, is damaged .* do not remove it"):
            in_process.only_load(config)
        assert sandbox.control("target", "stats")["writes"] == before


def test_a_cut_snapshot_names_the_folder_to_remove(world: World, tmp_path: Path) -> None:
    with world.target(tmp_path / "target") as (config, _):
        segment = next(config.parent.glob("data/*/snapshots/tickets/segment-*.parquet"))
        segment.write_bytes(segment.read_bytes()[:-200])
        with pytest.raises(SettingsError, match=r"segment-\d+\.parquet is damaged .* Remove the folder \S*tickets"):
            in_process.whole_run(config)
        for path in segment.parent.iterdir():
            path.unlink()
        segment.parent.rmdir()
        assert_clean(in_process.whole_run(config))


def test_a_clock_that_was_set_back_neither_stops_nor_doubles_anything(world: World, tmp_path: Path) -> None:
    with world.target(tmp_path / "target") as (config, sandbox):
        assert_clean(in_process.only_load(config))
        with sqlite3.connect(journal(config)) as connection:
            connection.execute("DELETE FROM records WHERE entity_type = 'tickets'")
            connection.execute(
                "UPDATE operations SET state = 'in_doubt', target_id = NULL, finished_at = ? "
                "WHERE kind IN ('create_conversation', 'reply')",
                (f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=2):%Y-%m-%d %H:%M:%S}.000000",),
            )
        connection.close()
        before = sandbox.control("target", "stats")["writes"]
        assert_clean(in_process.only_load(config))
        assert sandbox.control("target", "stats")["writes"] == before
        world.assert_undisturbed(config, sandbox)


def stopped_midway(config: Path, writes: int) -> None:
    """A load that is stopped after so many writes."""
    workbench = Workbench(config)

    def stop() -> None:
        while workbench.unproved_client.usage.writes < writes:
            time.sleep(0.002)
        workbench.stop.set()

    workbench.migration  # noqa: B018 - read before a second thread asks for it
    workbench.unproved_client  # noqa: B018 - as above
    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Exception, match="stopped"), workbench.telling("half", "full"):
        in_process.write(workbench, workbench.run("half", "full"))
    thread.join()
    workbench.close()


def by_other_rules(config: Path, tag: str) -> None:
    """Another tag for all, a tag renamed, and another state for a status."""
    document = YAML(typ="safe").load(config.read_text())
    document["options"] = {"migrated_tag": "moved"}
    with config.open("w") as file:
        YAML(typ="safe").dump(document, file)
    yaml = YAML()
    rules = yaml.load(config.with_name("mapping.yaml").read_text())
    rules["tags"] = {tag: "renamed"}
    rules["statuses"]["solved"] = "open"
    with config.with_name("mapping.yaml").open("w") as file:
        yaml.dump(rules, file)


def leave_in_doubt(config: Path) -> None:
    """Two parts of a thread under way that no mapping makes any more, sent and without an answer."""
    with sqlite3.connect(journal(config)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(operations)")]
        found = connection.execute(
            "SELECT o.* FROM operations o LEFT JOIN records r USING (entity_type, source_id) "
            "WHERE o.kind = 'reply' AND o.state = 'done' AND r.outcome IS NULL LIMIT 1"
        ).fetchone()
        assert found is not None, "no thread was under way"
        for number in ("97", "98"):
            row = dict(zip(columns, found, strict=True)) | {"state": "in_doubt", "target_id": None, "reserves": None}
            row["op_key"] = f"{row['op_key'].rsplit('.', 1)[0]}.{number}"
            row["identity"] = f"{row['identity']}{number}"
            places = ", ".join("?" * len(columns))
            connection.execute(f"INSERT INTO operations VALUES ({places})", [row[name] for name in columns])
    connection.close()


def test_a_mapping_that_changed_between_two_halves_ends_as_if_it_had_always_been_so(
    world: World, tmp_path: Path
) -> None:
    """The second half goes by the new rules; what the first half had finished follows with the next delta."""
    tag = next(name for name in sorted(world.undisturbed["tags"]) if name != "migrated")
    with world.target(tmp_path / "target") as (config, _), world.target(tmp_path / "other") as (fresh, _):
        stopped_midway(config, 210)
        leave_in_doubt(config)
        for path in (config, fresh):
            by_other_rules(path, tag)
            assert_clean(in_process.whole_run(path))
        expected = canonical.read_target(fresh, wait_s=2 * LAG_S)
        assert "renamed" in expected["tags"]
        assert run(config, "delta", "delta").reasons("tickets")
        state = canonical.read_target(config, wait_s=2 * LAG_S)
        assert state["conversations"].keys() == expected["conversations"].keys()
        for key, thread in state["conversations"].items():
            wanted = expected["conversations"][key]
            assert thread["messages"] == wanted["messages"], key
            for name in ("tags", "state", "title", "attributes", "participants", "admin", "team"):
                assert thread[name] == wanted[name], (key, name)
        assert state["contacts"] == expected["contacts"]
        assert run(config, "delta", "again").writes == 0


def test_a_conversation_that_a_person_deleted_midway_is_told_and_the_others_arrive(
    world: World, tmp_path: Path
) -> None:
    with world.target(tmp_path / "target") as (config, sandbox):
        stopped_midway(config, 130)
        with sqlite3.connect(journal(config)) as connection:
            query = """SELECT o.source_id, o.target_id FROM operations o
                LEFT JOIN records r USING (entity_type, source_id)
                WHERE o.kind = 'create_conversation' AND o.state = 'done' AND r.outcome IS NULL LIMIT 1"""
            found = connection.execute(query).fetchone()
        connection.close()
        assert found is not None, "no thread was under way"
        token = YAML(typ="safe").load(config.read_text())["target"]["token"]
        headers = {"Authorization": f"Bearer {token}", "Intercom-Version": "2.16"}
        url = f"{sandbox.target['url']}/conversations/{found[1]}?retain_metrics=true"
        assert requests.delete(url, headers=headers, timeout=10).ok
        told = in_process.only_load(config)
        state = canonical.read_target(config, wait_s=2 * LAG_S)
        others = world.undisturbed["conversations"].keys() - {f"zendesk:{found[0]}"}
        assert others <= state["conversations"].keys()
        assert all(not isinstance(state["conversations"][key], list) for key in others)
        came_back = f"zendesk:{found[0]}" in state["conversations"]
        assert came_back or any(f"tickets/{found[0]}" in line and "404" in line for line in told.failed), told.failed


def test_a_second_run_into_the_same_workspace_is_refused(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "migration", world.sandbox)
    with in_process.bench(config, "first"):
        done = migrate("full", "--config", config)
    assert done.code == 3, done.err
    assert "Run first" in done.err
    assert "Traceback" not in done.err


def test_two_benches_cannot_hold_one_workspace(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "migration", world.sandbox)
    with in_process.bench(config, "first"), pytest.raises(RefusedByGate), in_process.bench(config, "second"):
        pass
