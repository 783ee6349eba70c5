"""Tests of the reports and of the DuckDB file for people."""
