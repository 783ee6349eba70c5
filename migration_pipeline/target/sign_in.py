"""What signs calls to Intercom: `target.token`, or the token that a person allowed in a browser.

Belongs here: Intercom's page and its exchange ("Setting up OAuth": authorize, callback, token), and which token is
used. Does not belong here: asking a person, or the browser.
"""

from typing import Any, Final

import orjson
import requests
from requests.auth import AuthBase

from migration_pipeline.config import REGIONS, Target
from migration_pipeline.credentials import Consent, TokenStore
from migration_pipeline.model.errors import AccessDenied, ServiceDown

CONNECT_AGAIN: Final = "the token is over or was revoked; run `migrate connect target --oauth`, then start again."
"""What a person does about a refused token that came from a browser; Intercom's never expire, and have no refresh."""

APPS: Final = {
    "us": "https://app.intercom.com",
    "eu": "https://app.eu.intercom.com",
    "au": "https://app.au.intercom.com",
}
_TIMEOUT_S: Final = (10, 30)


class Bearer(AuthBase):
    """Signs requests with the token of the settings, else with the one that is kept for the workspace."""

    def __init__(self, settings: Target) -> None:
        """Read nothing yet."""
        self._settings = settings
        self._token = settings.token.get_secret_value() if settings.token else None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request.

        Raises:
            AccessDenied: there is no token.
        """
        self._token = self._token or kept_token(self._settings)
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def browser_tokens(settings: Target) -> TokenStore:
    """Where the token is that a person got for the workspace in a browser."""
    return TokenStore(f"{settings.kind}:{settings.url} {settings.workspace}")


def kept_token(settings: Target) -> str:
    """The token that `migrate connect target --oauth` left.

    Raises:
        AccessDenied: there is none.
    """
    token = (browser_tokens(settings).read() or {}).get("token")
    if not isinstance(token, str):
        raise AccessDenied(
            f"No token of workspace {settings.workspace} is kept on this machine: "
            "run `migrate connect target --oauth`, or give target.token in migration.yaml."
        )
    return token


def keep_token(settings: Target, token: str) -> None:
    """Keep a token of the workspace for the runs to come.

    Raises:
        OSError: the disk is full or not writable.
    """
    browser_tokens(settings).write({"token": token})


def consent(settings: Target, client_id: str) -> Consent:
    """The page that asks a person. Which permissions it names was set in the Developer Hub, not here."""
    region = next((region for region, url in REGIONS.items() if url == settings.url), None)
    page = f"{APPS[region] if region else settings.url}/oauth"
    return Consent("Intercom", page, {"client_id": client_id}, https_only=page.startswith("https://"))


def redeem(settings: Target, code: str, client_id: str, client_secret: str) -> str:
    """The token that a code becomes, once, within five minutes.

    Raises:
        AccessDenied: Intercom refuses the code or the app.
        ServiceDown: no answer, or none that holds a token.
    """
    body = {"code": code, "client_id": client_id, "client_secret": client_secret}
    url = f"{settings.url}/auth/eagle/token"
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(url, json=body, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise ServiceDown(
            f"Intercom at {settings.url} does not answer ({type(error).__name__}): check target.region or "
            "target.base_url in migration.yaml, or begin again later."
        ) from None
    if 400 <= response.status_code < 500:
        raise AccessDenied(
            f"Intercom does not take the code ({response.status_code}): it is over (after five minutes), was used "
            "before, or is of another app than the client ID and secret; run `migrate connect target --oauth` again.",
            status=response.status_code,
        )
    answer = _object(response)
    # Described as `token`, answered as `access_token` too.
    token = answer.get("access_token") or answer.get("token")
    if response.status_code >= 300 or not isinstance(token, str):
        raise ServiceDown(f"Intercom at {settings.url} answered without a token ({response.status_code}): begin again.")
    return token


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
