"""Suspended tickets: mail that the service holds back, of the last fourteen days.

Here: which there are, and their JSON. Not here: their list's paging.
"""

from typing import Any

from migration_pipeline.sandbox.zendesk.world import catalogue, ids, people, prose, seeds
from migration_pipeline.sandbox.zendesk.world.population import DAY
from migration_pipeline.sandbox.zendesk.world.vocabulary import LANGUAGES

KEPT_DAYS = 14
RECIPIENT = "support@acme.example"
_CAUSES: tuple[tuple[str, int], ...] = (
    ("Detected as spam", 0),
    ("Automated response mail", 1),
    ("Detected email as being from a system user", 7),
    ("Received from support address", 9),
    ("Sender domain on suspend list", 14),
    ("Permission denied due to unauthenticated email update", 22),
)


def count_of(tickets: int) -> int:
    """How many suspended tickets a help desk of this size has."""
    return min(250, 3 + tickets // 100)


def created(seed: int, epoch: int, number: int) -> int:
    """When the mail came, in unix seconds."""
    return epoch - 300 - int(seeds.share(seed, 61, number) * (KEPT_DAYS - 1) * DAY)


def suspended_ticket(seed: int, epoch: int, number: int, tickets: int, base_url: str) -> dict[str, Any]:
    """The suspended ticket at ``number``; some are answers to a ticket, some come without a name or a subject."""
    draw = seeds.rng(seed, 62, number)
    language = seeds.pick(draw, LANGUAGES)
    cause, cause_id = _CAUSES[number % len(_CAUSES)]
    when = people.iso(created(seed, epoch, number))
    address = f"sender{number}@example.net"
    suspended_id = ids.SUSPENDED + (number + 1) * ids.STEP
    return {
        "id": suspended_id,
        "url": f"{base_url}/api/v2/suspended_tickets/{suspended_id}.json",
        "author": {"id": None, "name": address if number % 3 else None, "email": address},
        "subject": prose.subject(language, draw) if number % 5 else None,
        "content": prose.fill(seeds.pick(draw, language.customer), draw),
        "cause": cause,
        "cause_id": cause_id,
        "message_id": f"<{number:x}.held@mail.example.net>",
        "ticket_id": 1 + int(draw.random() * tickets) if tickets and cause_id == 22 else None,
        "recipient": RECIPIENT,
        "via": {
            "channel": "email",
            "source": {
                "from": {"address": address, "name": address},
                "to": {"address": "support@acme.example"},
                "rel": None,
            },
        },
        "brand_id": catalogue.brand_id(number % 2),
        "attachments": [],
        "error_messages": None if number % 4 else ["Requester: Email is already taken"],
        "created_at": when,
        "updated_at": when,
    }
