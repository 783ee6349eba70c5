"""Access by a browser, for `migrate connect`: send it to a service's page, and take the code that it comes back with.

Belongs here: opening, showing, prompting. Does not belong here: what a code is exchanged for (`target`, `sources`).
"""

import secrets
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click

from migration_pipeline.cli.output import Told, console
from migration_pipeline.config import Migration
from migration_pipeline.config.yamlfile import environment
from migration_pipeline.credentials import Callback, Consent, code_of, pasted

Command = TypeVar("Command", bound=Callable[..., Any])

PORT: Final = 8765
"""The default is fixed, because a service only sends browsers to addresses that were registered with it."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_OPTIONS: Final = (
    click.option("--oauth", is_flag=True, help="Get access in a browser, instead of with credentials of the settings."),
    click.option("--no-browser", is_flag=True, help="Show the address instead of opening it."),
    click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="On 127.0.0.1."),
    click.option(
        "--certificate",
        type=click.Path(path_type=Path),
        help="PEM file with a certificate for 127.0.0.1 and its key: the browser comes back by https.",
    ),
    click.option("--redirect-uri", help="The registered address; it has to lead the browser on to the port."),
    click.option("--paste", is_flag=True, help="Paste the address that the browser ended at; nothing listens."),
    click.option(
        "--wait", type=click.FloatRange(1), default=300.0, show_default=True, help="Seconds for the browser's answer."
    ),
    click.option("--forget", is_flag=True, help="Remove the token that --oauth left on this machine."),
)


@dataclass(frozen=True)
class Way:
    """How the browser is reached, and its answer comes back."""

    no_browser: bool
    port: int
    certificate: Path | None
    redirect_uri: str | None
    paste: bool
    wait: float


def consenting(command: Command) -> Command:
    """The options of a command that may get access in a browser."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def granted(consent: Consent, way: Way) -> tuple[str, str | None]:
    """The code that a person's browser brought, and the redirect URL that it was sent with.

    Raises:
        Told: the options do not fit.
        AccessDenied, SettingsError: see `credentials`.
    """
    given = urlsplit(way.redirect_uri or "")
    if way.redirect_uri and given.scheme != "https" and not (given.scheme == "http" and given.hostname in _LOOPBACK):
        raise Told("--redirect-uri has to be an https address, or one of this machine (http://127.0.0.1:...).", 2)
    if consent.https_only and not way.redirect_uri and not way.paste and not way.certificate:
        raise Told(
            f"{consent.service} sends browsers back to registered https addresses only: take --certificate (then it is "
            f"https://127.0.0.1:{way.port}/callback), name one that leads on to http://127.0.0.1:{way.port} with "
            "--redirect-uri, or take --paste.", 2,
        )  # fmt: skip
    if given.scheme == "https" and given.hostname in _LOOPBACK and not way.certificate and not way.paste:
        raise Told("--redirect-uri is an https address of this machine: --certificate has to be given for it.", 2)
    if given.scheme == "http" and way.certificate and not way.paste:
        raise Told("--redirect-uri is an http address: with --certificate, only https is answered.", 2)
    state = secrets.token_urlsafe(32)
    if way.paste:
        scheme = "https" if way.certificate else "http"
        own = None if consent.https_only and not way.certificate else f"{scheme}://127.0.0.1:{way.port}/callback"
        redirect_uri = way.redirect_uri or own
        _show(consent.address(state, redirect_uri), way)
        text = click.prompt("Address that the browser ended at, or its code", hide_input=True, err=True)
        return code_of(pasted(text, state), state, consent.service), redirect_uri
    with Callback(way.port, way.certificate) as callback:
        redirect_uri = way.redirect_uri or callback.url
        _show(consent.address(state, redirect_uri), way)
        return code_of(callback.wait(way.wait), state, consent.service), redirect_uri


def named(migration: Migration, name: str, what: str, *, hidden: bool) -> str:
    """A part of an app's credentials: from the environment or .env under its name, else asked for."""
    found = environment(migration.path).get(name)
    return found or str(click.prompt(f"{what} ({name})", hide_input=hidden, err=True))


def _show(address: str, way: Way) -> None:
    console.print("Allow access here:" if way.no_browser else "Allow access in the browser; if none opens, here:")
    console.print(address, soft_wrap=True, markup=False, highlight=False)
    if not way.no_browser:
        webbrowser.open(address)
