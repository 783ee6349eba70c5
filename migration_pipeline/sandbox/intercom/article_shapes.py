"""How an article is answered, by switches and languages. Nothing is changed here."""

from __future__ import annotations

from typing import Any

from migration_pipeline.sandbox.intercom.help_centers import HelpCenter, help_center
from migration_pipeline.sandbox.intercom.tags import tags_of
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads

Json = dict[str, Any]

_STATISTICS = {
    "type": "article_statistics",
    "views": 0,
    "conversions": 0,
    "reactions": 0,
    "happy_reaction_percentage": 0,
    "neutral_reaction_percentage": 0,
    "sad_reaction_percentage": 0,
}


def article_json(ws: Workspace, row: Row) -> Json:
    """An article as single reads, writes and searches show it."""
    return {**article_item(ws, row), "statistics": _STATISTICS}


def article_item(ws: Workspace, row: Row) -> Json:
    """An article as a list shows it."""
    center = help_center(ws)
    contents: Json = loads(row["contents"])
    own = contents.get(center.default_locale) or next(iter(contents.values()))
    availability = dict.fromkeys(_AVAILABILITY, False) | loads(row["availability"])
    answer = {
        "type": "article",
        "id": str(row["id"]),
        "workspace_id": ws.id_code,
        "parent_ids": [] if row["parent_id"] is None else [row["parent_id"]],
        "tags": {"type": "tag.list", "tags": tags_of(ws, "article", row["id"])},
        **_content(center, row["id"], center.default_locale, own),
        **availability,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "created_by_id": row["created_by"],
        "updated_by_id": row["updated_by"],
    }
    if center.multilingual:
        shown = {
            locale: {"type": "article_content", **_content(center, row["id"], locale, content), **availability}
            for locale, content in contents.items()
        }
        for content in shown.values():
            # Null for a whole article, a draft's URL is described as absent from a translation.
            if content["url"] is None:
                del content["url"]
        answer["default_locale"] = center.default_locale
        answer["translated_content"] = {"type": "article_translated_content", **shown}
    return answer


_AVAILABILITY = ("ai_chatbot_availability", "ai_copilot_availability", "ai_sales_agent_availability")


def _content(center: HelpCenter, article_id: int, locale: str, content: Json) -> Json:
    public = content["state"] == "published"
    return {
        "title": content["title"],
        "description": content["description"],
        "body": content["body"],
        "body_markdown": content["body_markdown"],
        "author_id": content["author_id"],
        "state": content["state"],
        "created_at": content["created_at"],
        "updated_at": content["updated_at"],
        "has_unpublished_changes": False,
        "draft_updated_at": None,
        # Only what is published has a page.
        "url": center.page(locale, "articles", article_id, content["title"]) if public else None,
    }
