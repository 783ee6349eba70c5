"""Credentials of a Zendesk account: OAuth tokens that renew themselves, or the legacy API token.

Belongs here: getting, keeping and renewing what an API call is signed with. Does not belong here: calling the API.

Zendesk wants the token request as JSON (Zendesk developer docs, "Creating and using OAuth tokens"), and a refresh
invalidates the pair it was made from: hence one writer, and a file that is replaced whole.
"""

import threading
import time
from typing import Any, Final

import orjson
import requests
import tenacity
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from requests.auth import AuthBase, HTTPBasicAuth

from migration_pipeline.config import Source
from migration_pipeline.credentials import Consent, Tokens, TokenStore
from migration_pipeline.model.errors import AccessDenied, RunStopped, ServiceDown

SCOPE = "read"
MARGIN = 60.0
"""Seconds before its end at which a token counts as expired; a tenth of its life where that is shorter."""

_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_REFUSED: Final = (
    "Zendesk refuses source.auth.client_id of migration.yaml and {secret} ({answer}): "
    "copy both again from Admin Center, Apps and integrations, OAuth clients."
)
_REFUSED_FOR: Final = {
    "invalid_scope": (
        "Zendesk refuses the scope `read` for source.auth.client_id of migration.yaml ({answer}): "
        "allow `read` for this OAuth client in Admin Center, Apps and integrations, OAuth clients."
    ),
    "invalid_grant": (
        "Zendesk does not take the code ({answer}): it is over, was used before, or belongs to another redirect URL; "
        "run `migrate connect source --oauth` again."
    ),
}
"""Sentences by the error that a token request is answered with (RFC 6749, section 5.2)."""
_NONE: Final = (
    "No token for source.auth.client_id of migration.yaml is kept on this machine: "
    "run `migrate connect source --oauth`, or give source.auth.client_secret."
)
OVER: Final = "The access to Zendesk that a browser got is over or was withdrawn: run `migrate connect source --oauth`."


def browser_tokens(settings: Source) -> TokenStore:
    """Where the tokens are that a person got for `source.auth.client_id` in a browser."""
    return TokenStore(f"{settings.account} {settings.auth.client_id}")


def code_verifier() -> str:
    """A secret that proves that a code is redeemed by whoever asked for it (RFC 7636)."""
    return str(WebApplicationClient("").create_code_verifier(64))


def consent(settings: Source, verifier: str) -> Consent:
    """The page that asks a person (Zendesk developer docs, "Using OAuth authentication": authorization code, PKCE)."""
    return Consent(
        "Zendesk",
        f"{settings.url}/oauth/authorizations/new",
        {
            "response_type": "code",
            "client_id": settings.auth.client_id or "",
            "scope": SCOPE,
            "code_challenge": WebApplicationClient("").create_code_challenge(verifier, "S256"),
            "code_challenge_method": "S256",
        },
    )


def signer(settings: Source, tokens: Tokens, stop: threading.Event) -> AuthBase:
    """What signs the calls, as `source.auth` says."""
    auth = settings.auth
    if auth.client_id:
        secret = auth.client_secret.get_secret_value() if auth.client_secret else None
        return OAuthTokens(settings.url, auth.client_id, secret, tokens, stop)
    token = auth.token.get_secret_value() if auth.token else ""
    return HTTPBasicAuth(f"{auth.email}/token", token)


