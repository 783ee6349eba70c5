"""What public material leaves open about Intercom, as switches; and the settings of the workspace.

Only the declarations: each rule reads its switch where it stands.
"""

from __future__ import annotations

from migration_pipeline.sandbox.switches import Switch

ZONES = ("America/Los_Angeles", "UTC", "Europe/Dublin", "Asia/Tokyo", "Pacific/Auckland", "America/Sao_Paulo")


def switches(per_minute: int) -> list[Switch]:
    """All switches; `per_minute` is what the plan allows."""
    return [*_workspace(per_minute), *_search(), *_contacts(), *_threads(), *_files(), *_tickets(), *_help_centre()]


def _workspace(per_minute: int) -> list[Switch]:
    return [
        Switch("region", "US", ("US", "EU", "AU"), "data region that GET /me answers"),
        Switch("timezone", ZONES[0], ZONES, "workspace time zone: days of contact searches begin in it"),
        Switch("default_version", "2.16", ("2.14", "2.15", "2.16"), "version of a call without Intercom-Version"),
        Switch(
            "token_state",
            "valid",
            ("valid", "token_revoked", "token_expired", "token_blocked", "token_not_found"),
            "state of the access token; anything but valid answers 401 with this code",
        ),
        Switch(
            "opens_workspace",
            "own",
            ("own", "foreign"),
            "workspace that every token opens; the foreign one has another id, the same content, and takes no writes",
        ),
        Switch("oauth_consent", "ask", ("ask", "grant", "deny"), "GET /oauth shows its page, or answers at once"),
        Switch(
            "oauth_redirect_urls", [], "list", "registered redirect URLs, the first is default; loopback always passes"
        ),
        Switch(
            "oauth_answer_key", "both", ("both", "token", "access_token"), "key of the token in the answer to a code"
        ),
        Switch(
            "missing_scopes",
            [],
            "list",
            "scopes that the token lacks: read_admins, read_users, write_users, read_tags, write_tags, "
            "read_conversations, write_conversations, delete_conversations_and_metrics, read_tickets, write_tickets, "
            "read_articles, write_articles, read_help_center_redirects, write_help_center_redirects",
        ),
        Switch("plan_restricted", False, "boolean", "403 api_plan_restricted on conversations and messages"),
        Switch("rate_per_minute", per_minute, "integer", "calls a minute; a sixth of it per 10-second window"),
        Switch(
            "rate_per_minute_of_workspace",
            25_000,
            "integer",
            "calls a minute of all apps together; never less than what one app may do",
        ),
        Switch("max_request_bytes", 0, "integer", "413 above this size of a request body; 0 is no limit"),
        Switch("contact_emails", True, "boolean", "whether messages may reach contacts at all"),
        Switch(
            "teammate_notifications",
            False,
            "boolean",
            "teammates are told of what contacts write and of assignments (a migration checklist has this off)",
        ),
        Switch("workflows", False, "boolean", "a workflow of the workspace answers each new conversation by a bot"),
    ]


def _search() -> list[Switch]:
    return [
        Switch("search_lag_s", 2.0, "number", "seconds until a new object is found by search"),
        Switch("lists_lag", True, "boolean", "contact and conversation lists lag as the search does"),
        Switch("per_page_over_max", "clamp", ("clamp", "reject"), "a per_page above the maximum"),
        Switch("pages_next", "url", ("url", "object"), "pages.next of page-number lists"),
        Switch(
            "conversation_search_custom_attributes",
            False,
            "boolean",
            "conversation search takes custom_attributes.{name}, which is not documented",
        ),
        Switch(
            "undocumented_search",
            False,
            "boolean",
            "searches take fields and operators that no public material names: company_id of contacts, ticket_id and "
            "tag_ids of tickets, <= and >= on dates of conversations",
        ),
        Switch(
            "companies_by_company_id", "list", ("list", "object"), "GET /companies?company_id=: a list or one company"
        ),
        Switch("contact_companies_key", "data", ("data", "companies"), "key of the list of a contact's companies"),
        Switch("scroll_fails_after", 0, "integer", "a company scroll dies with 500 after so many pages; 0 is never"),
    ]


