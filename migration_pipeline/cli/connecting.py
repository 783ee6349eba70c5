"""`migrate connect`: try the credentials, show whom they belong to, and have a person say that it is the right one.

Belongs here: asking. Does not belong here: what a confirmation is worth (`gates.connection`), the browser
(`consenting`), or where tokens are kept (`credentials`).
"""

import getpass
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from migration_pipeline.assets.sentences import exit_code
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.cli.app import common
from migration_pipeline.cli.consenting import Way, consenting, granted, named
from migration_pipeline.cli.hints import tell_next
from migration_pipeline.cli.output import Told, console, emit
from migration_pipeline.cli.setting import migration_of
from migration_pipeline.config import Migration, Target
from migration_pipeline.credentials import HeldTokens, TokenStore
from migration_pipeline.gates import confirm
from migration_pipeline.model.errors import MigrationError
from migration_pipeline.model.run import Check
from migration_pipeline.sources import zendesk
from migration_pipeline.target import sign_in
from migration_pipeline.target.catalogue import read_workspace
from migration_pipeline.target.client import connect as intercom


@click.group()
def connect() -> None:
    """Try the credentials of a side and confirm that it is the one meant; a demo needs a confirmed target.

    With --oauth there need be no secrets in migration.yaml or .env: a browser asks you, and the token is kept in the
    system's keyring, or in a file outside data/ that only you can read. The service has to know the address that the
    browser comes back to (its redirect URL). Zendesk takes http://127.0.0.1:8765/callback; Intercom only https: take
    --certificate, name a page of yours that forwards to that address with --redirect-uri, or take --paste. More:
    docs/connecting.md
    """


@connect.command("target")
@click.option("--yes", is_flag=True, help="Confirm without asking.")
@click.option("--client-id", help="Of the app in Intercom's Developer Hub; default INTERCOM_CLIENT_ID.")
@consenting
@common
def target(
    config: Path | None, as_json: bool, yes: bool, client_id: str | None, oauth: bool, forget: bool, **way: Any
) -> None:
    """The workspace that target.token belongs to, or that --oauth opens.

    Intercom sends browsers only to registered https addresses (Developer Hub, your app, Authentication): see
    --certificate, --redirect-uri and --paste.
    """
    with migration_of(config) as migration:
        settings, tokens = migration.target, sign_in.browser_tokens(migration.target)
        if forget:
            _forget("target", tokens, as_json=as_json)
            return
        with _told():
            settings = _allowed_target(migration, client_id, Way(**way)) if oauth else settings
            workspace = read_workspace(intercom(settings, threading.Event()))
        shown = f"Workspace {workspace.name} ({workspace.id}), region {workspace.region}, {settings.url}"
        console.print(shown, markup=False)
        if workspace.id != settings.workspace:
            raise Told(
                f"target.workspace in migration.yaml is {settings.workspace}, but the token belongs to "
                f"{workspace.id}: nothing is confirmed.", 3,
            )  # fmt: skip
        _ask(yes)
        if oauth and settings.token:
            sign_in.keep_token(settings, settings.token.get_secret_value())
            console.print(f"The token is kept in {tokens.place}.", soft_wrap=True)
        told = confirm(migration, "target", identity=workspace.id, name=workspace.name, by=getpass.getuser())
    tell_next("connect_target", config)
    emit({"target": vars(told) | {"region": workspace.region}}, as_json=as_json)


@connect.command("source")
@click.option("--yes", is_flag=True, help="Confirm without asking.")
@consenting
@common
def source(config: Path | None, as_json: bool, yes: bool, oauth: bool, forget: bool, **way: Any) -> None:
    """The help desk that source.auth opens, or with --oauth an admin's browser and source.auth.client_id alone.

    Register http://127.0.0.1:8765/callback as a redirect URL of the OAuth client (Admin Center, Apps and integrations,
    OAuth clients), or the address of --redirect-uri.
    """
    with migration_of(config) as migration:
        tokens = zendesk.browser_tokens(migration.source)
        if forget:
            _forget("source", tokens, as_json=as_json)
            return
        held = HeldTokens()
        with _told():
            if oauth:
                _allow_source(migration, held, Way(**way))
                checks = zendesk.ZendeskSource(
                    migration.source,
                    tokens=held,
                    stop=threading.Event(),
                    help_centers=migration.filters.help_centers,
                ).checks()
            else:
                checks = _checks(migration)
        blocked = [check for check in checks if check.status == "block"]
        if blocked:
            raise Told(blocked[0].subject, 1)
        console.print(f"{migration.source.kind} at {migration.source.url}")
        _ask(yes)
        if held.document:
            tokens.write(held.document)
            console.print(f"The token is kept in {tokens.place}.", soft_wrap=True)
        account = migration.source.account
        told = confirm(migration, "source", identity=account, name=migration.source.url, by=getpass.getuser())
    tell_next("connect_source", config)
    emit({"source": vars(told)}, as_json=as_json)


def _allowed_target(migration: Migration, client_id: str | None, way: Way) -> Target:
    """The settings with a token that a browser got; nothing is kept yet."""
    settings = migration.target
    if settings.token:
        raise Told("target.token stands in migration.yaml and goes first: leave the line out for --oauth.", 2)
    client_id = client_id or named(migration, "INTERCOM_CLIENT_ID", "Client ID of the app", hidden=False)
    secret = named(migration, "INTERCOM_CLIENT_SECRET", "Client secret of the app", hidden=True)
    code, _ = granted(sign_in.consent(settings, client_id), way)
    token = sign_in.redeem(settings, code, client_id, secret)
    return settings.model_copy(update={"token": SecretStr(token)})


def _allow_source(migration: Migration, held: HeldTokens, way: Way) -> None:
    """Hold the tokens that a browser got; nothing is kept yet."""
    settings = migration.source
    if not settings.auth.client_id:
        raise Told("--oauth needs source.auth.client_id in migration.yaml, and no email and token.", 2)
    if settings.auth.client_secret:
        raise Told(
            "source.auth.client_secret stands in migration.yaml, so that runs sign in by themselves: leave the line "
            "out for --oauth.", 2,
        )  # fmt: skip
    secret = named(migration, "ZENDESK_CLIENT_SECRET", "Client secret of the OAuth client", hidden=True)
    verifier = zendesk.code_verifier()
    code, redirect_uri = granted(zendesk.consent(settings, verifier), way)
    tokens = zendesk.OAuthTokens(settings.url, settings.auth.client_id, None, held, threading.Event())
    tokens.redeem(code, redirect_uri or "", verifier, secret)


def _checks(migration: Migration) -> list[Check]:
    bench = Workbench(migration.path)
    try:
        return bench.source.checks()
    finally:
        bench.close()


def _forget(side: str, tokens: TokenStore, *, as_json: bool) -> None:
    try:
        found = tokens.forget()
    except OSError as error:
        raise Told(f"The token may still be there: {error}.", 1) from None
    console.print("The token is removed from this machine." if found else "There was no token.")
    emit({side: {"forgotten": found}}, as_json=as_json)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of services and settings become the command's own."""
    try:
        yield
    except MigrationError as error:
        raise Told(str(error), exit_code(error)) from None


def _ask(yes: bool) -> None:
    if not yes and not click.confirm("Is this the one you mean?", err=True):
        raise Told("Nothing is confirmed.", 3)
