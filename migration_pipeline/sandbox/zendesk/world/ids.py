"""How things are numbered: small ids for tickets, 13-14 digit ids for all else, and tokens of files.

Here: arithmetic between ids and places in the generated world. Not here: whether such a thing exists.
"""

import base64
import hashlib
from dataclasses import dataclass

USER = 4_400_000_000_000
ORGANIZATION = 4_600_000_000_000
GROUP = 4_700_000_000_000
FIELD = 4_800_000_000_000
OPTION = 4_810_000_000_000
FORM = 4_820_000_000_000
STATUS = 4_830_000_000_000
BRAND = 4_840_000_000_000
ROLE = 4_850_000_000_000
MEMBERSHIP = 4_860_000_000_000
IDENTITY = 4_900_000_000_000
RATING = 5_100_000_000_000
CATEGORY = 5_210_000_000_000
SECTION = 5_220_000_000_000
ARTICLE = 5_230_000_000_000
TRANSLATION = 5_240_000_000_000
SEGMENT = 5_250_000_000_000
PERMISSION_GROUP = 5_260_000_000_000
LABEL = 5_270_000_000_000
ARTICLE_FILE = 5_280_000_000_000
SUSPENDED = 5_290_000_000_000
RULE = 5_300_000_000_000
ARTICLE_COMMENT = 5_310_000_000_000
AUDIT = 30_000_000_000_000
FILE = 60_000_000_000_000

RANGE = 10_000_000_000  # Between the ids of most kinds of things.
STEP = 1021  # Prime, so that ids of neighbours do not look like a series of round numbers.
SEQ_BITS = 13  # Up to 8,192 audits a ticket; the last of them number files of messages.
CHILD_BITS = 5  # Up to 31 child events an audit; files 0-15, thumbnails 16-31.


def user(number: int) -> int:
    """The id of the user at ``number``."""
    return USER + (number + 1) * STEP


def user_number(user_id: int) -> int | None:
    """The reverse of `user`, None for an id that is no user's."""
    return _number(user_id, USER)


def organization(number: int) -> int:
    """The id of the organization at ``number``."""
    return ORGANIZATION + (number + 1) * STEP


def organization_number(organization_id: int) -> int | None:
    """The reverse of `organization`, None for an id that is no organization's."""
    return _number(organization_id, ORGANIZATION)


def group(number: int) -> int:
    """The id of the group at ``number``."""
    return GROUP + (number + 1) * STEP


def article(number: int) -> int:
    """The id of the article at ``number``."""
    return ARTICLE + (number + 1) * STEP


def article_number(article_id: int) -> int | None:
    """The reverse of `article`, None for an id that is no article's."""
    return _number(article_id, ARTICLE)


def section(number: int) -> int:
    """The id of the section at ``number``."""
    return SECTION + (number + 1) * STEP


def section_number(section_id: int) -> int | None:
    """The reverse of `section`, None for an id that is no section's."""
    return _number(section_id, SECTION)


def category(number: int) -> int:
    """The id of the category at ``number``."""
    return CATEGORY + (number + 1) * STEP


def category_number(category_id: int) -> int | None:
    """The reverse of `category`, None for an id that is no category's."""
    return _number(category_id, CATEGORY)


def audit(ticket: int, seq: int) -> int:
    """The id of the audit ``seq`` of the ticket at place ``ticket``."""
    return AUDIT + ((ticket << SEQ_BITS | seq) << CHILD_BITS)


def child(ticket: int, seq: int, position: int) -> int:
    """The id of a child event; position 0 is the comment, whose id it is on every road."""
    return audit(ticket, seq) + 1 + position


def comment_place(comment_id: int) -> tuple[int, int] | None:
    """(ticket place, seq) of a comment's id, or None."""
    rest = comment_id - AUDIT - 1
    if rest < 0 or rest & ((1 << CHILD_BITS) - 1):
        return None
    place = rest >> CHILD_BITS
    return place >> SEQ_BITS, place & ((1 << SEQ_BITS) - 1)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a file hangs: ticket place, audit of the comment, position in it (from 16: a thumbnail)."""

    ticket: int
    seq: int
    position: int

    @property
    def id(self) -> int:
        """The attachment's id."""
        return FILE + ((self.ticket << SEQ_BITS | self.seq) << CHILD_BITS | self.position)


def file_place(file_id: int) -> FilePlace | None:
    """The reverse of `FilePlace.id`, None for an id that is no file's."""
    rest = file_id - FILE
    if rest < 0:
        return None
    place = rest >> CHILD_BITS
    return FilePlace(place >> SEQ_BITS, place & ((1 << SEQ_BITS) - 1), rest & ((1 << CHILD_BITS) - 1))


def token(number: int, seed: int) -> str:
    """The secret name under which a file (or a user's photo) is fetched; it cannot be guessed from the id."""
    raw = number.to_bytes(8, "big")
    proof = hashlib.blake2s(raw, key=b"%d" % seed, digest_size=7).digest()
    hidden = bytes(a ^ b for a, b in zip(raw, proof + proof[:1], strict=True))
    return base64.urlsafe_b64encode(proof + hidden).decode().rstrip("=")


def token_number(text: str, seed: int) -> int | None:
    """The number inside a token, None when it was not made by `token` with this seed."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    if len(data) != 15:
        return None
    proof, hidden = data[:7], data[7:]
    number = int.from_bytes(bytes(a ^ b for a, b in zip(hidden, proof + proof[:1], strict=True)), "big")
    return number if token(number, seed) == text else None


def _number(value: int, base: int) -> int | None:
    number, rest = divmod(value - base, STEP)
    return None if rest or number < 1 else number - 1
