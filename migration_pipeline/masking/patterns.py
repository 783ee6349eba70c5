"""What is looked for in texts: candidates by an expression, and a check of each that tells a number from a card.

Belongs here: the patterns, as a table. Does not belong here: replacing what they find (`masker`).

Expressions run in RE2 (through Arrow), whose time grows with the text alone, whatever a person wrote into them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from migration_pipeline.config import Masking

Span = tuple[int, int]
"""First character and the one after the last."""

Narrow = Callable[[str, Span, frozenset[int]], Iterator[Span]]
"""From a text, a candidate in it, and the places where mark-up parts the text, to what really is meant."""

_OPEN, _SHUT = "\ue000", "\ue001"
_BETWEEN: Final = r"\s\p{Z}\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}.,_/\-\x{2010}-\x{2015}\x{2212}"
"""What people, mail programs and forms put between the digits of a number."""

_GAP: Final = 12
"""Characters that may stand between two digits of one number: cells of a table and lines end between them too."""

CARD_DIGITS: Final = range(13, 20)
"""Digits of a card number (ISO/IEC 7812-1: 19 at most; no card in use has fewer than 13)."""

IBAN_LENGTHS: Final = {
    country: int(length)
    for country, length in re.findall(
        "([A-Z]{2})([0-9]{2})",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
        "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 "
        "KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 "
        "PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
        "VA22 VG24 XK20 YE30",
    )
}
"""Characters of an IBAN by country (SWIFT, IBAN registry)."""


@dataclass(frozen=True)
class Pattern:
    """A named expression (RE2), and how its candidates are narrowed down."""

    name: str
    expression: str
    narrow: Narrow

    @property
    def mark(self) -> str:
        """What stands in the text instead."""
        return f"[{self.name.replace('_', ' ')} masked]"

    def find(self, texts: Sequence[str], breaks: Sequence[frozenset[int]]) -> list[list[Span]]:
        """Where the texts hold it; `breaks` are the places where mark-up parts each text."""
        found: list[list[Span]] = [[] for _ in texts]
        # Whether there is a match at all is known many times faster than where it is.
        holding = pc.match_substring_regex(pa.array(texts, pa.string()), self.expression).to_pylist()
        numbers = [number for number, holds in enumerate(holding) if holds]
        if numbers:
            some = pa.array([texts[number] for number in numbers], pa.string())
            marked = pc.replace_substring_regex(some, self.expression, f"{_OPEN}\\0{_SHUT}").to_pylist()
            for number, told in zip(numbers, marked, strict=True):
                candidates = _spans(told)
                found[number] = [span for one in candidates for span in self.narrow(texts[number], one, breaks[number])]
        return found


def patterns_of(rules: Masking) -> tuple[Pattern, ...]:
    """The patterns that the settings name; a person's own ones last."""
    own = (Pattern(name, expression, _whole) for name, expression in rules.custom.items())
    return (*(KNOWN[name] for name in rules.patterns), *own)


def searchable(text: str) -> str:
    """The text without the two characters that mark what was found; its places stay the same."""
    return text.replace(_OPEN, "\ufffd").replace(_SHUT, "\ufffd")


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * (1 + number % 2) for number, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def mod_97(iban: str) -> bool:
    """Whether the two check digits of an IBAN fit (ISO 13616)."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _spans(marked: str) -> Iterator[Span]:
    """Where the marks were put, in the text as it was without them."""
    first, *pieces = marked.split(_OPEN)
    place = len(first)
    for piece in pieces:
        match, _, after = piece.partition(_SHUT)
        if match:
            yield place, place + len(match)
        place += len(match) + len(after)


def _whole(text: str, span: Span, breaks: frozenset[int]) -> Iterator[Span]:
    del text, breaks
    yield span


def _cards(text: str, span: Span, breaks: frozenset[int]) -> Iterator[Span]:
    """Card numbers in a run of groups of digits: all neighbouring groups that have the right length and check digit.

    A number stands beside others ("4111 1111 1111 1111 12/27"), or is parted in any way.
    """
    groups = list(_groups(text, span, breaks))
    for first, (start, _) in enumerate(groups):
        digits = ""
        for begin, end in groups[first:]:
            digits += _digits(text[begin:end])
            if len(digits) >= CARD_DIGITS.stop:
                break
            # Banks' numbers begin with 2 to 6 (ISO/IEC 7812-1, major industry identifier).
            if len(digits) in CARD_DIGITS and digits[0] in "23456" and luhn(digits):
                yield start, end


def _groups(text: str, span: Span, breaks: frozenset[int]) -> Iterator[Span]:
    start: int | None = None
    for place in range(span[0], span[1] + 1):
        digit = place < span[1] and text[place].isdecimal()
        if start is not None and (not digit or place in breaks):
            yield start, place
            start = None
        if digit and start is None:
            start = place


def _digits(text: str) -> str:
    return "".join(str(int(letter)) for letter in text)


def _ibans(text: str, span: Span, breaks: frozenset[int]) -> Iterator[Span]:
    """An IBAN that begins where a country and two digits stand; what follows it belongs to something else."""
    del breaks
    found, place, gap = "", span[0], 0
    wanted = 34
    while place < len(text) and len(found) < wanted and gap <= _GAP:
        letter = text[place]
        if (letter.isascii() and letter.isalnum()) or letter.isdecimal():
            found, gap = found + (str(int(letter)) if letter.isdecimal() else letter.upper()), 0
            wanted = IBAN_LENGTHS.get(found, 0) if len(found) == 2 else wanted
        else:
            gap += 1
        place += 1
    if wanted and len(found) == wanted and mod_97(found):
        yield span[0], place


def _phones(text: str, span: Span, breaks: frozenset[int]) -> Iterator[Span]:
    """A number with its country or area code; shorter ones with a leading zero are rather days."""
    del breaks
    told = text[span[0] : span[1]]
    digits = sum(letter.isdecimal() for letter in told)
    fewest = 9 if told.startswith("0") and not told.startswith("00") else 7
    if fewest <= digits <= 15:
        yield span


KNOWN: Final = {
    pattern.name: pattern
    for pattern in (
        Pattern("card_number", rf"\p{{Nd}}(?:[{_BETWEEN}]{{0,{_GAP}}}\p{{Nd}}){{12,}}", _cards),
        Pattern("iban", rf"[A-Za-z][{_BETWEEN}]{{0,{_GAP}}}[A-Za-z](?:[{_BETWEEN}]{{0,{_GAP}}}\p{{Nd}}){{2}}", _ibans),
        Pattern("email", r"""[^\s@<>"'(),;:\[\]]+@(?:[\p{L}\p{Nd}\-]+\.)+\p{L}{2,}""", _whole),
        Pattern(
            "phone",
            r"(?:\+|\b0)\p{Nd}(?:[\s\p{Z}()./\-]{0,3}\p{Nd}){5,}|\(\p{Nd}{3}\) ?\p{Nd}{3}[ .\-]\p{Nd}{4}\b"
            r"|\b\p{Nd}{3}[.\-]\p{Nd}{3}[.\-]\p{Nd}{4}\b",
            _phones,
        ),
    )
}
"""The patterns that can be named in migration.yaml."""
