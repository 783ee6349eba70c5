"""Phones become E.164, and values of source fields fit the attributes they become."""

from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_pipeline.model.reasons import REASONS
from migration_pipeline.target.attributes import (
    TEXT_LIMIT,
    FieldRule,
    Value,
    attribute_name,
    convert,
    data_type,
    is_system,
    option_labels,
)
from migration_pipeline.target.phones import parse_phone

OPTIONS = [{"value": "vip", "label": "A::Very important"}, {"value": "std", "label": "Standard"}]


@pytest.mark.behaviour("S19")
@pytest.mark.parametrize(
    ("text", "e164", "exact"),
    [
        ("+49 (0)30 901820", "+4930901820", True),
        ("0049 30 901820", "+4930901820", True),
        ("+1 212-736-5000 ext. 5", "+12127365000", False),
        ("tel:+442079460958", "+442079460958", True),
    ],
)
def test_usable_phones(text: str, e164: str, exact: bool) -> None:
    number = parse_phone(text)
    assert number is not None
    assert (number.e164, number.exact) == (e164, exact)


@pytest.mark.parametrize("text", ["", "n/a", "030 901820", "+1", "12345", "+999 123 456", "+" * 300, "1" * 300])
def test_unusable_phones(text: str) -> None:
    assert parse_phone(text) is None


@given(st.one_of(st.text(), st.from_regex(r"\+?[0-9 ()./-]{3,25}")))
@settings(deadline=None)
def test_a_phone_is_valid_or_none(text: str) -> None:
    number = parse_phone(text)
    assert number is None or phonenumbers.is_valid_number(phonenumbers.parse(number.e164))


def rule(kind: str, **more: Any) -> FieldRule:
    labels = option_labels(OPTIONS)
    return FieldRule("Title", "Title", kind, labels, more.get("allowed", frozenset(labels.values())))


@pytest.mark.behaviour("S13")
@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("string", "text", Value("text")),
        ("string", "vip", Value("A::Very important")),
        ("string", ["vip", "std", "gone"], Value("A::Very important, Standard, gone")),
        ("string", True, Value("true")),
        ("string", 12, Value("12")),
        ("string", "", Value(None)),
        ("string", [], Value(None)),
        ("string", None, Value(None)),
        ("string", "x" * 255, Value("x" * 255)),
        ("string", "x" * 256, Value("x" * 254 + "…", "value_truncated")),
        ("list", "vip", Value("A::Very important")),
        ("list", "gone", Value(None, "value_dropped")),
        ("list", ["std"], Value("Standard")),
        ("list", ["std", "vip"], Value("Standard", "value_dropped")),
        ("boolean", False, Value(False)),
        ("boolean", "true", Value(True)),
        ("boolean", "maybe", Value(None, "value_dropped")),
        ("integer", 7, Value(7)),
        ("integer", "7", Value(7)),
        ("integer", 7.0, Value(7)),
        ("integer", 7.5, Value(None, "value_dropped")),
        ("integer", True, Value(None, "value_dropped")),
        ("decimal", "1.50", Value(1.5)),
        ("decimal", "nan", Value(None, "value_dropped")),
        ("datetime", "2024-02-29", Value(1709164800)),
        ("datetime", "2024-02-29T01:00:00+01:00", Value(1709164800)),
        ("datetime", "2024-02-30", Value(None, "value_dropped")),
    ],
)
def test_values(kind: str, raw: object, value: Value) -> None:
    assert convert(raw, rule(kind)) == value


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)
FITS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "list": str,
    "boolean": bool,
    "integer": int,
    "decimal": float,
    "datetime": int,
}


@given(st.sampled_from(sorted(FITS)), JSON)
@settings(deadline=None)
def test_whatever_comes_fits_or_is_told(kind: str, raw: Any) -> None:
    fitted = convert(raw, rule(kind))
    assert fitted.value is None or isinstance(fitted.value, FITS[kind])
    assert not isinstance(fitted.value, str) or 0 < len(fitted.value) <= TEXT_LIMIT
    assert fitted.loss is None or fitted.loss in REASONS
    assert fitted.value is not None or fitted.loss or not raw or not str(raw).strip() or kind == "string"


@given(st.text())
def test_names_obey_the_rules_of_the_target(title: str) -> None:
    name = attribute_name(title)
    assert name == name.strip()
    assert 0 < len(name) <= 100
    assert not set(name) & set(".$/\\'\"<>{}[]")
    assert attribute_name(name) == name


def test_a_name_keeps_the_marks_that_make_its_letters() -> None:
    assert attribute_name("सन्दर्भ / Ref. (neu)") == "सन्दर्भ Ref neu"


def test_options_alike_but_for_case_share_one_label() -> None:
    options = [{"value": "a", "label": "Size"}, {"value": "b", "label": "SIZE"}, {"value": "c", "label": ""}]
    assert option_labels(options) == {"a": "Size", "b": "Size", "c": "c"}


@pytest.mark.parametrize(
    ("field_type", "options", "becomes"),
    [
        ("text", [], "string"),
        ("multiline", [], "string"),
        ("boolean", [], "boolean"),
        ("date", [], "datetime"),
        ("integer", [], "integer"),
        ("decimal", [], "decimal"),
        ("option", OPTIONS, "list"),
        ("option", OPTIONS[:1], "string"),  # a list needs two options
        ("options", OPTIONS, "string"),
        ("reference", [], "string"),
        ("a type of tomorrow", [], "string"),
    ],
)
def test_types(field_type: str, options: list[dict[str, str | None]], becomes: str) -> None:
    assert data_type(field_type, option_labels(options)) == becomes


def test_system_fields() -> None:
    assert is_system("custom_status", "option")
    assert is_system(None, "system")
    assert not is_system("custom_field_1", "text")
