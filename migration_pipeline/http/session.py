"""One service's HTTP session: pooled connections, retried reads, writes sent at most once, counted calls.

Belongs here: how a call travels, and which of the errors of `model.errors` its outcome is. Does not belong here: what
a call means; whether a write in doubt was applied (the loader asks the target).
"""

import json as stdlib_json
import random
import re
import threading
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
import requests
import tenacity
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from migration_pipeline.http.breaker import Breaker, Tell, tell_nobody
from migration_pipeline.http.pacing import Pacer, Window
from migration_pipeline.model.errors import AccessDenied, InDoubt, Rejected, RunStopped, ServiceDown, SettingsError

READ_ATTEMPTS = 6
"""Tries of a read before it asks whether the service is down."""
BACKOFF_S = 0.5
"""Longest first pause between two attempts, in seconds; it doubles from attempt to attempt."""
LONGEST_BACKOFF_S = 20.0
TIMEOUT = (10, 90)
_SECRET = re.compile(r"(?i)([?&](?:[^=&]*token|[^=&]*secret|code|sig|signature|key)=)[^&\s]+|(/token/)[^/?\s]+")


def redacted(text: str) -> str:
    """The text without the secrets that URLs carry (tokens in queries and paths)."""
    return _SECRET.sub(lambda match: f"{match[1] or match[2]}…", text)


