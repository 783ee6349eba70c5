"""Help centers of several brands over real HTTP: each on a port of its own, with the same credentials and bucket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from migration_pipeline_tests.sandbox.zendesk_kit import Desk, running

BRANDS = 3
LISTS = {
    "categories": "help_center/categories?page[size]=2",
    "sections": "help_center/sections?page[size]=3",
    "articles": "help_center/articles?page[size]=4&include=translations",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("brands"), tickets=120, brands=BRANDS) as found:
        yield found


@pytest.fixture(scope="module")
def brands(desk: Desk) -> list[dict[str, Any]]:
    return list(desk.json("brands")["brands"])


@pytest.fixture(scope="module")
def held(desk: Desk, brands: list[dict[str, Any]]) -> list[dict[str, list[dict[str, Any]]]]:
    """What each help center lists, page by page on its own host."""
    return [
        {plural: desk.rows(f"{b['brand_url']}/api/v2/{path}", plural) for plural, path in LISTS.items()} for b in brands
    ]


def test_each_brand_has_a_help_center_with_a_host_of_its_own(desk: Desk, brands: list[dict[str, Any]]) -> None:
    assert [(b["has_help_center"], b["help_center_state"]) for b in brands] == [(True, "enabled")] * BRANDS
    assert len({b["brand_url"] for b in brands} | {b["subdomain"] for b in brands}) == 2 * BRANDS
    assert brands[0]["brand_url"] == desk.base_url
    nobody = requests.get(f"{brands[1]['brand_url']}/api/v2/help_center/articles", timeout=10)
    assert nobody.status_code == 401


def test_a_help_center_shows_what_is_its_own(brands: list[dict[str, Any]], held: list[dict[str, Any]]) -> None:
    for plural in LISTS:
        ids = [row["id"] for one in held for row in one[plural]]
        assert len(ids) == len(set(ids)) >= 2 * BRANDS
        for brand, one in zip(brands, held, strict=True):
            assert {row["html_url"].partition("/hc/")[0] for row in one[plural]} == {brand["brand_url"]}
    for one in held:
        assert {a["section_id"] for a in one["articles"]} <= {s["id"] for s in one["sections"]}
        assert {s["category_id"] for s in one["sections"]} == {c["id"] for c in one["categories"]}
        assert any(s["parent_section_id"] for s in one["sections"])
        assert len({t["locale"] for a in one["articles"] for t in a["translations"]}) > 1


def test_another_brands_article_is_not_found(desk: Desk, brands: list[dict[str, Any]], held: list[Any]) -> None:
    theirs = held[1]["articles"][0]["id"]
    at = [f"{b['brand_url']}/api/v2/help_center/articles/{theirs}" for b in brands]
    assert [desk.get(url).status_code for url in at] == [404, 200, 404]
    assert desk.json(at[1])["article"]["url"].startswith(brands[1]["brand_url"])
    files = desk.json(f"{at[1]}/attachments")["article_attachments"]
    assert desk.get(files[0]["content_url"]).status_code == 200
    assert len(desk.get(files[0]["content_url"]).content) == files[0]["size"]
    elsewhere = files[0]["content_url"].replace(brands[1]["brand_url"], brands[0]["brand_url"])
    assert desk.get(elsewhere).status_code == 404


def test_articles_link_to_those_of_other_brands(brands: list[dict[str, Any]], held: list[dict[str, Any]]) -> None:
    home = {str(a["id"]): k for k, one in enumerate(held) for a in one["articles"]}
    crossed = set()
    for k, one in enumerate(held):
        bodies = "".join(a["body"] for a in one["articles"])
        for host, article in re.findall(r'href="(http://[^/"]+)/hc/[^/"]+/articles/(\d+)', bodies):
            if article in home and home[article] != k:
                assert host == brands[home[article]]["brand_url"]
                crossed.add((k, home[article]))
    assert crossed == {(0, 1), (1, 2), (2, 0)}


def test_pages_of_articles(held: list[dict[str, Any]]) -> None:
    def read(address: str) -> requests.Response:
        return requests.get(address, timeout=10, allow_redirects=False)

    public = next(a for a in held[2]["articles"] if not a["draft"] and not a["user_segment_ids"] and a["body"])
    page = read(public["html_url"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert public["body"] in page.text
    host = public["html_url"].partition("/hc/")[0]
    assert read(f"{host}/hc/articles/{public['id']}").headers["location"] == public["html_url"]
    assert (
        read(public["html_url"].replace(host, held[1]["articles"][0]["html_url"].partition("/hc/")[0])).status_code
        == 404
    )
    for one in held:
        for article in one["articles"]:
            shown = read(article["html_url"]).status_code
            assert shown == (404 if article["draft"] else 302 if article["user_segment_ids"] else 200)


def test_calls_are_counted_by_host(desk: Desk, brands: list[dict[str, Any]]) -> None:
    hosts = [urlsplit(b["brand_url"]).netloc for b in brands]
    before = desk.control("GET", "stats").json()
    for brand in brands[1:]:
        desk.json(f"{brand['brand_url']}/api/v2/{LISTS['sections']}")
    after = desk.control("GET", "stats").json()
    assert [after["hosts"].get(h, 0) - before["hosts"].get(h, 0) for h in hosts] == [0, 1, 1]
    route = "GET /api/v2/help_center/sections"
    assert after["requests"][route] - before["requests"][route] == 2


def test_all_help_centers_share_one_bucket(tmp_path: Path) -> None:
    with running(tmp_path, tickets=5, limits=True, plan="support-essential", brands=2) as limited:
        limited.advance(60 - limited.advance(0) % 60 + 1)
        hosts = [b["brand_url"] for b in limited.json("brands")["brands"]]
        statuses = [limited.get(f"{hosts[k % 2]}/api/v2/help_center/locales").status_code for k in range(11)]
        assert statuses == [200] * 10 + [429]


def test_comments_and_content_tags_of_each_help_center(
    desk: Desk, brands: list[dict[str, Any]], held: list[dict[str, Any]]
) -> None:
    for brand, one in zip(brands, held, strict=True):
        base = f"{brand['brand_url']}/api/v2"
        said = {
            a["id"]: desk.rows(f"{base}/help_center/articles/{a['id']}/comments?page[size]=2", "comments")
            for a in one["articles"]
        }
        rows = [c for comments in said.values() for c in comments]
        assert len({c["id"] for c in rows}) == len(rows) > 5
        assert all(c["source_id"] == article for article, comments in said.items() for c in comments)
        assert not any(said[a["id"]] for a in one["articles"] if a["draft"])
        assert all(c["created_at"] > a["created_at"] for a in one["articles"] for c in said[a["id"]])
        tags = {t["id"] for t in desk.rows(f"{base}/guide/content_tags?page[size]=30", "records")}
        assert {k for a in one["articles"] for k in a["content_tag_ids"]} <= tags
    comment = rows[-1]
    assert desk.json(comment["url"])["comment"] == comment
    assert desk.get(comment["url"].replace(brands[2]["brand_url"], brands[0]["brand_url"])).status_code == 404
    theirs = desk.json(f"{base}/help_center/users/{comment['author_id']}/comments?include=users,articles")
    assert comment in theirs["comments"]
    assert {u["id"] for u in theirs["users"]} == {comment["author_id"]}
    assert {a["id"] for a in theirs["articles"]} == {c["source_id"] for c in theirs["comments"]}
    local = desk.json(f"{base}/help_center/de/articles/{comment['source_id']}/comments")["comments"]
    assert local == [c for c in said[comment["source_id"]] if c["locale"] == "de"]
