"""The hidden facts of the service: what public material leaves open or contradicts, each with its possible answers.

Here: declarations. What a switch changes stands with the rule it belongs to.
"""

from migration_pipeline.sandbox.switches import Switch

SWITCHES = (
    Switch("role", "admin", ("admin", "agent"), "role behind the credentials; exports and ratings are for admins only"),
    Switch("basic_auth", True, (True, False), "e-mail and API token are accepted besides OAuth (they end in 2027)"),
    Switch("token_lifetime_s", 172_800, "integer", "seconds an access token lives when the request names none"),
    Switch("refresh_tokens", True, (True, False), "client_credentials answers bring a refresh token"),
    Switch(
        "oauth_consent",
        "ask",
        ("ask", "allow", "deny"),
        "the consent page asks a person, or sends the browser back at once",
    ),
    Switch("expired_token_body", "plain", ("plain", "invalid_token"), "401 body of an expired OAuth token"),
    Switch("recent_start_time", 422, (400, 422), "answer to a start_time of the last minute, or to none"),
    Switch("page_size_over_100", "reject", ("reject", "clamp"), "page[size] over 100: 400, or taken as 100"),
    Switch(
        "empty_time_page", "null", ("null", "echo"), "end_time of an empty time-based page: null, or start_time again"
    ),
    Switch(
        "empty_cursor_page", "null", ("null", "echo"), "after_cursor of an empty cursor page: null, or the cursor given"
    ),
    Switch(
        "empty_page_every",
        0,
        "integer",
        "every n-th export answer is an empty page with end_of_stream false; 0 = never",
    ),
    Switch("duplicate_events", 0.0, "number", "share of events that an export page repeats"),
    Switch("gateway_timeout_over", 0, "integer", "export pages of more rows than this answer 504; 0 = never"),
    Switch("inline_images_in_events", False, (True, False), "inline images are among the attachments of export events"),
    Switch(
        "events_redacted_text",
        "original",
        ("original", "redacted"),
        "old comment events show the text before or after redaction",
    ),
    Switch("events_of_archived", True, (True, False), "the events export holds events of archived tickets"),
    Switch("events_of_deleted", True, (True, False), "the events export holds events of deleted tickets"),
    Switch("ticket_audits_order", "oldest", ("oldest", "newest"), "order of the list of all audits"),
    Switch("private_attachments", "some", ("none", "some", "all"), "files that need credentials on the first hop"),
    Switch("private_attachment_status", 403, (401, 403), "private file without credentials"),
    Switch("content_host", "same", ("same", "external"), "host of content_url: the account's, or another one"),
    Switch("storage_host", "same", ("same", "other"), "host to which a file's address redirects"),
    Switch("storage_expiry_s", 300, "integer", "seconds a storage address is good for"),
    Switch("rate_window", "fixed", ("fixed", "sliding"), "fixed minutes, or the last sixty seconds"),
    Switch("forms", "plan", ("plan", "off"), "off: /ticket_forms answers 404 InvalidEndpoint whatever the plan"),
    Switch("side_conversations", False, (True, False), "the add-on is there; without it 403 with an empty HTML body"),
    Switch(
        "malformed_records", 0.0, "number", "share of tickets, users, organizations with missing or mistyped fields"
    ),
    Switch("gzip", True, (True, False), "bodies over 1 kB are compressed where the client accepts it"),
    Switch("help_center", True, (True, False), "the first brand has a help center; without it 404 InvalidEndpoint"),
    Switch("second_help_center", False, (True, False), "the second brand has a help center too, on the host localhost"),
    Switch(
        "article_export_end",
        "after",
        ("after", "repeat"),
        "end_time of the last page of changed articles: a second after its last row, or that row's second again",
    ),
    Switch("article_files", "bytes", ("bytes", "redirect"), "article files answer their bytes, or 302 to the storage"),
    Switch("article_file_host", "same", ("same", "mapped"), "host of article files: the account's, or a mapped one"),
    Switch(
        "restricted_article_file",
        "forbidden",
        ("forbidden", "sign_in"),
        "file of a restricted or draft article without credentials: 403, or 302 to a sign-in page that answers 200",
    ),
    Switch(
        "hanging_images_s", 0, "integer", "seconds for which a fifth of the images in articles keep a client waiting"
    ),
    Switch(
        "foreign_images",
        "gone",
        ("same", "other", "gone"),
        "pictures of articles that are no files of theirs: on this host, on localhost, or where nobody answers",
    ),
    Switch("cyclic_sections", False, (True, False), "two sections are each other's parent"),
    Switch("huge_article", False, (True, False), "one article has a body of 2 MB"),
    Switch("recording_host", "same", ("same", "other"), "recordings of calls: below the API, or on another host"),
    Switch("offered_ratings", True, (True, False), "the list of ratings holds those that were only offered"),
    Switch(
        "recent_rating_window",
        "reject",
        ("reject", "accept"),
        "a window of ratings with a border in the last minute is refused, or answered",
    ),
    Switch("rare_events", True, (True, False), "seldom seen events are among those of audits"),
    Switch("odd_files", False, (True, False), "most attachments have an odd name, type, size or address"),
    Switch(
        "long_threads",
        False,
        (True, False),
        "some tickets have more than 500 comments; to be chosen before the first activity",
    ),
    Switch("private_data", False, (True, False), "card numbers, IBANs and other private data in texts and fields"),
    Switch("odd_people", False, (True, False), "many users have an odd address, name, phone, photo or identity"),
    Switch("failure_status", 500, (500, 502, 503, 504), "status of a failure; 503 brings Retry-After"),
    Switch("huge_comments", False, (True, False), "one comment in fifty has a text of 60 kB"),
    Switch("odd_values", False, (True, False), "fields hold removed options, impossible dates, huge numbers and texts"),
    Switch(
        "many_channels", False, (True, False), "tickets came by social media, text message and other channels as well"
    ),
)
