"""Tests of the gates before a run that writes."""
