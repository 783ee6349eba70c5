"""Writes each exchange as one JSON line, for checking against a service's own description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from migration_pipeline.sandbox.wire import JSON, Answer, Call, MalformedBodyError


class Recorder:
    """Appends to `path`; every line is written whole, so a reader never meets half of one."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending; its folder is made if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def write(self, call: Call, answer: Answer) -> None:
        """Append the exchange; a body that is not JSON is recorded as null."""
        request: Any
        try:
            request = call.json
        except MalformedBodyError:
            request = None
        is_json = answer.content_type == JSON and answer.body
        line = {
            "method": call.method,
            "path": call.target,
            "request": request,
            "status": answer.status,
            "response": orjson.Fragment(answer.body) if is_json else None,
        }
        self._file.write(orjson.dumps(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
