"""Filters, options and masking over a whole migration, read back from the target's own dump."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import orjson
import pytest
import requests

from migration_pipeline.reports import Report, build
from migration_pipeline_tests.end_to_end.conftest import Sandbox
from migration_pipeline_tests.end_to_end.in_process import bench, extract, prepare, write

SETTINGS = """
filters:
  created: {from: 2015-01-01}
  kinds: [null, question, incident, problem]
options:
  title: "{subject} [#{id}]"
  ticket_fields_note: true
  order: open_first
  unreferenced_contacts: skip
masking:
  patterns: [card_number, iban]
  fields: {contact.phone: drop}
"""
NARROWER = SETTINGS.replace("question, incident, problem", "question")


def luhn(digits: str) -> bool:
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(sum(map(int, str(2 * int(digit)))) for digit in even)) % 10 == 0


def texts(node: Any) -> Iterator[str]:
    """Everything that people may have written; ids and addresses are none of it."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key not in ("id", "url", "external_id", "sha256", "migration_key"):
                yield from texts(item)


def words(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", text))


def bare(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", words(unquote(text))).upper()


def secrets(database: Path) -> set[str]:
    """Card numbers and German and British IBANs in what was read of the source."""
    found: set[str] = set()
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"SELECT payload FROM read_parquet('{database}/snapshots/*/segment-*.parquet', union_by_name = true)"
        ).fetchall()
    for (payload,) in rows:
        for text in texts(orjson.loads(payload)):
            for card in re.findall(r"(?<![\dA-Za-z])[345](?:[ .-]?\d){14,15}(?![\dA-Za-z])", words(text)):
                digits = re.sub(r"\D", "", card)
                found |= {digits} if luhn(digits) else set()
            found |= {bare(iban) for iban in re.findall(r"\b(?:DE89|GB82)(?: ?[A-Z0-9]{4}){4,5}", words(text))}
    return found


def run(config: Path, run_id: str) -> tuple[Report, int]:
    """A full run and its report; with the writing calls it took."""
    with bench(config, run_id) as (workbench, told):
        extract(workbench, told)
        prepare(workbench, told)
        done = write(workbench, told)
        workbench.journal.export(workbench.outcomes_path)
        assert done.failed == ()
        return build(workbench.staging, run_id, "full", workbench.migration), done.target_writes


@pytest.mark.behaviour("B16", "S30", "S32", "S38", "S40", "S44", "S50", "S51")
def test_what_the_settings_say_is_what_the_target_holds(serve: Callable[..., Sandbox]) -> None:
    sandbox = serve(tickets=30, seed=3, arguments=("--limits", "off", "--switch", "private_data=true"))
    settings = sandbox.config.read_text(encoding="utf-8")
    sandbox.config.write_text(settings + SETTINGS, encoding="utf-8")
    report, _ = run(sandbox.config, "first")
    root = report.folder.parent.parent
    private = secrets(root)
    assert len(private) >= 3
    dump = requests.get(f"{sandbox.target['control']}/dump", timeout=60).json()
    held = [bare(text) for text in texts(dump)]
    assert [secret for secret in private if any(secret in text for text in held)] == []
    told = "".join(path.read_text(encoding="utf-8") for path in report.folder.glob("*.[chj][sts][vmo]*"))
    assert [secret for secret in private if secret in bare(told)] == []
    assert {one.rule for one in report.summary.masked} == {"card_number", "iban", "contact.phone"}
    assert not any(contact.get("phone") for contact in dump["contacts"])

    # Whatever is left out is counted, with its reason.
    kinds = next(one for one in report.summary.filters if one.step == "filters.kinds")
    tickets = next(one for one in report.summary.entities if one.entity_type == "tickets")
    left_out = {one.reason: one.records for one in report.summary.reasons if one.entity_type == "tickets"}
    assert kinds.removed > 0
    assert left_out["filtered_kind"] == kinds.removed
    assert tickets.migrated == kinds.remaining
    assert len(dump["conversations"]) == tickets.migrated
    assert all(one.adds_up for one in report.summary.entities)
    assert all(re.search(r"\[#\d+\]$", conversation["title"]) for conversation in dump["conversations"])
    assert "Ticket fields (Zendesk)" in str(dump["conversations"])

    # Narrower filters touch nothing that arrived before, and say so.
    sandbox.config.write_text(settings + NARROWER, encoding="utf-8")
    narrower, writes = run(sandbox.config, "second")
    assert writes == 0
    since = {one.outcome: one.records for one in narrower.summary.reasons if one.reason == "filtered_since"}
    assert since.keys() == {"migrated"}
    assert all(one.adds_up for one in narrower.summary.entities)
    assert next(one.migrated for one in narrower.summary.entities if one.entity_type == "tickets") == tickets.migrated

    # A demo draws from the tickets that move, and only from these.
    sandbox.config.write_text(settings.replace("name: ", "name: other-") + NARROWER, encoding="utf-8")
    with bench(sandbox.config, "demo") as (workbench, demo):
        drawn = workbench.sample(demo).ids
    moved = {
        row["source_id"]
        for row in narrower.records()
        if row["entity_type"] == "tickets" and row["outcome"] == "migrated" and row["reason"] != "filtered_since"
    }
    assert set(drawn) <= moved
    assert len(drawn) == min(20, len(moved))
