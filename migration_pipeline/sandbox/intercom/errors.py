"""Intercom's error envelope, `error.list`, and the answers the shared machinery asks for. No rule decides here."""

from __future__ import annotations

import uuid
from typing import Any

from migration_pipeline.sandbox.service import Shapes
from migration_pipeline.sandbox.wire import Answer, Call, Headers, RefusalError, json_answer


def error_answer(status: int, code: str, message: str, *, field: str | None = None, headers: Headers = ()) -> Answer:
    """An `error.list` with one error and a fresh request_id."""
    error: dict[str, Any] = {"code": code, "message": message}
    if field:
        error["field"] = field
    payload = {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": [error]}
    return json_answer(payload, status, headers)


def fail(status: int, code: str, message: str, *, field: str | None = None, headers: Headers = ()) -> RefusalError:
    """The same, to be raised."""
    return RefusalError(error_answer(status, code, message, field=field, headers=headers))


def invalid(message: str, field: str | None = None) -> RefusalError:
    """400 parameter_invalid."""
    return fail(400, "parameter_invalid", message, field=field)


def missing(what: str = "Resource Not Found") -> RefusalError:
    """404 not_found; contacts say "User Not Found"."""
    return fail(404, "not_found", what)


def throttled_answer(limit: int) -> Answer:
    """429 in the words of the rate limiting page; there is no Retry-After."""
    return error_answer(429, "rate_limit_exceeded", f"Exceeded rate limit of {limit} in 10_seconds")


def _not_found(_: Call) -> Answer:
    return error_answer(404, "not_found", "The requested resource was not found")


def _malformed(_: Call) -> Answer:
    return error_answer(400, "bad_request", "Request body is not valid JSON")


def _failure(_: Call) -> Answer:
    return error_answer(500, "server_error", "Something went wrong on our end")


def _unavailable(_: Call) -> Answer:
    return error_answer(503, "service_unavailable", "Sorry, the API service is temporarily unavailable")


def _timed_out(_: Call) -> Answer:
    return error_answer(408, "request_timeout", "The server would not wait any longer for the client")


def shapes(throttled: Any) -> Shapes:
    """The answers of Intercom where the shared machinery has to answer."""
    return Shapes(
        not_found=_not_found,
        malformed=_malformed,
        failure=_failure,
        throttled=throttled,
        unavailable=_unavailable,
        timed_out=_timed_out,
    )
