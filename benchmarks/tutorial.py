"""Write docs/tutorial.md: a first migration, typed as the commands' own hints say, in an empty folder.

    python -m benchmarks.tutorial

Everything is run; nothing of the transcript is written by hand but the sentences between the commands. The folder, the
ports, the run ids and the progress bars of the day are made neutral.
"""

import difflib
import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

PAGE: Final = Path(__file__).parent.parent / "docs" / "tutorial.md"
SANDBOX: Final = "migrate sandbox --tickets 300 --seed 1 --plan intercom-used --agents partly --dir ."
START_S: Final = 60.0

BEGINNING: Final = f"""\
# A first migration

From an empty folder to a finished demo, typing what each command's last line says. Made by
`python -m benchmarks.tutorial`, which runs it; the help desk and the workspace are [stand-ins](sandbox.md) that match
each other only in part, as real ones do. With services of your own, `migrate init` writes the settings instead of the
first command, and the rest is the same.

```
$ mkdir move && cd move
$ {SANDBOX}
"""

STEPS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "Another terminal, the same folder. `✗` stops a run, `!` costs something, `?` nobody but a person can see.",
        "migrate check",
        "",
    ),
    ("Whose workspace is it? Nothing is written to another one.", "migrate connect target", "y\n"),
    (
        "What becomes what. It reads the help desk; the workspace is only looked at.",
        "migrate map",
        "",
    ),
)
"""What is said, what is typed, and what is answered."""
AGENTS: Final = """\
Whoever has the same e-mail is found, in whatever letter case; who has the same name alone is found and scored lower;
the fallback admin stands in for the others. Three of the entries of `mapping.yaml`:
"""
TAKEN_OVER: Final = (
    "The first of these took over the work of the last, so that the same teammate stands for both; `hand` keeps that."
)
MAPPED: Final = "Proposed again, what was decided stays."
DEMO: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "Twenty tickets, with everything that belongs to them.",
        "migrate demo",
        "",
    ),
)
DECISION: Final = (
    "The report shows what arrived and what did not. One thing is to be otherwise, so `mapping.yaml` is changed:\n"
    "the field that the proposal found nearly alike gets an attribute of its own."
)
AGAIN: Final = "The same tickets again: what would be otherwise now is taken back first."
END: Final = """\
What comes next stands in the last line again: `migrate plan`, the signatures, and the full run. See [gates](gates.md).
"""
_AGENT: Final = (
    r"(?m)^  '\d+':\n    name: .+\n    email: .+\n    target: (?P<target>.+)\n    matched_by: {how}$"
    r"(?:\n    (?:score|evidence): .+)*"
)
SHOWN: Final = 30
"""Lines that are shown of a command that prints more than twice as many."""


