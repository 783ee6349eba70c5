"""`python -m migration_pipeline`, the same as `migrate`."""

from migration_pipeline.cli import main

main()
