"""Reading request bodies the way Intercom does: lax about ids, strict about what is required.

Errors are raised in Intercom's envelope; no state is read here.
"""

from __future__ import annotations

import re
from typing import Any

from migration_pipeline.sandbox.intercom.errors import fail, invalid
from migration_pipeline.sandbox.wire import Call

Json = dict[str, Any]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def object_of(call: Call) -> Json:
    """The body, which must be an object; an empty body is an empty object."""
    body = call.json
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise fail(400, "bad_request", "Request body must be an object")
    return body


def id_text(value: Any) -> str | None:
    """An id as text; the API takes strings and integers everywhere. None for anything else."""
    if isinstance(value, bool):
        return None
    return str(value) if isinstance(value, (int, str)) and str(value) else None


def id_number(value: Any) -> int | None:
    """An id of digits as a number, else None."""
    text = id_text(value)
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else None


def timestamp(body: Json, key: str) -> int | None:
    """Unix seconds under `key`, as a number or digits; None when absent or null. 400 for anything else."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**40:
        raise invalid(f"{key} must be a UNIX timestamp in seconds", key)
    return int(value)


def text(body: Json, key: str) -> str | None:
    """A string under `key`; numbers become text, null and absence None. 400 for lists and objects."""
    value = body.get(key)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise invalid(f"{key} must be a string", key)


def flag(body: Json, key: str) -> bool | None:
    """A boolean under `key`, None when absent. 400 for anything else."""
    value = body.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise invalid(f"{key} must be true or false", key)


def objects(body: Json, key: str) -> list[Json]:
    """A list of objects under `key`, empty when absent. 400 for anything else."""
    value = body.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid(f"{key} must be an array of objects", key)
    return value


def is_email(value: str) -> bool:
    """Whether `value` could be an address."""
    return bool(_EMAIL.fullmatch(value))
