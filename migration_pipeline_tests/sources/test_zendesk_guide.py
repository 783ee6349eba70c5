"""Reading a help center: nothing missing, edited texts seen, archived articles marked; an account may have none."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from migration_pipeline.sources import Sample
from migration_pipeline.sources.zendesk import shapes
from migration_pipeline.staging.snapshots import Row
from migration_pipeline_tests.sources.conftest import Desk, Place, changed, place
from migration_pipeline_tests.sources.test_zendesk_records import Bench

GUIDE = ("articles", "collections")


def listed(desk: Desk, path: str, key: str) -> list[dict[str, Any]]:
    """A list of the help center by offset pages."""
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        page = desk.get(f"help_center/{path}", page=number, per_page=100).json()
        found += page[key]
        if not page.get("next_page"):
            return found
        number += 1


@pytest.mark.behaviour("S03", "S06", "S31")
def test_everything_that_guide_has_is_read(desk: Desk, somewhere: Place) -> None:
    # Files of readers' own articles sit behind a sign-in page, and links name a host that knows no credentials.
    desk.switch(restricted_article_file="sign_in", article_file_host="mapped")
    articles = {str(row["id"]): row for row in listed(desk, "articles", "articles")}
    somewhere.extract(*GUIDE)
    somewhere.normalize(*GUIDE)
    records = {row["source_id"]: row for row in somewhere.records("articles")}
    assert set(records) == set(articles)
    assert {row["audience"] for row in records.values()} > {"everyone"}
    texts: dict[str, dict[str, dict[str, Any]]] = {}
    for row in somewhere.records("article_translations"):
        texts.setdefault(row["article_ref"], {})[row["locale"]] = row
    files = {(row["article_ref"], row["source_id"]): row for row in somewhere.records("article_attachments")}
    seen = 0
    for article in articles:
        told = listed(desk, f"articles/{article}/translations", "translations")
        assert {one["locale"]: (one["title"], one["body"]) for one in told} == {
            locale: (row["title"], row["body_html"]) for locale, row in texts[article].items()
        }
        assert {one["locale"] for one in told if one["draft"] or one["hidden"]} == {
            locale for locale, row in texts[article].items() if row["state"] == "draft"
        }
        for one in listed(desk, f"articles/{article}/attachments", "article_attachments"):
            row = files[article, str(one["id"])]
            assert (row["missing"], row["inline"]) == (None, one["inline"])
            content = somewhere.staging.blobs.read(row["sha256"])
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
            assert len(content) == one["size"]
            seen += 1
    assert seen > 10
    collections = {row["source_id"]: row for row in somewhere.records("collections")}
    sections = listed(desk, "sections", "sections")
    assert len(collections) == len(sections) + len(listed(desk, "categories", "categories"))
    assert any(len(row["names"]) == 3 for row in collections.values())
    assert max(row["level"] for row in collections.values() if row["level"]) > 3


def test_an_account_without_guide_has_no_articles(desk: Desk, somewhere: Place) -> None:
    desk.switch(help_center=False)
    somewhere.extract(*GUIDE)
    assert {stream for stream, rows in somewhere.rows().items() if rows} == {"brands"}
    assert set(somewhere.normalize(*GUIDE).values()) == {0}


@pytest.mark.behaviour("S48")
def test_a_demo_draws_the_same_articles_and_no_others(desk: Desk, somewhere: Place) -> None:
    for _ in range(2):
        somewhere.source.extract_sample("articles", Sample(1, 1, (), 4), somewhere.staging, somewhere.run())
    somewhere.normalize("articles")
    first = {row["source_id"] for row in somewhere.records("articles")}
    assert len(first) == 4
    somewhere.source.extract_sample("articles", Sample(2, 1, (), 4), somewhere.staging, somewhere.run())
    somewhere.normalize("articles")
    assert {row["source_id"] for row in somewhere.records("articles")} > first


@pytest.mark.behaviour("B02")
def test_later_passes_see_edited_texts_and_archived_articles_and_cost_little(busy_desk: Desk, tmp_path: Path) -> None:
    where = place(changed(busy_desk.migration, tmp_path / "data"))
    where.extract(*GUIDE)
    calls = where.source.usage.calls
    where.normalize("articles")
    comments = sum(work.calls for work in where.source.works(where.staging) if work.what == "article_comments")
    unreachable = {row["source_id"] for row in where.records("article_attachments") if row["missing"]}
    assert where.extract(*GUIDE) == 0
    assert where.source.usage.calls - calls <= 6 + comments + len(unreachable)
    before = {row["source_id"]: row for row in where.records("articles")}
    made = busy_desk.control("POST", "activity", {"seed": 4, "articles": 10})["changed"]
    where.extract(*GUIDE)
    where.normalize("articles")
    after = {row["source_id"]: row for row in where.records("articles")}
    kinds: dict[str, set[str]] = {}
    for one in made:
        kinds.setdefault(str(one["article_id"]), set()).add(one["kind"])
    archived = {article for article, told in kinds.items() if "archived_article" in told} & set(before)
    assert {article for article, row in after.items() if not row["active"]} == archived
    edited = {article for article, told in kinds.items() if "edited_article" in told} & set(before) - archived
    assert edited
    assert all(after[article]["updated_at"] > before[article]["updated_at"] for article in edited)


def article(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1, "html_url": "https://a/hc/en-us/articles/1", "title": "T", "body": "<p>B</p>", "locale": "en-us",
        "source_locale": "en-us", "draft": False, "section_id": 3, "author_id": 9, "user_segment_id": None,
        "label_names": ["x"], "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z",
        "edited_at": "2024-01-05T00:00:00Z", **changes,
    }  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_sections_in_a_circle_have_no_level(bench: Bench) -> None:
    bench.add("categories", {"id": 1, "name": "Top", "locale": "en-us"})
    for number, parent in ((2, None), (3, 2), (4, 5), (5, 4), (6, 6), (7, 99)):
        bench.add("sections", {"id": number, "name": f"S{number}", "category_id": 1, "parent_section_id": parent})
    bench.add("sections", "no object", {"name": "no id"})
    made = bench.normalize("collections")
    levels = {row["source_id"]: row["level"] for row in bench.place.records("collections")}
    assert levels == {
        "category:1": 1, "section:2": 2, "section:3": 3, "section:4": None, "section:5": None, "section:6": None,
        "section:7": None,
    }  # fmt: skip
    assert made["rejects_collections"] == 2


@pytest.mark.parametrize(
    ("changes", "locales"),
    [
        ({}, ["en-us"]),
        ({"translations": []}, ["en-us"]),
        ({"translations": [{"id": 5, "locale": "DE", "title": "D", "body": None}]}, ["de"]),
        ({"translations": [{"locale": "de"}, {"locale": "de", "title": "again"}, {"title": "none"}, 7]}, ["de"]),
        ({"translations": "odd", "locale": None}, ["en-us"]),
    ],
)
def test_an_article_is_read_in_whatever_languages_it_comes(
    bench: Bench, changes: dict[str, Any], locales: list[str]
) -> None:
    bench.add("articles", article(**changes))
    bench.normalize("articles")
    assert [row["locale"] for row in bench.place.records("article_translations")] == locales
    one = bench.one("articles")
    assert (one["collection_ref"], one["tags"], one["audience"]) == ("section:3", ["x"], "everyone")
    assert one["updated_at"].day == 5


def test_content_tags_have_their_names_and_comments_are_counted(bench: Bench) -> None:
    bench.add("articles", article(content_tag_ids=["01GFXG", "01GONE", 7, "01GFXG"]), article(id=2))
    bench.add("articles", article(id=3, content_tag_ids="odd"))
    bench.staging.snapshots.append(
        "content_tags", [shapes.named_row({"id": "01GFXG", "name": " Billing "})], cursor=None, complete=True
    )
    told = [{"id": 1, "author_id": 9, "locale": "DE"}, {"id": 2, "body": 5}, 7, {"id": "x", "body": "<p>Hi</p>"}]
    said = [
        Row("1", None, {"stamp": "s", "comments": told}),
        Row("2", None, {"stamp": "s", "comments": []}),
    ]  # fmt: skip
    bench.staging.snapshots.append("article_comments", said, cursor=None, complete=True)
    bench.normalize("articles")
    articles = bench.place.records("articles")
    assert {row["source_id"]: (row["content_tags"], row["comment_count"]) for row in articles} == {
        "1": (["01GONE", "Billing"], 4), "2": ([], 0), "3": ([], None),
    }  # fmt: skip
    comments = bench.place.records("article_comments")
    assert [(row["source_id"], row["article_ref"], row["author_ref"], row["locale"]) for row in comments] == [
        ("1", "1", "9", "de"), ("2", "1", None, None),
        ("1/comment-3", "1", None, None), ("1/comment-4", "1", None, None),
    ]  # fmt: skip
    assert [row["body_html"] for row in comments] == [None, None, None, "<p>Hi</p>"]


@pytest.mark.parametrize(
    ("segment", "audience"),
    [
        ({"id": 7, "name": "N", "user_type": "signed_in_users", "tags": []}, "signed_in"),
        ({"id": 7, "name": "N", "user_type": "signed_in_users", "tags": ["vip"]}, "restricted"),
        ({"id": 7, "name": "N", "user_type": "staff", "group_ids": [1]}, "staff"),
        ({"id": 8}, "restricted"),
    ],
)
def test_who_may_read_an_article(bench: Bench, segment: dict[str, Any], audience: str) -> None:
    bench.add("articles", article(user_segment_id=7))
    bench.add("user_segments", segment)
    bench.normalize("articles")
    assert bench.one("articles")["audience"] == audience


def test_what_is_no_article_is_rejected_and_the_rest_is_read(bench: Bench) -> None:
    bench.add("articles", article(), {"title": "no id"}, 7, article(id=2, section_id="x", label_names=3, title=None))
    made = bench.normalize("articles")
    assert (made["articles"], made["rejects_articles"]) == (2, 2)
