"""Calls to Zendesk's Support API: rate buckets, error shapes, and sentences that name the setting to mend.

Belongs here: what is true of any call to Zendesk. Does not belong here: which calls are made, and why.
"""

import re
import threading
from collections.abc import Container, Mapping
from copy import copy
from functools import partial
from typing import Any, Final

from migration_pipeline.config import Source
from migration_pipeline.credentials import Tokens
from migration_pipeline.http import ApiSession, Tell, Usage, Window, tell_nobody
from migration_pipeline.http.session import Manners
from migration_pipeline.model.errors import AccessDenied, MigrationError, ServiceDown
from migration_pipeline.sources.zendesk.auth import OVER, signer

_ACCOUNT: Final = "account"
_HELP_CENTER: Final = "help-center"
_GUIDE: Final = re.compile(r"(help_center|guide)/")
"""Paths of the Help Center API, whose calls count in a window of their own (Zendesk developer docs, "Rate limits")."""

_FAMILIES: Final[tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]] = (
    (re.compile(r"/incremental/users/cursor"), ("incremental-exports-users-cursor", "incremental-exports-cursor")),
    (re.compile(r"/incremental/[a-z_]+/cursor"), ("incremental-exports", "incremental-exports-cursor")),
    (re.compile(r"/incremental/"), ("incremental-exports",)),
    (re.compile(r"/api/v2/tickets(\.json)?$"), ("tickets-index",)),
    (re.compile(r"/ticket_fields"), ("ticket-fields",)),
    (re.compile(r"/deleted_tickets"), ("deleted-tickets",)),
    (re.compile(r"/search/export"), ("search-export",)),
    (re.compile(r"/conversation_log"), ("omnilog-index",)),
)
"""Families of endpoints with a rate limit of their own, by the name that answers give it in their headers."""

_FAMILY_HEADER: Final = re.compile(r"(?i)^(?:x-)?zendesk-ratelimit-(.+)$")
_ACCOUNT_HEADERS: Final = (
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    ("rate-limit", "rate-limit-remaining", "rate-limit-reset"),
    ("rate-limit-limit", "rate-limit-remaining", "rate-limit-reset"),
    ("x-rate-limit", "x-rate-limit-remaining", "ratelimit-reset"),
)
"""Spellings of the account's window (limit, remaining, seconds to reset) that answers were seen with."""


def buckets(method: str, path: str) -> tuple[str, ...]:  # noqa: ARG001 - the shape that the session asks for
    """The rate buckets a call draws on: the account's and those of its family, or the Help Center's."""
    if _GUIDE.match(path.removeprefix("/api/v2/")):
        return (_HELP_CENTER,)
    for pattern, families in _FAMILIES:
        if pattern.search(path):
            return (_ACCOUNT, *families)
    return (_ACCOUNT,)


def windows(headers: Mapping[str, str]) -> dict[str, Window]:
    """What an answer's headers say of rate windows, by bucket. A window without its reset is not told."""
    found: dict[str, Window] = {}
    lower = {name.lower(): value for name, value in headers.items()}
    for names in _ACCOUNT_HEADERS:
        limit, remaining, reset = (_number(lower.get(name)) for name in names)
        if limit is not None and remaining is not None and reset is not None:
            found[_ACCOUNT] = Window(int(limit), int(remaining), reset)
            break
    for name, value in lower.items():
        family = _FAMILY_HEADER.match(name)
        told = dict(part.strip().split("=", 1) for part in value.split(";") if "=" in part) if family else {}
        limit, remaining, reset = (_number(told.get(key)) for key in ("total", "remaining", "resets"))
        if family and limit is not None and remaining is not None and reset is not None:
            found[family[1].lower()] = Window(int(limit), int(remaining), reset)
    return found


def _guide_windows(headers: Mapping[str, str]) -> dict[str, Window]:
    found = windows(headers)
    return {_HELP_CENTER: found[_ACCOUNT]} if _ACCOUNT in found else {}


def _number(text: str | None) -> float | None:
    """A header's number; services spell it `10`, and some of them `10, 10;w=60`."""
    match = re.match(r"\s*(\d+(?:\.\d+)?)", text or "")
    return float(match[1]) if match else None


def error(body: Any) -> tuple[str, str]:
    """Code and message of a refusal, whichever of Zendesk's shapes it came in."""
    if not isinstance(body, dict):
        return "", ""
    first = body["errors"][0] if isinstance(body.get("errors"), list) and body["errors"] else None
    if isinstance(first, dict):
        return str(first.get("code", "")), str(first.get("detail") or first.get("title") or "")
    told = body.get("error")
    if isinstance(told, dict):
        return str(told.get("title", "")), str(told.get("message", ""))
    return str(told or ""), str(body.get("description") or told or "")


