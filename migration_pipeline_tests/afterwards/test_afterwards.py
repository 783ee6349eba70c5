"""A run's end is told to those whom the settings name; staged data is packed some days later, and then removed."""

import datetime as dt
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer
from typing import Any, ClassVar

import dagster as dg
import pytest
from ruamel.yaml import YAML

from migration_pipeline import schedules, sensors
from migration_pipeline.assets import packing
from migration_pipeline.assets.following import require_full_run
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.config import load_migration
from migration_pipeline.definitions import build_defs
from migration_pipeline.journal import Journal
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.reports import notices
from migration_pipeline.staging import archive
from migration_pipeline.staging.snapshots import Row
from migration_pipeline_tests.gates.conftest import SETTINGS

NOW = dt.datetime.now(dt.UTC)
OTHER = {**SETTINGS["target"], "workspace": "other"}


def config(folder: Path, **settings: Any) -> Path:
    path = folder / "migration.yaml"
    with path.open("w") as file:
        YAML(typ="safe").dump(SETTINGS | settings, file)
    return path


@contextmanager
def serving(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class _Hook(BaseHTTPRequestHandler):
    got: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Smtp(StreamRequestHandler):
    got: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        text = ""
        while line := self.rfile.readline().decode():
            if line.upper().startswith("DATA"):
                self.wfile.write(b"354 go on\r\n")
                while (line := self.rfile.readline().decode()) != ".\r\n":
                    text += line
                self.got.append(text)
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith("QUIT") else b"250 ok\r\n")
            if line.upper().startswith("QUIT"):
                return


@pytest.mark.behaviour("S56")
def test_the_end_of_a_run_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(HTTPServer(("127.0.0.1", 0), _Hook)) as hook, serving(TCPServer(("127.0.0.1", 0), _Smtp)) as smtp:
        mail = {
            "host": "127.0.0.1",
            "port": smtp,
            "sender": "m@acme.example",
            "to": ["ops@acme.example"],
            "starttls": False,
        }
        told = {"webhook": f"http://127.0.0.1:{hook}/?token=s3cr3t", "email": mail}
        Workbench(config(tmp_path, notify=told)).notify("r1", "full")
    [notice] = _Hook.got
    assert notice == {"migration": "acme", "run_id": "r1", "mode": "full", "status": "finished"}
    [text] = _Smtp.got
    assert "Subject: full run of acme: finished" in text
    assert "To: ops@acme.example" in text
    # Nobody is there any more: that is logged, without the address, and fails nothing.
    notices.send(load_migration(tmp_path / "migration.yaml"), notice)
    assert "did not reach notify.webhook" in caplog.text
    assert "did not reach notify.email" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_nobody_is_told_unless_set(tmp_path: Path) -> None:
    before = len(_Hook.got)
    Workbench(config(tmp_path)).notify("r1", "full")
    assert len(_Hook.got) == before


@pytest.mark.behaviour("S62")
def test_staged_data_is_packed_after_some_days_and_removed_later(tmp_path: Path) -> None:
    bench = Workbench(config(tmp_path, archive={"after_days": 5, "keep_days": 30}))
    root = bench.migration.root
    content = {
        "snapshots/tickets/segment-000001.parquet": b"rows",
        "blobs/ab/cd": b"bytes" * 1000,
        "demos/current.parquet": b"what was said",
        "selection/left_out.parquet": b"who was left out",
        "inventory/items.parquet": b"macros",
        "staging.duckdb": b"x",
    }
    for name, data in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "reports" / "r1").mkdir(parents=True)
    with pytest.raises(RefusedByGate, match="after a full run has ended"):
        packing.pack(bench, now=NOW)
    journal = Journal.open(f"sqlite:///{root / 'journal.sqlite'}")
    journal.begin_run("r1", "full", "abc123")
    journal.end_run("r1", "finished")
    journal.close()
    with pytest.raises(RefusedByGate, match="not before"):
        packing.pack(bench, now=NOW + dt.timedelta(days=4))
    packed = packing.pack(bench, now=NOW + dt.timedelta(days=6))
    assert packed is not None
    assert packed.files == len(content)
    with tarfile.open(packed.path) as held:
        files = {member.name: held.extractfile(member) for member in held}
        assert {name: file and file.read() for name, file in files.items()} == content
    assert not (root / "snapshots").exists()
    assert not (root / "blobs").exists()
    assert not (root / "demos").exists()
    assert (root / "journal.sqlite").exists()
    assert (root / "reports" / "r1").exists()
    assert packing.pack(bench, now=NOW + dt.timedelta(days=7)) is None
    assert packing.purge(bench, now=NOW + dt.timedelta(days=20)) == []
    assert packing.purge(bench, now=NOW + dt.timedelta(days=37)) == [packed.path]
    assert archive.archives(root) == []
    bench.close()


