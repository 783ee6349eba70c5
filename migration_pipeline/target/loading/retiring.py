"""Records that left the source, or its scope, after they were migrated: what was migrated stays, or goes by rule.

Belongs here: that rule. Does not belong here: deciding that a record left (`plan`), or undoing a run.
"""

from dataclasses import replace

from migration_pipeline.journal import Outcome, Remembered
from migration_pipeline.target import steps, ticket_steps
from migration_pipeline.target.loading.articles import unpublished
from migration_pipeline.target.loading.desk import Desk
from migration_pipeline.target.loading.slots import volumes
from migration_pipeline.target.loading.tickets import is_ticket
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.rows import Row


def retire(desk: Desk, work: Work, row: Row, known: Remembered | None) -> Outcome:
    """Tell that a record is gone; delete the conversation of a deleted ticket, and unpublish an article, as set.

    What only the settings leave out by now stays as it is.

    Raises:
        StepUnclear.
    """
    target_id = known.target_id if known else None
    work.notes.extend(filter(None, [row["planned_detail"]]))
    if known is None or target_id is None or row["planned_reason"] != "deleted_in_source":
        return desk.migrated(work, row, target_id, row["planned_reason"])
    if work.entity_type == "tickets" and desk.migration.options.deleted_tickets == "delete":
        try:
            for number, conversation in (volumes(work) or {1: target_id}).items():
                drop = ticket_steps.drop if is_ticket(work, row) else steps.drop_conversation
                desk.writer.perform(work.of_volume(number), drop(conversation))
        except StepRefused as refusal:
            work.notes.append(str(refusal))
            return desk.migrated(work, row, target_id, "update_failed")
        told = desk.skipped(work, row, "removed_from_target")
        return replace(told, detail="; ".join(work.notes) or None, gone=True)
    if work.entity_type == "articles" and desk.migration.help_center.archived == "unpublish":
        return unpublished(desk, work, row, known)
    return desk.migrated(work, row, target_id, row["planned_reason"])
