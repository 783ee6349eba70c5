"""Private data in texts and fields, for tests of masking: test card numbers, IBANs, and patterns with a name.

Here: what stands where, while the switch `private_data` is on. Not here: ordinary texts. The numbers are the public
test numbers of card schemes and the example accounts of IBAN registries; look-alikes with a wrong check digit are
among them.
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.zendesk.world import seeds

SHARE = 0.25

# (markup, text) of a sentence; where markup cuts a number into pieces, the text has it whole.
SENTENCES: tuple[tuple[str, str], ...] = (
    ("My card is 4111 1111 1111 1111.", "My card is 4111 1111 1111 1111."),
    ("Card: 5555-5555-5555-4444, 12/27", "Card: 5555-5555-5555-4444, 12/27"),
    ("amex 378282246310005 thanks", "amex 378282246310005 thanks"),
    ("<b>4012</b> 8888&nbsp;8888 <i>1881</i>", "4012 8888\u00a08888 1881"),
    ("Meine IBAN: DE89 3704 0044 0532 0130 00", "Meine IBAN: DE89 3704 0044 0532 0130 00"),
    ("GB82WEST12345698765432", "GB82WEST12345698765432"),
    ("IBAN fr1420041010050500013m02606", "IBAN fr1420041010050500013m02606"),
    ("My SSN is 078-05-1120.", "My SSN is 078-05-1120."),
    ("Kundennummer KD-20417-X, PIN: 4711", "Kundennummer KD-20417-X, PIN: 4711"),
    ("password = hunter2", "password = hunter2"),
    # Not private, and to be left as they are: wrong check digits and a parcel's number.
    ("Order 4111 1111 1111 1112", "Order 4111 1111 1111 1112"),
    ("Reference DE00 3704 0044 0532 0130 00", "Reference DE00 3704 0044 0532 0130 00"),
    ("Parcel 00340434161094042557", "Parcel 00340434161094042557"),
)
VALUES: tuple[str, ...] = ("PIN: 4711", "KD-20417-X", "DE89370400440532013000", "4111111111111111", "078-05-1120")


def written(seed: int, markup: str, text: str) -> tuple[str, str]:
    """A comment's (HTML, text) of step ``seed`` with a private sentence in some of them."""
    if seeds.share(seed, 43) >= SHARE:
        return markup, text
    html, plain = SENTENCES[seeds.mix(seed, 44) % len(SENTENCES)]
    return f"{markup}<p>{html}</p>", f"{text}\n\n{plain}" if text else plain


def _value(number: int) -> str:
    return VALUES[seeds.mix(number, 46) % len(VALUES)]


def _ticket(record: dict[str, Any]) -> dict[str, Any]:
    """A private value in the first text field that has one."""
    value = _value(record["id"])
    # Of the custom fields those of several lines are free text.
    fields = [
        {**f, "value": value} if isinstance(f["value"], str) and "\n" in f["value"] else f
        for f in record["custom_fields"]
    ]
    changed: dict[str, Any] = {"custom_fields": fields}
    changed |= {name: f"{record[name]} {value}" for name in ("subject", "raw_subject")}
    if "fields" in record:
        changed["fields"] = fields
    return {**record, **changed}


def _user(record: dict[str, Any]) -> dict[str, Any]:
    fields = {**record["user_fields"], "remarks": _value(record["id"]), "vat_id": "DE136695976"}
    return {**record, "user_fields": fields, "notes": f"{record['notes']} {_value(record['id'] + 1)}".strip()}


def _organization(record: dict[str, Any]) -> dict[str, Any]:
    fields = {**record["organization_fields"], "billing_notes": _value(record["id"])}
    return {**record, "organization_fields": fields, "details": f"IBAN GB82WEST12345698765432\n{record['details']}"}


_KINDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "custom_fields": _ticket,
    "user_fields": _user,
    "organization_fields": _organization,
}


def with_private_values(record: dict[str, Any]) -> dict[str, Any]:
    """A ticket, user or organization, some of them with private values in their fields."""
    if seeds.share(int(record["id"]), 45) >= SHARE:
        return record
    return next((make(record) for name, make in _KINDS.items() if name in record), record)
