"""What the page says in words: how to check the results by hand, and what never arrives in Intercom as it was.

Belongs here: texts that hold for every run, as data. Does not belong here: anything counted.
Facts about Intercom: its OpenAPI description 2.16 (createConversation, replyConversation, listMacros).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Check:
    """One thing to compare by hand, and what to expect."""

    what: str
    how: str


CHECKS: Final = (
    Check(
        "It is there",
        "Open both links of a row. Without a link, filter Intercom's conversations by the attribute migration_key; "
        "a contact has the same text as its external ID, a company as its company ID: the source's kind, a colon, "
        "the source ID.",
    ),
    Check(
        "The conversation is whole",
        "Count the comments on both sides, and read first and last: same words, same order, same dates. Public "
        "comments are replies, internal ones are notes. A comment with many files is split into several by the same "
        "author.",
    ),
    Check(
        "The people are right",
        "The requester is the contact, people in copy are participants, agents show as teammates. Where an agent has "
        "no teammate, the fallback teammate stands in and the text names the agent.",
    ),
    Check("The files open", "Open every file and every picture, also those inside the text."),
    Check(
        "Fields and tags are there", "Compare the ticket's fields with the conversation's attributes, then the tags."
    ),
    Check(
        "Assignment and state",
        "Same teammate and team; an unassigned ticket stays unassigned. "
        "Solved tickets are closed, pending ones snoozed.",
    ),
    Check(
        "Contacts and companies",
        "Name, e-mail, phone and companies of the requester. "
        "Intercom shows a company only once a contact belongs to it.",
    ),
)
"""The checks that a person makes on a handful of tickets; the verification makes them on all it reads back."""

LIMITS: Final = (
    Check(
        "Dates that Intercom sets itself",
        "When a conversation was closed, assigned, tagged or last changed, and when a contact was created in Intercom, "
        "is the time of the migration. The dates of a conversation and of each of its parts are the source's.",
    ),
    Check(
        "Channel", "Every conversation shows as started by the customer in the app, whatever channel it came through."
    ),
    Check("Statistics", "Response times, service levels and satisfaction scores of the past are not recalculated."),
    Check("Opening message", "It is plain text and carries no files; its files follow in the next part."),
    Check(
        "The help centre",
        "Articles and collections carry the date of the migration; their order, what was promoted, and readers' votes "
        "and comments stay behind (inventory.csv links to each comment). Intercom keeps pictures of an article, and no "
        "other files.",
    ),
    Check("People in copy", "They take part in the conversation; Intercom has no separate list of copies."),
)
"""What Intercom cannot hold as the source had it, for every record."""
