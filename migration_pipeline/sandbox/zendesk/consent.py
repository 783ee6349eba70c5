"""The browser's part of OAuth: a page that asks, and the codes that an allowed request is given.

Here: requests for consent, codes and their proof keys (RFC 6749 section 4.1, RFC 7636). Not here: tokens (``oauth``).
"""

import base64
import hashlib
import html
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from migration_pipeline.sandbox.service import State
from migration_pipeline.sandbox.zendesk.world import seeds

CODE_LIFETIME_S = 120
SCHEMA = """
CREATE TABLE IF NOT EXISTS code (
    code TEXT PRIMARY KEY, redirect_uri TEXT NOT NULL, scope TEXT NOT NULL, expires REAL NOT NULL,
    challenge TEXT NOT NULL, method TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0);
"""
_ASKED = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


class ConsentError(ValueError):
    """A request that no consent can be asked for, since its client or its way back is wrong; the text names what."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for consent whose client and way back are good."""

    redirect_uri: str
    scope: str
    state: str | None
    challenge: str
    method: str

    def back(self, **result: str) -> str:
        """The address that the browser is sent to with the result."""
        if self.state is not None:
            result["state"] = self.state
        sign = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{sign}{urlencode(result)}"


def read_wish(asked: dict[str, str], client: str) -> Wish:
    """The wish in a query or form. Raises ConsentError."""
    if asked.get("client_id") != client:
        raise ConsentError("client_id")
    target = asked.get("redirect_uri", "")
    if urlsplit(target).scheme not in ("http", "https") or urlsplit(target).fragment:
        raise ConsentError("redirect_uri")
    if asked.get("response_type") != "code":
        raise ConsentError("response_type")
    method = asked.get("code_challenge_method") or "plain"
    if method not in ("plain", "S256"):
        raise ConsentError("code_challenge_method")
    scope = asked.get("scope") or "read"
    return Wish(target, scope, asked.get("state"), asked.get("code_challenge", ""), method)


def page(asked: dict[str, str]) -> bytes:
    """The page with which the service asks: what was asked for, kept in a form."""
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">' for name in _ASKED if name in asked
    )
    scope = html.escape(asked.get("scope") or "read")
    return (
        "<!doctype html><html><head><title>Allow access?</title></head><body>"
        f"<h1>Allow access?</h1><p>A client asks for: {scope}</p>"
        f'<form method="post" action="/oauth/authorizations">{kept}'
        '<button name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny">Deny</button></form></body></html>'
    ).encode()


class Codes:
    """Gives out codes and takes each of them back once."""

    def __init__(self, state: State, seed: int) -> None:
        """Keep codes in ``state``, so that they survive a restart."""
        self._db = state.db
        self._seed = seed

    def give(self, wish: Wish, now: float) -> str:
        """A code for an allowed wish, good for two minutes."""
        count = self._db.execute("SELECT count(*) FROM code").fetchone()[0]
        code = f"sandbox-code-{seeds.mix(self._seed, count, 3):016x}"
        self._db.execute(
            "INSERT INTO code (code, redirect_uri, scope, expires, challenge, method) VALUES (?, ?, ?, ?, ?, ?)",
            (code, wish.redirect_uri, wish.scope, now + CODE_LIFETIME_S, wish.challenge, wish.method),
        )
        return code

    def has_challenge(self, code: Any) -> bool:
        """Whether a code came with a proof key, by which a client without a secret may be known."""
        row = self._db.execute("SELECT challenge FROM code WHERE code = ?", (str(code),)).fetchone()
        return row is not None and bool(row[0])

    def take(self, asked: dict[str, Any], now: float) -> str | None:
        """The scope of a good code, which is used up by this; None for any other."""
        row = self._db.execute(
            "SELECT redirect_uri, scope, expires, challenge, method, used FROM code WHERE code = ?",
            (str(asked.get("code")),),
        ).fetchone()
        if row is None or row[5] or row[2] <= now or asked.get("redirect_uri") != row[0]:
            return None
        if row[3] and _challenge(str(asked.get("code_verifier") or ""), row[4]) != row[3]:
            return None
        self._db.execute("UPDATE code SET used = 1 WHERE code = ?", (str(asked["code"]),))
        return str(row[1])


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
