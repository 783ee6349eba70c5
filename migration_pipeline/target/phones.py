"""Phone numbers as Intercom keeps them: E.164.

Belongs here: what is a usable number. Does not belong here: what becomes of an unusable one (`profiles`).
"""

import re
from dataclasses import dataclass

import phonenumbers

_ABROAD = re.compile(r"^[\s(]*00")


@dataclass(frozen=True, slots=True)
class Phone:
    """A number in E.164; `exact` is false where the source's text says more (an extension)."""

    e164: str
    exact: bool


def parse_phone(text: str) -> Phone | None:
    """The number, or None where the text is no valid international number.

    A number without its country is not guessed at: the same digits are somebody else's number in another country.
    """
    try:
        number = phonenumbers.parse(_ABROAD.sub("+", text), None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, exact=not number.extension)
