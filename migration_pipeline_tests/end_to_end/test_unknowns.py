"""The whole way of a help desk, whatever the two services may be like where nobody has written it down.

Each setting answers many open questions at once, on both sides; `test_migration` has what the sandboxes do unasked.
"""

from collections.abc import Callable
from typing import Any

import pytest

from migration_pipeline_tests.end_to_end.conftest import Sandbox
from migration_pipeline_tests.end_to_end.in_process import whole_run
from migration_pipeline_tests.end_to_end.readback import compare

TICKETS = 12

SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "strict": (
        {
            "page_size_over_100": "clamp", "recent_start_time": 400, "private_attachments": "all",
            "private_attachment_status": 401, "recent_rating_window": "reject", "article_files": "redirect",
            "restricted_article_file": "sign_in", "rate_window": "sliding",
        },
        {
            "unknown_custom_attribute": "reject", "attribute_type_mismatch": "400", "long_string": "reject",
            "invalid_email": "reject", "per_page_over_max": "reject", "tag_idempotence": "error",
            "created_at_in_future": "reject", "created_at_before_parent": "reject",
            "reply_by_non_participant": "reject", "repeated_state": "reject",
            "attachment_url_types": "images", "empty_files": "reject", "too_many_files_status": 422,
            "locale_not_enabled": "reject", "empty_list_item": "reject", "unknown_video": "reject",
            "email_with_new_external_id": "conflict", "conversation_list_attribute": "id",
        },
    ),
    "lenient": (
        {
            "empty_time_page": "echo", "empty_cursor_page": "echo", "empty_page_every": 3, "duplicate_events": 0.3,
            "inline_images_in_events": True, "events_redacted_text": "redacted", "events_of_archived": False,
            "events_of_deleted": False, "gzip": False, "offered_ratings": False, "refresh_tokens": False,
            "side_conversations": True, "article_export_end": "repeat",
        },
        {
            "created_at_out_of_order": "reject", "reply_by_non_participant": "reject",
            "unknown_custom_attribute": "ignore",
            "attribute_type_mismatch": "ignore", "invalid_email": "accept",
            "pages_next": "object", "companies_by_company_id": "object", "contact_companies_key": "companies",
            "contact_without_email": "absent", "html_in_create_body": "strip", "plain_text_newlines": "paragraphs",
            "contact_reply_html": "escape", "html_normalisation": "mild", "part_order": "insertion",
            "locale_not_enabled": "ignore", "collection_levels": 0, "article_headings": "h2",
            "default_version": "2.14", "lists_lag": False,
        },
    ),
    "without the past": (
        {},
        {
            "created_at_before_contact": "reject", "created_at_out_of_order": "reject",
            "created_at_before_parent": "reject", "created_at_in_future": "reject",
            "reply_by_non_participant": "reject", "html_normalisation": "mild", "contact_reply_html": "escape",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "target"), SETTINGS.values(), ids=SETTINGS)
def test_a_help_desk_arrives_whole_either_way(
    serve: Callable[..., Sandbox], source: dict[str, Any], target: dict[str, Any]
) -> None:
    sandbox = serve(tickets=TICKETS, seed=3)
    sandbox.control("source", "switches", source)
    sandbox.control("target", "switches", {"search_lag_s": 0.1, **target})
    told = whole_run(sandbox.config)
    assert (told.failed, told.in_doubt) == ((), ())
    findings = compare(sandbox.folder, losses=told.losses)
    assert findings.wrong == [], findings.wrong
    assert findings.tickets == TICKETS
    refused = [reason for _, reason, _ in told.losses if reason == "date_refused"]
    assert (findings.excused > 0) == bool(refused)
    assert bool(refused) == (target.get("created_at_out_of_order") == "reject")
    assert sandbox.control("target", "outbox") == []
