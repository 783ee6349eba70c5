"""Collections, articles with their HTML, images and translations, redirects, internal articles."""

from __future__ import annotations

import re
from typing import Any

import lxml.html
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_pipeline.sandbox.intercom.article_html import Rules, UnsupportedHtmlError, normalised
from migration_pipeline_tests.sandbox.file_host import BYTES, file_host
from migration_pipeline_tests.sandbox.intercom_kit import Json, Kit

RULES = Rules(headings="relative", reject_empty_items=True, reject_unknown_videos=False)
COLLECTIONS = "/help_center/collections"


def center(desk: Kit) -> Json:
    found: Json = desk.ok("GET", "/help_center/help_centers")["data"][0]
    return found


def sources(html: str) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', html)


def fetched(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10)


def test_the_help_centre_is_there_and_tells_its_locales(desk: Kit) -> None:
    shown = center(desk)
    assert (shown["default"], shown["locales"], shown["url"]) == (
        True,
        ["en", "de", "fr"],
        "https://intercom.help/sandbox7",
    )
    assert desk.error("GET", "/help_center/help_centers/1") == (404, "not_found")
    desk.switch(help_center_locales=["ja"], help_center_domain="help.acme.example")
    assert center(desk)["locales"] == ["ja"]
    assert center(desk)["url"] == "https://help.acme.example"


def test_collections_nest_are_listed_newest_first_and_go_with_all_below_them(desk: Kit) -> None:
    top = desk.collection(description="all")
    middle = desk.collection(parent_id=top["id"])
    low = desk.collection(parent_id=int(middle["id"]))
    assert (top["parent_id"], middle["parent_id"], low["parent_id"]) == (None, top["id"], middle["id"])
    assert desk.error("POST", COLLECTIONS, {"name": "x", "parent_id": low["id"]}) == (400, "parameter_invalid")
    assert desk.error("PUT", f"{COLLECTIONS}/{top['id']}", {"parent_id": middle["id"]}) == (400, "parameter_invalid")
    listed = desk.ok("GET", f"{COLLECTIONS}?per_page=2")
    assert [c["id"] for c in listed["data"]] == [low["id"], middle["id"]]
    second = desk.ok("GET", listed["pages"]["next"].removeprefix(desk.base_url))
    assert second["data"][0]["id"] == top["id"]
    article = desk.article(parent_id=int(low["id"]), parent_type="collection")
    assert article["parent_ids"] == [int(low["id"])]
    desk.ok("DELETE", f"{COLLECTIONS}/{middle['id']}")
    assert desk.error("GET", f"{COLLECTIONS}/{low['id']}") == (404, "not_found")
    assert desk.ok("GET", f"/articles/{article['id']}")["parent_ids"] == []
    assert desk.ok("GET", f"{COLLECTIONS}/{top['id']}")["description"] == "all"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "parameter_not_found"),
        ({"name": ""}, "parameter_not_found"),
        ({"name": "x", "translated_content": {"fr": {"description": "d"}}}, "parameter_not_found"),
        ({"name": "x", "translated_content": {"xx": {"name": "y"}}}, "parameter_invalid"),
        ({"name": "x", "translated_content": {"ja": {"name": "y"}}}, "parameter_invalid"),
    ],
)
def test_collections_that_are_refused(desk: Kit, body: Json, code: str) -> None:
    assert desk.error("POST", COLLECTIONS, body) == (400, code)


def test_translations_of_a_collection_are_merged_and_removed(desk: Kit) -> None:
    desk.switch(locale_not_enabled="ignore")
    names = {"fr": {"name": "Factures"}, "de": {"name": "Rechnungen"}, "ja": {"name": "請求"}}
    made = desk.collection(name="Bills", translated_content=names)
    assert made["translated_content"].keys() == {"type", "en", "fr", "de"}
    path = f"{COLLECTIONS}/{made['id']}"
    changed = desk.ok("PUT", path, {"translated_content": {"fr": {"description": "d"}, "de": None}})
    assert changed["translated_content"]["fr"]["name"] == "Factures"
    assert "de" not in changed["translated_content"]
    assert (changed["name"], changed["parent_id"]) == ("Bills", None)
    desk.switch(help_center_locales=["en"])
    assert "translated_content" not in desk.ok("GET", path)


