"""A signed plan for tests of other things: what `migrate plan` and `migrate approve` leave, without the staging."""

from pathlib import Path

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.gates import approve
from migration_pipeline.staging.atomic import write_json


def approved(config: Path) -> Path:
    """Have the migration of a file approved as it is now; the file. mapping.yaml may be proposed later."""
    bench = Workbench(config)
    write_json(bench.migration.root / "plan.json", {"facts": dict(bench.facts.digests)})
    approve(bench.migration, bench.facts, by="a test", sign=["all"])
    return config
