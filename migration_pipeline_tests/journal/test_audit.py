"""The audit log: one line per outcome, and no line that can be changed, removed or added unseen."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migration_pipeline.journal import Event, Intent, Journal, audit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Logs of two runs that ended."""
    _run(tmp_path, "run-1", 6)
    _run(tmp_path, "run-2", 3)
    return tmp_path / "audit"


def _run(root: Path, run_id: str, calls: int, *, end: bool = True) -> Journal:
    journal = Journal.open(f"sqlite:///{root}/journal.sqlite", root / "audit")
    journal.begin_run(run_id, "full", "acme", "plan-hash")
    for number in range(calls):
        key = f"tickets/{run_id}-{number}/create"
        journal.intend(Intent(key, "tickets", f"{run_id}-{number}", "reply", "POST /x", None, f"hash-{number}"), None)
        journal.settle(key, Event.ACCEPTED, target_id=str(number), message="a secret text")
    if end:
        journal.end_run(run_id, "finished")
        journal.close()
    return journal


def verified(folder: Path, run_id: str | None = None) -> audit.Verified:
    journal = Journal.open(f"sqlite:///{folder.parent}/journal.sqlite")
    heads = journal.audit_heads()
    journal.close()
    return audit.verify(folder, heads, run_id)


@pytest.mark.behaviour("B19")
def test_each_outcome_leaves_a_line(folder: Path) -> None:
    first, second = audit.files(folder)
    told = list(audit.lines(first))
    assert [line["event"] for line in told] == ["begin", *["settled"] * 6, "end"]
    assert told[0] | {"run_id": "run-1", "mode": "full", "plan": "plan-hash"} == told[0]
    assert told[0]["who"]
    assert (
        told[1] | {"op": "tickets/run-1-0/create", "route": "POST /x", "payload": "hash-0", "state": "done"} == told[1]
    )
    assert "a secret text" not in first.read_text()
    assert next(audit.lines(second))["before"]["file"] == first.name
    assert verified(folder) == audit.Verified(2, 13, (), ())
    assert verified(folder, "run-2").lines == 5


Change = Callable[[list[str]], list[str]]
CHANGES: dict[str, tuple[int, Change]] = {
    "a line changed": (3, lambda rows: [*rows[:2], rows[2].replace('"target_id":"1"', '"target_id":"7"'), *rows[3:]]),
    "a line removed": (3, lambda rows: [*rows[:2], *rows[3:]]),
    "a line added": (4, lambda rows: [*rows[:3], rows[2], *rows[3:]]),
    "two lines swapped": (3, lambda rows: [*rows[:2], rows[3], rows[2], *rows[4:]]),
    "the last line removed": (8, lambda rows: rows[:-1]),
    "the first line removed": (1, lambda rows: rows[1:]),
    "the last line added": (9, lambda rows: [*rows, _sealed(rows[-1])]),
    "everything rewritten": (8, lambda rows: _rewritten(rows)),
}


def _sealed(last: str) -> str:
    """A line with a proper hash after `last`."""
    previous = re.findall(r'"hash":"(\w+)"', last)[-1]
    number = int(re.findall(r'"n":(\d+)', last)[0]) + 1
    body = f'{{"n":{number},"at":"2026-01-01T00:00:00Z","event":"end","status":"finished","previous":"{previous}"'
    return f'{body},"hash":"{hashlib.sha256((body + "}").encode()).hexdigest()}"}}'


def _rewritten(rows: list[str]) -> list[str]:
    return [*rows[:-1], _sealed(rows[-2])]


@pytest.mark.behaviour("B19")
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_and_its_line_named(folder: Path, name: str) -> None:
    line, change = CHANGES[name]
    path = audit.files(folder)[0]
    path.write_text("".join(row + "\n" for row in change(path.read_text().splitlines())))
    (flaw,) = verified(folder).flaws
    assert (flaw.file, flaw.line) == (path.name, line)


@pytest.mark.behaviour("B19")
def test_a_log_that_is_gone_is_missed(folder: Path) -> None:
    first, second = audit.files(folder)
    second.unlink()
    assert [flaw.what for flaw in verified(folder).flaws] == ["the whole log is missing"]
    first.unlink()
    assert len(verified(folder).flaws) == 2


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Path]:
    """The folder of a run that was killed."""
    journal = _run(tmp_path, "run-1", 4, end=False)
    yield tmp_path
    journal.close()


@pytest.mark.behaviour("B19")
def test_what_a_crash_cut_off_is_no_flaw_and_the_next_run_notes_where(killed: Path) -> None:
    path = audit.files(killed / "audit")[0]
    path.write_bytes(path.read_bytes()[:-20])
    assert verified(killed / "audit").flaws == ()
    assert "line 4" in verified(killed / "audit").notes[0]
    _run(killed, "run-2", 1)
    assert next(audit.lines(audit.files(killed / "audit")[1]))["before"]["lines"] == 4
    assert verified(killed / "audit").flaws == ()
    rows = path.read_text().splitlines()
    path.write_text("\n".join(rows[:2]) + "\n")
    assert [flaw.line for flaw in verified(killed / "audit").flaws] == [3]