def test_an_article_has_a_page_once_it_is_published(desk: Kit) -> None:
    made = desk.article(title="How, exactly?", body="So & so")
    assert (made["state"], made["url"], made["body"]) == ("draft", None, '<p class="no-margin">So &amp; so</p>')
    path = f"/articles/{made['id']}"
    desk.advance(2)
    shown = desk.ok("PUT", path, {"state": "published"})
    assert shown["url"] == f"https://intercom.help/sandbox7/en/articles/{made['id']}-how-exactly"
    assert shown["body"] == made["body"]
    assert shown["updated_at"] > shown["created_at"]
    assert desk.ok("GET", path) == shown
    assert desk.ok("GET", "/articles?per_page=1")["data"][0]["id"] == made["id"]
    desk.ok("DELETE", path)
    assert desk.error("GET", path) == (404, "not_found")


def test_translations_of_an_article_stand_beside_the_default_one(desk: Kit) -> None:
    german = {"title": "Wie", "body": "<h3>So</h3>", "state": "published"}
    made = desk.article(title=None, author_id=None, translated_content={
        "en": {"title": "How", "author_id": desk.admin}, "de": german,
    })  # fmt: skip
    assert (made["title"], made["state"], made["default_locale"]) == ("How", "draft", "en")
    shown = made["translated_content"]["de"]
    assert (shown["author_id"], shown["state"]) == (desk.admin, "published")
    assert "/de/articles/" in shown["url"]
    changed = desk.ok("PUT", f"/articles/{made['id']}", {"translated_content": {"de": {"title": "Wie denn"}}})
    assert changed["translated_content"]["de"]["title"] == "Wie denn"
    assert changed["translated_content"]["de"]["body"] == shown["body"]
    gone = desk.ok("PUT", f"/articles/{made['id']}", {"translated_content": {"de": None}})
    assert "de" not in gone["translated_content"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"title": None}, 400, "parameter_not_found"),
        ({"author_id": None}, 400, "parameter_not_found"),
        ({"author_id": 1}, 400, "parameter_invalid"),
        ({"body_markdown": "x"}, 400, "parameter_invalid"),
        ({"state": "live"}, 400, "parameter_invalid"),
        ({"parent_id": 1}, 404, "not_found"),
        ({"audience_ids": [1]}, 404, "not_found"),
        ({"translated_content": {"ja": {"title": "x"}}}, 400, "parameter_invalid"),
        ({"translated_content": {"de": {"body": "x"}}}, 400, "parameter_not_found"),
        ({"body": "<ul></ul>"}, 400, "parameter_invalid"),
        ({"body": "<ul><li> </li></ul>"}, 400, "parameter_invalid"),
        ({"body": "<ul><li><table><tr><td>x</td></tr></table></li></ul>"}, 400, "parameter_invalid"),
        ({"body": "<table></table>"}, 400, "parameter_invalid"),
        ({"body": '<p>x</p><img src="/relative.png">'}, 400, "parameter_invalid"),
    ],
)
def test_articles_that_are_refused_leave_nothing_behind(desk: Kit, change: Json, status: int, code: str) -> None:
    before = desk.ok("GET", "/articles")["total_count"]
    body = {"title": "x", "author_id": desk.admin, "body": "<p>x</p>", **change}
    assert desk.error("POST", "/articles", body) == (status, code)
    assert desk.ok("GET", "/articles")["total_count"] == before


@pytest.mark.parametrize(
    ("given_html", "stored"),
    [
        ("<h2>A</h2><h3>B</h3><h5>C</h5>", ["h1", "h2", "h2"]),
        ("<h1>A</h1><h3>B</h3>", ["h1", "h2"]),
        ("text <b>bold</b><div>more</div>", ["p", "p"]),
        ("<p>a<img src='{image}'>b</p>", ["p", "div", "p"]),
        ("<pre>a\n<i>b</i></pre><hr><iframe src='https://www.youtube.com/embed/x'></iframe>", ["pre", "hr", "iframe"]),
        ("<iframe src='https://unknown.example/x'></iframe>", []),
        ("<table><tr><td>x</td></tr></table><ol><li>a<ul><li>b</li></ul></li></ol>", ["table", "ol"]),
    ],
)
def test_bodies_become_blocks(desk: Kit, host: str, given_html: str, stored: list[str]) -> None:
    body = desk.article(body=given_html.format(image=f"{host}/image.png"))["body"]
    blocks = lxml.html.fragment_fromstring(body, create_parent="div")
    assert [block.tag for block in blocks] == stored


