"""Names of jobs and run tags that commands use too: a command starts sooner where it need not load Dagster for them."""

from typing import Final

ARCHIVE_JOB: Final = "archiving"
PLAN_JOB: Final = "plan_migration"
PLAN_DELTA_JOB: Final = "plan_delta"
ROLLBACK_JOB: Final = "rollback"
ROLLBACK_OF: Final = "migration/rollback_of"