def _contacts() -> list[Switch]:
    return [
        Switch(
            "email_with_new_external_id",
            "create",
            ("create", "conflict"),
            "a user with an email and a new external_id where an email-only user has that email",
        ),
        Switch("unknown_custom_attribute", "reject", ("reject", "ignore"), "an attribute that was never defined"),
        Switch("attribute_type_mismatch", "422", ("422", "400", "ignore"), "an attribute value of another type"),
        Switch("long_string", "truncate", ("truncate", "reject"), "an attribute value over 255 characters"),
        Switch("invalid_email", "reject", ("reject", "accept"), "an email that is none"),
        Switch("contact_without_email", "null", ("null", "absent", "empty"), "how a missing email is answered"),
        Switch("tag_idempotence", "idempotent", ("idempotent", "error"), "a tag that the object already has"),
        Switch("tag_delete_with_taggings", "reject", ("reject", "accept"), "deleting a tag that objects carry"),
        Switch("max_tags_per_object", 0, "integer", "400 above so many tags on one object; 0 is no limit"),
        Switch("new_contact_delay_s", 0.0, "number", "seconds during which a new contact cannot open a conversation"),
    ]


def _threads() -> list[Switch]:
    return [
        Switch("created_at_in_future", "accept", ("accept", "reject"), "a created_at after now"),
        Switch("created_at_before_parent", "accept", ("accept", "reject"), "a part older than its conversation"),
        Switch("created_at_before_contact", "accept", ("accept", "reject"), "a thread older than its contact here"),
        Switch("created_at_out_of_order", "accept", ("accept", "reject"), "a part older than the thread's last one"),
        Switch("html_in_create_body", "escape", ("escape", "strip"), "markup in the body of a new conversation"),
        Switch("plain_text_newlines", "br", ("br", "paragraphs", "keep"), "line breaks of plain text in stored HTML"),
        Switch("contact_reply_html", "keep", ("keep", "escape"), "markup in a contact's reply"),
        Switch("html_normalisation", "none", ("none", "mild"), "rewriting of HTML bodies before they are stored"),
        Switch("max_body_length", 0, "integer", "400 above so many characters of a body; 0 is no limit"),
        Switch("part_order", "created_at", ("created_at", "insertion"), "order of the parts in a conversation"),
        Switch("reply_by_non_participant", "accept", ("accept", "reject"), "a contact's reply where it takes no part"),
        Switch("repeated_state", "adds_part", ("adds_part", "reject"), "closing what is closed, opening what is open"),
        Switch(
            "conversation_list_attribute",
            "label",
            ("label", "id"),
            "how a value of a conversation list attribute is written and read back",
        ),
    ]


def _files() -> list[Switch]:
    return [
        Switch("too_many_files_status", 400, (400, 422), "answer to more than ten attachments"),
        Switch("attachment_max_bytes", 0, "integer", "422 for a larger attachment; 0 is no limit"),
        Switch("attachment_url_failure_status", 400, (400, 422), "answer to an attachment URL that cannot be fetched"),
        Switch("attachment_url_types", "any", ("any", "images"), "what attachment_urls may point at"),
        Switch("refused_content_types", [], "list", "422 for an attachment of one of these content types"),
        Switch("empty_files", "accept", ("accept", "reject"), "an attachment of no bytes"),
    ]


def _tickets() -> list[Switch]:
    return [
        Switch(
            "ticket_attributes_location",
            "data",
            ("data", "ticket_type_attributes"),
            "key under which a ticket type lists its attributes",
        ),
        Switch(
            "ticket_list_options_carrier",
            "input_options.list_options",
            ("input_options.list_options", "input_options.options", "input_options.list_items", "list_options"),
            "where a ticket list attribute carries its options",
        ),
        Switch("ticket_contact_files", "ignore", ("ignore", "accept"), "attachment_files of a contact's ticket reply"),
        Switch("job_delay_s", 1.0, "number", "seconds until an enqueued ticket's job has succeeded"),
    ]


def _help_centre() -> list[Switch]:
    return [
        Switch(
            "help_center_locales", ["en", "de", "fr"], "list", "locales switched on in the UI; the first is default"
        ),
        Switch("help_center_domain", "", "string", "custom domain of the help centre; empty is intercom.help"),
        Switch("locale_not_enabled", "reject", ("reject", "ignore"), "content in a locale the help centre lacks"),
        Switch("collection_levels", 3, "integer", "how deep collections may be nested; 0 is no limit"),
        Switch(
            "article_headings", "relative", ("relative", "h2"), "h3 to h6: by their order among headings, or all h2"
        ),
        Switch("empty_list_item", "reject", ("reject", "accept"), "a list item with nothing in it, in an article"),
        Switch("unknown_video", "drop", ("drop", "reject"), "an iframe of an article that no known video host serves"),
    ]
