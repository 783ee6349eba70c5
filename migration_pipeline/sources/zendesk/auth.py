"""Credentials of a Zendesk account: OAuth tokens that renew themselves, or the legacy API token.

Belongs here: getting, keeping and renewing what an API call is signed with. Does not belong here: calling the API.

Zendesk wants the token request as JSON (Zendesk developer docs, "Creating and using OAuth tokens"), and a refresh
invalidates the pair it was made from: hence one writer, and a file that is replaced whole.
"""

import os
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import requests
import tenacity
from filelock import FileLock
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from requests.auth import AuthBase, HTTPBasicAuth

from migration_pipeline.config import Source
from migration_pipeline.model.errors import AccessDenied, RunStopped, ServiceDown
from migration_pipeline.staging.atomic import read_json, replacing

SCOPE = "read"
MARGIN = 60.0
"""Seconds before its end at which a token counts as expired; a tenth of its life where that is shorter."""

_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_REFUSED = (
    "Zendesk refuses source.auth.client_id and source.auth.client_secret of migration.yaml ({answer}): "
    "copy both again from Admin Center, Apps and integrations, OAuth clients."
)
_REFUSED_SCOPE = (
    "Zendesk refuses the scope `read` for source.auth.client_id of migration.yaml ({answer}): "
    "allow `read` for this OAuth client in Admin Center, Apps and integrations, OAuth clients."
)


def signer(settings: Source, token_path: Path, stop: threading.Event) -> AuthBase:
    """What signs the calls, as `source.auth` says."""
    auth = settings.auth
    if auth.client_id and auth.client_secret:
        return OAuthTokens(settings.url, auth.client_id, auth.client_secret.get_secret_value(), token_path, stop)
    token = auth.token.get_secret_value() if auth.token else ""
    return HTTPBasicAuth(f"{auth.email}/token", token)


class OAuthTokens(AuthBase):
    """Signs requests with an access token; gets one when there is none, it is over, or an answer says 401.

    Threads share one; processes share the file.
    """

    def __init__(self, base_url: str, client_id: str, client_secret: str, path: Path, stop: threading.Event) -> None:
        """`path` is where the token is kept, readable by its owner only; `stop` ends every wait."""
        self._url = f"{base_url}/oauth/tokens"
        self._client_id = client_id
        self._client_secret = client_secret
        self._path = path
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
        sent = str(response.request.headers.get("Authorization", "")).removeprefix("Bearer ")
        again = response.request.copy()
        again.headers["Authorization"] = f"Bearer {self._valid(refused=sent)}"
        _ = response.content  # read to the end, so that the connection can be used again
        response.close()
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

    def _valid(self, refused: str | None = None) -> str:
        """An access token that is neither over nor the one that was `refused`."""
        with self._lock:
            if not self._usable(self._token, refused):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(self._path.with_name(f"{self._path.name}.lock")):
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
        """The token in the file, if it is one of this client and account."""
        try:
            document = read_json(self._path)
        except (orjson.JSONDecodeError, OSError):
            return None
        if not isinstance(document, dict) or document.get("of") != [self._url, self._client_id]:
            return None
        token = document.get("token")
        return token if isinstance(token, dict) and isinstance(token.get("access_token"), str) else None

    def _renewed(self, earlier: dict[str, Any] | None) -> dict[str, Any]:
        """A new token: by the refresh token where there is one and it still works, else by the client's credentials."""
        token = None
        if earlier and earlier.get("refresh_token"):
            try:
                token = self._asked({"grant_type": "refresh_token", "refresh_token": earlier["refresh_token"]})
            except AccessDenied:
                token = None
        token = token or self._asked({"grant_type": "client_credentials"})
        self._keep(token)
        return token

    def _keep(self, token: dict[str, Any]) -> None:
        with replacing(self._path) as aside:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(orjson.dumps({"of": [self._url, self._client_id], "token": token}))

    def _asked(self, grant: dict[str, str]) -> dict[str, Any]:
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
            response = retrying(self._post, grant)
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
            sentence = _REFUSED_SCOPE if answer == "invalid_scope" else _REFUSED
            raise AccessDenied(sentence.format(answer=answer), status=response.status_code) from error
        if response.status_code >= 400:
            raise AccessDenied(_REFUSED.format(answer=response.status_code), status=response.status_code)
        # Counted from before the request, and not rounded, a token never seems to live longer than it does.
        lifetime = token.get("expires_in")
        token["expires_at"] = asked_at + float(lifetime) if isinstance(lifetime, int | float) and lifetime > 0 else None
        return dict(token)

    def _post(self, grant: dict[str, str]) -> requests.Response:
        body = {**grant, "client_id": self._client_id, "client_secret": self._client_secret, "scope": SCOPE}
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(self._url, json=body, timeout=(10, 30), allow_redirects=False)
        if response.status_code in _BUSY:
            raise requests.HTTPError(str(response.status_code), response=response)
        return response

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise RunStopped("The run was stopped.")
