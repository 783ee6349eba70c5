"""What a help desk holds besides records, and what Intercom has in its place: nothing of it moves.

Belongs here: the kinds, for any service, and the table of what was found. Does not belong here: how a service lists
them.
"""

from typing import Final

import pyarrow as pa

INVENTORY: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("source_id", pa.string()),
        ("name", pa.string()),
        ("active", pa.bool_()),
        ("conditions", pa.int64()),  # rules that decide when it applies; null where it has none by nature
        ("source_url", pa.string()),
    ]
)

COUNTERPARTS: Final[dict[str, str]] = {
    "macro": "Macros; the API reads them and makes none.",
    "trigger": "Workflows, made by hand.",
    "automation": "Workflows with a waiting step, made by hand.",
    "view": "Inbox views, made by hand.",
    "sla_policy": "SLAs, applied by workflows.",
    "schedule": "Office hours, in the settings of the workspace.",
    "ticket_form": "Ticket types; its fields arrive as attributes, its conditions do not.",
    "dynamic_content": "Translations in the Messenger, in workflows and macros.",
    "support_address": "Email addresses, to be verified and forwarded anew.",
    "article_comment": "Nothing: articles have no comments.",
    "sharing_agreement": "Nothing: tickets cannot be shared with another workspace.",
}
"""What stands in Intercom for each kind, and how it comes to be there."""