def test_headings_may_all_become_the_second_level(desk: Kit) -> None:
    desk.switch(article_headings="h2", empty_list_item="accept", unknown_video="reject")
    assert "<h1" not in desk.article(body="<h3>A</h3><h4>B</h4><ul><li></li></ul>")["body"]
    body = {"title": "x", "author_id": desk.admin, "body": "<iframe src='https://unknown.example/x'></iframe>"}
    assert desk.error("POST", "/articles", body) == (400, "parameter_invalid")


def test_markdown_is_a_body_since_2_16(desk: Kit) -> None:
    given_markdown = {"title": "M", "author_id": desk.admin, "body_markdown": "# Top\n\n- a\n\n|x|\n|-|\n|y|"}
    made = desk.ok("POST", "/articles", given_markdown)
    assert made["body_markdown"] == given_markdown["body_markdown"]
    blocks = lxml.html.fragment_fromstring(made["body"], create_parent="div")
    assert [block.tag for block in blocks] == ["h1", "ul", "table"]
    old = desk.at("2.15")
    assert old.ok("POST", "/articles", given_markdown)["body"] == ""
    old.close()


@pytest.mark.behaviour("S06")
def test_images_are_hosted_anew_and_outlive_their_source(desk: Kit) -> None:
    with file_host() as url:
        german = {"title": "Bild", "body": f"<p><img src='{url}/to/image/%C3%BC.png'></p>"}
        made = desk.article(body=f"<p><img src='{url}/image.png' alt='a'></p>", translated_content={"de": german})
    bodies = [made["body"], made["translated_content"]["de"]["body"]]
    urls = [source for body in bodies for source in sources(body)]
    assert len(urls) == 2
    assert all(found.startswith(desk.base_url) for found in urls)
    desk.advance(10**6)
    for found in urls:
        answer = fetched(found)
        assert (answer.content, answer.headers["content-type"]) == (BYTES, "image/png")
        assert fetched(re.sub("/[0-9a-f]{24}/", f"/{'0' * 24}/", found)).status_code == 404
    # What the workspace hosts already is kept where it is.
    again = desk.ok("PUT", f"/articles/{made['id']}", {"body": made["body"] + "<p>more</p>"})
    assert sources(again["body"]) == urls[:1]


@pytest.mark.parametrize(
    "path",
    [
        "{host}/missing",
        "{host}/ok/file.zip",
        "{host}/moved",
        "http://192.0.2.1/x.png",
        "ftp://x/y.png",
        "data:image/png;base64,AA",
    ],
)
def test_one_image_that_fails_refuses_the_whole_article(desk: Kit, host: str, path: str) -> None:
    made = desk.article(state="published")
    body = f"<p><img src='{host}/image.png'></p><img src='{path.format(host=host)}'>"
    assert desk.error("PUT", f"/articles/{made['id']}", {"title": "New", "body": body}) == (400, "parameter_invalid")
    assert desk.ok("GET", f"/articles/{made['id']}") == made
    french = {"translated_content": {"fr": {"title": "F", "body": body}}}
    before = desk.ok("GET", "/articles")["total_count"]
    assert desk.error("POST", "/articles", {"title": "x", "author_id": desk.admin, **french})[0] == 400
    assert desk.ok("GET", "/articles")["total_count"] == before


def test_articles_are_found_by_words_after_a_while(desk: Kit) -> None:
    made = desk.article(title="Zebra crossing", body="<p>Look <b>left</b></p>", state="published")

    def found(query: str) -> list[str]:
        return [a["id"] for a in desk.ok("GET", f"/articles/search?{query}")["data"]["articles"]]

    assert made["id"] not in found("phrase=zebra")
    desk.advance(5)
    assert found("phrase=left+zebra") == [made["id"]]
    assert found("phrase=zebra&state=draft") == []
    assert made["id"] in found("state=published&help_center_id=" + center(desk)["id"])
    assert desk.error("GET", "/articles/search?state=live") == (400, "parameter_invalid")


def test_articles_are_tagged_by_a_call_of_its_own(desk: Kit) -> None:
    made = desk.article(tags=[{"name": "ignored"}])
    tag = desk.ok("POST", "/tags", {"name": "how-to"})["id"]
    assert desk.ok("POST", f"/articles/{made['id']}/tags", {"id": tag})["applied_by"]["id"] == str(desk.admin)
    assert [t["id"] for t in desk.ok("GET", f"/articles/{made['id']}")["tags"]["tags"]] == [tag]
    assert desk.ok("DELETE", f"/articles/{made['id']}/tags/{tag}")["applied_at"] is None
    assert desk.error("POST", f"/articles/{made['id']}/tags", {"id": "1"}) == (404, "tag_not_found")
    assert desk.error("POST", "/articles/1/tags", {"id": tag}) == (404, "article_not_found")


