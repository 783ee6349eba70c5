"""What a person allowed in a browser: getting the code back to this machine, and keeping the tokens that it becomes.

Belongs here: what is true of any service. Does not belong here: one service's pages, exchanges and answers (`target`,
`sources`), or asking a person (`cli`).
"""

from migration_pipeline.credentials.consent import Callback, Consent, code_of, pasted
from migration_pipeline.credentials.store import HeldTokens, TokenFile, Tokens, TokenStore, state_folder

__all__ = [
    "Callback",
    "Consent",
    "HeldTokens",
    "TokenFile",
    "TokenStore",
    "Tokens",
    "code_of",
    "pasted",
    "state_folder",
]
