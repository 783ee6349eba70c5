"""The next step: what each command says last, so that nobody needs the manual to go on.

Belongs here: the sentences. Does not belong here: what a command did (the commands), or what a refusal asks for, which
stands in its own sentence.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from migration_pipeline.cli.output import console

NEXT: Final[Mapping[str, str]] = {
    "init": "put the secrets it names into .env beside it; then `migrate check`.",
    "check": "`migrate connect target` confirms the workspace, `migrate map` proposes what becomes what.",
    "check_mapped": "`migrate demo` moves some tickets; or mend what is marked ! first.",
    "connect_source": "`migrate connect target` confirms the workspace.",
    "connect_target": "`migrate map` proposes what becomes what.",
    "map": "look at mapping.yaml, or decide it on a page (`migrate map --edit`); then `migrate demo`.",
    "demo": "look at the report; change mapping.yaml and `migrate demo` again, or `migrate plan` for everything.",
    "demo_dry": "`migrate demo` writes what is planned here.",
    "plan": "`migrate checklist` shows what people do; `migrate approve --name NAME --sign all` signs both.",
    "plan_full_approved": "`migrate full` starts it; `migrate plan --delta` tells what has changed after it.",
    "plan_delta_approved": "`migrate delta` starts it.",
    "full": "`migrate delta` moves what changes from now on; `migrate verify` reads everything back again.",
    "full_dry": "`migrate plan` tells calls and hours, and `migrate full` needs it signed.",
    "delta": "`migrate delta` again until the cut-over; `migrate checklist` shows what is to be switched on then.",
    "delta_dry": "`migrate delta` writes what is planned here.",
}
"""By command, and what of its outcome decides."""


def tell_next(step: str, config: Path | None) -> None:
    """Print the next step, with the commands as they are to be typed where `--config` was given."""
    more = f" --config {config}" if config else ""
    told = re.sub(r"`(migrate [^`]+)`", lambda found: f"`{found[1]}{more}`", NEXT[step])
    console.print(f"Next: {told}", soft_wrap=True, markup=False)
