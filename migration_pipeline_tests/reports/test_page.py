"""The page: opens offline, shows strangers' texts as text, stays small, and tells how to check."""

import csv
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import lxml.html
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migration_pipeline.reports import Report, build
from migration_pipeline_tests.reports.tables import Tables, moved

TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


def parsed(report: Report) -> lxml.html.HtmlElement:
    return lxml.html.fromstring(report.page.read_bytes())


def made_with(tables: Tables, texts: list[str]) -> Report:
    tables.plan("tickets", [{"source_id": str(number)} for number in range(len(texts))])
    losses = [[{"reason": "file_missing", "detail": text}] for text in texts]
    tables.outcomes(
        [
            moved("tickets", str(number), reason="changed_since", detail=text, target_url=text, losses=losses[number])
            for number, text in enumerate(texts)
        ]
    )
    tables.verification(
        "tickets", [{"source_id": "0", "field": "title", "matched": False, "expected": text} for text in texts]
    )
    return build(tables.staging, "r1", "full", tables.migration)


def shown(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", text).split())


@cache
def vocabulary() -> tuple[set[str], set[str]]:
    """Every tag and attribute that a page of harmless texts has."""
    with TemporaryDirectory() as folder:
        elements = list(
            parsed(made_with(Tables(Path(folder)), ["https://plain.example"])).iter(lxml.html.etree.Element)
        )
    return {element.tag for element in elements}, {name for element in elements for name in element.attrib}


@settings(max_examples=12, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
@example(
    ["<script>alert(1)</script>", "javascript:alert(1)", "\" onmouseover=x '", "</bdi></td>", "&lt;", "]]>", "<!--"]
)
@example(["\u202egnp.exe", "a\x00b", "{{ 7*7 }}", "{% raw %}", 'http://x.example/" onclick=', "https://ok.example/<b>"])
def test_whatever_the_source_holds_is_shown_as_text(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        page = parsed(made_with(Tables(Path(folder)), texts))
    tags, attributes = vocabulary()
    assert {element.tag for element in page.iter(lxml.html.etree.Element)} <= tags
    assert {name for element in page.iter(lxml.html.etree.Element) for name in element.attrib} <= attributes
    details = [" ".join(cell.text_content().split()) for cell in page.xpath("//section//details//td[@class='detail']")]
    assert [shown(text) for text in texts] == details[-len(texts) :]
    assert all(re.match(r"https?://|#|[a-z]+\.(csv|parquet|json)$", link.get("href")) for link in page.xpath("//a"))


@settings(max_examples=12, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
@example(
    ["=1+1", "+49 30", "-2", "@SUM(A1)", " =x", "\t=x", "\r=x", "\n", "\uff1dx", "'", '"', '","', "a,b\r\nc", "", "ü"]
)
def test_csv_parses_back_and_runs_nothing(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        report = made_with(Tables(Path(folder)), texts)
        raw = (report.folder / "records.csv").read_bytes()
        with (report.folder / "records.csv").open(encoding="utf-8-sig", newline="") as file:
            cells = [row["detail"] for row in csv.DictReader(file)]
        kept = [row["detail"] for row in report.records()]
    assert raw.startswith(b"\xef\xbb\xbfentity_type,")
    assert kept == texts, "Parquet holds every text as it is"
    assert [
        cell.removeprefix("'") if not text.startswith("'") else cell for cell, text in zip(cells, texts, strict=True)
    ] == [text.replace("\0", "\ufffd") for text in texts]
    assert not [cell for cell in cells if cell.lstrip(" \t\r\n\f\v")[:1] in tuple("=+-@\uff1d\uff0b\uff0d\uff20")]
    assert not [cell for cell in cells if cell[:1] in tuple("\t\r\n")]


def test_the_page_loads_nothing(tables: Tables) -> None:
    page = parsed(made_with(tables, ["https://tracker.example/pixel.gif"]))
    assert page.xpath("//script | //link | //img | //iframe | //object | //embed | //form | //base | //*[@src]") == []
    assert {element.tag for element in page.xpath("//*[@href]")} == {"a"}
    styles = " ".join(page.xpath("//style/text() | //@style"))
    assert "url(" not in styles
    assert "@import" not in styles
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert "default-src 'none'" in policy


def test_the_page_can_be_read_by_everyone(tables: Tables) -> None:
    page = parsed(made_with(tables, ["a"]))
    assert page.get("lang") == "en"
    assert [heading.tag for heading in page.xpath("//h1")] == ["h1"]
    assert not [table for table in page.xpath("//table") if not table.xpath("./thead//th[@scope='col']")]
    targets = {anchor[1:] for anchor in page.xpath("//a/@href") if anchor.startswith("#")}
    assert targets
    assert targets <= set(page.xpath("//@id"))
    styles = "".join(page.xpath("//style/text()"))
    assert "prefers-color-scheme: dark" in styles
    assert "@media print" in styles


@pytest.mark.behaviour("S63")
def test_records_on_the_page_link_to_both_sides(tables: Tables) -> None:
    tables.plan("tickets", [{"source_id": "1"}, {"source_id": "2"}])
    tables.outcomes(
        [moved("tickets", "1", reason="changed_since"), moved("tickets", "2", outcome="failed", reason="parent_failed")]
    )
    links = set(parsed(build(tables.staging, "r1", "full", tables.migration)).xpath("//a/@href"))
    assert {f"https://acme.example/tickets/{number}" for number in (1, 2)} <= links
    assert {f"https://app.example/tickets/t{number}" for number in (1, 2)} <= links


@pytest.mark.behaviour("S53")
def test_the_page_tells_how_to_check_and_what_the_verification_checked(tables: Tables) -> None:
    tables.plan("tickets", [{"source_id": str(number)} for number in range(40)])
    tables.outcomes([moved("tickets", str(number)) for number in range(40)])
    tables.verification(
        "tickets",
        [{"source_id": str(n), "field": field, "matched": True} for n in range(40) for field in ("files", "authors")],
    )
    page = parsed(build(tables.staging, "r1", "full", tables.migration))
    (section,) = page.xpath("//section[@aria-labelledby='check']")
    assert len(section.xpath(".//ol/li")) >= 5
    assert "migration_key" in section.text_content()
    samples = section.xpath(".//tbody/tr")
    assert len(samples) == 5
    assert all(len(sample.xpath(".//a")) == 2 for sample in samples)
    (verification,) = page.xpath("//section[@aria-labelledby='verification']")
    rows = [[cell.text_content() for cell in line] for line in verification.xpath(".//tbody/tr")]
    assert ["tickets", "files", "40", "0", "100 %", ""] in rows
    assert ["tickets", "40", "40", "40", "100 %"] in rows


def test_without_a_verification_the_page_says_so(tables: Tables) -> None:
    tables.plan("tickets", [{"source_id": "1"}])
    tables.outcomes([moved("tickets", "1")])
    page = parsed(build(tables.staging, "r1", "full", tables.migration))
    (verification,) = page.xpath("//section[@aria-labelledby='verification']")
    assert "Nothing was read back yet" in verification.text_content()
    assert "All records of this run are in the target: 1." in " ".join(page.text_content().split())


def test_a_large_help_desk_makes_a_small_page(tables: Tables) -> None:
    count = 30_000
    tables.plan("tickets", [{"source_id": str(number)} for number in range(count)])
    detail = "The target said: " + "x" * 900
    tables.outcomes(
        [
            moved("tickets", str(n), outcome="failed", reason="rejected_by_target", detail=detail)
            if n % 2
            else moved("tickets", str(n), losses=[{"reason": "file_missing", "detail": detail}])
            for n in range(count)
        ]
    )
    report = build(tables.staging, "r1", "full", tables.migration)
    page = parsed(report)
    (group,) = page.xpath("//section[@aria-labelledby='lists']//details")
    assert len(group.xpath(".//tbody/tr")) == 500
    assert "The first 500 of 15,000" in group.text_content()
    assert group.xpath(".//a[@href='failed.csv']")
    assert report.page.stat().st_size < 1_000_000
    assert len(report.records()) == count
