"""GET /companies/scroll: one open scroll per app, a minute's life, the same scroll_param on every page."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.companies import VISIBLE, company_json
from migration_pipeline.sandbox.intercom.errors import error_answer, fail
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

IDLE_S = 60
PAGE = 100


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    return [Route("GET", "/companies/scroll", partial(_scroll, ws))]


def _scroll(ws: Workspace, call: Call) -> Answer:
    now = ws.clock.now()
    current: dict[str, Any] | None = ws.state.get("scroll")
    if current and now - current["used_at"] > IDLE_S:
        current = None
    param = call.query.get("scroll_param")
    if not param:
        if current:
            raise fail(400, "scroll_exists", "scroll already exists for this workspace")
        current = {"param": str(uuid.uuid4()), "after": 0, "pages": 0}
    elif current is None or current["param"] != param:
        raise fail(404, "not_found", "scroll parameter not found")
    dies = ws.switches["scroll_fails_after"]
    if dies and current["pages"] >= dies:
        ws.state.put("scroll", None)
        # Kept although the answer is an error: the scroll really is gone.
        ws.state.commit()
        return error_answer(500, "scroll_failed", "Internal error. Please restart the scroll operation.")
    rows = ws.rows(
        f"SELECT * FROM companies t WHERE {VISIBLE} AND t.seq > ? ORDER BY t.seq LIMIT {PAGE}",
        current["after"],
    )
    # The empty page is the end: it still carries the parameter, and only then a new scroll may begin.
    following = {
        "param": current["param"],
        "after": rows[-1]["seq"] if rows else current["after"],
        "pages": current["pages"] + 1,
        "used_at": now,
    }
    ws.state.put("scroll", following if rows else None)
    data = [company_json(ws, row) for row in rows]
    answer = {"type": "list", "data": data, "pages": None, "total_count": None, "scroll_param": current["param"]}
    return json_answer(answer)
