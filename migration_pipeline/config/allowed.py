"""What a key of the user's files may hold, in words made of the model's own JSON Schema.

Belongs here: the sentence about allowed values and keys. Does not belong here: where the mistake stands (`yamlfile`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from rapidfuzz import fuzz, process

Schema = Mapping[str, Any]

_KINDS: Final[Mapping[str, str]] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "`key: value` lines",
    "null": "null",
}
_UNCHANGED: Final = ("value_error", "string_pattern_mismatch")
"""Complaints that say themselves what is allowed, or that the schema cannot put into words."""

_CLOSE: Final = 70


def expected(model: type[BaseModel], keys: Sequence[str], complaint: str) -> str | None:
    """What is allowed at the end of the way `keys` through a model, for one kind of pydantic's complaints.

    None where the complaint's own words are better.
    """
    root = model.model_json_schema()
    if complaint == "extra_forbidden":
        known = sorted({key for schema in reached(root, keys[:-1]) for key in schema.get("properties", {})})
        close = process.extractOne(keys[-1], known, scorer=fuzz.ratio, score_cutoff=_CLOSE) if known else None
        return f"unknown key; the nearest is {close[0]}" if close else f"unknown key; known here: {', '.join(known)}"
    allowed = [schema for schema in reached(root, keys) if schema]
    words = _words(allowed)
    if complaint == "missing":
        return f"this key is required: {words}" if words else "this key is required"
    if complaint in _UNCHANGED or not words:
        return None
    return f"expected {words}"


def _words(schemas: Sequence[Schema]) -> str:
    """The alternatives in words."""
    values = [str(value) for schema in schemas for value in schema.get("enum", _const(schema))]
    told = [f"one of {', '.join(values)}" if len(values) > 1 else values[0]] if values else []
    for schema in schemas:
        if not ("enum" in schema or "const" in schema):
            kinds = schema.get("type", ())
            told.extend(f"{_KINDS[kind]}{_range(schema)}" for kind in ([kinds] if isinstance(kinds, str) else kinds))
        if "properties" in schema and "type" not in schema:
            told.append(_KINDS["object"])
    if any(schema.get("type") == "object" for schema in schemas):
        told = [f"{word} here" if word == _KINDS["object"] else word for word in told]
    return " or ".join(dict.fromkeys(told))


def _const(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else []


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of {low:g} or more"
    if high is not None:
        return f" of at most {high:g}"
    return " that is not empty" if schema.get("minLength") == 1 else ""


def reached(root: Schema, keys: Sequence[str]) -> list[Schema]:
    """The schemas of the value at the end of a way; none where the schema does not know the way."""
    here = list(_alternatives(root, root))
    for key in keys:
        following: list[Schema] = []
        for schema in here:
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if inner is None and key.isdecimal():
                inner = schema.get("items")
            if isinstance(inner, Mapping):
                following.extend(_alternatives(inner, root))
        here = following
    return here


def _alternatives(schema: Schema, root: Schema) -> Iterator[Schema]:
    """A schema with its references followed and its `anyOf` taken apart."""
    if "$ref" in schema:
        yield from _alternatives(root["$defs"][str(schema["$ref"]).rsplit("/", 1)[1]], root)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _alternatives(one, root)
    elif "allOf" in schema:
        for one in schema["allOf"]:
            yield from _alternatives(one, root)
    else:
        yield schema
