"""What the mapping's page shows and writes, over HTTP."""

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_pipeline.config import Masking
from migration_pipeline.config.mapping import FieldEntry, Mapping, save_mapping
from migration_pipeline.masking.documents import Html, Text
from migration_pipeline.masking.masker import Masker
from migration_pipeline.model.reasons import sentence
from migration_pipeline.target.candidates import write_candidates
from migration_pipeline.target.catalogue import Admin, Catalogue
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.losses import write_losses
from migration_pipeline_tests.mapping.desk import Desk
from migration_pipeline_tests.pages.served import HOSTILE, TYPES, Person, serving, settings_of


@pytest.mark.behaviour("B20", "S27", "S49")
def test_what_a_person_decides_stands_in_the_file_with_its_comments(person: Person) -> None:
    before = person.path.read_text(encoding="utf-8")
    edited = before.replace("  a2:", "  # left in May\n  a2:").replace("  '12':", "  # ask Ann\n  '12':  # long texts")
    person.path.write_text(edited, encoding="utf-8")
    page = person.open()
    assert "no match" in page.line("Bob").text_content()
    assert "Robert" in page.line("Bob").text_content()  # a candidate
    assert f"1 record: {sentence('value_truncated')}" in page.line("Notes").text_content()
    assert "in use: gold" in " ".join(page.line("Plan").text_content().split())
    page.enter("Bob", "target", "rob@target.example")  # an address says whom one means, as the list's label does
    page.enter("Old", "target", "Support (501)")
    page.enter("Size", "Beta", "B")
    page.enter("Size", "choice", "default")
    page.enter("Size", "default", "Alpha")
    page.enter("Notes", "choice", "skip")
    page.enter("open", "target", "snoozed")
    page.enter("high", "target", "Urgent")
    page.enter("task", "target", "")
    saved = page.save()
    assert "Saved: 7 entries." in saved.text
    now = person.mapping
    assert (now.agents["a2"].target, now.agents["a2"].matched_by) == ("102", "hand")
    assert (now.teams["t2"].target, now.teams["t2"].matched_by) == ("501", "hand")
    size = now.fields["11"]
    assert (size.options["b"], size.default, size.matched_by) == ("B", "Alpha", "hand")
    assert (now.fields["12"].target, now.fields["12"].matched_by) == (None, "hand")
    assert (now.statuses["open"], now.priorities["high"], now.types["task"]) == ("snoozed", "Urgent", None)
    after = person.path.read_text(encoding="utf-8")
    comments = [line.partition("#")[2] for line in edited.splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in after.splitlines() if "#" in line] == comments
    assert after.index("left in May") < after.index("\n  a2:") < after.index("# Teams by") < after.index("\n  t1:")

    undone = person.open()  # a default can go again
    undone.enter("Size", "Beta", "Beta")
    undone.enter("Size", "choice", "attribute")
    undone.save()
    assert (person.mapping.fields["11"].options, person.mapping.fields["11"].default) == ({"b": "Beta"}, None)


def test_looking_changes_nothing_and_a_nod_is_written(person: Person) -> None:
    before = person.path.read_bytes()
    page = person.open()
    assert "Nothing was changed." in page.save().text
    assert person.path.read_bytes() == before
    page.enter("Bob", "right", "on")
    page.save()
    assert (person.mapping.agents["a2"].target, person.mapping.agents["a2"].matched_by) == (None, "hand")
    looked = person.open()
    assert "look" not in looked.line("Bob").get("class").split()
    assert "look" in looked.line("Notes").get("class").split()  # its losses stay


