"""Access tokens and authorization codes of the workspace: given out, used once, revoked.

How they are asked for stands in `oauth`.
"""

from __future__ import annotations

import secrets

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.state import State

CODE_LIVES_S = 5 * 60
GRANTED = "sandbox-intercom-oauth-"
"""How tokens begin that were given out for a code."""


class Tokens:
    """What opens the workspace. Kept in the state, and in memory because every call asks."""

    def __init__(self, state: State, clock: Clock, own: str, other: str) -> None:
        """`own` is the token of the private app, `other` one that belongs to another workspace."""
        self._state = state
        self._clock = clock
        self._other = other
        self._valid: dict[str, bool] = {own: True, other: True, **state.get("tokens", {})}
        self._codes: dict[str, float] = state.get("codes", {})

    def known(self, token: str) -> bool:
        """Whether a token was ever given out."""
        return token in self._valid

    def valid(self, token: str) -> bool:
        """Whether a token was given out and not revoked."""
        return self._valid.get(token, False)

    def foreign(self, token: str) -> bool:
        """Whether a token belongs to the other workspace."""
        return token == self._other

    @staticmethod
    def app_of(token: str) -> str:
        """The app that a token was given to: the private one, or the one that many workspaces authorize."""
        return "public" if token.startswith(GRANTED) else "private"

    def new_code(self) -> str:
        """A code that can be exchanged once within five minutes."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = self._clock.now() + CODE_LIVES_S
        self._state.put("codes", self._codes)
        return code

    def exchanged(self, code: str) -> str | None:
        """A new token for a code, None where the code is unknown, used or too old."""
        expires = self._codes.pop(code, 0.0)
        self._state.put("codes", self._codes)
        if expires < self._clock.now():
            return None
        token = GRANTED + secrets.token_hex(16)
        self._keep(token, valid=True)
        return token

    def revoke(self, token: str) -> bool:
        """Revoke a token; False where it was never given out."""
        if token not in self._valid:
            return False
        self._keep(token, valid=False)
        return True

    def _keep(self, token: str, *, valid: bool) -> None:
        self._valid[token] = valid
        self._state.put("tokens", self._valid)
