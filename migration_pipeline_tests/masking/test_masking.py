"""Nothing that a rule names is in any payload, however it was written; and nothing else is changed."""

import datetime as dt
import html
import re
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migration_pipeline.config import Masking
from migration_pipeline.config.mapping import AgentEntry, FieldEntry, Mapping
from migration_pipeline.masking.documents import Html, Text
from migration_pipeline.masking.masker import Masker
from migration_pipeline.masking.patterns import IBAN_LENGTHS, luhn, mod_97
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.staging import Staging
from migration_pipeline.target.payloads import map_entity
from migration_pipeline_tests.mapping.desk import START, Desk

GAPS = (
    "",
    "",
    " ",
    "-",
    ".",
    "\N{NO-BREAK SPACE}",
    "\N{THIN SPACE}",
    "\N{ZERO WIDTH SPACE}",
    " - ",
    "\n",
    "\N{EN DASH}",
)
TAGS = ("", "", "", "<b>", "</b>", "<i></i>", "<!-- x -->", "<wbr>", "<span class='a'>", "</span>", "<br>", "</td><td>")
ALL = {"patterns": ["card_number", "iban", "email", "phone"], "custom": {"customer": "KD-[0-9]{6}"}}


@st.composite
def cards(draw: st.DrawFn) -> str:
    start = draw(st.sampled_from(["4", "51", "34", "6011", "2221", "30"]))
    length = draw(st.integers(13, 19))
    digits = start + draw(st.text("0123456789", min_size=length - len(start) - 1, max_size=length - len(start) - 1))
    return next(digits + last for last in "0123456789" if luhn(digits + last))


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(IBAN_LENGTHS)))
    rest = draw(st.text("0123456789ABCXYZ", min_size=IBAN_LENGTHS[country] - 4, max_size=IBAN_LENGTHS[country] - 4))
    return next(f"{country}{n:02}{rest}" for n in range(2, 99) if mod_97(f"{country}{n:02}{rest}"))


@st.composite
def plainly(draw: st.DrawFn, secrets: st.SearchStrategy[str]) -> tuple[str, str]:
    """A secret, and how somebody types it."""
    secret = draw(secrets)
    gaps = draw(st.lists(st.sampled_from(GAPS), min_size=len(secret), max_size=len(secret)))
    return secret, "".join(gap + letter for gap, letter in zip(gaps, secret, strict=True)).strip("".join(GAPS))


@st.composite
def marked_up(draw: st.DrawFn, secrets: st.SearchStrategy[str]) -> tuple[str, str]:
    """A secret, and how a mail program writes it."""
    secret, typed = draw(plainly(secrets))
    out = []
    for letter in typed:
        spelled = draw(st.sampled_from([letter, letter, f"&#{ord(letter)};", f"&#x{ord(letter):x};"]))
        out.append(draw(st.sampled_from(TAGS)) + spelled)
    return secret, "".join(out)


SECRETS = st.one_of(cards(), ibans())


def bare(text: str) -> str:
    """Letters and digits alone, as somebody would put them together who looks for a number."""
    return re.sub(r"[^0-9A-Za-z]", "", re.sub(r"<[^>]*>", "", html.unescape(text))).upper()


@pytest.mark.behaviour("B16")
def test_a_cut_leaves_nothing_of_what_it_splits(tmp_path: Path) -> None:
    desk = filled(tmp_path, "7", "none", "none")
    for number, length in enumerate((60, 70, 235, 240, 250)):
        long = {
            "360": "x" * length + " john.doe@customer.example, and so on" * 9,
            "361": "y" * length + " jane@customer.example",
        }
        desk.ticket(
            f"20{number}",
            {"body_text": "Hello"},
            subject="Long",
            requester_ref="c9",
            attributes=orjson.dumps(long).decode(),
        )
        desk.contact(
            f"c2{number}", name="Eve", phones=["z" * length + " jack@customer.example or by phone, in the evening"]
        )
    tables = payloads(desk, {"patterns": ["email"]})
    told = str({table: rows for table, rows in tables.items() if table in ("tickets", "contacts")})
    assert not re.search("(john|jane|jack)[.@]|@cust", told)
    for row in tables["tickets"]:
        if row["source_id"].startswith("20"):
            assert {"masked", "value_truncated", "value_dropped"} <= {loss["reason"] for loss in row["losses"]}


