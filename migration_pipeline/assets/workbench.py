"""What a run works with: the settings, the stores, both services, and the lock that keeps other runs away.

Belongs here: which part is handed to which. Nothing is opened before a stage asks for it, so that a wrong setting is
told by the step that needs it.
"""

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from migration_pipeline.assets.demo import Wish
from migration_pipeline.assets.drawing import sample_of
from migration_pipeline.assets.lock import WorkspaceLock
from migration_pipeline.assets.sentences import exit_code, sentence_of
from migration_pipeline.config import Migration, load_migration
from migration_pipeline.config.mapping import Mapping, load_mapping
from migration_pipeline.credentials import TokenFile, state_folder
from migration_pipeline.gates import Facts, facts_of
from migration_pipeline.http import under_way
from migration_pipeline.journal import Journal
from migration_pipeline.model.errors import RunStopped, SettingsError
from migration_pipeline.model.run import Mode, Run
from migration_pipeline.reports import notices
from migration_pipeline.sources import Sample, Source
from migration_pipeline.sources.zendesk import ZendeskSource, browser_tokens
from migration_pipeline.staging import Staging
from migration_pipeline.staging.atomic import write_json
from migration_pipeline.staging.progress import ProgressFile
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.client import IntercomClient, connect


def config_path(given: str = "") -> Path:
    """The migration.yaml to use: the one given, else $MIGRATION_CONFIG, else ./migration.yaml."""
    return Path(given or os.environ.get("MIGRATION_CONFIG") or "migration.yaml")


