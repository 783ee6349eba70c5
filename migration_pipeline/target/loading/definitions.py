"""Loading what stands before the people: agents and teams (matched, never made), attributes and tags.

Belongs here: one function per record type. Does not belong here: what matches what (`proposals`).
"""

from migration_pipeline.journal import Outcome, State
from migration_pipeline.target import steps, ticket_steps
from migration_pipeline.target.loading.desk import Desk, json_of
from migration_pipeline.target.loading.slots import filled, revised
from migration_pipeline.target.loading.work import StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.steps import Step
from migration_pipeline.target.ticket_rules import MODEL


def agent(desk: Desk, work: Work, row: Row) -> Outcome:
    """An agent is the teammate that mapping.yaml names; Intercom's API makes no teammates."""
    if row["target_id"] is None:
        return desk.skipped(work, row, "no_teammate")
    if row["target_id"] not in {admin.id for admin in desk.catalogue.admins}:
        return desk.failed(work, row, "no_teammate", f"mapping.yaml names {row['target_id']}, which is no teammate")
    return desk.migrated(work, row, row["target_id"])


def team(desk: Desk, work: Work, row: Row) -> Outcome:
    """A team is the one that mapping.yaml names; Intercom's API makes no teams."""
    if row["target_id"] is None:
        return desk.skipped(work, row, "no_team")
    if row["target_id"] not in {team.id for team in desk.catalogue.teams}:
        return desk.failed(work, row, "no_team", f"mapping.yaml names {row['target_id']}, which is no team")
    return desk.migrated(work, row, row["target_id"])


def field(desk: Desk, work: Work, row: Row) -> Outcome:
    """A field is an attribute: the workspace's own of that name, or a new one; the row may be that of a ticket type."""
    if row["model"] == MODEL:
        return _ticket_type(desk, work, row)
    create = _made_now(work, steps.create_attribute(row["model"], json_of(row["body"])))
    name = row["name"].casefold()
    conversation = desk.conversation_attributes.get(name) if row["model"] == "conversation" else None
    existing = conversation or desk.data_attributes.get((row["model"], name))
    try:
        # An operation of ours that is still open decides first: it may have made what is there now.
        if existing is None or _open(work, create):
            attribute_id = desk.writer.perform(work, create)
        else:
            attribute_id = existing.id
            if existing.data_type != row["data_type"]:
                work.notes.append(f"the workspace has it as {existing.data_type}, not {row['data_type']}")
        if conversation is not None and conversation.data_type == "list":
            known = {option.label for option in conversation.options}
            for label in row["options"] or ():
                if label not in known:
                    desk.writer.perform(work, steps.add_option(conversation.id, label))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    return desk.migrated(work, row, attribute_id)


def _ticket_type(desk: Desk, work: Work, row: Row) -> Outcome:
    """A ticket type is the workspace's own of that name, or a new one; attributes that it lacks are added."""
    body = json_of(row["body"])
    create = _made_now(work, ticket_steps.create_type(body))
    there = desk.ticket_types.by_name.get(row["name"].casefold())
    if there and there.category.casefold() != "customer":
        return desk.failed(work, row, "rejected_by_target", f"{there.name} is there, for {there.category} tickets")
    try:
        type_id = there.id if there and not _open(work, create) else str(desk.writer.perform(work, create))
        for attribute in body["attributes"]:
            known = there.attributes.get(attribute["name"].casefold()) if there else None
            step = _made_now(work, ticket_steps.create_type_attribute(type_id, attribute))
            if known is None or _open(work, step):
                desk.writer.perform(work, step)
                continue
            if known.data_type != attribute["data_type"]:
                work.notes.append(f"{known.name} is there as {known.data_type}, not {attribute['data_type']}")
            missing = [label for label in attribute["options"] if label not in known.options]
            if known.data_type == "list" and missing:
                options = [*known.options, *missing]
                desk.writer.perform(work, ticket_steps.extend_type_attribute(type_id, known.id, options))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))
    return desk.migrated(work, row, type_id)


def tag(desk: Desk, work: Work, row: Row) -> Outcome:
    """A tag is the workspace's own of that name, in whatever case, or a new one."""
    create = _made_now(work, steps.create_tag(row["name"]))
    existing = desk.tags.get(row["name"].casefold())
    if existing is not None and not _open(work, create):
        return desk.migrated(work, row, existing)
    try:
        return desk.migrated(work, row, desk.writer.perform(work, create))
    except StepRefused as refusal:
        return desk.failed(work, row, "rejected_by_target", str(refusal))


def _made_now(work: Work, create: Step) -> Step:
    """The call that makes an object; under a name of its own where an earlier mapping made another one."""
    made = filled(work).get(create.name)
    return create if made is None or made.payload_hash == create.payload_hash else revised(work, create)


def _open(work: Work, create: Step) -> bool:
    """Whether an earlier run left the call without an outcome: then it decides first what is there."""
    known = work.operations.get(work.key(create.name))
    return known is not None and known.state is not State.DONE
