"""Tests of the services that are read."""
