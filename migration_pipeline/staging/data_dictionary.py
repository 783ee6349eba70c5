"""What every staged table and column means, one sentence each: the comments of `staging.duckdb`.

Belongs here: words for people who query. Does not belong here: types (`model/`), or which views exist (`catalogue`).
A column means the same wherever it stands, unless an entry `<table>.<column>` says otherwise.
"""

from typing import Final

_TABLES: Final[dict[str, str]] = {
    "newest": "The newest row of each id as the source handed it out. Look inside with payload->>'$.name'.",
    "history": "Every row ever read of this list of the source, in reading order (sequence).",
    "records.agents": "People who answer tickets in the source.",
    "records.teams": "Groups of agents.",
    "records.fields": "Custom fields of the source, with their options.",
    "records.tags": "Tags of tickets, contacts and companies, and how many records carry each.",
    "records.companies": "Companies (organizations) of the source.",
    "records.contacts": "Everybody a ticket may come from or go to.",
    "records.tickets": "Tickets without their comments: see comments and attachments, joined by ticket_ref.",
    "records.comments": "What was written in the tickets, in order (ticket_ref, position).",
    "records.attachments": "Files of the comments; their bytes are in the blob store under sha256.",
    "records.rejects": "Records of the source that no rule could read, and why.",
    "selection.left_out": "Records that entities, filters and options leave out, and why.",
    "selection.steps": "Each rule that leaves records out, in order, with what it took and what was left.",
    "payloads.agents": "Which teammate of the target stands for each agent.",
    "payloads.teams": "Which team of the target stands for each team.",
    "payloads.fields": "The attributes that the target is to have; ids with `pipeline:` are the migration's own.",
    "payloads.tags": "The tags that the target is to have.",
    "payloads.companies": "The companies that the target is to have.",
    "payloads.contacts": "The contacts that the target is to have.",
    "payloads.tickets": "The conversations that the target is to have, without their parts: see payloads.parts.",
    "payloads.parts": "The parts of the conversations after their opener, in order (ticket_ref, position).",
    "mapping.losses": "What the values of fields will lose under mapping.yaml, by field and reason.",
    "plan.load_plan": "What the newest plan does with each record in its scope; all that the loader executes.",
    "outcomes": "What became of each record: the newest outcome that the journal knows.",
    "verification.fields": "Each field that was read back from the target and compared with what was meant.",
    "verification.mismatches": "The fields that differ between what was meant and what was read back.",
}

