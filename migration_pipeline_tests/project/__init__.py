"""Rules of the project itself: layout, arrows between rooms, commands, lock file, what Dagster loads."""
