"""What the calls of a load plan do, and at which endpoint of Intercom, by name.

Belongs here: the list (Intercom OpenAPI 2.16). Does not belong here: how many a record takes (`plan`, `foreseen`,
`costs`), or the calls themselves (`steps`).
"""

from typing import Final, NamedTuple


class Call(NamedTuple):
    """One kind of call."""

    what: str  # that it makes or changes
    endpoint: str


ATTRIBUTE: Final = Call("attributes", "POST /data_attributes, /conversations/attributes, /ticket_types")
OPTION: Final = Call("options", "POST /conversations/attributes/{id}/options, PUT /ticket_types/{id}/attributes/{id}")
TAG: Final = Call("tags", "POST /tags")

COMPANY: Final = Call("companies", "POST /companies")
COMPANY_FIELDS: Final = Call("fields", "POST /companies")
COMPANY_TAGS: Final = Call("tags", "POST /tags")
COMPANY_NOTE: Final = Call("notes", "POST /companies/{id}/notes")

CONTACT: Final = Call("contacts", "POST /contacts")
CONTACT_FIELDS: Final = Call("fields", "PUT /contacts/{id}")
CONTACT_COMPANIES: Final = Call("companies", "POST /contacts/{id}/companies")
CONTACT_COMPANIES_OFF: Final = Call("companies", "DELETE /contacts/{id}/companies/{id}")
CONTACT_TAGS: Final = Call("tags", "POST /contacts/{id}/tags")
CONTACT_TAGS_OFF: Final = Call("tags", "DELETE /contacts/{id}/tags/{id}")
CONTACT_NOTE: Final = Call("notes", "POST /contacts/{id}/notes")

CONVERSATION: Final = Call("conversations", "POST /conversations")
MESSAGES: Final = Call("messages", "POST /conversations/{id}/reply")
REDACTIONS: Final = Call("redactions", "POST /conversations/redact")
PARTICIPANTS: Final = Call("participants", "POST /conversations/{id}/customers")
TAGS: Final = Call("tags", "POST /conversations/{id}/tags")
TAGS_OFF: Final = Call("tags", "DELETE /conversations/{id}/tags/{id}")
FIELDS: Final = Call("fields", "PUT /conversations/{id}")
ASSIGNEES: Final = Call("assignees", "POST /conversations/{id}/parts")
STATE: Final = Call("states", "POST /conversations/{id}/parts")
DELETED: Final = Call("deletions", "DELETE /conversations/{id}")

TICKET: Final = Call("tickets", "POST /tickets")
TICKET_MESSAGES: Final = Call("messages", "POST /tickets/{id}/reply")
TICKET_TAGS: Final = Call("tags", "POST /tickets/{id}/tags")
TICKET_TAGS_OFF: Final = Call("tags", "DELETE /tickets/{id}/tags/{id}")
TICKET_FIELDS: Final = Call("fields", "PUT /tickets/{id}")
TICKET_ASSIGNEES: Final = Call("assignees", "PUT /tickets/{id}")
TICKET_STATE: Final = Call("states", "PUT /tickets/{id}")
TICKET_DELETED: Final = Call("deletions", "DELETE /tickets/{id}")

COLLECTION: Final = Call("collections", "POST /help_center/collections")
COLLECTION_FIELDS: Final = Call("fields", "PUT /help_center/collections/{id}")
ARTICLE: Final = Call("articles", "POST /articles, /internal_articles")
ARTICLE_AGAIN: Final = Call("articles", "PUT /articles/{id}, /internal_articles/{id}")
ARTICLE_FIELDS: Final = Call("fields", "PUT /articles/{id}, /internal_articles/{id}")
ARTICLE_TAGS: Final = Call("tags", "POST /articles/{id}/tags")
ARTICLE_TAGS_OFF: Final = Call("tags", "DELETE /articles/{id}/tags/{id}")
