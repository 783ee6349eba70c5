"""The stand-in of Intercom: one workspace behind the REST API 2.16, from contacts to tickets.

The help centre (collections, articles) and the OAuth pages are not here.
"""

from migration_pipeline.sandbox.intercom.assembly import build, config

__all__ = ["build", "config"]
