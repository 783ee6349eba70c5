"""Reason codes: why a record failed, was skipped, or lost something. One sentence each, written for the report.

Belongs here: every code that may stand in a report. A code that is not in this table cannot be reported.
"""

from typing import Final

REASONS: Final[dict[str, str]] = {
    # The source's record could not be read.
    "malformed_record": "The source's record lacks a field it must have, or carries one of the wrong type.",
    "comments_missing": "The source counts more comments than it hands out.",
    "not_found_in_source": "Other records refer to this one, but the source does not hand it out.",
    # The record does not move by rule.
    "deleted_in_source": "The record is deleted in the source.",
    "inactive_in_source": "The person is inactive in the source and no ticket that moves refers to them.",
    "inactive_field": "The field is inactive in the source and no ticket carries a value of it.",
    "field_type_not_supported": "The target has no attribute type for this field.",
    "system_field": "The field is carried by the conversation itself.",
    "unused_tag": "No record that moves carries the tag.",
    "not_mapped": "mapping.yaml says that this record does not move.",
    "no_teammate": "No teammate of the target matches; the fallback admin stands in, named in the text.",
    "no_team": "No team of the target matches; its tickets arrive without a team.",
    "company_without_contacts": "Created, but Intercom shows a company only once a contact belongs to it.",
    "changed_since": "The record changed after it was migrated; the target still holds what was migrated.",
    "merged_in_source": "The ticket was merged into another one in the source; its conversation stays.",
    "comment_edited": "A comment was edited in the source after it was migrated; the target holds the earlier text.",
    "author_changed": "A message has another author by now; the target keeps the one it was migrated with.",
    "requester_changed": "The ticket has another requester by now; a conversation keeps the contact who opened it.",
    "conflict_kept": "People changed it in Intercom: what they set stays; new comments of the source were added.",
    "conflict_overwritten": "People changed it in Intercom, and the source's values were set again, as set.",
    "conflict_reported": "People changed it in Intercom, and nothing was written to it, as set.",
    "conflict_deleted": "It was deleted in Intercom after it was migrated, and stays deleted.",
    "removed_from_target": "The ticket was deleted in the source; its conversation was deleted too, as set.",
    # The settings leave the record out.
    "entity_left_out": "`entities` in migration.yaml leaves records of this kind out.",
    "filtered_created": "The ticket was not created in the time that `filters.created` names.",
    "filtered_status": "The ticket's status is not one that `filters.statuses` names.",
    "filtered_kind": "The ticket's type is not one that `filters.kinds` names.",
    "filtered_channel": "The ticket's channel is not one that `filters.channels` names.",
    "filtered_brand": "The ticket's brand is not one that `filters.brands` names.",
    "filtered_tags": "The ticket's tags are not those that `filters.tags` asks for.",
    "filtered_fields": "A field of the ticket has no value that `filters.fields` names.",
    "filtered_team": "The ticket's team is not one that `filters.teams` names.",
    "filtered_assignee": "The ticket's assignee is not one that `filters.assignees` names.",
    "filtered_company": "The ticket's company is not one that `filters.companies` names.",
    "filtered_archived": "The ticket was closed long ago, and `filters.archived` leaves such tickets out.",
    "filtered_suspended": "The ticket's requester is suspended, and `filters.suspended` leaves such tickets out.",
    "filtered_since": "Migrated by an earlier run; the settings leave the record out by now, and it stays as it is.",
    "inactive_requester": "The ticket's requester is inactive, and `options.inactive_people` leaves such tickets out.",
    "unreferenced": "No ticket that moves refers to the record, and `options.unreferenced_contacts` leaves it out.",
    "restricted_article": "Not everybody may read the article in the source; it stays behind, as set.",
    "article_without_text": "The article has no text in a language that moves.",
    "article_stays_draft": "Intercom shows other words than were sent; the article stays a draft until one looked.",
    "article_kind_stays": "It would be an internal article by now, or no longer one; it stays what it was made as.",
    # The record could not be written.
    "update_failed": "The target refused a part of the changes; a later delta takes the record up again.",
    "rejected_by_target": "The target refused the record.",
    "parent_failed": "A record that this one belongs to was not migrated; a later run takes it up again.",
    "too_many_parts": "The thread has more parts than a conversation of the target can show (500).",
    "target_unclear": "The target gave no usable answer to a call; the next run asks it first, then goes on.",
    "interrupted": "The run ended before this record was finished; the next run goes on from here.",
    # The record moved, and something of it could not be kept.
    "file_missing": "A file could not be fetched from the source.",
    "file_size_differs": "A file came with another size than the source says, every time; a later run asks again.",
    "file_malware": "The source marked a file as malware and does not hand it out.",
    "file_too_large": "A file is larger than the limit for one file.",
    "invalid_phone": "A phone number is not one that Intercom can use; the original text is kept in an attribute.",
    "phone_dropped": "A phone number is not one that Intercom can use; it was left out, as set.",
    "email_dropped": "An e-mail address is not one that Intercom can use; it was left out.",
    "details_left": "Notes, further addresses or other details of a contact or company stay behind.",
    "opener_formatting": "The opening message of a conversation is plain text in Intercom; its formatting became text.",
    "opener_stub": "The thread does not start with its requester's own words; a line with the subject opens it.",
    "author_replaced": "The author has no teammate in Intercom; the fallback admin stands in, named in the text.",
    "author_unknown": "The source no longer knows the author; a placeholder contact stands in.",
    "contact_note": "Someone who is no teammate wrote an internal note; the fallback admin stands in.",
    "masked": "Personal data was masked or left out, as `masking` in migration.yaml says (rule: how often).",
    "value_truncated": "A text was longer than an attribute of the target holds (255 characters).",
    "value_dropped": "A value did not fit the attribute's type.",
    "file_rejected": "The target refused a file; the message arrived without it and names it.",
    "body_clipped": "A message was longer than the target takes; its start arrived, and the whole of it as a file.",
    "values_joined": "Several chosen options become one text, with commas between them.",
    "type_loosened": "The attribute is a text: the values stay, and the type of the field does not.",
    "options_merged": "Options that differ only by case or blanks become one.",
    "attribute_limit": "The workspace has no room for more attributes of contacts and companies.",
    "reference_skipped": "A record that this one refers to does not move by rule; the link is left out.",
    "shared_contact": "Another contact of the target already had these details; the two share one contact.",
    "date_bumped": "A date was moved by seconds to keep the order of a thread.",
    "assignee_unmapped": "The assignee has no teammate in Intercom; only the team, if any, is assigned.",
    # An article or a collection moved, and something of it could not be kept.
    "collection_moved_up": "Intercom has fewer levels of collections; this one stands higher than in the source.",
    "collection_without_parent": "What it stands in is missing, or stands in itself; the collection is at the top.",
    "rank_lost": "Its place in the list, or that it is shown first, cannot be set in Intercom.",
    "votes_lost": "Votes of readers stay behind.",
    "labels_dropped": "Labels of the article stay behind, as set.",
    "locale_not_mapped": "mapping.yaml names no language of Intercom for a translation; it stays behind.",
    "locale_not_enabled": "Intercom's help centre does not have the language switched on; the text stays behind.",
    "locale_taken": "Another translation of the article has become the same language already; this one stays behind.",
    "default_locale_missing": "The article lacks the default language; another of its languages stands there too.",
    "translation_left": "Only the default language of the article moved.",
    "restricted_as_draft": "Not everybody may read the article in the source; it arrived as a draft, as set.",
    "restricted_as_internal_article": "Not everybody may read the article in the source; it became an internal one.",
    "headings_merged": "Intercom has two levels of headings; deeper ones became the second.",
    "article_formatting": "Some of the formatting has no counterpart in Intercom; the text is whole.",
    "active_content": "Scripts and forms were taken out of an article.",
    "embed_linked": "Something embedded in the article became a link.",
    "link_removed": "A link led nowhere; its words stayed.",
    "table_moved": "A table stood in a list, which Intercom refuses; it follows the list item.",
    "table_in_table": "A table stood in a table; its cells became paragraphs.",
    "image_type": "Intercom takes PNG, JPEG, GIF and SVG only; a link stands in for a picture of another type.",
    "image_unreadable": "A picture has no address that can be used; its name stands in.",
    "image_not_hosted": "A picture stood in the text itself, and nothing is set to host it; its name stands in.",
    "image_refused": "Intercom could not take a picture; a link stands in for it.",
    "link_kept": "A link leads to a record that is not in Intercom; it still leads to the source.",
    "redirect_refused": "Intercom refused to lead an old address to the article; the exported lists do.",
    "article_file_linked": "Intercom keeps no files of articles but pictures; a link leads to the file.",
    # The record moved, and what is read back is not what was meant.
    "missing_in_target": "The target no longer has what was written to it.",
    "differs_in_target": "The target holds something else than what was written to it.",
}


def sentence(reason: str) -> str:
    """The sentence of a reason code.

    Raises:
        KeyError: the code is not in the table; a report must never show an unexplained code.
    """
    return REASONS[reason]
