"""Tests of the migration pipeline, through its public interfaces."""