@pytest.mark.behaviour("B16")
@settings(max_examples=60, deadline=None)
@given(typed=plainly(SECRETS), written=marked_up(SECRETS))
def test_numbers_are_found_however_they_are_written(typed: tuple[str, str], written: tuple[str, str]) -> None:
    masker = Masker(Masking(patterns=("card_number", "iban")))
    (text, page), struck = masker.mask(
        [Text(f"Please book {typed[1]} until 12/27."), Html(f"<p>Order 12</p><p>{written[1]}</p><p>Thanks</p>")]
    )
    assert text is not None
    assert page is not None
    assert typed[0] not in bare(text)
    assert written[0] not in bare(page)
    assert text.startswith("Please book [")
    assert page.startswith("<p>Order 12</p>")
    assert page.endswith("<p>Thanks</p>")
    assert struck.total() >= 2


@pytest.mark.behaviour("B16")
@pytest.mark.parametrize(
    "text",
    ["Order 1234 5678 9012 3456", "DE00 9704 9144 1532 9130 99", "2024-01-15 12:33", "01.02.2024", "a @ b", "KD-1234"],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    rules = Masking.model_validate(ALL)
    assert Masker(rules).mask([Text(text), Html(f"<p>{text}</p>")]) == ([None, None], {})


def test_an_evil_expression_takes_no_longer_than_the_text() -> None:
    text = "a" * 20_000 + "!"
    (found,), struck = Masker(Masking(custom={"evil": "(a+)+b"})).mask([Text(text)])
    assert found is None
    assert not struck


def test_addresses_in_links_are_masked_and_the_page_stays_whole() -> None:
    link = "mailto:eve@acme.example?subject=4111%201111%201111%201111"
    page = f'<p>Write to <a href="{link}">Eve &amp; Co</a> &lt;now&gt;</p>'
    (found,), _ = Masker(Masking.model_validate(ALL)).mask([Html(page)])
    assert found == '<p>Write to <a href="mailto:masked?subject=masked">Eve &amp; Co</a> &lt;now&gt;</p>'


RULES = Mapping(
    fallback_admin="900",
    agents={"a1": AgentEntry(name="Ann", target="101")},
    fields={
        "360": FieldEntry(title="Account", target="Account"),
        "361": FieldEntry(title="Number", target="Number", type="integer"),
    },
)


def filled(folder: Path, secret: str, typed: str, written: str) -> Desk:
    """A help desk with a secret wherever somebody may have put it."""
    desk = Desk(folder)
    desk.add("fields", source_id="360", scope="ticket", key="f1", title="Account", type="text", active=True)
    desk.add("fields", source_id="361", scope="ticket", key="f2", title="Number", type="integer", active=True)
    desk.add("tags", source_id=f"t{secret}", name=f"t{secret}")
    desk.add("companies", source_id="o1", name=f"Acme {typed}", domains=["acme.example"], created_at=START)
    desk.contact("c9", name=f"Eve {typed}", emails=[f"{secret}@x.example"], phones=["+4915112345678"])
    attributes = {"360": typed, "361": int(secret) if secret.isdecimal() else 7}
    desk.ticket(
        "7",
        {"body_html": f"<p>Hello {written}</p>", "author_ref": "c9", "files": [f"card {typed}.txt"]},
        {"body_html": f"<p>My number: {written} <a href='https://x.example/?n={secret}'>here</a></p>"},
        {"body_text": f"and again {typed}", "visibility": "internal"},
        {"files": [{"name": f"{secret}.pdf", "sha256": None, "missing": "file_missing"}]},
        subject=f"About {typed}", requester_ref="c9", tags=[f"t{secret}"], attributes=orjson.dumps(attributes).decode(),
    )  # fmt: skip
    desk.ticket("8", {"body_text": "Nothing here"}, subject="Plain", requester_ref="c2")
    return desk


def payloads(desk: Desk, masking: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    staging, migration = desk.write()
    chosen = migration.model_copy(update={"masking": Masking.model_validate(masking)})
    tables = ("agents", "teams", "fields", "tags", "companies", "contacts", "tickets")
    for entity_type in tables:
        map_entity(entity_type, Staging(chosen), RULES, chosen)
    return {table: pq.read_table(staging.tables.path("payloads", table)).to_pylist() for table in (*tables, "parts")}


@pytest.mark.behaviour("B16")
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate]
)
@given(typed=plainly(cards()), data=st.data())
def test_no_payload_holds_what_a_pattern_names(tmp_path: Path, typed: tuple[str, str], data: st.DataObject) -> None:
    secret, spelled = typed
    _, written = data.draw(marked_up(st.just(secret)))
    desk = filled(tmp_path, secret, spelled.replace("\n", " "), written)
    tables = payloads(desk, ALL)
    for table, rows in tables.items():
        for row in rows:
            assert secret not in bare(str(row)), table
    ticket = next(row for row in tables["tickets"] if row["source_id"] == "7")
    assert {loss["reason"] for loss in ticket["losses"]} >= {"masked"}
    tag = tables["tags"]
    assert [row["name"] for row in tag if row["source_id"].startswith("masked:")] == ticket["tags"][:1]


