"""Moves a help desk from Zendesk, Freshdesk or Intercom into Intercom, as a Dagster project."""
