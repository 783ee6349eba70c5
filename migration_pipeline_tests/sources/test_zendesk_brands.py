"""Help centers of several brands: each at its own host, kept apart, and the credentials at no other."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl, SecretStr

from migration_pipeline.config import Migration, Source, Target, ZendeskAuth
from migration_pipeline.config.filters import Filters
from migration_pipeline.credentials import TokenFile
from migration_pipeline.reports.left_out import steps
from migration_pipeline.selection import select
from migration_pipeline.sources import Sample
from migration_pipeline.sources.zendesk import ZendeskSource, brands
from migration_pipeline.staging import Staging, inventory
from migration_pipeline_tests.sources.conftest import Place

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
GUIDE = ("articles", "collections")
SIGNED = "Basic " + base64.b64encode(b"admin@acme.example/token:t0ken").decode()


@dataclass
class Center:
    """A host that serves a help center, and the account's other lists."""

    name: str
    url: str = ""
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    said: dict[str, list[Any]] = field(default_factory=dict)  # by readers, of an article
    refused: set[str] = field(default_factory=set)  # ends of paths
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Authorization

    def answer(self, path: str) -> bytes | None:
        if "/article_attachments/" in path:
            return PNG + self.name.encode()
        if path.endswith(tuple(self.refused)):
            return None
        key = path.rpartition("/")[2]
        if key == "cursor":
            return b'{"tickets": [], "after_cursor": null, "end_of_stream": true}'
        if key in self.lists:
            return json.dumps({key: self.lists[key], "meta": {"has_more": False}}).encode()
        if key == "comments":
            return json.dumps(
                {"comments": self.said.get(path.split("/")[-2], []), "meta": {"has_more": False}}
            ).encode()
        if key == "content_tags":
            return b'{"records": [{"id": "01GFXG", "name": "Billing"}], "meta": {"has_more": false}}'
        if key == "attachments":
            article = int(path.split("/")[-2])
            held = [
                {"id": 7, "content_url": f"/hc/article_attachments/7{suffix}", "file_name": "a.png",
                 "content_type": "image/png", "size": len(PNG + self.name.encode()), "inline": True}
                for suffix in ("/a.png",) if article == 5
            ]  # fmt: skip
            return json.dumps({"article_attachments": held, "meta": {"has_more": False}}).encode()
        return None