@pytest.mark.behaviour("B16")
def test_named_fields_are_dropped_or_masked_and_counted(tmp_path: Path) -> None:
    desk = filled(tmp_path, "4111111111111111", "4111 1111 1111 1111", "4111")
    rules = {
        "fields": {
            "contact.phone": "drop", "contact.email": "mask", "contact.name": "mask", "company.name": "drop",
            "ticket.subject": "mask", "ticket.Account": "mask", "ticket.361": "drop",
        }
    }  # fmt: skip
    tables = payloads(desk, rules)
    contact = orjson.loads(next(row["body"] for row in tables["contacts"] if row["source_id"] == "c9"))
    assert contact == contact | {"name": "[name masked]", "email": "masked+c9@example.com"}
    assert "phone" not in contact
    agent = next(row["body"] for row in tables["contacts"] if row["source_id"] == "a1")
    assert "acme.example" not in agent
    company = orjson.loads(next(row["body"] for row in tables["companies"] if row["source_id"] == "o1"))
    assert company["name"] == "acme.example"
    ticket = next(row for row in tables["tickets"] if row["source_id"] == "7")
    assert ticket["title"] == "[subject masked]"
    assert orjson.loads(ticket["attributes"]) == {
        "migration_key": "zendesk:7", "Account": "[masked]", "Zendesk status": "open"
    }  # fmt: skip
    told = {loss["detail"] for loss in ticket["losses"] if loss["reason"] == "masked"}
    assert told == {"ticket.subject: 1", "ticket.Account: 1", "ticket.361: 1"}
    assert ticket["created_at"] == START.replace(tzinfo=dt.UTC)


def test_a_field_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    desk = filled(tmp_path, "1", "1", "1")
    with pytest.raises(SettingsError, match=r"masking\.fields\.ticket\.Colour: the source has no such field"):
        payloads(desk, {"fields": {"ticket.Colour": "drop"}})


def test_another_rule_changes_just_the_payloads_that_it_changes(tmp_path: Path) -> None:
    desk = filled(tmp_path, "4111111111111111", "4111 1111 1111 1111", "4111")
    before, after = payloads(desk, {"patterns": ["card_number"]}), payloads(desk, {"patterns": ["card_number", "iban"]})
    assert before == after
    assert before["tickets"][1:] == payloads(desk, {})["tickets"][1:]
    custom = payloads(desk, {"patterns": ["card_number"], "custom": {"word": "Nothing"}})
    changed = [
        row["source_id"]
        for row, other in zip(before["tickets"], custom["tickets"], strict=True)
        if row["digest"] != other["digest"]
    ]
    assert changed == ["8"]
