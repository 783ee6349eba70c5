"""Tests of what happens after a run: notices, archives, schedules."""