@pytest.mark.behaviour("B09", "B10", "B20", "S29", "S31", "S43")
def test_words_of_every_section_are_decided_with_what_is_known_of_them(person: Person) -> None:
    page = person.open()
    shown = {title: " ".join(page.line(title, section).text_content().split()) for section, title in _WORDS}
    assert "2 records" in shown["Status"]
    assert "in use: open" in shown["Status"]
    assert f"1 record: {sentence('value_truncated')}" in shown["External id"]
    assert "100/100 there already" in shown["vip"]  # tags are one, whatever their case
    assert "2 records" in shown["refund"]
    assert "1 other candidate Refunds 92 name 92 %" in shown["refund"]
    assert "90/100 the language" in shown["en-us"]
    assert f"1 record: {sentence('locale_taken')}" in shown["en-gb"]
    assert f"1 record: {sentence('locale_not_mapped')}" in shown["tlh"]
    assert "required by the workspace" in shown["Reason"]
    assert "Cannot be loaded: the workspace requires a value" in shown["Reason"]
    assert "1 record" in shown["open"]
    entered = ["", "Number there", "Bug", "7", "VIP", "", "pt_br", "", "de", "Waiting for parts"]
    for (section, title), value in zip(_WORDS, entered, strict=True):
        page.enter(title, "target", value, section)
    assert "Saved: 10 entries." in page.save().text
    now = person.mapping
    assert (now.attributes["status"], now.attributes["external_id"]) == (None, "Number there")
    assert now.defaults == {"Reason": "Bug", "Total": 7}
    assert now.tags == {"vip": "VIP", "refund": None}
    assert now.languages == {"en-us": "pt-BR", "en-gb": None, "tlh": "de"}
    assert now.ticket_states["open"] == "Waiting for parts"

    undone = person.open()
    undone.enter("Total", "target", " ", "defaults")
    undone.enter("refund", "target", "refund")
    assert "Saved: 2 entries." in undone.save().text
    assert (person.mapping.defaults, person.mapping.tags["refund"]) == ({"Reason": "Bug"}, "refund")


_WORDS = [
    ("attributes", "Status"), ("attributes", "External id"), ("defaults", "Reason"), ("defaults", "Total"),
    ("tags", "vip"), ("tags", "refund"), ("languages", "en-us"), ("languages", "en-gb"), ("languages", "tlh"),
    ("ticket_states", "open"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "entered", "told", "section"),
    [
        ("Status", "Total", "the attribute 'Total' holds integer, which does not take string", "attributes"),
        ("Channel", "zendesk status", "also becomes 'zendesk status', as attributes.status does", "attributes"),
        ("Status", "a.b", "an attribute's name is not empty and holds neither . nor $", "attributes"),
        ("Total", "many", "'many' is no value of type integer", "defaults"),
        ("Reason", "Praise", "'Praise' is none of its options: Bug, Wish", "defaults"),
        ("en-us", "Klingon", "Intercom's help centre has no language Klingon; it has ar, bg", "languages"),
        ("open", "Lost", "Task has no ticket state Lost; take one of submitted, in_progress", "ticket_states"),
        ("open", " ", "name a state", "ticket_states"),
    ],
)
def test_words_that_cannot_be_are_refused_in_the_files_own_terms(
    asker: Person, title: str, entered: str, told: str, section: str
) -> None:
    before = asker.path.read_bytes()
    page = asker.open()
    page.enter(title, "target", entered, section)
    refused = page.save()
    assert refused.answer.status_code == 409
    line = refused.line(title, section)
    assert f"Refused: {told}" in line.text_content()
    assert line.find(".//input").get("value") == entered
    assert asker.path.read_bytes() == before


@pytest.mark.parametrize(
    ("title", "entered", "told"),
    [
        ("Bob", {"target": "Nobody"}, "'Nobody' is no teammate of the workspace; choose one from the list"),
        ("Stands in", {"target": ""}, "somebody has to stand in for authors without a teammate"),
        ("Size", {"target": "Total"}, "the attribute 'Total' holds integer, which does not take list"),
        ("Size", {"target": "a.b"}, "an attribute's name is not empty and holds neither . nor $"),
        ("Size", {"type": "bogus"}, "expected one of string, integer, list, decimal, boolean, datetime"),
        ("Size", {"Beta": "ALPHA"}, "'ALPHA' and 'alpha' differ only by case"),
        ("Size", {"target": " "}, "name an attribute, or choose to skip the field"),
        ("Size", {"choice": "default"}, "enter the value of records that have none"),
        ("Count of seats", {"default": "many"}, "'many' is no value of type integer"),
        ("Notes", {"target": "Gone"}, "the attribute 'Gone' is archived"),
        ("Notes", {"target": "zendesk size"}, "also becomes 'zendesk size', as fields.11 does"),
        ("open", {"target": "done"}, "expected one of open, snoozed, closed"),
    ],
)
def test_a_refusal_stands_beside_its_entry_and_nothing_is_lost(
    asker: Person, title: str, entered: dict[str, str], told: str
) -> None:
    before = asker.path.read_bytes()
    page = asker.open()
    page.enter("high", "target", f"Very {HOSTILE}")
    if "ALPHA" in entered.values():
        page.enter("Size", "Alpha", "alpha")
    for control, value in entered.items():
        page.enter(title, control, value)
    refused = page.save()
    assert refused.answer.status_code == 409
    assert told in refused.line(title).text_content()
    assert asker.path.read_bytes() == before
    sent = {name: value for name, value in page.fields.items() if value not in ("bogus", "done")}
    assert sent.items() <= refused.fields.items()