class OAuthTokens(AuthBase):
    """Signs requests with an access token; gets one when there is none, it is over, or an answer says 401.

    Threads share one; processes share the place where it is kept.
    """

    def __init__(
        self, base_url: str, client_id: str, client_secret: str | None, tokens: Tokens, stop: threading.Event
    ) -> None:
        """`tokens` is where the token is kept; `stop` ends every wait.

        Without `client_secret` there are only the tokens that a person got in a browser, and the secret beside them.
        """
        self._url = f"{base_url}/oauth/tokens"
        self._client_id = client_id
        self._client_secret = client_secret
        self._tokens = tokens
        self._stop = stop
        self._lock = threading.RLock()
        self._token: dict[str, Any] | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request.

        Raises:
            AccessDenied, ServiceDown, RunStopped: no token could be had.
        """
        request.headers["Authorization"] = f"Bearer {self._valid()}"
        request.register_hook("response", self._again_after_401)  # type: ignore[no-untyped-call]  # untyped upstream
        return request

    def _again_after_401(self, response: requests.Response, **options: Any) -> requests.Response:
        """Send the request once more with a fresh token; what that answers stands."""
        if response.status_code != 401:
            return response
        _ = response.content  # read to the end, so that the connection can be used again
        response.close()
        sent = str(response.request.headers.get("Authorization", "")).removeprefix("Bearer ")
        again = response.request.copy()
        again.headers["Authorization"] = f"Bearer {self._valid(refused=sent)}"
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

    def _valid(self, refused: str | None = None) -> str:
        """An access token that is neither over nor the one that was `refused`."""
        with self._lock:
            if not self._usable(self._token, refused):
                with self._tokens.alone():
                    kept = self._kept()
                    self._token = kept if self._usable(kept, refused) else self._renewed(kept)
            assert self._token is not None  # noqa: S101 - tells the type checker what the branch above ensured
            return str(self._token["access_token"])

    def _usable(self, token: dict[str, Any] | None, refused: str | None) -> bool:
        if token is None or token["access_token"] == refused:
            return False
        expires_at = token.get("expires_at")
        if expires_at is None:
            return True
        margin = min(MARGIN, 0.1 * float(token.get("expires_in") or 0.0))
        return time.time() < float(expires_at) - margin

    def _kept(self) -> dict[str, Any] | None:
        """The token that is kept, if it is one of this client and account."""
        document = self._tokens.read()
        if document is None or document.get("of") != [self._url, self._client_id]:
            return None
        token = document.get("token")
        return token if isinstance(token, dict) and isinstance(token.get("access_token"), str) else None

    def redeem(self, code: str, redirect_uri: str, code_verifier: str, client_secret: str | None) -> None:
        """Make a code that a browser brought into the tokens that are kept, with the secret that renews them.

        Raises:
            AccessDenied, ServiceDown, RunStopped: there is no token.
        """
        grant = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        self._token = self._asked(grant, client_secret)
        self._keep(self._token, client_secret)

    def _renewed(self, earlier: dict[str, Any] | None) -> dict[str, Any]:
        """A new token: by the refresh token where there is one and it still works, else by the client's credentials."""
        beside = (self._tokens.read() or {}).get("client_secret")
        secret = self._client_secret or (beside if isinstance(beside, str) else None)
        token = None
        if earlier and earlier.get("refresh_token"):
            grant = {"grant_type": "refresh_token", "refresh_token": str(earlier["refresh_token"])}
            try:
                token = self._asked(grant, secret)
            except AccessDenied:
                token = None
        if token is None and self._client_secret is None:
            raise AccessDenied(OVER if earlier else _NONE)
        token = token or self._asked({"grant_type": "client_credentials"}, secret)
        # An answer without a refresh token leaves the earlier one valid (RFC 6749, section 6).
        if earlier and earlier.get("refresh_token") and self._client_secret is None:
            token.setdefault("refresh_token", earlier["refresh_token"])
        self._keep(token, None if self._client_secret else secret)
        return token

    def _keep(self, token: dict[str, Any], client_secret: str | None) -> None:
        beside = {"client_secret": client_secret} if client_secret else {}
        self._tokens.write({"of": [self._url, self._client_id], "token": token, **beside})

    def _asked(self, grant: dict[str, str], client_secret: str | None) -> dict[str, Any]:
        """The answer to a token request: `access_token` and, where it ends, `expires_at` (epoch seconds).

        Raises:
            AccessDenied: the client's credentials or its scope are refused.
            ServiceDown: no answer through every retry.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(requests.RequestException),
            stop=tenacity.stop_after_attempt(4),
            wait=tenacity.wait_random_exponential(multiplier=0.3, max=5),
            sleep=self._sleep,
            reraise=True,
        )
        asked_at = time.time()
        try:
            response = retrying(self._post, grant, client_secret)
        except requests.RequestException as error:
            raise ServiceDown(
                f"Zendesk at {self._url} does not answer ({type(error).__name__}): "
                "check source.subdomain or source.base_url in migration.yaml, or start again later."
            ) from error
        if response.status_code == 404:
            raise ServiceDown(
                f"There is no Zendesk at {self._url} (404): "
                "check source.subdomain or source.base_url in migration.yaml."
            )
        try:
            parsed = BackendApplicationClient(self._client_id).parse_request_body_response(response.text)
            token = orjson.loads(orjson.dumps(dict(parsed)))
        except (OAuth2Error, ValueError, TypeError, Warning) as error:
            answer = getattr(error, "error", None) or f"{response.status_code}"
            raise AccessDenied(self._sentence(answer), status=response.status_code) from error
        if response.status_code >= 400:
            raise AccessDenied(self._sentence(str(response.status_code)), status=response.status_code)
        # Counted from before the request, and not rounded, a token never seems to live longer than it does.
        lifetime = token.get("expires_in")
        token["expires_at"] = asked_at + float(lifetime) if isinstance(lifetime, int | float) and lifetime > 0 else None
        return dict(token)

    def _sentence(self, answer: str) -> str:
        secret = "source.auth.client_secret" if self._client_secret else "the secret that was given for it"
        return _REFUSED_FOR.get(answer, _REFUSED).format(answer=answer, secret=secret)

    def _post(self, grant: dict[str, str], client_secret: str | None) -> requests.Response:
        body = {**grant, "client_id": self._client_id, "scope": SCOPE}
        if client_secret:
            body["client_secret"] = client_secret
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(self._url, json=body, timeout=(10, 30), allow_redirects=False)
        if response.status_code in _BUSY:
            raise requests.HTTPError(str(response.status_code), response=response)
        return response

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise RunStopped("The run was stopped.")