class ZendeskClient:
    """Reads of one Zendesk account. Threads may share it."""

    def __init__(self, settings: Source, tokens: Tokens, stop: threading.Event, tell: Tell = tell_nobody) -> None:
        """`tokens` is where an OAuth token is kept; `stop` ends every wait; `tell` hears of outages."""
        self.settings = settings
        self.auth = signer(settings, tokens, stop)

        def session(manners: Manners, url: str) -> ApiSession:
            return ApiSession(
                "Zendesk",
                url,
                manners,
                auth=self.auth,
                headers={"User-Agent": "migration-pipeline"},
                workers=settings.workers,
                stop=stop,
                setting="source.subdomain or source.base_url in migration.yaml"
                if url == settings.url
                else "filters.help_centers in migration.yaml",
                patience_s=settings.patience_s,
                tell=tell,
            )

        self.session = session(Manners(buckets, windows, error), settings.url)
        # The headers of either API tell of its own window under the same names.
        guide = Manners(lambda *_: (_HELP_CENTER,), _guide_windows, error)
        self._guide = session(guide, settings.url)
        self._guide.usage, self._guide.breaker = self.session.usage, self.session.breaker
        self._guides = {settings.url: self._guide}
        self._guide_at = partial(session, guide)
        self._lock = threading.Lock()

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        attempts: int | None = None,
        surface: Container[int] = (),
        host: str | None = None,
    ) -> dict[str, Any]:
        """The JSON object at `api/v2/<path>`; `attempts` and `surface` as in `ApiSession.read`.

        `host` is the address of a brand's help center, one of `brands`; it gets the account's credentials.

        Raises:
            AccessDenied: the sentence names the setting to mend.
            Rejected, ServiceDown, RunStopped.
        """
        try:
            session = self._guide_of(host or self.settings.url) if _GUIDE.match(path) else self.session
            body = session.read("GET", f"api/v2/{path}", params=params, attempts=attempts, surface=surface).body
        except AccessDenied as denied:
            if denied.status is None:
                raise
            raise AccessDenied(self._why_denied(denied, path), status=denied.status) from denied
        if not isinstance(body, dict):
            raise ServiceDown(f"Zendesk answered {path} with something else than an object; start again later.")
        return body

    def beside(self) -> "ZendeskClient":
        """The same client for a second reader: it shares windows and connections, and counts its own calls besides."""
        other = copy(self)
        other.session, other._guide = copy(self.session), copy(self._guide)
        other.session.usage = other._guide.usage = Usage(part_of=self.session.usage)
        other._guides = {self.settings.url: other._guide}
        return other

    def _guide_of(self, host: str) -> ApiSession:
        """The session of a help center. All share one window: the account's (Zendesk developer docs, "Rate limits")."""
        with self._lock:
            if host not in self._guides:
                self._guides[host] = guide = self._guide_at(host)
                guide.usage, guide.pacer, guide.limits = self.session.usage, self._guide.pacer, self._guide.limits
            return self._guides[host]

    def rows(self, body: Mapping[str, Any], key: str, path: str) -> list[Any]:
        """The list in an answer. An answer without it is never taken for an empty one.

        Raises:
            ServiceDown: there is no such list.
        """
        found = body.get(key)
        if not isinstance(found, list):
            raise ServiceDown(f"Zendesk answered {path} without its list `{key}`; start again later.")
        return found

    @property
    def limits(self) -> dict[str, int]:
        """Calls a minute by bucket, as the newest answers told them."""
        return {**self.session.limits, **self._guide.limits}

    @property
    def uses_oauth(self) -> bool:
        """Whether `source.auth` is an OAuth client, and not the legacy API token."""
        return bool(self.settings.auth.client_id)

    def scopes(self) -> tuple[str, ...] | None:
        """The scopes of the present OAuth token; None where Zendesk does not tell."""
        if not self.uses_oauth:
            return None
        try:
            body = self.session.read("GET", "api/v2/oauth/tokens/current.json", attempts=2).body
        except MigrationError:
            return None
        token = body.get("token") if isinstance(body, dict) else None
        scopes = token.get("scopes") if isinstance(token, dict) else None
        if isinstance(scopes, str):
            return tuple(scopes.split())
        return tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else None

    def _why_denied(self, denied: AccessDenied, path: str) -> str:
        credentials = (
            "source.auth.client_id and source.auth.client_secret"
            if self.uses_oauth
            else "source.auth.email and source.auth.token"
        )
        if denied.status == 401 and self.uses_oauth and not self.settings.auth.client_secret:
            return OVER
        if denied.status == 401:
            return f"Zendesk refuses {credentials} of migration.yaml (401): give credentials that are valid."
        scopes = self.scopes()
        if scopes is not None and "read" not in scopes:
            return (
                f"The OAuth client in source.auth.client_id of migration.yaml lacks the scope `read` "
                f"(it has: {' '.join(scopes) or 'none'}): allow `read` for it "
                "in Admin Center, Apps and integrations, OAuth clients."
            )
        return (
            f"Zendesk refuses {path} (403) to {credentials} of migration.yaml: reading everything needs an admin, "
            "so give credentials of one, with the scope `read`."
        )