def test_a_file_that_changed_underneath_is_shown_and_not_overwritten(person: Person) -> None:
    page = person.open()
    page.enter("Bob", "target", "102")
    page.enter("high", "target", "Urgent")
    changed = person.path.read_text(encoding="utf-8").replace("high: high", "high: Hoch  # by Cy")
    person.path.write_text(changed, encoding="utf-8")
    told = page.save(then="done")  # not done: there is something to see
    assert told.answer.status_code == 409
    assert "changed by somebody else" in told.text
    assert "The file now says Hoch here" in told.line("high").text_content()
    assert person.path.read_text(encoding="utf-8") == changed
    told.save()
    assert (person.mapping.agents["a2"].target, person.mapping.priorities["high"]) == ("102", "Urgent")
    assert "# by Cy" in person.path.read_text(encoding="utf-8")

    person.path.write_text("agents: [", encoding="utf-8")
    broken = told.save()
    assert "cannot be read any more" in broken.text
    assert person.path.read_text(encoding="utf-8") == "agents: ["


def test_entries_that_are_gone_do_not_take_what_was_entered_with_them(person: Person) -> None:
    page = person.open()
    page.enter("high", "target", "Urgent")
    text = person.path.read_text(encoding="utf-8").replace("  high: high\n", "")
    person.path.write_text(text, encoding="utf-8")
    assert "what you entered as 'Urgent'" in page.save().text


def test_one_text_that_stands_for_several_entries_is_left_to_its_author(person: Person) -> None:
    text = "fields:\n  '11': &one {target: Size, type: list}\n  '12': *one\n"
    person.path.write_text(text, encoding="utf-8")
    page = person.open()
    page.enter("Size", "choice", "skip")
    assert "make it in the file itself" in page.save().text
    assert person.path.read_text(encoding="utf-8") == text


def test_texts_of_strangers_are_text(person: Person) -> None:
    page = person.open()
    assert not page.document.xpath("//script | //img | //link | //*[@onerror] | //*[@style]")
    people = page.document.get_element_by_id("admins")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in "".join(one.get("value", "") for one in people)
    policy = page.answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe" not in policy
    assert f"'nonce-{page.document.find('.//style').attrib['nonce']}'" in policy
    named = {one.get("for") for one in page.document.iter("label")}
    for control in page.document.iter("input", "select"):
        inside = any(parent.tag == "label" for parent in control.iterancestors())
        assert inside or control.get("type") == "hidden" or control.get("id") in named


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(min_size=1), value=st.text(min_size=1), label=st.text())
def test_no_text_is_changed_by_passing_through_the_page(person: Person, key: str, value: str, label: str) -> None:
    person.path.unlink()
    entry = FieldEntry(title=label, target="Plan", options={value: label, "other": None}, default=label)
    wild = Mapping(
        contact_fields={key: entry},
        brands={value: label},
        priorities={"low": "low"},
        tags={key: label, value: None},
        attributes={key: f"-{re.sub('[.$]', '', label)}"},
        defaults={"Wild": value},
        ticket_states={key: value},
        languages={key: "de"},
    )
    save_mapping(person.path, wild)
    before = person.mapping
    page = person.open()
    assert "Nothing was changed." in page.save().text
    page.enter("low", "target", "Low")
    assert "Saved: one entry." in page.save().text
    assert person.mapping == before.model_copy(update={"priorities": {"low": "Low"}})


def test_only_the_browser_with_the_address_sees_it(person: Person) -> None:
    stranger = requests.get(person.site, timeout=10)
    assert (stranger.status_code, "mapping.yaml" in stranger.text) == (403, False)
    assert requests.get(f"{person.site}?token=guess", timeout=10).status_code == 403
    page = person.open()
    assert "token" not in page.answer.url
    cookie = next(iter(person.session.cookies))
    assert (cookie.get_nonstandard_attr("SameSite") or "").lower() == "strict"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert requests.get(person.address, timeout=10).status_code == 403  # the address works once
    assert person.session.get(person.address, timeout=10).status_code == 200  # but for who has it
    assert page.answer.headers["Cache-Control"] == "no-store"


