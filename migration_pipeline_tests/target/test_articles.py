"""Collections and articles are made exactly once, as drafts first; a picture that is refused costs no article."""

import hashlib
import json
import mimetypes
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import quote

import fsspec
import pytest
import requests
from fsspec.implementations.local import LocalFileSystem

from migration_pipeline.config.help_center import HelpCenter
from migration_pipeline.journal.undoing import Undoing
from migration_pipeline.model.errors import RunStopped, SettingsError
from migration_pipeline.model.run import Run
from migration_pipeline.target.hosting import hosting
from migration_pipeline.target.rollback import roll_back
from migration_pipeline_tests.target.bench import PATIENCE, Bench, Row
from migration_pipeline_tests.target.test_loading import verified

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class _Pictures(BaseHTTPRequestHandler):
    """Answers a picture, or 404 below /broken."""

    def do_GET(self) -> None:
        broken = self.path.startswith("/broken")
        self.send_response(404 if broken else 200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(b"" if broken else PNG)

    def log_message(self, *_: Any) -> None:
        """Tests read answers."""


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def collection(bench: Bench, name: str, parent: str | None = None, level: int = 1) -> Row:
    body = {
        "name": f"{bench.prefix} {name}",
        "translated_content": {"de": {"type": "group_content", "name": f"{name} de"}},
    }
    changes = {"parent_ref": bench.id(parent) if parent else None, "level": level}
    return bench._add("collections", name, {"name": body["name"], "body": json.dumps(body)} | changes)


def article(bench: Bench, name: str, html: str = "<p>Hello</p>", *, into: str = "top", **changes: Any) -> Row:
    body = {
        "title": f"{bench.prefix} {name}",
        "body": html,
        "state": "published",
        "translated_content": {
            "de": {"type": "article_content", "title": f"{name} de", "body": "<p>Hallo</p>", "state": "published",
                   "author_id": int(bench.admins[0])},
        },
    }  # fmt: skip
    row = {
        "kind": "article", "collection_ref": bench.id(into), "title": body["title"], "body": json.dumps(body),
        "state": "published", "author_id": bench.admins[0], "tags": [], "files": [], "links": [], "old_urls": [],
    }  # fmt: skip
    return bench._add("articles", name, row | changes)


def held(bench: Bench, name: str) -> dict[str, Any]:
    found = bench.client.article("article", str(bench.outcome("articles", name)["target_id"]))
    assert found is not None
    return found


def own(bench: Bench) -> list[dict[str, Any]]:
    return [row for row in bench.client.articles("article") if str(row["title"]).startswith(bench.prefix)]


def everything(bench: Bench) -> None:
    collection(bench, "top")
    collection(bench, "below", "top", 2)
    bench.tag("label")
    url = "https://source.example/hc/articles/b#s"
    link = {"url": url, "entity_type": "articles", "ref": bench.id("b"), "locale": "en", "fragment": "s"}
    article(bench, "a", f'<p><a href="{url}">b</a></p>', links=[link], tags=[bench.rows["tags"][0]["name"]])
    article(bench, "b", into="below")
    draft = json.loads(bench.rows["articles"][1]["body"]) | {"state": "draft"}
    draft["translated_content"]["de"]["state"] = "draft"
    article(bench, "c", state="draft", body=json.dumps(draft | {"title": f"{bench.prefix} c"}))


def assert_whole(bench: Bench) -> None:
    assert bench.journal.in_doubt() == []
    for entity_type in ("collections", "articles"):
        for batch in bench.journal.records(entity_type):
            assert {row["outcome"] for row in batch.to_pylist()} == {"migrated"}, batch.to_pylist()
        assert verified(bench, entity_type) == {}
    assert sorted(row["title"] for row in own(bench)) == [f"{bench.prefix} {name}" for name in "abc"]
    named = [row["name"] for row in bench.client.collections() if str(row["name"]).startswith(bench.prefix)]
    assert sorted(named) == [f"{bench.prefix} below", f"{bench.prefix} top"]
    new = str(bench.outcome("articles", "b")["target_id"])
    assert f'/en/articles/{new}#s"' in held(bench, "a")["body"]
    assert (held(bench, "a")["state"], held(bench, "c")["state"]) == ("published", "draft")


@pytest.mark.behaviour("B02")
def test_articles_arrive_and_a_second_load_writes_nothing(bench: Bench) -> None:
    everything(bench)
    done = bench.load_all()
    # One call for each collection and each article, one to publish, one for the tag; no draft is touched again.
    assert done["collections"].writes == 2
    assert done["articles"].writes == 3 + 1 + 2
    assert_whole(bench)
    assert sum(bench.load(name).writes for name in ("collections", "articles")) == 0


def test_an_old_address_that_is_refused_is_told_and_not_tried_again(bench: Bench) -> None:
    (center,) = bench.client.help_centers()
    collection(bench, "top")
    old = f"{center['url'].rstrip('/')}/hc/en-us/articles/1"
    article(bench, "a", old_urls=[{"url": old, "locale": "xx"}])
    bench.load_all()
    told = bench.outcome("articles", "a")
    assert (told["outcome"], list(told["losses"])) == ("migrated", ["redirect_refused"])
    assert old in told["losses"]["redirect_refused"]
    assert bench.load("articles").writes == 0


@pytest.mark.behaviour("B01")
@pytest.mark.parametrize("kind", ["error_before", "error_after_commit", "drop_after_commit", "garbage"])
def test_a_fault_on_each_route_loses_and_doubles_nothing(bench: Bench, kind: str) -> None:
    everything(bench)
    bench.load("tags")
    for route, entity_type in (
        ("POST /help_center/collections", "collections"),
        ("POST /articles", "articles"),
        ("PUT /articles/{id}", "articles"),
        ("POST /articles/{id}/tags", "articles"),
    ):
        bench.control.fault(kind, route)
        bench.load(entity_type)
    assert_whole(bench)


def file(bench: Bench, url: str, content: bytes | None) -> Row:
    sha256, size = bench.staging.blobs.add([content]) if content is not None else (None, None)
    name = url.rpartition("/")[2]
    return {"url": url, "picture": True, "name": name, "content_type": "image/png", "size": size, "sha256": sha256}


@pytest.mark.behaviour("S06")
def test_a_picture_that_intercom_refuses_becomes_its_link(bench: Bench, pictures: str) -> None:
    collection(bench, "top")
    good, bad, also = f"{pictures}/good.png", f"{pictures}/broken.png", f"{pictures}/also.png"
    html = "".join(f'<p>{url[-8:-4]}<img src="{url}" alt=""></p>' for url in (good, bad, also))
    files = [file(bench, good, PNG), file(bench, bad, None), file(bench, also, PNG)]
    article(bench, "a", html, files=files)
    bench.load_all()
    told = bench.outcome("articles", "a")
    assert (told["outcome"], told["losses"]["image_refused"]) == ("migrated", bad)
    body = held(bench, "a")["body"]
    assert f'<a href="{bad}">[image: broken.png]</a>' in body
    shown = [part.split('"')[0] for part in body.split('<img src="')[1:]]
    assert [hashlib.sha256(requests.get(url, timeout=10).content).hexdigest() for url in shown] == [
        files[0]["sha256"]
    ] * 2
    assert held(bench, "a")["state"] == "published"
    assert verified(bench, "articles") == {}
    assert bench.load("articles").writes == 0


@pytest.mark.behaviour("B18")
@pytest.mark.parametrize(("rule", "title"), [("keep_target", "Ours"), ("source_wins", "new"), ("report_only", "Ours")])
def test_an_article_that_people_changed_follows_the_rule(bench: Bench, rule: str, title: str) -> None:
    bench.document["options"] = {"conflicts": rule}
    bench.write_config()
    collection(bench, "top")
    article(bench, "a")
    bench.load_all()
    bench.client.write("PUT", f"/articles/{held(bench, 'a')['id']}", {"title": "Ours"})
    body = json.loads(bench.rows["articles"][0]["body"]) | {"title": "new", "body": "<p>Other words</p>"}
    bench.rows["articles"][0] |= {"body": json.dumps(body), "digest": "other"}
    bench.load("articles", "run-2", a="update")
    assert held(bench, "a")["title"] == title
    told = bench.outcome("articles", "a")["reason"]
    assert told == {"keep_target": "conflict_kept", "source_wins": "conflict_overwritten"}.get(
        rule, "conflict_reported"
    )
    assert bench.load("articles", "run-3").writes == 0


def test_an_internal_article_is_made_once_and_found_again(bench: Bench) -> None:
    collection(bench, "top")
    body = {"title": f"{bench.prefix} secret", "body": "<p>For us</p>"}
    article(bench, "a", kind="internal_article", collection_ref=None, body=json.dumps(body), state="draft")
    bench.control.fault("drop_after_commit", "POST /internal_articles")
    bench.load_all()
    assert bench.outcome("articles", "a")["outcome"] == "migrated"
    assert verified(bench, "articles") == {}
    titles = [row["title"] for row in bench.client.articles("internal_article")]
    assert titles.count(f"{bench.prefix} secret") == 1
    assert bench.load("articles").writes == 0


def test_an_archived_article_goes_offline_where_that_is_set(bench: Bench) -> None:
    bench.document["help_center"] = {"archived": "unpublish"}
    bench.write_config()
    collection(bench, "top")
    article(bench, "a")
    bench.load_all()
    assert held(bench, "a")["state"] == "published"
    # What only a filter leaves out by now was archived by nobody.
    bench.load("articles", "run-2", a="retire:filtered_since")
    assert held(bench, "a")["state"] == "published"
    bench.load("articles", "run-3", a="retire:deleted_in_source")
    assert (held(bench, "a")["state"], held(bench, "a")["translated_content"]["de"]["state"]) == ("draft", "draft")
    assert bench.outcome("articles", "a")["reason"] == "deleted_in_source"
    # Our own draft is no change of people's: once it is back in the source it is public again, and may go again.
    bench.rows["articles"][0] |= {"digest": "back"}
    bench.load("articles", "run-4", a="update")
    assert (held(bench, "a")["state"], bench.outcome("articles", "a")["reason"]) == ("published", None)
    bench.client.write("PUT", f"/articles/{held(bench, 'a')['id']}", {"title": "Ours"})
    bench.load("articles", "run-5", a="retire:deleted_in_source")
    assert held(bench, "a")["state"] == "published"
    assert "conflict_kept" in bench.outcome("articles", "a")["losses"]


def test_what_cannot_be_changed_is_told_and_tried_again(bench: Bench) -> None:
    collection(bench, "top")
    article(bench, "a")
    bench.load_all()
    body = json.loads(bench.rows["articles"][0]["body"])
    bench.rows["articles"][0] |= {"body": json.dumps(body | {"author_id": 1}), "author_id": "1", "digest": "other"}
    bench.load("articles", "run-2", a="update")
    assert bench.outcome("articles", "a")["reason"] == "update_failed"
    good = {"body": json.dumps(body | {"title": "new"}), "author_id": bench.admins[0]}
    bench.rows["articles"][0] |= good
    bench.load("articles", "run-3", a="update")
    assert (held(bench, "a")["title"], bench.outcome("articles", "a")["reason"]) == ("new", None)
    # What was made public stays so: nobody outside could follow it into the internal articles.
    bench.rows["articles"][0] |= {"kind": "internal_article", "digest": "third"}
    bench.load("articles", "run-4", a="update")
    assert bench.outcome("articles", "a")["reason"] == "article_kind_stays"
    assert held(bench, "a")["title"] == "new"


@pytest.mark.behaviour("S57")
@pytest.mark.parametrize(("domain", "made"), [("help.acme.example", 2), ("", 0)])
def test_old_addresses_redirect_where_they_are_the_help_centres_own(bench: Bench, domain: str, made: int) -> None:
    bench.control.post("switches", {"help_center_domain": domain})
    collection(bench, "top")
    old = f"https://help.acme.example/hc/en-us/articles/{bench.prefix}"
    article(bench, "a", old_urls=[{"url": old, "locale": "en"}, {"url": old.replace("en-us", "de"), "locale": "de"}])
    bench.control.fault("drop_after_commit", "POST /help_center/help_centers/{id}/redirects")
    bench.load_all()
    (center,) = [row for row in bench.client.help_centers() if row["default"]]
    found = [row for row in bench.client.redirects(center["id"]) if bench.prefix in row["from_url"]]
    assert len(found) == made
    assert {row["target_id"] for row in found} <= {held(bench, "a")["id"]}
    assert bench.load("articles").writes == 0
    # Taken back, an old address leads nowhere any more; moved again, it leads to the new article.
    bench.journal.begin_run("run-2", "rollback", bench.migration.target.workspace)
    taking_back = (["run-1"], bench.staging, bench.journal, bench.client, bench.migration)
    with pytest.MonkeyPatch.context() as patched:

        def cut(*_: Any) -> None:
            raise RunStopped("cut")

        patched.setattr(Undoing, "gone", cut)
        with pytest.raises(RunStopped):
            roll_back(*taking_back, Run("run-2", "rollback"), patience=PATIENCE)
    roll_back(*taking_back, Run("run-2", "rollback"), patience=PATIENCE)
    assert bench.journal.undoing.unfinished() == []
    assert not [row for row in bench.client.redirects(center["id"]) if bench.prefix in row["from_url"]]
    bench.journal.begin_run("run-3", "full", bench.migration.target.workspace)
    for entity_type in ("collections", "articles"):
        bench.load(entity_type, "run-3")
    found = [row for row in bench.client.redirects(center["id"]) if bench.prefix in row["from_url"]]
    assert [row["target_id"] for row in found] == [held(bench, "a")["id"]] * made


# Where pictures are fetched from


def test_only_what_an_article_shows_is_served_and_only_while_it_is_loaded(bench: Bench) -> None:
    settings = HelpCenter.model_validate({"base_url": "http://127.0.0.1:18791/x", "listen": "127.0.0.1:18791"})
    shown, hidden = file(bench, "https://a/b.png", PNG), file(bench, "https://a/c.png", b"hidden")
    with hosting(settings, bench.staging.blobs) as hosts:
        url = str(hosts.pictures(shown)).replace("/x/", "/")
        assert hosts.links(hidden) == "https://a/c.png"  # readers follow it when nothing is served any more
        answer = requests.get(url, timeout=5)
        assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
        page = file(bench, "https://a/p.html", b"<script>") | {"content_type": "text/html\r\nX-Own: 1"}
        answer = requests.get(str(hosts.pictures(page)).replace("/x/", "/"), timeout=5)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "X-Own" not in answer.headers
        for other in (
            url.replace(shown["sha256"], hidden["sha256"]),
            url.replace(url.split("/")[3], "guessed"),
            f"http://127.0.0.1:18791/{url.split('/')[3]}/..%2f..%2fjournal.sqlite/x",
            "http://127.0.0.1:18791/",
        ):
            assert requests.get(other, timeout=5).status_code == 404
        assert requests.post(url, timeout=5).status_code == 501
        with pytest.raises(SettingsError, match=r"help_center\.listen"), hosting(settings, bench.staging.blobs):
            pass
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_files_go_to_a_store_once(bench: Bench) -> None:
    folder = bench.folder / "store"
    settings = HelpCenter.model_validate(
        {"images": "store", "store": f"file://{folder}", "store_url": "https://files.acme.example/kb"}
    )
    shown = file(bench, "https://a/b.png", PNG)
    with hosting(settings, bench.staging.blobs) as hosts:
        assert (
            hosts.pictures(shown) == hosts.pictures(shown) == f"https://files.acme.example/kb/{shown['sha256']}/b.png"
        )
        assert hosts.links(shown) == hosts.pictures(shown)
        assert hosts.pictures(file(bench, "https://a/d.png", None)) == "https://a/d.png"
        odd = {**file(bench, "https://a/odd", PNG), "name": "../Größe 2#.jpg"}
        assert hosts.pictures(odd) == f"https://files.acme.example/kb/{odd['sha256']}/{quote('Größe 2#.jpg')}"
    assert (folder / shown["sha256"] / "b.png").read_bytes() == PNG
    assert (folder / odd["sha256"] / "Größe 2#.jpg").read_bytes() == PNG
    unsigned = HelpCenter.model_validate({"images": "store", "store": f"file://{folder}"})
    with hosting(unsigned, bench.staging.blobs) as hosts, pytest.raises(SettingsError, match=r"store_url"):
        hosts.pictures(shown)
    with hosting(unsigned, bench.staging.blobs) as hosts:
        assert hosts.links(shown) == "https://a/b.png"


class TypingStore(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Tells types as object stores do: by the name of the local file."""

    protocol = "typing"
    types: ClassVar[list[str | None]] = []

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        self.types.append(mimetypes.guess_type(lpath)[0])
        super().put_file(lpath, rpath, **options)


def test_a_store_tells_a_picture_as_what_it_is(bench: Bench) -> None:
    fsspec.register_implementation("typing", TypingStore, clobber=True)
    settings = {"images": "store", "store": f"typing://{bench.folder}/typed", "store_url": "https://files.acme.example"}
    with hosting(HelpCenter.model_validate(settings), bench.staging.blobs) as hosts:
        hosts.pictures({**file(bench, "https://a/b", PNG), "name": "no ending"})
        hosts.links({**file(bench, "https://a/c.html", b"<script>"), "content_type": "text/html"})
    assert TypingStore.types == ["image/png", "application/octet-stream"]


def test_in_place_pictures_stay_at_the_source(bench: Bench) -> None:
    with hosting(HelpCenter(), bench.staging.blobs) as hosts:
        assert hosts.pictures(file(bench, "https://a/b.png", PNG)) == "https://a/b.png"
        assert hosts.pictures(file(bench, "embedded:1", PNG)) is None