@dataclass(frozen=True)
class Answer:
    """What a service answered: status, parsed JSON (None where there is none), headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Usage:
    """Calls made and seconds waited for rate windows; shared by threads, so only `count` and `wait` change it.

    What is counted here is counted in `part_of` too.
    """

    calls: int = 0
    writes: int = 0
    throttled_seconds: float = 0.0
    part_of: "Usage | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, *, write: bool, waited: float) -> None:
        """Add one call and the seconds it waited."""
        with self._lock:
            self.calls += 1
            self.writes += write
            self.throttled_seconds += waited
        if self.part_of:
            self.part_of.count(write=write, waited=waited)

    def wait(self, seconds: float) -> None:
        """Add seconds that a refused call waits."""
        with self._lock:
            self.throttled_seconds += seconds
        if self.part_of:
            self.part_of.wait(seconds)


class _Retry(Exception):
    """A read worth another attempt, after so many seconds, or after a backoff where None."""

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.after = after


@dataclass(frozen=True)
class Manners:
    """What differs between services: which buckets a call draws on, and how answers tell windows and errors."""

    buckets: Callable[[str, str], tuple[str, ...]]  # (method, path) -> buckets
    windows: Callable[[Mapping[str, str]], dict[str, Window]]  # headers -> windows by bucket
    error: Callable[[Any], tuple[str, str]]  # body of a refusal -> (code, message)


class ApiSession:
    """Calls to one service. Threads may share it."""

    def __init__(
        self,
        name: str,
        base_url: str,
        manners: Manners,
        *,
        auth: AuthBase | None,
        headers: Mapping[str, str],
        workers: int,
        stop: threading.Event,
        setting: str,
        refused: str = "",
        patience_s: float = 0.0,
        tell: Tell = tell_nobody,
    ) -> None:
        """`name` and `setting` appear in sentences: the service's, and the settings block of migration.yaml to mend.

        `refused` is what to do about a 401, where that is no matter of settings.
        `patience_s` is how long an outage is waited out; `tell` hears of its begin and end.
        """
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.usage = Usage()
        self.stop = stop
        self.pacer = Pacer(stop)
        self.breaker = Breaker(name, patience_s, stop, tell=tell)
        self._patience = patience_s
        self.limits: dict[str, int] = {}  # calls per window by bucket, as the newest answers told them
        self._manners = manners
        self._setting = setting
        self._refused = refused
        self._auth = auth
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept": "application/json", **headers})
        # Whoever has the workers call may call beside them.
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=workers + 1)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        attempts: int | None = None,
        surface: Container[int] = (),
    ) -> Answer:
        """Call something that changes nothing. 429, 5xx, timeouts and broken answers are tried again.

        A service that was there and is down now is waited for, and so is an answer to this call alone.

        `path` may be an absolute URL that the service gave out for its next page; it must be on the service's host.
        `attempts` bounds the tries, for a caller who would rather know now; statuses in `surface` come back as
        `Rejected` at once, for a caller that can ask for less instead of again.

        Raises:
            AccessDenied, Rejected, ServiceDown, RunStopped.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Retry),
            # An open breaker paces by itself, and each of its calls may be the one that ends the patience.
            stop=lambda state: self.breaker.is_open or state.attempt_number >= (attempts or READ_ATTEMPTS),
            wait=lambda state: 0.0 if self.breaker.is_open else _wait(state),
            sleep=self._sleep,
            reraise=True,
        )
        until: float | None = 0.0 if attempts else None
        while True:
            answers = self.breaker.answers
            try:
                return retrying(self._read_once, method, path, params, json, surface)
            except _Retry as error:
                until = time.monotonic() + self._patience if until is None else until
                # Where others were answered meanwhile, the service is not down: this call alone waits.
                if time.monotonic() < until and (self.breaker.answers != answers or self.breaker.waits(str(error))):
                    continue
                raise ServiceDown(
                    f"{self.name} at {self.base_url} does not answer ({error}); "
                    f"check {self._setting} or start again later."
                ) from error

    def write(self, method: str, path: str, *, json: Any = None) -> Answer:
        """Send something that changes the service, at most once.

        Only what certainly never arrived is sent again: a 429, and a connection that could not be opened.

        Raises:
            AccessDenied, Rejected, RunStopped: definitely not applied.
            InDoubt: sent, and no usable answer.
        """
        unconnected = 0
        while True:
            try:
                response, body = self._send(method, path, None, json, write=True)
            except requests.ConnectionError as error:
                if _never_connected(error):
                    unconnected += 1
                    if self.breaker.is_open or unconnected < READ_ATTEMPTS:
                        self._sleep(0.0 if self.breaker.is_open else pause_after(unconnected))
                    if unconnected < READ_ATTEMPTS or self.breaker.waits("no connection"):
                        continue
                    raise ServiceDown(
                        f"{self.name} at {self.base_url} cannot be reached; check {self._setting}."
                    ) from error
                raise InDoubt(f"{method} {path}: the connection broke before an answer came.") from error
            except requests.RequestException as error:
                raise InDoubt(f"{method} {path}: no answer ({type(error).__name__}).") from error
            if response.status_code == 429:
                self._sleep(self._throttled(method, path, response))
                continue
            if response.status_code >= 500 or response.status_code == 408:
                raise InDoubt(f"{method} {path}: {response.status_code}.")
            if response.status_code >= 400:
                raise self._refusal(response, body)
            if body is None and response.content:
                raise InDoubt(f"{method} {path}: an answer that cannot be read.")
            return Answer(response.status_code, body, response.headers)

    def absolute(self, path: str) -> str:
        """The URL of a path, or a URL of the service itself.

        Raises:
            SettingsError: the URL leads to another host than the configured one.
        """
        url = path if "://" in path else f"{self.base_url}/{path.lstrip('/')}"
        if urlsplit(url).netloc != urlsplit(self.base_url).netloc:
            raise SettingsError(
                f"{self.name} sent a next page on {urlsplit(url).netloc}, which is not the host of {self._setting}; "
                "set it to the host that the service uses."
            )
        return urljoin(self.base_url, url)

    def _read_once(
        self, method: str, path: str, params: Mapping[str, Any] | None, json: Any, surface: Container[int]
    ) -> Answer:
        try:
            response, body = self._send(method, path, params, json, write=False)
        except requests.RequestException as error:
            raise _Retry(type(error).__name__) from error
        except ServiceDown as error:  # no token could be had
            if not self.breaker.waits("no token"):
                raise
            raise _Retry("no token") from error
        if response.status_code == 429:
            raise _Retry("429", self._throttled(method, path, response))
        if response.status_code in surface:
            raise Rejected(response.status_code, "", response.reason or "")
        if response.status_code >= 500 or response.status_code == 408:
            after = response.headers.get("Retry-After", "")
            raise _Retry(str(response.status_code), float(after) if after.isdigit() else None)
        if response.status_code >= 400:
            raise self._refusal(response, body)
        if body is None and response.content:
            raise _Retry("an answer that cannot be read")
        return Answer(response.status_code, body, response.headers)

    def _send(
        self, method: str, path: str, params: Mapping[str, Any] | None, json: Any, *, write: bool
    ) -> tuple[requests.Response, Any]:
        """The answer and its parsed body, None where it has none that can be read."""
        if self.stop.is_set():
            raise RunStopped("The run was stopped.")
        self.breaker.hold()
        url = self.absolute(path)
        buckets = self._manners.buckets(method, urlsplit(url).path)
        waited = self.pacer.take(buckets)
        self.usage.count(write=write, waited=waited)
        windows: dict[str, Window] = {}
        sent = self.pacer.now()
        try:
            response = self._session.request(
                method,
                url,
                params=params,
                data=None if json is None else orjson.dumps(json),
                headers=None if json is None else {"Content-Type": "application/json"},
                auth=self._auth,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            windows = self._manners.windows(response.headers)
            self.limits.update({bucket: window.limit for bucket, window in windows.items()})
        except (requests.RequestException, ServiceDown):
            self.breaker.failed()
            raise
        finally:
            self.pacer.done(buckets, windows, sent)
        body = _parsed(response)
        unreadable = response.ok and body is None and response.content  # a page of what stands before the service
        if response.status_code >= 500 or response.status_code == 408 or unreadable:
            self.breaker.failed()
        else:
            self.breaker.answered()
        return response, body

    def _throttled(self, method: str, path: str, response: requests.Response) -> float:
        """Seconds until the window that refused the call is over."""
        after = response.headers.get("Retry-After", "")
        windows = self._manners.windows(response.headers)
        empty = [window.resets_in for window in windows.values() if window.remaining <= 0]
        seconds = float(after) if after.isdigit() else max(empty, default=1.0)
        seconds = max(seconds, 0.1) + random.uniform(0, 0.25)  # noqa: S311 - jitter is no secret
        for bucket in self._manners.buckets(method, urlsplit(self.absolute(path)).path):
            if not empty or bucket in windows:
                self.pacer.exhausted(bucket, seconds)
        self.usage.wait(seconds)
        return seconds

    def _refusal(self, response: requests.Response, body: Any) -> AccessDenied | Rejected:
        code, message = self._manners.error(body)
        message = redacted(message)[:500]
        if response.status_code == 401 and self._refused:
            return AccessDenied(f"{self.name} refused access (401 {message}): {self._refused}", status=401)
        if response.status_code in (401, 403):
            return AccessDenied(
                f"{self.name} refused access ({response.status_code} {message}): "
                f"check the credentials in {self._setting}, their scopes, and the account's plan.",
                status=response.status_code,
            )
        return Rejected(response.status_code, code, message)

    def _sleep(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise RunStopped("The run was stopped.")


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Retry) and error.after is not None:
        return error.after
    return backoff(state)


def backoff(state: tenacity.RetryCallState) -> float:
    """Seconds to the next attempt: by chance, up to twice as many each time."""
    return float(tenacity.wait_random_exponential(multiplier=BACKOFF_S, max=LONGEST_BACKOFF_S)(state))


def pause_after(failures: int) -> float:
    """Seconds before a write that failed so many times in a row is sent again."""
    return min(BACKOFF_S * 2.0 ** (failures - 1), LONGEST_BACKOFF_S)


def _parsed(response: requests.Response) -> Any:
    try:
        return orjson.loads(response.content) if response.content else None
    except orjson.JSONDecodeError:
        return _parsed_leniently(response.content)


def _parsed_leniently(content: bytes) -> Any:
    """JSON with halves of surrogate pairs or broken UTF-8 in its texts, which mail bodies do carry; else None."""
    try:
        document = stdlib_json.loads(content.decode("utf-8", "replace"))
        return orjson.loads(stdlib_json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether the call certainly never left: the connection could not even be opened."""
    return isinstance(error, requests.exceptions.ConnectTimeout) or "NewConnectionError" in repr(error)