def test_forms_of_others_write_nothing(person: Person) -> None:
    before = person.path.read_bytes()
    page = person.open()
    page.enter("high", "target", "Urgent")
    port = person.site.rsplit(":", 1)[1][:-1]
    for headers in (
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
    ):
        assert person.send(page.fields, headers=headers).status_code == 403, headers
    assert person.send({**page.fields, "key": "guess"}).status_code == 403
    assert person.send({**page.fields, "digest": "guess"}).status_code == 403
    assert requests.post(person.site, data=page.fields, timeout=10).status_code == 403  # without the cookie
    kinds = {"Content-Type": "text/plain"}
    assert person.send(page.fields, headers=kinds).status_code == 415
    assert person.path.read_bytes() == before


def test_done_saves_and_stops(person: Person) -> None:
    page = person.open()
    page.enter("high", "target", "Urgent")
    done = page.save(then="done")
    assert "Saved: 1 entry" in done.text
    assert person.mapping.priorities["high"] == "Urgent"
    person.server.join(10)
    assert not person.server.is_alive()


_SECRETS = ("john.doe@customer.example", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+49 151 12345678")
_SIGNS = ("john.", "doe@", "@cust", "4111", "1111", "DE89", "3704", "0532", "+49", "12345678", "yyyy")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield value


@pytest.mark.behaviour("B16", "B20")
def test_neither_the_page_nor_its_file_shows_what_is_masked(tmp_path: Path) -> None:
    """Wherever a secret stands in a text, and so wherever a cut may come; marks take less room than long secrets."""
    desk = Desk(tmp_path)
    texts = ["x" * length + " " + secret for length, secret in product(range(56, 82), _SECRETS)]
    texts.append((" " + "y" * 2_400 + "@customer.example") * 5)
    fields, cut = {}, range(32, 37)  # no more are shown
    for number, text in enumerate(texts):
        fields[f"f{number}"] = {"target": f"F {number}", "type": ("string", "list")[number % 8 < 4]}
        desk.add(
            "fields", source_id=f"f{number}", scope="ticket", key=f"k{number}", title="A", type="text", active=True
        )
        tags = ["vip", text[-40:], "ask eve@customer.example", "known@customer.example"]
        values = json.dumps({f"f{number}": text})
        desk.ticket(
            str(number), {"body_text": "x"}, attributes=values, tags=tags, external_id=text if number in cut else None
        )
    staging, _ = desk.write()
    settings = settings_of(tmp_path)
    masking = Masking(patterns=("card_number", "iban", "email", "phone"))
    settings = settings.model_copy(update={"masking": masking})
    workspace = Catalogue(workspace="w", region="us", timezone="UTC", me=Admin("1", "Me", None), admins=())
    decided = {"vip": "VIP", "known@customer.example": "Known"}  # a person wrote this one
    rules = Mapping.model_validate({"fallback_admin": "1", "fields": fields, "tags": decided})
    save_mapping(settings.mapping_path, rules)
    inputs = Inputs(staging, rules, settings)
    write_losses(inputs, workspace)
    write_candidates(inputs, workspace)
    (settings.root / "catalogue.json").write_bytes(workspace.to_json())
    (settings.root / "ticket_types.json").write_bytes(TYPES.to_json())
    with serving(settings) as someone:
        page = someone.open()
    masker, known = Masker(masking), "known@customer.example"
    proposals = (settings.root / "proposals.json").read_text(encoding="utf-8")
    entries = {(one["section"], one["key"]): one for one in json.loads(proposals)["entries"]}
    assert [key for section, key in entries if section == "tags"] == [known, "vip"]
    assert entries["fields", "f0"]["samples"] == ["x" * 56 + " [email masked]"]
    assert entries["fields", "f100"]["samples"] == ["x" * 80]
    (loss,) = entries["fields", "f88"]["losses"]  # its address stands across the end of what is shown
    assert loss["detail"] == "x" * 78 + " [email masked] is no option"
    assert len(entries["attributes", "external_id"]["samples"]) == 5
    shown = [text for text in _strings(json.loads(proposals)) if text != known]
    assert masker.mask([Text(text) for text in shown])[1] == {}
    written = page.answer.text.replace(known, "")
    assert masker.mask([Html(written)])[1] == {}
    read = page.text.replace(known, "").replace(str(tmp_path), "")
    assert not [sign for sign in _SIGNS for text in (*shown, read) if sign in text]