@contextmanager
def served(center: Center) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            center.asked.append((path, self.headers["Authorization"]))
            body = center.answer(path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"{}")))
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, *_: object) -> None:
            """Tell nobody."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        center.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield
        server.shutdown()


def guide(center: Center) -> dict[str, list[dict[str, Any]]]:
    """A category, a section and an article, with the same ids at every host."""
    at, told = f"{center.url}/hc/en-us", {"locale": "en-us", "translations": []}
    return {
        "categories": [
            {"id": 1, "name": f"{center.name} top", "html_url": f"{at}/categories/1", **told}
        ],
        "sections": [
            {"id": 2, "category_id": 1, "name": "S", "html_url": f"{at}/sections/2", **told}
        ],
        "articles": [
            {
                "id": 5, "section_id": 2, "title": f"Of {center.name}", "locale": "en-us", "source_locale": "en-us",
                "html_url": f"{at}/articles/5", "user_segment_id": 3, "content_tag_ids": ["01GFXG"],
                "updated_at": "2024-01-01T00:00:00Z",
                "body": '<p><img src="/hc/article_attachments/7/a.png"></p>',
            }
        ],
        "user_segments": [{"id": 3, "name": f"Readers of {center.name}", "user_type": "staff"}],
    }  # fmt: skip


@dataclass
class Account:
    own: Center
    second: Center
    foreign: Center
    folder: Path

    def place(self, name: str = "data", wanted: tuple[str, ...] = (), **source: Any) -> Place:
        settings = Source(
            kind="zendesk",
            base_url=HttpUrl(self.own.url),
            auth=ZendeskAuth(email="admin@acme.example", token=SecretStr("t0ken")),
            **source,
        )
        target = Target(token=SecretStr("t"), workspace="w")
        migration = Migration(
            name="brands", data_dir=self.folder / name, source=settings, target=target, path=self.folder / "m.yaml"
        )
        staging = Staging(migration)
        made = ZendeskSource(
            settings, tokens=TokenFile(self.folder / "t.json"), stop=threading.Event(), help_centers=wanted
        )
        return Place(staging, made, migration)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    own, second, foreign = Center("Acme"), Center("Beta"), Center("Gamma")
    with ExitStack() as stack:
        for center in (own, second, foreign):
            stack.enter_context(served(center))
            center.lists = guide(center)
        second.said["5"] = [{"id": 8, "body": "<p>Thanks</p>"}]
        own.lists["brands"] = [
            {"id": 10, "name": "Acme", "brand_url": own.url, "has_help_center": True, "default": True},
            {"id": 20, "name": "Beta", "brand_url": second.url, "has_help_center": True},
            {"id": 30, "name": "No guide", "brand_url": foreign.url, "has_help_center": False},
        ]
        yield Account(own, second, foreign, tmp_path)


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["source_id"]: row for row in rows}


@pytest.mark.behaviour("S03", "S06", "S31")
def test_help_centers_of_several_brands_are_read_side_by_side(account: Account) -> None:
    where = account.place()
    where.extract(*GUIDE)
    where.normalize(*GUIDE)
    articles, collections = by_id(where.records("articles")), by_id(where.records("collections"))
    assert {(row["brand"], row["collection_ref"], row["audience_name"]) for row in articles.values()} == {
        ("Acme", "section:2", "Readers of Acme"),
        ("Beta", "section:20-2", "Readers of Beta"),
    }
    assert {tuple(row["content_tags"]) for row in articles.values()} == {("Billing",)}
    assert {source_id: row["comment_count"] for source_id, row in articles.items()} == {"5": 0, "20-5": 1}
    assert {
        source_id: (row["kind"], row["brand"], row["parent_ref"], row["level"])
        for source_id, row in collections.items()
    } == {
        "brand:own": ("brand", "Acme", None, 1),
        "brand:20": ("brand", "Beta", None, 1),
        "category:1": ("category", "Acme", "brand:own", 2),
        "category:20-1": ("category", "Beta", "brand:20", 2),
        "section:2": ("section", "Acme", "category:1", 3),
        "section:20-2": ("section", "Beta", "category:20-1", 3),
    }
    files = by_id(where.records("article_attachments"))
    assert {
        row["article_ref"]: where.staging.blobs.read(row["sha256"]).removeprefix(PNG) for row in files.values()
    } == {"5": b"Acme", "20-5": b"Beta"}
    assert {signed for _, signed in (*account.own.asked, *account.second.asked)} == {SIGNED}
    assert account.foreign.asked == []
    # The next pass costs a page for each list of each help center and of the account; it changes nothing.
    calls, planned = where.source.usage.calls, where.source.works(where.staging)
    assert where.extract(*GUIDE) == 0
    told = [work for work in planned if work.entity_type in GUIDE]
    assert where.source.usage.calls - calls == sum(work.calls for work in told) == 10


@pytest.mark.behaviour("B02", "B17")
@pytest.mark.parametrize(("rule", "asked", "seen"), [("list", 2, 3), ("changed", 1, 1), ("leave", 0, 0)])
def test_a_comment_leaves_its_article_as_it_was_and_is_seen(account: Account, rule: str, asked: int, seen: int) -> None:
    own = account.own
    closed = {**own.lists["articles"][0], "id": 6, "comments_disabled": True}
    own.lists["articles"] += [closed, {**closed, "id": 9, "comments_disabled": False}]
    own.said |= {"5": [{"id": 8, "html_url": "https://a/8"}], "6": [{"id": 9}]}
    where = account.place(article_comments=rule)

    def comments() -> list[str]:
        return [path for path, _ in own.asked if path.endswith("/comments")]

    where.source.survey("articles", where.staging, where.run())
    own.asked.clear()
    where.source.survey("articles", where.staging, where.run())
    assert comments() == []  # a plan reads each once
    own.said["5"] = [*own.said["5"], {"id": 10, "html_url": "https://a/10", "author_id": 3}, 7]
    own.lists["articles"][2]["edited_at"] = "2024-02-02T00:00:00Z"
    where.source.survey("collections", where.staging, where.run())
    [planned] = [work.calls for work in where.source.works(where.staging) if work.what == "article_comments"]
    where.extract("articles")
    assert len(comments()) == asked
    assert planned == {"list": 3, "changed": 0, "leave": 0}[rule]  # with the one of the second brand; 9 changed since
    where.normalize("articles")
    assert sum(row["article_ref"] == "5" for row in where.records("article_comments")) == seen
    with where.staging.connect() as connection:
        rows = connection.sql(
            f"SELECT source_id, name, source_url FROM {inventory.relation(where.staging)} WHERE name LIKE '%article 5'"
        ).fetchall()
    known = [("8", "https://a/8"), ("10", "https://a/10"), ("5/comment-3", None)]
    assert set(rows) == {(number, "on article 5", url) for number, url in known[:seen]}
    assert where.extract("articles") == 0


@pytest.mark.behaviour("B02", "B17")
@pytest.mark.parametrize("rule", ["list", "changed"])
def test_what_one_article_refuses_takes_nothing_of_what_was_read_of_it(account: Account, rule: str) -> None:
    own = account.own
    own.lists["articles"].append({**own.lists["articles"][0], "id": 6})
    own.said |= {"5": [{"id": 8}]}
    own.refused = {"/articles/6/comments"}
    where = account.place(article_comments=rule)
    where.extract("articles")
    own.refused |= {"/articles/5/comments", "/articles/5/attachments"}
    own.lists["articles"][0] = own.lists["articles"][0] | {"edited_at": "2024-02-02T00:00:00Z"}
    where.extract("articles")
    where.normalize("articles")
    counts = {row["source_id"]: row["comment_count"] for row in where.records("articles")}
    assert counts == {"5": 1, "6": None, "20-5": 1}
    assert {row["source_id"] for row in where.records("article_comments")} == {"8", "20-8"}
    files = {(row["article_ref"], row["source_id"]): row["name"] for row in where.records("article_attachments")}
    assert files["5", "7"] == "a.png"
    own.asked.clear()
    assert where.extract("articles") == 0
    again = {path.split("/")[-2] for path, _ in own.asked if path.endswith("/comments")}
    assert again == ({"5", "6"} if rule == "list" else set())


@pytest.mark.behaviour("B02")
def test_what_a_brand_archives_goes_and_what_others_have_stays(account: Account) -> None:
    where = account.place()
    where.extract(*GUIDE)
    second = account.second.lists
    second["articles"] = [{**second["articles"][0], "id": 6, "title": "New"}]
    second["sections"] = []
    where.extract(*GUIDE)
    where.normalize(*GUIDE)
    assert {row["source_id"]: row["active"] for row in where.records("articles")} == {
        "5": True, "20-5": False, "20-6": True,
    }  # fmt: skip
    gone = [row["source_id"] for row in where.records("collections") if not row["active"]]
    assert gone == ["section:20-2"]
    account.second.lists["articles"] = []  # never taken for a help center that was emptied
    assert where.extract("articles") == 0


def test_an_account_with_one_help_center_has_no_collection_of_a_brand(account: Account) -> None:
    account.own.lists["brands"] = account.own.lists["brands"][:1]
    where = account.place()
    where.extract(*GUIDE)
    where.normalize(*GUIDE)
    collections = by_id(where.records("collections"))
    assert {source_id: row["level"] for source_id, row in collections.items()} == {"category:1": 1, "section:2": 2}
    assert {row["brand"] for row in collections.values()} == {"Acme"}


@pytest.mark.behaviour("S48")
def test_a_demo_draws_from_all_help_centers(account: Account) -> None:
    where = account.place()
    for entity_type in GUIDE:
        where.source.extract_sample(entity_type, Sample(1, 1, (), 5), where.staging, where.run())
    where.normalize(*GUIDE)
    assert {row["source_id"] for row in where.records("articles")} == {"5", "20-5"}


def test_only_the_brands_that_are_named_are_read(account: Account) -> None:
    where = account.place(wanted=(" beta ",))
    (told,) = [check for check in where.source.checks() if check.id == "source_help_centers"]
    assert (told.status, "Acme" in told.subject, "Beta" in told.subject) == ("pass", True, True)
    account.own.asked.clear()
    where.extract(*GUIDE)
    where.normalize(*GUIDE)
    assert {row["source_id"] for row in where.records("articles")} == {"20-5"}
    assert {path for path, _ in account.own.asked} == {"/api/v2/brands", "/api/v2/guide/content_tags"}
    migration = where.migration.model_copy(update={"filters": Filters(help_centers=("Beta",))})
    select(where.staging, migration)
    with where.staging.connect() as connection:
        counted = {step.entity_type: step for step in steps(connection, where.staging)}
    assert counted.keys() == {"collections", "articles"}
    assert all(step.reason == "filtered_help_center" for step in counted.values())
    assert all("help centers of Acme were not read" in str(step.note) for step in counted.values())
    assert {step.removed for step in counted.values()} == {0}
    everything = account.place(where.staging.root.parent.name)
    everything.extract(*GUIDE)
    assert everything.staging.snapshots.state("articles").left == ()
    # What was read before it was left out is counted, and the note does not say otherwise.
    again = account.place(where.staging.root.parent.name, wanted=("Beta",))
    again.extract(*GUIDE)
    again.normalize(*GUIDE)
    select(again.staging, migration)
    with again.staging.connect() as connection:
        counted = {step.entity_type: step for step in steps(connection, again.staging)}
    assert all("counted only as far as earlier passes read it" in str(step.note) for step in counted.values())
    assert (counted["articles"].removed, counted["articles"].remaining) == (1, 1)


@pytest.mark.parametrize(("told", "left"), [(True, ["Own"]), (None, ["Own"]), (False, [])])
def test_a_brand_without_a_help_center_leaves_none_unread(told: bool | None, left: list[str]) -> None:
    source = settings("acme")
    own = {"id": 1, "name": "Own", "default": True, "brand_url": source.url, "has_help_center": told}
    bee = {"id": 2, "name": "Bee", "subdomain": "bee", "has_help_center": True}
    found = brands.of_account([own, bee], source, ["Bee"])
    assert ([center.name for center in found.read], [center.name for center in found.left]) == (["Bee"], left)


@pytest.mark.behaviour("S45")
def test_the_credentials_go_to_no_host_that_is_not_the_account_s(account: Account) -> None:
    foreign = account.foreign.url.replace("127.0.0.1", "localhost")
    account.own.lists["brands"][2] |= {"brand_url": foreign, "has_help_center": True, "name": "Gamma"}
    account.second.lists["articles"][0]["body"] = (
        f'<img src="{foreign}/hc/article_attachments/9/a.png"><a href="{foreign}/hc/articles/1">x</a>'
    )
    where = account.place(file_hosts=("localhost",))
    (told,) = [check for check in where.source.checks() if check.id == "source_help_centers"]
    assert (told.status, foreign in told.subject) == ("block", True)
    assert "source.help_center_hosts" in told.remedy
    where.extract(*GUIDE)
    assert not [path for path, signed in account.foreign.asked if signed]
    allowed = account.place("allowed", help_center_hosts=(urlsplit(foreign).netloc,))
    (told,) = [check for check in allowed.source.checks() if check.id == "source_help_centers"]
    assert (told.status, "Gamma" in told.subject) == ("pass", True)
    allowed.extract(*GUIDE)
    allowed.normalize(*GUIDE)
    assert {row["source_id"] for row in allowed.records("articles")} == {"5", "20-5", "30-5"}


def test_a_help_center_that_cannot_be_read_is_told_before_a_run(account: Account) -> None:
    account.second.lists.clear()
    (told,) = [check for check in account.place().source.checks() if check.id == "source_help_centers"]
    assert (told.status, "Beta" in told.subject) == ("block", True)
    (told,) = [check for check in account.place(wanted=("Betta",)).source.checks() if check.id == "source_help_centers"]
    assert (told.status, "'Betta'" in told.subject) == ("block", True)


def settings(subdomain: str | None = None, base_url: str | None = None, hosts: tuple[str, ...] = ()) -> Source:
    return Source(
        kind="zendesk",
        subdomain=subdomain,
        base_url=HttpUrl(base_url) if base_url else None,
        auth=ZendeskAuth(email="a", token=SecretStr("t")),
        help_center_hosts=hosts,
    )


@pytest.mark.parametrize(
    ("source", "brand", "asked"),
    [
        (settings("acme"), {"subdomain": "beta", "brand_url": "https://beta.zendesk.com"}, "https://beta.zendesk.com"),
        (settings("acme"), {"subdomain": "beta", "brand_url": "https://help.beta.example"}, "https://beta.zendesk.com"),
        (
            settings("acme", hosts=("help.beta.example",)),
            {"subdomain": "beta", "brand_url": "https://help.beta.example"},
            "https://help.beta.example",
        ),
        (settings("acme", hosts=("help.beta.example",)), {"brand_url": "http://help.beta.example"}, None),
        (settings("acme"), {"subdomain": "evil.example/", "brand_url": "https://beta.zendesk.com"}, None),
        (settings("acme"), {"subdomain": "evil.example#", "brand_url": "https://evil.example"}, None),
        (settings(base_url="https://p.acme.example"), {"subdomain": "b", "brand_url": "https://b.acme.example"}, None),
        (settings(base_url="https://127.0.0.1:1"), {"brand_url": "http://127.0.0.1:2"}, None),
        (settings(base_url="http://127.0.0.1:1"), {"brand_url": "http://127.0.0.1:2"}, "http://127.0.0.1:2"),
        (settings(base_url="http://127.0.0.1:1"), {"brand_url": "http://127.0.0.1:2@evil.example"}, None),
        (settings(base_url="http://127.0.0.1:1"), {"brand_url": "http://evil.example\\@127.0.0.1:2"}, None),
        (settings(base_url="http://127.0.0.1:1"), {"brand_url": 7}, None),
    ],
)  # fmt: skip
def test_where_a_brand_is_asked(source: Source, brand: dict[str, Any], asked: str | None) -> None:
    own = {"id": 1, "name": "Own", "default": True, "brand_url": source.url}
    found = brands.of_account([own, {"id": 2, "name": "B", "has_help_center": True, **brand}], source)
    assert [center.url for center in found.read] == [source.url, *([asked] if asked else [])]
    assert len(found.refused) == (asked is None)


WILD = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30), st.just("https://x@127.0.0.1:3/"))


@given(st.lists(st.one_of(WILD, st.dictionaries(st.sampled_from(
    ["id", "name", "subdomain", "brand_url", "has_help_center", "default", "_gone"]), WILD)), max_size=4))  # fmt: skip
def test_whatever_a_brand_tells_its_help_center_is_at_the_accounts_own_name(rows: list[Any]) -> None:
    for source in (settings("acme"), settings(base_url="http://127.0.0.1:1")):
        for center in brands.of_account(rows, source).read:
            host = urlsplit(center.url).hostname or ""
            assert host == "127.0.0.1" or host.endswith(".zendesk.com")
