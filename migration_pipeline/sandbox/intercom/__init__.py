"""The stand-in of Intercom: one workspace behind the REST API 2.16, from contacts to the help centre."""

from migration_pipeline.sandbox.intercom.assembly import build, config

__all__ = ["build", "config"]