class Workbench:
    """The parts of one migration, opened when first used; one per run, used by one thread at a time."""

    def __init__(self, config: Path) -> None:
        """`config` is the path of migration.yaml; it is read when first needed."""
        self._config = config
        self._lock: WorkspaceLock | None = None
        self._ended = "finished"
        self._mapping: tuple[tuple[int, int] | None, Mapping] | None = None
        self._opened = time.monotonic()
        self.spent: dict[str, float] = {}  # seconds by stage of this run
        self.stop = threading.Event()

    @cached_property
    def migration(self) -> Migration:
        """The settings.

        Raises:
            SettingsError: see `config.load_migration`.
        """
        return load_migration(self._config)

    @cached_property
    def staging(self) -> Staging:
        """The stores, with this run as their only writer."""
        return Staging(self.migration)

    @cached_property
    def journal(self) -> Journal:
        """The journal of what was written to the target."""
        return Journal.open(f"sqlite:///{self.migration.root / 'journal.sqlite'}", self.audit_folder)

    @cached_property
    def source(self) -> Source:
        """The help desk that is read."""
        settings = self.migration.source
        own = TokenFile(state_folder() / f"{self.migration.name}-source.json")
        created = self.migration.filters.created
        return ZendeskSource(
            settings,
            # What the client's own credentials get again at any time needs no keyring, which may ask for a password.
            tokens=own if settings.auth.client_secret else browser_tokens(settings),
            stop=self.stop,
            tell=self._waiting,
            created_from=created.first if created and created.start else None,
            ticket_events=self.migration.options.ticket_events,
            help_centers=self.migration.filters.help_centers,
        )

    @cached_property
    def unproved_client(self) -> IntercomClient:
        """The target, before it was asked which workspace it is; it refuses to write."""
        return connect(self.migration.target, self.stop, self._waiting)

    @cached_property
    def client(self) -> IntercomClient:
        """The target, which has proved to be the workspace that the settings name.

        Raises:
            RefusedByGate: it is another workspace.
        """
        self.unproved_client.require_workspace()
        return self.unproved_client

    @property
    def catalogue(self) -> Catalogue:
        """What the target workspace holds that records are mapped to, as it was read last."""
        path = self.migration.root / "catalogue.json"
        if not path.exists():
            raise SettingsError("The target's catalogue was not read yet: materialize `target_catalogue` first.")
        return Catalogue.from_json(path.read_bytes())

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far of this run, by side."""
        sides = {"source": "source", "target": "unproved_client"}
        return {side: getattr(self, part).usage.calls if part in self.__dict__ else 0 for side, part in sides.items()}

    @property
    def preparing_seconds(self) -> float:
        """From the start of this run's process until now, without the time that reading the source took."""
        begun = os.environ.get("MIGRATION_STARTED")
        launching = max(0.0, time.time() - float(begun)) if begun else time.monotonic() - self._opened
        return launching - self.spent.get("extracted", 0.0)

    @property
    def outcomes_path(self) -> Path:
        """Where the journal's outcomes are exported to."""
        return self.staging.tables.path("outcomes", "outcomes")

    @property
    def audit_folder(self) -> Path:
        """Where runs leave their audit logs."""
        return self.migration.root / "audit"

    def rollback_path(self, run_id: str) -> Path:
        """Where the roll-back of a run writes down what it removed and what it spared."""
        return self.migration.root / "rollbacks" / f"{sha256(run_id.encode()).hexdigest()[:16]}.json"

    @property
    def mapping(self) -> Mapping:
        """mapping.yaml.

        Raises:
            SettingsError: it is missing or wrong.
        """
        path = self.migration.mapping_path
        written = (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None
        if self._mapping is None or self._mapping[0] != written:
            self._mapping = (written, load_mapping(path))  # long files take a while, and every stage asks
        return self._mapping[1]

    @property
    def facts(self) -> Facts:
        """All that an approval of this migration speaks of, as it is now.

        Raises:
            SettingsError: mapping.yaml is wrong; none yet is none.
        """
        mapping = self.mapping if self.migration.mapping_path.exists() else None
        return facts_of(self.migration, mapping)

    def sample(self, run: Run, wish: Wish | None = None) -> Sample:
        """The tickets of a demo; see `drawing.sample_of`."""
        return sample_of(self.migration, self.source, self.staging, run, wish or Wish())

    def run(self, run_id: str, mode: Mode, once_alone: Callable[[], None] = lambda: None) -> Run:
        """Begin, or go on with, a run: take the lock, and say where progress goes.

        `once_alone` is called when the lock was taken.

        Raises:
            RefusedByGate: another run of this migration, or into this workspace, is at work.
        """
        if self.stop.is_set():
            raise RunStopped("The run was stopped.")
        if self._lock is None:
            lock = WorkspaceLock(self.migration.target)
            lock.acquire(run_id)
            self._lock = lock
            once_alone()
        self._tell({"run_id": run_id, "mode": mode})
        return Run(run_id, mode, self.stop, self._progress(run_id, mode))

    def notify(self, run_id: str, mode: Mode) -> None:
        """Tell those whom migration.yaml names that the run ended, and how; wrong settings were told before."""
        try:
            migration = self.migration
        except SettingsError:
            return
        notices.send(migration, notices.notice_of(migration, run_id, mode, self._ended))

    def close(self) -> None:
        """Say how the run ended, and let go of the stores, the journal and the lock."""
        for progress in self._progress_file.values():
            progress.end(self._ended)
        if "journal" in self.__dict__:
            self.journal.close()
        if "staging" in self.__dict__:
            self.staging.close()
        lock, self._lock = self._lock, None
        if lock and under_way():
            # A call that a stopped run left behind may still write: others wait for it, or for the process's end.
            threading.Thread(target=_released_later, args=(lock,), daemon=True).start()
        elif lock:
            lock.release()

    @contextmanager
    def telling(self, run_id: str, mode: str) -> Iterator[None]:
        """Errors within leave as one sentence for the user; the first of a run is written down for whoever started it.

        After it, steps that do not depend on the failed one stop as well: a run that cannot end well ends soon.

        Raises:
            MigrationError: as it was, or in place of a full disk.
        """
        failed_before = self.stop.is_set()
        try:
            yield
        except BaseException as error:
            self.stop.set()
            sentence = sentence_of(error, self._config)
            if sentence is None:
                self._ended = "failed"
                raise
            self._ended = "stopped" if isinstance(sentence, RunStopped) else "failed"
            if not failed_before:
                self._tell({"run_id": run_id, "mode": mode, "error": str(sentence), "exit": exit_code(sentence)})
            if not isinstance(error, Exception):
                raise  # a signal: whoever runs us ends the run in its own way
            raise sentence from error

    def _tell(self, document: dict[str, Any]) -> None:
        """Write to the file that whoever started the run's process may have named."""
        path = os.environ.get("MIGRATION_TELL")
        if path:
            write_json(Path(path), document)

    def _waiting(self, service: str, since: dt.datetime | None) -> None:
        """Say in the progress that the run waits for a service."""
        for progress in self._progress_file.values():
            progress.waiting(service, since)

    @cached_property
    def _progress_file(self) -> dict[str, ProgressFile]:
        return {}

    def _progress(self, run_id: str, mode: Mode) -> ProgressFile:
        path = self.migration.root / "progress.json"
        return self._progress_file.setdefault(run_id, ProgressFile(path, run_id, mode))


def _released_later(lock: WorkspaceLock) -> None:
    """Let go of the lock once no call is under way."""
    while under_way():
        time.sleep(0.2)
    lock.release()
