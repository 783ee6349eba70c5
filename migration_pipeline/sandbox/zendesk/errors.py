"""The error bodies of the service, one function per shape, after recorded answers and the official pages."""

from typing import Any

from migration_pipeline.sandbox.wire import Answer, Headers, RefusalError, json_answer


def refusal(payload: Any, status: int, headers: Headers = ()) -> RefusalError:
    """To be raised: answers ``payload`` with ``status``."""
    return RefusalError(json_answer(payload, status, headers))


def unauthenticated() -> Answer:
    """401."""
    return json_answer({"error": "Couldn't authenticate you"}, 401)


def invalid_token() -> Answer:
    """401 as OAuth words it."""
    text = "The access token provided is expired, revoked, malformed or invalid for other reasons."
    return json_answer({"error": "invalid_token", "error_description": text}, 401)


def forbidden() -> Answer:
    """403 for a role, a plan or a scope."""
    text = "You do not have access to this page. Please contact the account owner of this help desk for further help."
    return json_answer({"error": {"title": "Forbidden", "message": text}}, 403)


def not_found() -> RefusalError:
    """404 for a record."""
    return refusal({"error": "RecordNotFound", "description": "Not found"}, 404)


def no_endpoint() -> Answer:
    """404 for a path, or for a feature that is off."""
    return json_answer({"error": {"title": "InvalidEndpoint", "message": "Not found"}}, 404)


def bad_paging(code: str, detail: str) -> RefusalError:
    """400 with one error object."""
    title = code.removeprefix("Invalid").removesuffix("Error")
    return refusal({"errors": [{"code": code, "title": f"Invalid {title}", "detail": detail}]}, 400)


def invalid_value(field: str, text: str, status: int = 422) -> RefusalError:
    """422 (or 400) about one field."""
    if status == 400:
        return refusal({"error": "BadRequest", "description": text}, 400)
    body = {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {field: [{"description": text}]},
    }
    return refusal(body, status)


def failure(status: int) -> Answer:
    """500 of the service, or 502, 503, 504 of what stands before it; 503 says when to come again."""
    if status == 500:
        return json_answer({"error": "InternalError", "description": "Internal server error"}, 500)
    if status == 504:
        return gateway_timeout()
    name = {502: "Bad Gateway", 503: "Service Unavailable"}[status]
    wait: Headers = ((b"retry-after", b"1"),) if status == 503 else ()
    return Answer(status, f"<html><body><h1>{name}</h1></body></html>".encode(), b"text/html", wait)


def gateway_timeout() -> Answer:
    """504 of the gateway before the service."""
    return Answer(504, b"upstream request timeout", b"text/plain")


def too_many(retry_after: int) -> Answer:
    """429; ``retry_after`` in seconds."""
    text = b"Number of allowed API requests per minute exceeded"
    return Answer(429, text, b"text/plain; charset=utf-8", ((b"retry-after", str(retry_after).encode()),))


def empty_html(status: int) -> Answer:
    """The bodiless answer of an add-on that the account lacks."""
    return Answer(status, b"", b"text/html", ((b"content-type", b"text/html; charset=utf-8"),))
