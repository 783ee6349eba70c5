"""What an earlier run did about one thing of a record, and the name of the operation that does it anew.

A slot is such a thing: a part, a tag, the assignee. The operation that first filled it is named like the slot; each
later one is a revision with a number and a hash of what it sends, so that going back to an earlier value is a new
operation, and repeating an interrupted one is not.
"""

import re
from dataclasses import replace
from typing import Final

from migration_pipeline.journal import Operation, State
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.steps import Step

_OTHER_VOLUME: Final = re.compile(r"^v\d+/")
_REVISION: Final = re.compile(r"^(?P<slot>.+)/u(?P<number>\d+)-[0-9a-f]{8}$")


def parsed(name: str) -> tuple[str, int]:
    """The slot of an operation's name, and the number of its revision."""
    found = _REVISION.match(name)
    return (found["slot"], int(found["number"])) if found else (name, 0)


def filled(work: Work) -> dict[str, Operation]:
    """The newest operation that was certainly applied, by slot; those of the record's other volumes aside."""
    newest: dict[str, tuple[int, Operation]] = {}
    prefix = work.key("")
    for key, operation in work.operations.items():
        name = key.removeprefix(prefix)
        if operation.state is not State.DONE or name == key or _OTHER_VOLUME.match(name):
            continue
        slot, number = parsed(name)
        if slot not in newest or newest[slot][0] < number:
            newest[slot] = (number, operation)
    return {slot: operation for slot, (_, operation) in newest.items()}


def volumes(work: Work) -> dict[int, str]:
    """The conversations that a ticket has, by their number."""
    made: dict[int, str] = {}
    while (opening := filled(work.of_volume(len(made) + 1)).get("create")) is not None and opening.target_id:
        made[len(made) + 1] = opening.target_id
    return made


def revised(work: Work, step: Step, slot: str | None = None) -> Step:
    """The step under the name that its slot has for it now; `slot` where it is not the step's own name."""
    slot = slot or step.name
    known = filled(work).get(slot)
    if known is None:
        return replace(step, name=slot)
    _, number = parsed(known.op_key.removeprefix(work.key("")))
    return replace(step, name=f"{slot}/u{number + 1}-{step.payload_hash[:8]}")
