"""The knowledge base over real HTTP: its lists, what stands in its bodies, its files, and its changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from migration_pipeline_tests.sandbox.zendesk_kit import Desk, running

Rows = list[dict[str, Any]]
ALL = "help_center/articles?page[size]=100&include=translations,users,sections,categories"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk"), tickets=700) as found:
        yield found


@pytest.fixture(scope="module")
def articles(desk: Desk) -> Rows:
    return desk.rows(ALL, "articles")


def nobody(url: str) -> requests.Response:
    return requests.get(url, allow_redirects=False, timeout=10)


def test_lists_by_cursor_have_links_of_their_own(desk: Desk, articles: Rows) -> None:
    assert len(articles) == 105
    first = desk.json(ALL)
    assert first["meta"]["has_more"]
    assert first["meta"]["after_cursor"].startswith("aQAAAA")
    assert {"first", "last", "next"} == set(first["links"])
    assert {"articles", "users", "sections", "categories", "meta", "links"} == set(first)
    last = desk.json(first["links"]["next"])
    # Not as in lists of tickets: the last page has no address of a next one.
    assert not last["meta"]["has_more"]
    assert {"first", "last", "prev"} == set(last["links"])
    assert desk.json(last["links"]["prev"])["articles"] == first["articles"]
    assert desk.json(first["links"]["last"])["articles"][-1] == last["articles"][-1]
    assert desk.get("help_center/articles?page[size]=10&page[after]=nonsense").status_code == 400


def test_lists_by_number(desk: Desk, articles: Rows) -> None:
    page = desk.json("help_center/en-us/articles?per_page=20&sort_by=title&sort_order=desc")
    titles = [a["title"] for a in page["articles"]]
    assert titles == sorted(titles, reverse=True)
    assert (page["page"], page["per_page"], page["page_count"]) == (1, 20, -(-page["count"] // 20))
    assert page["count"] < len(articles)
    assert page["next_page"].endswith("page=2")
    assert desk.json("help_center/articles")["per_page"] == 30
    assert desk.get("help_center/articles?page=400&per_page=30").json()["errors"][0]["code"] == "InvalidPaginationDepth"


def test_structure(desk: Desk, articles: Rows) -> None:
    categories = {c["id"]: c for c in desk.rows("help_center/categories?page[size]=2", "categories")}
    sections = {s["id"]: s for s in desk.rows("help_center/sections?page[size]=100", "sections")}
    assert {s["category_id"] for s in sections.values()} == set(categories)

    def depth(section: dict[str, Any]) -> int:
        parent = section["parent_section_id"]
        assert parent is None or sections[parent]["category_id"] == section["category_id"]
        return 1 if parent is None else 1 + depth(sections[parent])

    assert max(depth(s) for s in sections.values()) == 5
    homes = {a["section_id"] for a in articles}
    assert homes < set(sections)
    some = articles[0]["section_id"]
    listed = desk.rows(f"help_center/sections/{some}/articles?page[size]=100", "articles")
    assert {a["id"] for a in listed} == {a["id"] for a in articles if a["section_id"] == some}
    home = sections[some]["category_id"]
    inside = desk.rows(f"help_center/categories/{home}/sections?page[size]=100", "sections")
    assert {s["id"] for s in inside} == {k for k, s in sections.items() if s["category_id"] == home}
    with desk.switched(cyclic_sections=True):
        more = {s["id"]: s for s in desk.rows("help_center/sections?page[size]=100", "sections")}
        one, two = (more[k] for k in sorted(set(more) - set(sections)))
        assert (one["parent_section_id"], two["parent_section_id"]) == (two["id"], one["id"])
        assert len(desk.rows(ALL, "articles")) == len(articles) + 2


def test_locales_and_translations(desk: Desk, articles: Rows) -> None:
    assert desk.json("help_center/locales") == {"locales": ["en-us", "de", "fr"], "default_locale": "en-us"}
    without_default = [a for a in articles if all(t["locale"] != "en-us" for t in a["translations"])]
    assert {a["source_locale"] for a in without_default} == {"de", "fr"}
    drafts = [t for a in articles if not a["draft"] for t in a["translations"] if t["draft"]]
    assert drafts
    assert any(t["outdated"] for a in articles for t in a["translations"])
    assert any(t["hidden"] for a in articles for t in a["translations"])
    for a in articles[:10]:
        assert a["locale"] == a["source_locale"]
        source = next(t for t in a["translations"] if t["locale"] == a["locale"])
        assert (source["title"], source["body"], source["draft"]) == (a["title"], a["body"], a["draft"])
        path = f"help_center/articles/{a['id']}/translations"
        assert desk.rows(f"{path}?page[size]=100", "translations") == a["translations"]
        assert desk.json(f"{path}/{a['locale']}")["translation"] == source
        missing = desk.json(f"{path}/missing")["locales"]
        assert sorted([*missing, *(t["locale"] for t in a["translations"])]) == ["de", "en-us", "fr"]
    german = {a["id"]: a for a in desk.rows("help_center/de/articles?page[size]=100", "articles")}
    assert set(german) == {a["id"] for a in articles for t in a["translations"] if t["locale"] == "de"}
    assert {a["locale"] for a in german.values()} == {"de"}
    assert desk.get("help_center/it/articles").status_code == 404
    sections = desk.rows("help_center/sections?page[size]=100&include=translations", "sections")
    assert any(t["draft"] for s in sections for t in s["translations"])
    assert sections[0]["translations"][0]["source_type"] == "Section"


def test_who_may_read(desk: Desk, articles: Rows) -> None:
    segments = {s["id"]: s for s in desk.rows("help_center/user_segments?page[size]=100", "user_segments")}
    used = {k for a in articles for k in a["user_segment_ids"]}
    assert used == set(segments)
    assert {s["user_type"] for s in segments.values()} == {"signed_in_users", "staff"}
    assert sum(a["user_segment_id"] is None for a in articles) > len(articles) // 2
    assert any(len(a["user_segment_ids"]) == 2 for a in articles)
    groups = {g["id"] for g in desk.json("guide/permission_groups")["permission_groups"]}
    assert {a["permission_group_id"] for a in articles} == groups
    with desk.switched(role="agent"):
        seen = {a["id"]: a for a in desk.rows(ALL, "articles")}
    assert set(seen) == {a["id"] for a in articles if not a["draft"]}
    assert not any(t["draft"] for a in seen.values() for t in a["translations"])


def test_labels_and_content_tags(desk: Desk, articles: Rows) -> None:
    labels = {row["name"] for row in desk.rows("help_center/articles/labels?page[size]=100", "labels")}
    assert {name for a in articles for name in a["label_names"]} <= labels
    page = desk.json("guide/content_tags?page[size]=4")
    assert [len(page["records"]), page["meta"]["has_more"]] == [4, True]
    tags = {t["id"] for t in desk.rows("guide/content_tags?page[size]=30", "records")}
    assert {k for a in articles for k in a["content_tag_ids"]} == tags
    assert all(isinstance(k, str) and len(k) == 26 for k in tags)
    assert desk.get("guide/content_tags?page[size]=31").status_code == 400


@pytest.mark.parametrize(
    "pattern",
    [
        *(f"<h{k}[ >]" for k in range(1, 7)),
        r"<li>[^<]*<ol",
        r"<li>[^<]*<table",
        r"<td colspan=.2.><ul>",
        "<li></li>",
        "<pre><code",
        "youtube.com/embed",
        "<script",
        "<video",
        "<details>",
        r"</b></i>",
        r'href="/hc/articles/\d+"',
        r'href="http://127.0.0.1:\d+/hc/(en-us|de|fr)/articles/\d+-\w',
        r'href="/hc/\w+(-us)?/articles/\d+-[^"]*#h_',
        r'href="\.\./articles/\d+"',
        r"/entries/\d+",
        "-The-title-of-long-ago",
        "-Removed",
        r'href="#h_\d+"',
        r"/sections/\d+",
        r"/hc/requests/\d+",
        r"/agent/tickets/\d+",
        r'src="/hc/article_attachments/\d+"',
        r'src="http://127.0.0.1:\d+/hc/article_attachments/\d+"',
        r'/hc/(en-us|de|fr)/article_attachments/\d+/image\.png"',
        r'src="https://cdn\.example\.net',
        'src="data:image',
        r"\{\{dc\.",
    ],
)
def test_the_smallest_knowledge_base_has_every_kind_of_markup(small: str, pattern: str) -> None:
    assert re.search(pattern, small)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    with running(tmp_path_factory.mktemp("small"), tickets=10) as found:
        everything = found.rows(ALL, "articles")
        assert len(everything) == 6
        assert sum(a["draft"] for a in everything) == 1
        assert sum(a["promoted"] for a in everything) == 1
        return "".join(t["body"] for a in everything for t in a["translations"])


def test_files_of_articles(desk: Desk, articles: Rows) -> None:
    kinds = set()
    for a in articles[:12]:
        path = f"help_center/articles/{a['id']}/attachments"
        files = desk.rows(f"{path}?page[size]=100", "article_attachments")
        kinds |= {f["inline"] for f in files}
        inline = [f for f in files if f["inline"]]
        assert desk.json(f"{path}/inline")["article_attachments"] == inline
        for f in files:
            assert desk.json(f"help_center/articles/attachments/{f['id']}")["article_attachment"] == f
            answer = desk.get(f["content_url"])
            assert (answer.status_code, len(answer.content)) == (200, f["size"])
            assert f["content_url"] == desk.base_url + f["relative_path"]
            anyone = nobody(f["content_url"]).status_code
            assert anyone == (403 if a["user_segment_ids"] or a["draft"] else 200)
        for found in re.findall(r'src="(/hc/article_attachments/(\d+))"', a["body"]):
            known = int(found[1]) in {f["id"] for f in files}
            assert (desk.get(f"{desk.base_url}{found[0]}").status_code == 200) == known
    assert kinds == {True, False}


def test_ways_to_the_bytes(desk: Desk, articles: Rows) -> None:
    def first(article: dict[str, Any]) -> str:
        rows = desk.json(f"help_center/articles/{article['id']}/attachments")["article_attachments"]
        return str(rows[0]["content_url"])

    restricted = next(a for a in articles if a["user_segment_ids"])
    plain = desk.get(first(restricted)).content
    with desk.switched(article_files="redirect", storage_host="other"):
        hop = desk.get(first(restricted))
        assert hop.status_code == 302
        assert nobody(hop.headers["location"]).content == plain
        assert desk.get(hop.headers["location"]).status_code == 400
    with desk.switched(restricted_article_file="sign_in"):
        away = nobody(first(restricted))
        assert (away.status_code, nobody(away.headers["location"]).status_code) == (302, 200)
    with desk.switched(article_file_host="mapped"):
        host = desk.json("brands")["brands"][0]["host_mapping"]
        assert first(restricted).startswith(f"http://{host}/hc/")
    with desk.switched(hanging_images_s=1):
        assert any(desk.get(first(a)).status_code == 504 for a in articles[:30])


@pytest.mark.parametrize(("where", "host"), [("same", "127.0.0.1"), ("other", "localhost")])
def test_pictures_from_elsewhere(desk: Desk, where: str, host: str) -> None:
    with desk.switched(foreign_images=where):
        bodies = "".join(a["body"] for a in desk.rows(ALL, "articles"))
    address = re.findall(rf'src="(http://{host}:\d+/cdn/kb/[^"]+)"', bodies)[0]
    picture = nobody(address)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert len(picture.content) == 700


def test_a_second_brand_has_a_help_center_of_its_own(desk: Desk, articles: Rows) -> None:
    assert [b["has_help_center"] for b in desk.json("brands")["brands"]] == [True, False]
    with desk.switched(second_help_center=True):
        second = desk.json("brands")["brands"][1]
        assert second["has_help_center"]
        theirs = desk.get(f"{second['brand_url']}/api/v2/{ALL}").json()["articles"]
        assert len(theirs) == 4
        assert {a["id"] for a in theirs}.isdisjoint(a["id"] for a in articles)
        assert len(desk.rows(ALL, "articles")) == len(articles)
    with desk.switched(help_center=False):
        assert not desk.json("brands")["brands"][0]["has_help_center"]
        assert desk.get(ALL).json()["error"]["title"] == "InvalidEndpoint"


def test_one_huge_article(desk: Desk, articles: Rows) -> None:
    with desk.switched(huge_article=True):
        longest = max(desk.rows(ALL, "articles"), key=lambda a: len(a["body"]))
    assert len(longest["body"]) > 1_900_000
    assert max(len(a["body"]) for a in articles) < 64_000


def test_it_counts_in_a_bucket_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("limited"), tickets=5, limits=True, plan="support-essential") as limited:
        limited.advance(60 - limited.advance(0) % 60 + 1)
        statuses = [limited.get("help_center/articles/labels").status_code for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        assert limited.get("groups").headers["X-Rate-Limit-Remaining"] == "9"


def exported(desk: Desk, start: int) -> Rows:
    """Pages of changed articles until an empty one, which is the only sign of an end."""
    rows: Rows = []
    page = desk.json(f"help_center/incremental/articles?start_time={start}&per_page=20")
    while page["articles"]:
        assert "end_of_stream" not in page
        rows += page["articles"]
        page = desk.json(page["next_page"])
    return rows


def test_changes(desk: Desk, articles: Rows) -> None:
    assert {a["id"] for a in exported(desk, 0)} == {a["id"] for a in articles}
    with desk.switched(article_export_end="repeat"):
        page = desk.json("help_center/incremental/articles?start_time=0")
        again = desk.json(page["next_page"])
        assert again["next_page"] == page["next_page"]
        assert again["count"] > 0
    now = int(desk.advance(5))
    made = desk.control("POST", "activity", {"seed": 4, "articles": 10}).json()["changed"]
    assert {c["kind"] for c in made} == {
        "new_article",
        "edited_article",
        "article_properties",
        "translated_article",
        "archived_article",
    }
    after = {a["id"]: a for a in desk.rows(ALL, "articles")}
    before = {a["id"]: a for a in articles}
    last = {c["article_id"]: c for c in made}
    archived = {k for k, c in last.items() if c["kind"] == "archived_article"}
    assert archived == set(before) - set(after)
    assert set(after) - set(before) == {c["article_id"] for c in made if c["kind"] == "new_article"} - archived
    single = [c for c in made if [d["article_id"] for d in made].count(c["article_id"]) == 1]
    edited = next(c for c in single if c["kind"] == "edited_article")
    old, new = before[edited["article_id"]], after[edited["article_id"]]
    assert new["updated_at"] == old["updated_at"]
    moved = [t for t in new["translations"] if t not in old["translations"]]
    assert [t["locale"] for t in moved] == [edited["locale"]]
    changed = {a["id"] for a in exported(desk, now)}
    assert edited["article_id"] not in changed
    properties = {c["article_id"] for c in single if c["kind"] in ("article_properties", "new_article")}
    assert properties <= changed
