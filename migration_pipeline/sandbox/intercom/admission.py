"""What stands before every handler: token, version, rate window, scopes, plan; and the headers after it."""

from __future__ import annotations

from functools import cache

from migration_pipeline.sandbox.intercom.errors import error_answer, throttled_answer
from migration_pipeline.sandbox.intercom.tokens import Tokens
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.windows import Allowance, FixedWindow
from migration_pipeline.sandbox.wire import Answer, Call, Headers

WINDOW_S = 10
VERSIONS = ("2.14", "2.15", "2.16")

SINCE = {
    "/conversations/attributes": "2.16",
    "/companies/{id}/notes": "2.16",
    "/help_center/help_centers/{id}/redirects": "2.16",
    "/articles/{id}/tags": "2.16",
    "/macros": "2.16",
    "/internal_articles/{id}/tags": "2.16",
}
"""Templates (with all below them) that older versions do not have."""

SUBJECTS = {
    "admins": "admins",
    "me": "admins",
    "teams": "admins",
    "contacts": "users",
    "companies": "users",
    "data_attributes": "users",
    "notes": "users",
    "segments": "users",
    "subscription_types": "users",
    "tags": "tags",
    "conversations": "conversations",
    "messages": "conversations",
    "tickets": "tickets",
    "ticket_types": "tickets",
    "ticket_states": "tickets",
    "jobs": "tickets",
    "articles": "articles",
    "internal_articles": "articles",
    "help_center": "articles",
}
"""The first segment of a path and the subject of the scope it needs: read_users, write_users, ..."""


class Admission:
    """Refuses calls before their handler. One per workspace, since it holds the rate window."""

    def __init__(self, ws: Workspace, tokens: Tokens, *, enforce: bool) -> None:
        """`enforce`: whether calls count against the limit; without, headers tell of a window that never empties."""
        self._ws = ws
        self._tokens = tokens
        self._enforce = enforce
        self._window = FixedWindow(WINDOW_S, ws.clock)

    def __call__(self, call: Call) -> Answer | None:
        """None lets the call pass; `call.scratch` then holds its version and allowance."""
        return self._unauthorized(call) or self._over_limit(call) or self._unversioned(call) or self._forbidden(call)

    def headers(self, call: Call) -> Headers:
        """The rate headers; unauthenticated answers have none."""
        allowance: Allowance | None = call.scratch.get("allowance")
        if allowance is None:
            return ()
        return (
            (b"x-ratelimit-limit", b"%d" % allowance.limit),
            (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
            (b"x-ratelimit-reset", b"%d" % allowance.reset_at),
        )

    def throttled(self, call: Call) -> Answer:
        """429 as a fault: the window is said to end within a second, so that a test need not wait for ten."""
        limit = self._limit()
        call.scratch["allowance"] = Allowance(limit, 0, self._ws.now() + 1, granted=False)
        return throttled_answer(limit)

    def _limit(self) -> int:
        per_minute: int = self._ws.switches["rate_per_minute"]
        return max(1, round(per_minute / 6))

    def _shared_limit(self) -> int:
        """What all apps of the workspace may do together in a window."""
        per_minute: int = self._ws.switches["rate_per_minute_of_workspace"]
        return max(self._limit(), round(per_minute / 6))

    def _unauthorized(self, call: Call) -> Answer | None:
        given = call.headers.get("authorization", "")
        if not given:
            return error_answer(401, "missing_authorization", "Access Token Invalid")
        scheme, _, token = given.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not self._tokens.known(token):
            return error_answer(401, "unauthorized", "Access Token Invalid")
        call.scratch["app"] = self._tokens.app_of(token)
        if self._tokens.foreign(token) or self._ws.switches["opens_workspace"] == "foreign":
            call.scratch["foreign"] = True
        state = self._ws.switches["token_state"] if self._tokens.valid(token) else "token_revoked"
        return None if state == "valid" else error_answer(401, state, "Access Token Invalid")

    def _over_limit(self, call: Call) -> Answer | None:
        allowance = self._window.take(call.scratch["app"], self._limit(), cost=int(self._enforce))
        call.scratch["allowance"] = allowance
        if self._enforce and not allowance.granted:
            return throttled_answer(allowance.limit)
        if self._enforce and not self._window.take("workspace", (shared := self._shared_limit())).granted:
            return throttled_answer(shared)
        size = self._ws.switches["max_request_bytes"]
        if size and len(call.body) > size:
            return error_answer(413, "payload_too_large", f"Request body is larger than {size} bytes")
        return None

    def _unversioned(self, call: Call) -> Answer | None:
        version = call.headers.get("intercom-version") or self._ws.switches["default_version"]
        call.scratch["version"] = version
        if version not in VERSIONS:
            return error_answer(400, "intercom_version_invalid", f"The requested version {version} is not available")
        if version < _since(call.template):
            text = "Requested resource is not available in current API version."
            return error_answer(400, "intercom_version_invalid", text)
        return None

    def _forbidden(self, call: Call) -> Answer | None:
        subject = _subject(call.template)
        lacking = self._ws.switches["missing_scopes"]
        writes = call.method != "GET" and not call.template.endswith("/search")
        needed = f"{'write' if writes else 'read'}_{subject}"
        if needed in lacking:
            return error_answer(403, "token_unauthorized", f"Not authorized to access resource: {needed} is missing")
        if self._ws.switches["plan_restricted"] and subject == "conversations":
            return error_answer(403, "api_plan_restricted", "Active subscription needed.")
        if writes and is_foreign(call):
            return error_answer(403, "action_forbidden", "The other workspace of this sandbox takes no writes")
        return None


@cache
def _since(template: str) -> str:
    """The version that a template came with; empty for the oldest."""
    return next((v for t, v in SINCE.items() if template == t or template.startswith(t + "/")), "")


@cache
def _subject(template: str) -> str:
    """The subject of the scope that a template needs; empty for none."""
    return "help_center_redirects" if "/redirects" in template else SUBJECTS.get(template.split("/", 2)[1], "")


def version_of(call: Call) -> str:
    """The API version a call is served in."""
    version: str = call.scratch["version"]
    return version


def is_foreign(call: Call) -> bool:
    """Whether the call's token belongs to the other workspace, which is there to be recognised and not written to."""
    return "foreign" in call.scratch
