"""Intercom as a service: its manners (rate headers, error texts), its reads, and one gate that every write passes.

Belongs here: paths, shapes and paging of Intercom (OpenAPI 2.16), read leniently where its description and its answers
are known to differ. Does not belong here: when to send what (`steps`, `loader`), or whether a write was applied
(`reconcile`).
"""

import threading
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from migration_pipeline.config import Target
from migration_pipeline.http import (
    Answer,
    ApiSession,
    Tell,
    Usage,
    Window,
    download,
    file_session,
    measure,
    tell_nobody,
)
from migration_pipeline.http.session import Manners
from migration_pipeline.model.costs import Speed
from migration_pipeline.model.errors import InDoubt, RefusedByGate, Rejected
from migration_pipeline.target.sign_in import APPS, CONNECT_AGAIN, Bearer

WINDOW_SECONDS: Final = 10.0
"""Limits per minute are enforced in windows of ten seconds (Intercom, "Rate limiting")."""

_PAGES: Final = {
    "tickets": "/a/inbox/{app}/inbox/conversation/{id}",
    "contacts": "/a/apps/{app}/users/{id}/all-conversations",
    "companies": "/a/apps/{app}/companies/{id}",
    "articles": "/a/apps/{app}/articles/articles/{id}/show",
}


class IntercomClient:
    """One workspace. Threads may share it."""

    def __init__(self, settings: Target, stop: threading.Event, tell: Tell = tell_nobody) -> None:
        """Open nothing yet; `stop` ends every wait; `tell` hears of outages."""
        self.settings = settings
        self.workspace = settings.workspace
        self._proved = False
        self._session = ApiSession(
            "Intercom",
            settings.url,
            Manners(buckets=lambda *_: ("app",), windows=_windows, error=_error),
            auth=Bearer(settings),
            headers={"Intercom-Version": settings.api_version},
            workers=settings.workers,
            stop=stop,
            setting="target in migration.yaml",
            refused="" if settings.token else CONNECT_AGAIN,
            patience_s=settings.patience_s,
            tell=tell,
        )
        self._files = file_session(settings.workers, urlsplit(settings.url).netloc)

    @property
    def usage(self) -> Usage:
        """Calls made so far."""
        return self._session.usage

    @property
    def stop(self) -> threading.Event:
        """Set when the run is to end."""
        return self._session.stop

    def limit(self) -> int | None:
        """Calls per window of ten seconds, as the newest answer told it; None where none did."""
        return self._session.limits.get("app")

    def speed(self) -> Speed:
        """How fast Intercom answers just now, by a handful of reads."""
        return measure(self.me, self.settings.workers)

    # The gate

    def require_workspace(self) -> None:
        """Ask which workspace the token belongs to, once; later calls cost nothing.

        Raises:
            RefusedByGate: not the one that the settings name.
            AccessDenied, ServiceDown: see `ApiSession.read`.
        """
        if self._proved:
            return
        actual = _text(_dict(self.me().get("app")).get("id_code"))
        if actual != self.settings.workspace:
            raise RefusedByGate(
                f"The target's token belongs to workspace {actual or '(unknown)'}, but target.workspace in "
                f"migration.yaml is {self.settings.workspace}; nothing was written."
            )
        self._proved = True

    def write(self, method: str, path: str, json: Mapping[str, Any]) -> dict[str, Any]:
        """Send a change, at most once, to the workspace that the settings name and to no other; the answer's object.

        Raises:
            RefusedByGate: the workspace is another one.
            AccessDenied, Rejected, ServiceDown, RunStopped: certainly not applied.
            InDoubt: sent, and no usable answer.
        """
        self.require_workspace()
        answer = self._session.write(method, path, json=json)
        if answer.body is None and method == "DELETE":
            return {}
        if not isinstance(answer.body, dict):
            raise InDoubt(f"{method} {path}: an answer without an object.")
        return answer.body

    # Reads

    def read(self, path: str) -> dict[str, Any]:
        """The object at a path, for whoever only wants to know whether it can be read."""
        return self._object(path)

    def me(self) -> dict[str, Any]:
        """The token's own admin and its workspace (GET /me)."""
        return self._object("/me")

    def admins(self) -> list[dict[str, Any]]:
        """All teammates."""
        return _rows(self._object("/admins"), "admins", "data")

    def teams(self) -> list[dict[str, Any]]:
        """All teams."""
        return _rows(self._object("/teams"), "teams", "data")

    def tags(self) -> list[dict[str, Any]]:
        """All tags."""
        return _rows(self._object("/tags"), "data", "tags")

    def data_attributes(self, model: str) -> list[dict[str, Any]]:
        """The attributes of contacts or companies, custom ones and others, archived ones too."""
        answer = self._session.read("GET", "/data_attributes", params={"model": model, "include_archived": "true"})
        return _rows(_dict(answer.body), "data")

    def conversation_attributes(self) -> list[dict[str, Any]]:
        """The attributes of conversations."""
        return _rows(self._object("/conversations/attributes"), "data", "conversation_attributes")

    def contact(self, contact_id: str) -> dict[str, Any] | None:
        """A contact; None where there is none, or it is archived or merged."""
        return self._found(f"/contacts/{quote(contact_id, safe='')}")

    def contact_by_external_id(self, external_id: str) -> dict[str, Any] | None:
        """The user with this external id; None where there is none, or it is archived or merged."""
        return self._found(f"/contacts/find_by_external_id/{quote(external_id, safe='')}")

    def companies_of(self, contact_id: str) -> set[str]:
        """Ids of the companies that a contact belongs to."""
        found: set[str] = set()
        page: str | None = f"/contacts/{quote(contact_id, safe='')}/companies?per_page=50"
        while page:
            answer = _dict(self._session.read("GET", page).body)
            found.update(_text(row.get("id")) for row in _rows(answer, "data", "companies"))
            page = _next_page(answer, page)
        return found

    def tags_of(self, contact_id: str) -> dict[str, str]:
        """Names of the tags of a contact, by id."""
        answer = self._found(f"/contacts/{quote(contact_id, safe='')}/tags") or {}
        return {_text(row.get("id")): _text(row.get("name")) for row in _rows(answer, "data", "tags")}

    def notes_of(self, kind: str, object_id: str) -> list[dict[str, Any]]:
        """The notes about a `contact` or a `company`."""
        found: list[dict[str, Any]] = []
        folder = {"contact": "contacts", "company": "companies"}[kind]
        page: str | None = f"/{folder}/{quote(object_id, safe='')}/notes?per_page=50"
        while page:
            answer = self._found(page) or {}
            found.extend(_rows(answer, "data", "notes"))
            page = _next_page(answer, page)
        return found

    def company(self, company_id: str) -> dict[str, Any] | None:
        """A company by Intercom's id."""
        return self._found(f"/companies/{quote(company_id, safe='')}")

    def company_by_company_id(self, external_id: str) -> dict[str, Any] | None:
        """A company by our own id; Intercom answers with the company (seen in the field) or a list (described)."""
        found = self._found("/companies", {"company_id": external_id})
        if found is None:
            return None
        rows = _rows(found, "data", "companies") if found.get("type") != "company" else [found]
        return next((row for row in rows if _text(row.get("company_id")) == external_id), None)

    def has_contacts(self, company_id: str) -> bool:
        """Whether a contact that is not archived belongs to a company."""
        return bool(_rows(self._found(f"/companies/{quote(company_id, safe='')}/contacts") or {}, "data", "contacts"))

    def has_conversations(self, contact_id: str) -> bool:
        """Whether a contact takes part in a conversation, as far as the search index knows by now."""
        query = {"field": "contact_ids", "operator": "=", "value": contact_id}
        answer = self._session.read(
            "POST", "/conversations/search", json={"query": query, "pagination": {"per_page": 20}}
        )
        found = _rows(_dict(answer.body), "conversations", "data")
        # The index may still show what was deleted a moment ago.
        return any(self.conversation(_text(row.get("id"))) is not None for row in found)

    def conversation(self, conversation_id: str) -> dict[str, Any] | None:
        """A conversation with its parts (the newest 500)."""
        return self._found(f"/conversations/{quote(conversation_id, safe='')}")

    def conversations_of(self, contact_id: str, created_at: int) -> list[dict[str, Any]]:
        """Conversations that a contact opened in one second, as far as the search index knows them by now.

        The search takes the second before and after too: whether its bounds are inclusive is described, not relied on.
        """
        bounds = ((">", created_at - 1), ("<", created_at + 1))
        return [row for row in self._conversations(contact_id, *bounds) if row.get("created_at") == created_at]

    def conversations_since(self, contact_id: str, second: int) -> list[dict[str, Any]]:
        """Conversations that a contact opened after a second, as far as the search index knows them by now."""
        return self._conversations(contact_id, (">", second))

    def _conversations(self, contact_id: str, *bounds: tuple[str, int]) -> list[dict[str, Any]]:
        """Conversations of a contact whose `created_at` is within bounds."""
        query = {
            "operator": "AND",
            "value": [
                {"field": "contact_ids", "operator": "=", "value": contact_id},
                *({"field": "created_at", "operator": operator, "value": value} for operator, value in bounds),
            ],
        }
        found: list[dict[str, Any]] = []
        pagination: dict[str, Any] = {"per_page": 150}
        while True:
            answer = _dict(
                self._session.read(
                    "POST", "/conversations/search", json={"query": query, "pagination": pagination}
                ).body
            )
            found.extend(_rows(answer, "conversations", "data"))
            after = _dict(_dict(answer.get("pages")).get("next")).get("starting_after")
            if not after or after == pagination.get("starting_after"):
                return found
            pagination["starting_after"] = after

    def ticket(self, ticket_id: str) -> dict[str, Any] | None:
        """An Intercom ticket with its parts."""
        return self._found(f"/tickets/{quote(ticket_id, safe='')}")

    def tickets_with(self, attribute_id: str, value: str) -> list[dict[str, Any]]:
        """Tickets whose attribute has just this value, as far as the search index knows them by now."""
        query = {"field": f"ticket_attribute.{attribute_id}", "operator": "=", "value": value}
        answer = self._session.read("POST", "/tickets/search", json={"query": query, "pagination": {"per_page": 20}})
        return _rows(_dict(answer.body), "tickets", "data")

    def ticket_types(self) -> list[dict[str, Any]]:
        """All ticket types, with their attributes."""
        return _rows(self._object("/ticket_types"), "data", "ticket_types")

    def ticket_states(self) -> list[dict[str, Any]]:
        """All states that tickets may have; the API makes none."""
        return _rows(self._object("/ticket_states"), "data", "ticket_states")

    def help_centers(self) -> list[dict[str, Any]]:
        """The help centres; the API makes none."""
        return _rows(self._object("/help_center/help_centers"), "data")

    def collections(self) -> Iterator[dict[str, Any]]:
        """All collections."""
        return self._pages("/help_center/collections?per_page=50")

    def collection(self, collection_id: str) -> dict[str, Any] | None:
        """A collection; None where there is none."""
        return self._found(f"/help_center/collections/{quote(collection_id, safe='')}")

    def article(self, kind: str, article_id: str) -> dict[str, Any] | None:
        """An `article` or an `internal_article`; None where there is none."""
        return self._found(f"/{kind}s/{quote(article_id, safe='')}")

    def articles(self, kind: str) -> Iterator[dict[str, Any]]:
        """All articles of a kind, those that changed last first."""
        return self._pages(f"/{kind}s?per_page=50")

    def redirects(self, help_center_id: str) -> Iterator[dict[str, Any]]:
        """All redirects of a help centre."""
        return self._pages(f"/help_center/help_centers/{quote(help_center_id, safe='')}/redirects?per_page=250")

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        """The rows of a page-number list, page by page."""
        page: str | None = path
        while page:
            answer = _dict(self._session.read("GET", page).body)
            rows = _rows(answer, "data")
            yield from rows
            page = _next_page(answer, page) if rows else None

    def file(self, url: str, max_bytes: int) -> Iterator[bytes]:
        """The bytes of an attachment. Its URL is signed, needs no credentials, and expires within half an hour.

        Raises:
            DownloadRefused, requests.RequestException.
        """
        own_host = urlsplit(self.settings.url).netloc
        with download(self._files, url, own_host=own_host, auth=None, max_bytes=max_bytes) as chunks:
            yield from chunks

    def url_of(self, entity_type: str, target_id: str | None) -> str | None:
        """Where a person looks at a record of the target; None for those that have no page of their own."""
        page = _PAGES.get(entity_type)
        if page is None or target_id is None:
            return None
        return APPS[self.settings.region] + page.format(app=self.settings.workspace, id=target_id)

    def _object(self, path: str) -> dict[str, Any]:
        return _dict(self._session.read("GET", path).body)

    def _found(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        try:
            answer: Answer = self._session.read("GET", path, params=params)
        except Rejected as error:
            if error.status in (404, 410):
                return None
            raise
        return _dict(answer.body)


def connect(settings: Target, stop: threading.Event, tell: Tell = tell_nobody) -> IntercomClient:
    """A client of the workspace that the settings name; it is asked for its name before the first write."""
    return IntercomClient(settings, stop, tell)


def _windows(headers: Mapping[str, str]) -> dict[str, Window]:
    """Intercom tells limit, what is left, and the window's end as a Unix time; its own `Date` cancels clock skew."""
    limit, remaining, reset = (headers.get(f"X-RateLimit-{name}", "") for name in ("Limit", "Remaining", "Reset"))
    if not (limit.isdigit() and remaining.isdigit() and reset.isdigit()):
        return {}
    resets_in = min(max(int(reset) - _now(headers.get("Date")), 0.0), WINDOW_SECONDS)
    return {"app": Window(int(limit), int(remaining), resets_in)}


def _now(date: str | None) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() if date else time.time()
    except ValueError:
        return time.time()


def _error(body: Any) -> tuple[str, str]:
    """(code, message) of an `error.list`; the texts of several errors are joined."""
    rows = [row for row in _dict(body).get("errors") or [] if isinstance(row, dict)]
    code = _text(rows[0].get("code")) if rows else ""
    return code, "; ".join(_said(row) for row in rows) or "no explanation"


def _said(row: dict[str, Any]) -> str:
    """The text of an error, with the field that it is about."""
    message, field = _text(row.get("message") or row.get("code")), _text(row.get("field"))
    return message if field in message else f"{message} ({field})"


def _rows(body: dict[str, Any], *keys: str) -> list[dict[str, Any]]:
    """The list of an answer, under whichever of its known names."""
    for key in keys:
        value = body.get(key)
        if isinstance(value, list):
            return [row for row in value if isinstance(row, dict)]
    return []


def _next_page(body: dict[str, Any], current: str) -> str | None:
    """The next page of a page-number list: a URL (seen in the field) or an object with its number (described)."""
    following = _dict(body.get("pages")).get("next")
    if isinstance(following, str):
        return following
    page = _dict(following).get("page")
    return f"{current.split('&page=')[0]}&page={page}" if page else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value)