class Session:
    """An empty folder, and what a person sees while working in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs: dict[str, str] = {}
        self._ports: dict[str, str] = {}

    def run(self, command: str, answer: str = "") -> str:
        """What a command prints.

        Raises:
            RuntimeError: it did not end well.
        """
        done = subprocess.run(  # noqa: S603 - our own commands
            self._typed(command), cwd=self.folder, input=answer, env=self._environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}")
        return self.neutral(done.stdout)

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        """Start the stand-ins; what they say.

        Raises:
            RuntimeError: they do not start.
        """
        told = (self.folder.parent / "sandbox.log").open("w+")
        process = subprocess.Popen(  # noqa: S603 - our own command
            self._typed(SANDBOX), cwd=self.folder, env=self._environment(), text=True, stdout=told, stderr=told
        )
        deadline = time.monotonic() + START_S
        while not (self.folder / "sandbox.json").exists() or "Next" not in Path(told.name).read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the sandbox did not start:\n{Path(told.name).read_text()}")
            time.sleep(0.1)
        served = json.loads((self.folder / "sandbox.json").read_text())
        for side, port in (("source", "8001"), ("target", "8002")):
            self._ports[served[side]["url"].rpartition(":")[2]] = port
        return process, self.neutral(Path(told.name).read_text())

    def neutral(self, text: str) -> str:
        """The text as it would be on any machine and on any day."""
        text = text.replace(f"{self.folder}/", "").replace(str(self.folder), ".")
        for port, shown in self._ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{shown}")
        for run in re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
            text = text.replace(run, self._runs.setdefault(run, f"run-{len(self._runs) + 1}"))
        lines = (line.rstrip() for line in text.splitlines())
        return "\n".join(line for line in lines if line and not re.search(r"^\w.*━━━", line))

    def _typed(self, command: str) -> list[str]:
        return [sys.executable, "-m", "migration_pipeline", *command.split()[1:]]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "MIGRATION_CONFIG")}
        return {**kept, "COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}


def main() -> None:
    """Run it, and write the page."""
    with TemporaryDirectory() as outside:
        session = Session(Path(outside).resolve() / "move")
        session.folder.mkdir()
        sandbox, said = session.serve()
        try:
            page = [f"{BEGINNING}{said}\n```\n"]
            page += [_step(session, *step) for step in STEPS]
            page += [_agents(session), _mapped(session), _step(session, MAPPED, "migrate map")]
            page += [_step(session, *step) for step in DEMO]
            page += [_changed(session), _step(session, AGAIN, "migrate demo"), END]
        finally:
            sandbox.terminate()
            with suppress(subprocess.TimeoutExpired):
                sandbox.wait(20)
    PAGE.write_text("\n".join(page), encoding="utf-8")


def _step(session: Session, said: str, command: str, answer: str = "") -> str:
    lines = session.run(command, answer).replace("[y/N]: ", f"[y/N]: {answer}").splitlines()
    if len(lines) > 2 * SHOWN:
        lines = [*lines[:SHOWN], f"[… {len(lines) - SHOWN - 1} more lines of this kind …]", lines[-1]]
    told = "\n".join(lines)
    return f"{said}\n\n```\n$ {command}\n{told}\n```\n"


def _agents(session: Session) -> str:
    """An agent who was found by address, one who was found by name, and one who was not."""
    told = "\n".join(_agent(session, how)[0] for how in ("email", "name", "nothing"))
    return f"{AGENTS}\n```yaml\nagents:\n{told}\n```\n"


def _agent(session: Session, how: str) -> re.Match[str]:
    entry = re.search(_AGENT.format(how=how), _mapping(session).read_text(encoding="utf-8"))
    if entry is None:
        raise RuntimeError(f"no agent was matched by {how}")
    return entry


def _mapped(session: Session) -> str:
    """Let the teammate of one agent stand for another, as a person would; the difference."""
    entry = _agent(session, "nothing")[0]
    target = f"target: {_agent(session, 'email')['target']}"
    hand = entry.replace("target: null", target).replace("matched_by: nothing", "matched_by: hand")
    return _edited(session, TAKEN_OVER, entry, hand)


def _changed(session: Session) -> str:
    """Give a field that was matched nearly an attribute of its own, as a person would; the difference."""
    entry = re.search(
        r"(?m)^    target: (?P<name>.+)\n    type: .+\n    matched_by: near$", _mapping(session).read_text()
    )
    if entry is None:
        raise RuntimeError("the proposal matched nothing nearly")
    return _edited(session, DECISION, entry[0], entry[0].replace(entry["name"], f"Our {entry['name']}", 1))


def _mapping(session: Session) -> Path:
    return session.folder / "mapping.yaml"


def _edited(session: Session, said: str, old: str, new: str) -> str:
    """Put `new` in place of the first `old` in mapping.yaml; the difference."""
    before = _mapping(session).read_text(encoding="utf-8")
    after = before.replace(old, new, 1)
    if after == before:
        raise RuntimeError(f"mapping.yaml has no {old!r}")
    _mapping(session).write_text(after, encoding="utf-8")
    shown = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "mapping.yaml", "mapping.yaml", n=2, lineterm=""
    )
    told = "\n".join(shown)
    return f"{said}\n\n```diff\n{told}\n```\n"


if __name__ == "__main__":
    main()
