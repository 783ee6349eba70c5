"""Preflight: both services and what is staged, for `migrate check` and for the check that blocks loading.

Belongs here: wiring. Does not belong here: any single check (`sources`, `target.preflight`, `gates`).
"""

from dataclasses import replace

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.config import secret_checks
from migration_pipeline.gates import checklist, read_approval
from migration_pipeline.model.run import Check
from migration_pipeline.target.preflight import Staged, asking, staged
from migration_pipeline.target.ticket_types import types_read_last


def preflight(workbench: Workbench) -> list[Check]:
    """Everything that can be looked at before a run, with an owner each; writes nothing."""
    migration = workbench.migration
    found = [
        *secret_checks(migration.path),
        *workbench.source.checks(),
        *asking(workbench.unproved_client),
        *staged(state(workbench, whole=False)),
        *_by_hand(workbench),
    ]
    owners = migration.checklist
    return [replace(check, owner=owners.owners.get(check.id, owners.owner)) for check in found]


def state(workbench: Workbench, *, whole: bool) -> Staged | None:
    """What is staged, and whether that is all that a run needs; None before the mapping was proposed."""
    staging, migration = workbench.staging, workbench.migration
    known = (staging.tables.path("records", "contacts"), migration.root / "catalogue.json", migration.mapping_path)
    if not all(path.exists() for path in known):
        return None
    to_come = 0 if whole else sum(work.bytes for work in workbench.source.works(staging))
    types = types_read_last(migration)
    return Staged(staging, migration, workbench.mapping, workbench.catalogue, to_come, types)


def _by_hand(workbench: Workbench) -> list[Check]:
    """The checklist's items before the run: what no API shows is a person's word."""
    items = checklist(workbench.migration, read_approval(workbench.migration.root).signed)
    return [
        Check(item["id"], "pass", f"{item['what']} Signed by {item['signed']['by']}.")
        if item["signed"]
        else Check(item["id"], "manual", item["what"], item["risk"], f"{item['where']}; then `migrate approve --sign`.")
        for item in items
        if item["when"] == "before"
    ]
