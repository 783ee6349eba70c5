"""What a request may see: the desk, the base URL, the moment, and the switches that change how things are shown.

Here: one small value handed to all JSON makers. Not here: the making.
"""

from dataclasses import dataclass

from migration_pipeline.sandbox.service import Switches
from migration_pipeline.sandbox.zendesk.desk import Desk
from migration_pipeline.sandbox.zendesk.plans import Plan


@dataclass(frozen=True, slots=True)
class View:
    """``now`` in unix seconds. ``inline_images``: whether inline images are listed among attachments."""

    desk: Desk
    base_url: str
    now: float
    switches: Switches
    plan: Plan
    inline_images: bool = False
    original: bool = False
    """Comments as they were written, before redaction and privacy changes."""

    @property
    def other_host(self) -> str:
        """The same server under another host name, for files that live elsewhere."""
        return self.base_url.replace("127.0.0.1", "localhost")
