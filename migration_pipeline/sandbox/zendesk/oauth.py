"""Credentials: OAuth tokens with expiry and refresh, the older e-mail and API token, and who may call what.

Here: who a request comes from. Not here: rate limits.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from migration_pipeline.sandbox.service import State
from migration_pipeline.sandbox.wire import Answer, Call, MalformedBodyError, json_answer
from migration_pipeline.sandbox.zendesk.consent import Codes
from migration_pipeline.sandbox.zendesk.world import seeds

API_TOKEN_EMAIL = "agent1@acme.example"  # noqa: S105 - an address
# 2027-04-30, from when on no API token is accepted (the official page on the move to OAuth).
API_TOKENS_END = 1_809_043_200
REFRESH_LIFETIME_S = 30 * 86_400
MAX_LIFETIME_S = 172_800
MIN_LIFETIME_S = 1


def client_id(seed: int) -> str:
    """The sandbox's own OAuth client."""
    return f"sandbox-client-{seed}"


def client_secret(seed: int) -> str:
    """Its secret, which opens nothing but the sandbox."""
    return f"sandbox-secret-{hashlib.blake2s(b'zendesk%d' % seed, digest_size=8).hexdigest()}"


def api_token(seed: int) -> str:
    """The sandbox's own API token."""
    return f"sandbox-token-{hashlib.blake2s(b'api%d' % seed, digest_size=8).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request comes from; ``scopes`` empty means all (API token)."""

    scopes: tuple[str, ...]
    access: str = ""

    def may_read(self, family: str) -> bool:
        """Whether the scopes allow reading a family of endpoints; a misspelt scope allows nothing."""
        if not self.scopes or "read" in self.scopes:
            return True
        # Audits tell of everything, so they want the global scope.
        return family != "audits" and f"{family}:read" in self.scopes


@dataclass(frozen=True, slots=True)
class Expired:
    """Credentials that are wrong, revoked or past their time."""

    oauth: bool


class Authority:
    """Gives out tokens and recognises them. Tokens are in the state, so they survive a restart."""

    def __init__(self, state: State, seed: int) -> None:
        """Recognise the one client of ``seed``."""
        self._db = state.db
        self._seed = seed
        self._known: dict[str, tuple[Identity, float]] = {}
        self.codes = Codes(state, seed)

    def identify(self, call: Call, now: float, *, basic: bool) -> Identity | Expired | None:
        """The identity behind a request, Expired for bad credentials, None without any."""
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if not value:
            return None
        if scheme.lower() == "bearer":
            return self._bearer(value.strip(), now)
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return Expired(False)
        good = (
            basic and now < API_TOKENS_END and user == f"{API_TOKEN_EMAIL}/token" and password == api_token(self._seed)
        )
        return Identity(()) if good else Expired(False)

    def _bearer(self, access: str, now: float) -> Identity | Expired:
        if access not in self._known:
            row = self._db.execute("SELECT scope, expires, revoked FROM token WHERE access = ?", (access,)).fetchone()
            if row is None or row[2]:
                return Expired(True)
            self._known[access] = Identity(tuple(row[0].split()), access), row[1]
        identity, expires = self._known[access]
        return identity if now < expires else Expired(True)

    def issue(self, call: Call, now: float, *, lifetime_s: int, refresh: bool) -> Answer:
        """POST /oauth/tokens, body in JSON or as a form."""
        asked = _asked(call)
        grant = asked.get("grant_type")
        known = (client_id(self._seed), client_secret(self._seed))
        secret = asked.get("client_secret")
        # A client that cannot keep a secret shows by its proof key that it is the one who asked.
        public = grant == "authorization_code" and secret is None and self.codes.has_challenge(asked.get("code"))
        if (asked.get("client_id"), known[1] if public else secret) != known:
            return _refused("invalid_client", "Client authentication failed.", 401)
        scope = str(asked.get("scope") or "read")
        if {"read", "tickets:read"} <= set(scope.split()):
            return _refused("invalid_scope", "The requested scope is invalid, unknown, or malformed.", 400)
        if grant == "refresh_token":
            row = self._db.execute(
                "SELECT access, scope, refresh_expires, revoked FROM token WHERE refresh = ?",
                (asked.get("refresh_token"),),
            ).fetchone()
            if row is None or row[3] or row[2] <= now:
                return _refused("invalid_grant", "The provided refresh token is invalid, expired or revoked.", 400)
            # A refresh ends the earlier pair at once, so only one process may hold it.
            self._db.execute("UPDATE token SET revoked = 1 WHERE access = ?", (row[0],))
            self._known.pop(row[0], None)
            scope, refresh = row[1], True
        elif grant == "authorization_code":
            allowed = self.codes.take(asked, now)
            if allowed is None:
                return _refused(
                    "invalid_grant", "The provided authorization grant is invalid, expired or revoked.", 400
                )
            scope = allowed
        elif grant != "client_credentials":
            return _refused("unsupported_grant_type", "The authorization grant type is not supported.", 400)
        try:
            lifetime = min(MAX_LIFETIME_S, max(MIN_LIFETIME_S, int(asked.get("expires_in") or lifetime_s)))
            refresh_lifetime = int(asked.get("refresh_token_expires_in") or REFRESH_LIFETIME_S)
        except ValueError:
            return _refused("invalid_request", "expires_in must be a number.", 400)
        count = self._db.execute("SELECT count(*) FROM token").fetchone()[0]
        access = f"sandbox-access-{seeds.mix(self._seed, count, 1):016x}"
        renewal = f"sandbox-refresh-{seeds.mix(self._seed, count, 2):016x}" if refresh else None
        self._db.execute(
            "INSERT INTO token (access, refresh, client, scope, created, expires, refresh_expires) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (access, renewal, known[0], scope, now, now + lifetime, now + refresh_lifetime),
        )
        body = {"access_token": access, "token_type": "bearer", "scope": scope, "expires_in": lifetime}
        if renewal:
            body |= {"refresh_token": renewal, "refresh_token_expires_in": refresh_lifetime}
        return json_answer(body)

    def lifetime(self, access: str) -> tuple[float, float, str] | None:
        """(created, expires, scope) of a token, None for one that is not OAuth's."""
        row = self._db.execute("SELECT created, expires, scope FROM token WHERE access = ?", (access,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])


def _asked(call: Call) -> dict[str, Any]:
    if "form" in call.headers.get("content-type", ""):
        return dict(parse_qsl(call.body.decode()))
    try:
        body = call.json
    except MalformedBodyError:
        return {}
    return body if isinstance(body, dict) else {}


def _refused(code: str, text: str, status: int) -> Answer:
    return json_answer({"error": code, "error_description": text}, status)