def test_a_redirect_is_known_by_its_url(desk: Kit) -> None:
    desk.switch(help_center_domain="help.acme.example")
    path = f"/help_center/help_centers/{center(desk)['id']}/redirects"
    article = desk.article(state="published", translated_content={"de": {"title": "Wie"}})
    good = {
        "from_url": "https://help.acme.example/hc/en-us/articles/1-old",
        "locale": "fr",
        "target_type": "article",
        "target_id": article["id"],
    }
    made = desk.ok("POST", path, good)
    assert (made["locale"], made["target_id"]) == ("en", article["id"])
    assert desk.error("POST", path, good) == (409, "resource_conflict")
    assert [r["id"] for r in desk.ok("GET", path)["data"]] == [made["id"]]
    cases: list[tuple[Any, Any]] = [
        ({"from_url": None}, (400, "parameter_not_found")),
        ({"target_type": "page"}, (400, "parameter_invalid")),
        ({"from_url": "https://acme.zendesk.example/hc/x"}, (422, "data_invalid")),
        ({"from_url": "/hc/x"}, (422, "data_invalid")),
        ({"from_url": good["from_url"] + "2", "target_id": "1"}, (422, "data_invalid")),
    ]
    for change, expected in cases:
        assert desk.error("POST", path, {**good, **change}) == expected
    assert desk.error("POST", "/help_center/help_centers/1/redirects", good) == (404, "not_found")
    old = desk.at("2.15")
    assert old.error("GET", path) == (400, "intercom_version_invalid")
    old.close()
    desk.ok("DELETE", f"/articles/{article['id']}")
    assert desk.ok("GET", path)["total_count"] == 0


def test_internal_articles_live_outside_the_help_centre(desk: Kit, host: str) -> None:
    body = {
        "title": "I",
        "body": f"<p>x<img src='{host}/image.png'></p>",
        "author_id": desk.admin,
        "owner_id": desk.admin,
    }
    made = desk.ok("POST", "/internal_articles", body)
    assert fetched(sources(made["body"])[0]).content == BYTES
    assert desk.ok("GET", f"/internal_articles/{made['id']}") == made
    assert desk.ok("GET", "/internal_articles")["data"][0] == made
    assert desk.ok("PUT", f"/internal_articles/{made['id']}", {"title": "J"})["body"] == made["body"]
    assert desk.error("POST", "/internal_articles", {**body, "owner_id": None}) == (400, "parameter_not_found")
    assert desk.error("GET", f"/articles/{made['id']}") == (404, "not_found")
    desk.ok("DELETE", f"/internal_articles/{made['id']}")
    assert desk.error("GET", f"/internal_articles/{made['id']}") == (404, "not_found")


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("read_articles", "GET", "/articles"),
        ("write_articles", "POST", COLLECTIONS),
        ("write_help_center_redirects", "POST", "/help_center/help_centers/1/redirects"),
    ],
)
def test_the_help_centre_has_scopes_of_its_own(desk: Kit, scope: str, method: str, path: str) -> None:
    desk.switch(missing_scopes=[scope])
    assert desk.error(method, path, None if method == "GET" else {}) == (403, "token_unauthorized")


_TAGS = st.sampled_from((
    "p", "div", "h1", "h3", "ul", "ol", "li", "table", "tr", "td", "b", "span", "a", "pre", "br", "img", "script",
))  # fmt: skip
_PIECES = st.one_of(
    st.text(max_size=8),
    st.builds("<{}>".format, _TAGS),
    st.builds("</{}>".format, _TAGS),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_PIECES, max_size=12).map("".join))
def test_any_html_is_stored_as_blocks_or_refused_and_stays_as_it_is_when_stored_again(html: str) -> None:
    try:
        once = normalised(html, RULES)
    except UnsupportedHtmlError:
        return
    stored = once.html({source: source for source in once.sources()})
    again = normalised(stored, RULES)
    words = lxml.html.fragment_fromstring(stored, create_parent="div").text_content().split()
    kept = lxml.html.fragment_fromstring(
        again.html({source: source for source in again.sources()}), create_parent="div"
    )
    assert kept.text_content().split() == words
    blocks = {block.tag for block in kept}
    assert blocks <= {"p", "h1", "h2", "ul", "ol", "table", "pre", "hr", "iframe", "div"}
