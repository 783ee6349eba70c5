"""Whole migrations against the sandbox, by the command line, Dagster and a browser, read back independently."""
