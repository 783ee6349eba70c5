"""Preflight of a Zendesk source: is it there, does it know the credentials, may they read everything.

Belongs here: what a person can mend before a run. Does not belong here: anything of the records.

`users/me` proves nothing: without valid credentials it answers 200 and an anonymous user. The incremental export is
asked instead, because it is what a run needs, and only admins may.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from migration_pipeline.model.errors import AccessDenied, MigrationError, Rejected, RunStopped
from migration_pipeline.model.run import Check
from migration_pipeline.sources.zendesk import brands
from migration_pipeline.sources.zendesk.client import ZendeskClient
from migration_pipeline.sources.zendesk.streams import LISTINGS

_ATTEMPTS = 2


def checks(client: ZendeskClient, help_centers: Sequence[str] = ()) -> list[Check]:
    """Findings in order; what could not be looked at because of an earlier one is left out.

    `help_centers` are the names of brands whose help centers are read; none means all.
    """
    url = client.settings.url
    reachable = Check("source_reachable", "pass", f"Zendesk at {url} answers.")
    known = Check("source_credentials", "pass", "Zendesk accepts source.auth of migration.yaml.")
    admin = Check("source_admin", "pass", "The credentials may read everything.")
    try:
        client.get("incremental/tickets/cursor", {"start_time": 0, "per_page": 1}, attempts=_ATTEMPTS, surface=(504,))
    except AccessDenied as denied:
        if denied.status != 403:
            remedy = "Correct source.auth in migration.yaml, or run `migrate connect source --oauth`."
            return [reachable, _blocked("source_credentials", denied, remedy)]
        return [reachable, known, _blocked("source_admin", denied, "Use an admin's credentials with the scope `read`.")]
    except Rejected as refusal:
        if refusal.status == 404:
            return [
                Check(
                    "source_reachable",
                    "block",
                    f"There is no Zendesk Support at {url}.",
                    "Nothing can be read.",
                    "Correct source.subdomain or source.base_url in migration.yaml.",
                )
            ]
    except RunStopped:
        raise
    except MigrationError as error:
        remedy = "Correct source.subdomain or source.base_url in migration.yaml, or try again later."
        return [_blocked("source_reachable", error, remedy)]
    return [
        reachable,
        known,
        admin,
        _lists(client),
        _help_centers(client, help_centers),
        _limits(client),
        _lasting(client),
    ]


def _lists(client: ZendeskClient) -> Check:
    """Ask for one row of every list that a run reads whole; accounts without a feature lack some."""
    refused = []
    for name, listing in LISTINGS.items():
        try:
            client.get(listing.path, {"page[size]": 1} if listing.paged else None, attempts=_ATTEMPTS)
        except RunStopped:
            raise
        except MigrationError as error:
            if not (listing.optional and getattr(error, "status", None) in (403, 404)):
                refused.append(f"{name} ({error})")
    if not refused:
        return Check("source_lists", "pass", "Every list that a run needs can be read.")
    remedy = "Use an admin's credentials with the scope `read`, or try again later."
    return Check("source_lists", "block", f"Not to be read: {'; '.join(refused)}", "The run would stop.", remedy)


def _help_centers(client: ZendeskClient, wanted: Sequence[str]) -> Check:
    """Each brand may have a help center at a host of its own (Zendesk developer docs, "Brands": has_help_center)."""
    host = urlsplit(client.settings.url).netloc
    try:
        rows = client.rows(client.get("brands", attempts=_ATTEMPTS), "brands", "brands")
    except RunStopped:
        raise
    except MigrationError:
        rows = []  # told by `_lists`, or an account without brands
    found = brands.of_account(rows, client.settings, wanted)
    if found.unknown:
        return Check(
            "source_help_centers",
            "block",
            f"filters.help_centers names {', '.join(map(repr, found.unknown))}, which no brand with a help center has.",
            "Articles that are meant to move would stay behind.",
            "Correct filters.help_centers in migration.yaml.",
        )
    if found.refused:
        return Check(
            "source_help_centers",
            "block",
            f"Help centers at hosts that may not see the credentials: {_named(found.refused)}.",
            "Their articles would stay behind.",
            "Name their hosts in source.help_center_hosts, or name the brands that move in filters.help_centers.",
        )
    if silent := [told for center in found.read if center.brand for told in _silent(client, center)]:
        return Check(
            "source_help_centers",
            "block",
            f"Help centers that cannot be read: {'; '.join(silent)}",
            "The run would stop, or their articles would stay behind.",
            "Give an admin's credentials for all brands, or name the brands that move in filters.help_centers.",
        )
    left = f" Left out by filters.help_centers: {_named(found.left)}." if found.left else ""
    if len(found.read) == 1 and not left:
        return Check("source_help_centers", "pass", f"No brand has a help center of its own besides the one at {host}.")
    return Check("source_help_centers", "pass", f"Help centers that move: {_named(found.read)}.{left}")


def _named(centers: Sequence[brands.HelpCenter]) -> str:
    return ", ".join(f"{center.name or 'its own'} ({center.url})" for center in centers)


def _silent(client: ZendeskClient, center: brands.HelpCenter) -> Iterator[str]:
    """What a brand's help center refuses."""
    try:
        client.get("help_center/categories", {"page[size]": 1}, attempts=_ATTEMPTS, host=center.url)
    except RunStopped:
        raise
    except MigrationError as error:
        yield f"{center.name} ({error})"


def _limits(client: ZendeskClient) -> Check:
    """What answers told so far of calls per minute."""
    told = ", ".join(f"{name} {limit}" for name, limit in sorted(client.session.limits.items()))
    return Check("source_rate_limit", "pass", f"Calls a minute: {told or 'none told, so calls are sent as answered'}.")


def _lasting(client: ZendeskClient) -> Check:
    """API tokens end for every account on 2027-04-30 (Zendesk developer docs, "Migrating to OAuth")."""
    if client.uses_oauth:
        return Check("source_auth_lasts", "pass", "source.auth is an OAuth client.")
    return Check(
        "source_auth_lasts",
        "warn",
        "source.auth is an API token.",
        "Zendesk ends all API tokens on 2027-04-30 and deactivates those that were idle for 30 days.",
        "Create an OAuth client and give its client_id and client_secret in source.auth of migration.yaml.",
    )


def _blocked(check: str, error: MigrationError, remedy: str) -> Check:
    return Check(check, "block", str(error), "Nothing can be read.", remedy)