_COLUMNS: Final[dict[str, str]] = {
    # Snapshots.
    "id": "The record's id in the source.",
    "extracted_at": "When the pipeline read it (UTC).",
    "sequence": "Grows with every row of the stream.",
    "payload": "The source's JSON, unchanged.",
    # Identity.
    "entity_type": "agents, teams, fields, tags, companies, contacts or tickets.",
    "source_id": "The record's id in the source.",
    "source_url": "The record's page in the source.",
    "target_id": "The record's id in the target; null where it is not there.",
    "target_url": "The record's page in the target.",
    "external_id": "The id that another system gave the record.",
    # People and companies.
    "name": "Its name.",
    "email": "E-mail address.",
    "emails": "E-mail addresses, the primary one first.",
    "phones": "Phone numbers as the source spells them, the primary one first.",
    "role": "agent, admin or light.",
    "active": "Whether it is in use in the source.",
    "suspended": "Whether the source blocks the person.",
    "company_refs": "source_id of each of the contact's companies, the default one first.",
    "domains": "Domains of the company's e-mail addresses.",
    "notes": "Free text about the record.",
    "locale": "Language.",
    "time_zone": "Time zone.",
    "avatar_url": "Where the source has the picture.",
    "matched_by": "How the counterpart in the target was found.",
    "has_contacts": "Whether a contact belongs to the company; Intercom shows no company without one.",
    # Fields.
    "scope": "What carries the field: ticket, contact or company.",
    "key": "The field's name in the source's API.",
    "title": "What people call it.",
    "description": "What it is for.",
    "type": "Type of the field's values.",
    "options": "Values to choose from.",
    "model": "What carries the attribute in the target: conversation, contact or company.",
    "data_type": "Type of the attribute in the target.",
    # Tickets.
    "subject": "Subject line.",
    "state": "open, snoozed, closed or deleted.",
    "status": "The source's own status key.",
    "status_label": "The source's own word for the status.",
    "priority": "Priority.",
    "kind": "What sort of record it is.",
    "tags": "Tags.",
    "uses": "How many records carry the tag.",
    "brand": "Brand.",
    "form": "Form.",
    "team_ref": "source_id of the team.",
    "requester_ref": "source_id of the contact who asked.",
    "submitter_ref": "source_id of the person who entered the ticket.",
    "assignee_ref": "source_id of the agent in charge.",
    "company_ref": "source_id of the company.",
    "cc_refs": "source_id of each person in copy.",
    "follower_refs": "source_id of each agent who follows.",
    "participant_refs": "source_id of each contact who takes part besides the requester.",
    "channel": "How it came in.",
    "attributes": "JSON: field values by field.",
    "csat": "JSON: the customer's rating.",
    "links": "Other tickets it belongs to, and how.",
    "comment_count": "How many comments the source says there are.",
    "part_count": "How many parts follow the opener.",
    "opener": "Plain text that opens the conversation.",
    "redacted": "Whether the source took something out of the comment, or of its files, after it was written.",
    "opener_redacted": "Whether that is so of the comment that the opener carries.",
    "opener_comment_ref": "source_id of the comment that the opener carries; null where it is only a line.",
    "admin_id": "Id of the teammate in the target.",
    "team_id": "Id of the team in the target.",
    # Comments, parts, files.
    "ticket_ref": "source_id of the ticket.",
    "comment_ref": "source_id of the comment.",
    "contact_ref": "source_id of the contact who wrote it.",
    "author_ref": "source_id of the author; null: the source's own rules and systems.",
    "author_kind": "Who writes the part in the target: admin or contact.",
    "position": "Order, from 0.",
    "visibility": "public or internal.",
    "message_type": "comment or note.",
    "body": "What is sent to the target, without ids that only the target knows.",
    "body_html": "The text as HTML.",
    "body_text": "The text without formatting.",
    "files": "Files that go with the part.",
    "content_type": "Media type.",
    "size": "Bytes, as the source says.",
    "inline": "Whether the file is shown inside the text.",
    "sha256": "SHA-256 of the bytes, their address in the blob store; null where they are missing.",
    "missing": "Why the bytes are missing.",
    # Times.
    "created_at": "When it was created in the source (UTC).",
    "updated_at": "When it last changed in the source (UTC).",
    "deleted_at": "When it was deleted in the source (UTC).",
    "due_at": "When it is due (UTC).",
    "snoozed_until": "When the conversation wakes up (UTC).",
    "at": 'When this outcome was written down (UTC). A word of SQL: write it as "at", with the quotes.',
    # Selection.
    "note": "Values of the setting that no record has.",
    "step": "The setting in migration.yaml.",
    "removed": "How many records the step took.",
    "remaining": "How many were left after it.",
    # What becomes of a record.
    "digest": "Fingerprint of what the target is to hold; an unchanged one needs no write.",
    "skip": "Reason code, where mapping decided that the record does not move.",
    "skip_detail": "What the reason refers to.",
    "losses": "What cannot be kept of the record, and why.",
    "action": "create, keep, skip or fail.",
    "calls": "Writing calls that the action needs.",
    "outcome": "migrated, failed or skipped.",
    "reason": "Reason code.",
    "detail": "What the reason refers to.",
    "run_id": "The run that wrote the outcome.",
    # Mapping.
    "section": "Section of mapping.yaml.",
    "target": "The attribute that takes the values; null: the field stays behind.",
    "records": "How many records lose something.",
    # Verification.
    "field": "What was compared.",
    "matched": "Whether the target holds what was meant.",
    "expected": "What was meant.",
    "actual": "What the target holds.",
    # Where a word means something narrower.
    "records.contacts.kind": "end_user, agent, or placeholder (someone the source no longer knows).",
    "records.comments.kind": "text or voice.",
    "payloads.tickets.title": "Title of the conversation.",
    "payloads.tickets.attributes": "JSON: conversation attributes by name.",
    "payloads.parts.body": "The part's text as HTML.",
    "payloads.companies.note": "Text of a note about the company, as HTML; null for none.",
    "payloads.contacts.note": "Text of a note about the contact, as HTML; null for none.",
    "payloads.fields.name": "The attribute's name in the target.",
    "payloads.agents.target_id": "Id of the teammate in the target; null where none matches.",
    "payloads.teams.target_id": "Id of the team in the target; null where none matches.",
    "mapping.losses.key": "The field's key in its section of mapping.yaml.",
    "outcomes.digest": "Fingerprint of what the target holds.",
    "verification.fields.digest": "Fingerprint of what was compared.",
    "verification.mismatches.digest": "Fingerprint of what was compared.",
}


def table_meaning(table: str) -> str:
    """What a table holds.

    Raises:
        KeyError: the dictionary does not know the table.
    """
    return _TABLES[table]


def column_meaning(table: str, column: str) -> str | None:
    """What a column of a table means; None where the dictionary does not say."""
    return _COLUMNS.get(f"{table}.{column}") or _COLUMNS.get(column)
