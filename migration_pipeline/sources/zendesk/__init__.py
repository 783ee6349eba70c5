"""Zendesk Support as a source: reading an account's tickets, people and settings, and making canonical records of them.

Belongs here: everything that is true of Zendesk. Does not belong here: anything of a target.
"""

from migration_pipeline.sources.zendesk.auth import OAuthTokens, browser_tokens, code_verifier, consent
from migration_pipeline.sources.zendesk.source import ZendeskSource

__all__ = ["OAuthTokens", "ZendeskSource", "browser_tokens", "code_verifier", "consent"]
