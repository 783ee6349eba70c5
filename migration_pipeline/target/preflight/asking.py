"""Checks that ask Intercom: reachable, credentials, workspace, region, version, limits, and what the token may read.

Belongs here: reads that any run needs. Does not belong here: rights to write, which nothing but a write shows.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from migration_pipeline.model.errors import AccessDenied, MigrationError, Rejected, ServiceError
from migration_pipeline.model.run import Check
from migration_pipeline.target.client import WINDOW_SECONDS, IntercomClient

_NOTHING: Final = "Nothing can be read or written."
_ADVICE: Final = (
    "Run `migrate connect target --oauth`, or set target.token to an access token of the workspace (Developer Hub > "
    "your app > Authentication)."
)


@dataclass(frozen=True)
class _Readable:
    """A list that a run reads, and the permission that it takes."""

    id: str
    path: str
    what: str
    scope: str
    remark: bool = False  # a run may do without


READABLE: Final = (
    _Readable("target_admins", "/admins", "teammates", "Read admins"),
    _Readable("target_teams", "/teams", "teams", "Read admins"),
    _Readable("target_tags", "/tags", "tags", "Read tags"),
    _Readable(
        "target_attributes", "/conversations/attributes", "conversation attributes", "Read and write conversations"
    ),
    _Readable("target_contacts", "/contacts?per_page=1", "contacts", "Read and list users and companies"),
    _Readable("target_companies_list", "/companies?per_page=1", "companies", "Read and list users and companies"),
    _Readable("target_data_attributes", "/data_attributes?model=contact", "contact attributes", "Read users"),
    _Readable("target_conversations", "/conversations?per_page=1", "conversations", "Read conversations"),
    _Readable("target_articles", "/articles?per_page=1", "articles", "Read and write articles", remark=True),
)
"""Reads by permission (Intercom, "OAuth scopes"; the Developer Hub shows them under your app > Permissions)."""


def asking(client: IntercomClient) -> list[Check]:
    """Findings in order; what could not be looked at because of an earlier one is left out. Changes nothing.

    Never raises for what a user can mend.
    """
    reachable = Check("target_reachable", "pass", "Intercom answers.")
    try:
        me = client.me()
    except AccessDenied as error:
        return [reachable, Check("target_credentials", "block", str(error), _NOTHING, _ADVICE)]
    except Rejected as error:
        return [reachable, _version(client, error)]
    except ServiceError as error:
        remedy = "Check target.region or target.base_url in migration.yaml."
        return [Check("target_reachable", "block", str(error), _NOTHING, remedy)]
    app = me.get("app") if isinstance(me.get("app"), dict) else {}
    return [
        reachable,
        Check("target_credentials", "pass", "Intercom accepts the token."),
        _workspace(client, app or {}),
        _region(client, app or {}),
        _version(client, None),
        _limit(client),
        *(_readable(client, one) for one in READABLE),
        Check(
            "target_write_scopes",
            "manual",
            "The token may write contacts, companies, conversations, tags and attributes.",
            "Nothing but a write shows it: a run would stop at the first call that is refused.",
            "Tick all their permissions in the Developer Hub > your app > Permissions; a demo shows whether it is so.",
        ),
    ]


def _workspace(client: IntercomClient, app: dict[str, Any]) -> Check:
    actual, meant = str(app.get("id_code") or ""), client.settings.workspace
    if actual == meant:
        return Check("target_workspace", "pass", f"The token belongs to workspace {actual} ({app.get('name') or ''}).")
    return Check(
        "target_workspace",
        "block",
        f"The token belongs to workspace {actual}, but target.workspace is {meant}.",
        "Records would arrive in the wrong workspace; every run refuses to start.",
        "Set target.workspace, or use a token of the right workspace.",
    )


def _region(client: IntercomClient, app: dict[str, Any]) -> Check:
    actual, meant = str(app.get("region") or "").lower(), client.settings.region
    if not actual or actual.startswith(meant):
        return Check("target_region", "pass", f"The workspace is in region {meant}.")
    return Check(
        "target_region",
        "warn",
        f"The workspace is in region {actual}, but target.region is {meant}.",
        "Links in the report lead to the wrong host, and calls take a detour that Intercom may end.",
        f"Set target.region to {actual[:2]}.",
    )


def _version(client: IntercomClient, refusal: Rejected | None) -> Check:
    version = client.settings.api_version
    if refusal is None:
        return Check("target_api_version", "pass", f"Intercom speaks version {version} of its API.")
    return Check(
        "target_api_version",
        "block",
        f"Intercom refuses a call in version {version} of its API: {refusal}",
        _NOTHING,
        "Set target.api_version to a version that Intercom offers; 2.16 is the one that this pipeline is made for.",
    )


def _limit(client: IntercomClient) -> Check:
    told = client.limit()
    if told is None:
        return Check(
            "target_rate_limit",
            "warn",
            "Intercom tells no rate limit in its headers.",
            "Calls are sent as fast as they are answered, until Intercom throttles them.",
            "Nothing is to be done; throttled calls are sent again.",
        )
    minute = round(told * 60 / WINDOW_SECONDS)
    return Check("target_rate_limit", "pass", f"{told} calls in {WINDOW_SECONDS:g} s (about {minute:,} a minute).")


def _readable(client: IntercomClient, one: _Readable) -> Check:
    try:
        client.read(one.path)
    except MigrationError as error:
        remedy = f"Give the app the permission `{one.scope}` in Intercom's Developer Hub."
        status: Literal["warn", "block"] = "warn" if one.remark else "block"
        risk = "Articles cannot move." if one.remark else "The run would stop."
        return Check(one.id, status, f"The {one.what} cannot be read: {error}", risk, remedy)
    return Check(one.id, "pass", f"The {one.what} can be read.")