@pytest.mark.behaviour("S60")
def test_a_full_run_is_scheduled_once_and_off_until_turned_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(tmp_path, full={"at": "2026-12-05T20:30:00+01:00"})
    monkeypatch.setenv("MIGRATION_CONFIG", str(path))
    schedule = schedules.full_schedule()
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "30 19 05 12 *"
    assert schedule.job_name == "full_migration"

    def tick(year: int) -> Any:
        at = dt.datetime(year, 12, 5, 19, 30, tzinfo=dt.UTC)
        return schedule(dg.build_schedule_context(scheduled_execution_time=at))

    assert isinstance(tick(2026), dg.RunRequest)
    assert isinstance(tick(2027), dg.SkipReason)
    config(tmp_path)
    assert isinstance(schedules.full_schedule()(dg.build_schedule_context(scheduled_execution_time=NOW)), dg.SkipReason)
    assert schedules.archive_schedule().default_status == dg.DefaultScheduleStatus.STOPPED


def read(bench: Workbench, ticket: str, *, complete: bool) -> None:
    """Have the snapshots hold a ticket; its comments of a whole pass or of a sample, as a plan reads them."""
    row = Row(ticket, NOW, {"id": int(ticket)})
    bench.staging.snapshots.append("tickets", [row], cursor="7", complete=True)
    bench.staging.snapshots.append("comments", [row], cursor="8" if complete else None, complete=complete)


@pytest.mark.behaviour("S62", "B03")
def test_a_delta_says_what_to_unpack_and_reads_nothing_anew(tmp_path: Path) -> None:
    bench = Workbench(config(tmp_path))
    root = bench.migration.root
    with pytest.raises(RefusedByGate, match="follows a full run"):
        require_full_run(bench)
    bench.journal.begin_run("r1", "full", "abc123")
    bench.journal.end_run("r1", "finished")
    require_full_run(bench)  # what was never packed is read by the delta itself
    read(bench, "1", complete=True)
    require_full_run(bench)
    whole = packing.pack(bench, now=NOW + dt.timedelta(days=6))
    assert whole is not None
    assert not (root / "snapshots").exists()
    # A plan after that reads a sample; packed later, it is not what a delta goes on from.
    bench = Workbench(config(tmp_path))
    read(bench, "2", complete=False)
    sample = packing.pack(bench, now=NOW + dt.timedelta(days=7))
    assert sample is not None
    (root / "archive" / ".cut.tar.gz.x").write_bytes(b"half")
    bench = Workbench(config(tmp_path))
    assert bench.staging.snapshots.streams() == ()
    assert packing.pack(bench, now=NOW + dt.timedelta(days=8)) is None  # nothing was read since
    assert not (root / "archive" / ".cut.tar.gz.x").exists()
    with pytest.raises(RefusedByGate) as refused:
        require_full_run(bench)
    assert f"unpack {whole.path} in {root}" in str(refused.value)
    with tarfile.open(whole.path) as held:
        held.extractall(root, filter="data")
    require_full_run(bench)
    assert bench.staging.snapshots.state("comments").cursor == "8"
    assert packing.pack(bench, now=NOW + dt.timedelta(days=9)) is not None
    packing.purge(bench, now=NOW, whatever_age=True)
    packing.purge(bench, now=NOW + dt.timedelta(days=300))
    with pytest.raises(RefusedByGate, match="start `migrate full`"):
        require_full_run(Workbench(config(tmp_path)))
    assert [path.name for path in (root / "archive").iterdir()] == ["packed.json"]


def test_a_run_that_died_while_archiving_is_ended_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_CONFIG", str(config(tmp_path)))
    monkeypatch.setattr(sensors, "GRACE_SECONDS", 0.0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    there = {"resources": {"workbench": {"config": {"config": str(config(elsewhere, target=OTHER))}}}}
    started = dg.DagsterRunStatus.STARTED

    job = build_defs().resolve_job_def("archiving")

    def dead(instance: dg.DagsterInstance, **more: Any) -> str:
        return instance.create_run_for_job(job, status=started, **more).run_id

    def status(run_id: str) -> dg.DagsterRunStatus:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    with dg.DagsterInstance.ephemeral() as instance:
        died, other = dead(instance), dead(instance, run_config=there)
        assert job.execute_in_process(instance=instance).success
        assert (status(died), status(other)) == (dg.DagsterRunStatus.FAILURE, started)
        again = dead(instance)
        sensors.runs_without_a_process(dg.build_sensor_context(instance))
        assert {status(again), status(other)} == {dg.DagsterRunStatus.FAILURE}
