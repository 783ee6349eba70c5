"""A help centre of thirty articles in three languages arrives whole, and its links lead to where they are now."""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from migration_pipeline_tests.forks import Sandbox
from migration_pipeline_tests.help_center.conftest import LANGUAGES, Story
from migration_pipeline_tests.help_center.runs import (
    LOADED,
    Json,
    links,
    pictures,
    run,
    take_back,
    texts,
    verified,
    words,
)


def there(story: Story) -> dict[str, Json]:
    """The target's articles by the source's ids."""
    return {source: story.target.get(f"/articles/{target}") for source, target in story.done.ids().items()}


def languages(story: Story, source_id: str, article: Json) -> dict[str, Json]:
    """What the target holds by language, where the default one is told beside the others."""
    found = texts(article)
    main = next((LANGUAGES[one["locale"]] for one in story.translations[source_id] if one["locale"] == "en-us"), None)
    return {**found, **({main: found[""]} if main else {})}


@pytest.mark.behaviour("S03", "S31")
def test_every_article_arrives_in_all_its_languages_with_every_word(story: Story) -> None:
    found = there(story)
    assert set(found) == set(story.articles)
    assert sum(len(told) for told in story.translations.values()) > len(found)
    for source_id, article in found.items():
        held = languages(story, source_id, article)
        for told in story.translations[source_id]:
            one = held[LANGUAGES[told["locale"]]]
            assert one["title"] == " ".join(told["title"].split())
            missing = Counter("".join(words(told["body"]))) - Counter("".join(words(one["body"])))
            assert not missing, (source_id, told["locale"], missing)
            restricted = story.articles[source_id]["user_segment_id"] is not None
            assert one["state"] == ("draft" if told["draft"] or restricted else "published")


@pytest.mark.behaviour("S03")
def test_every_article_stands_where_it_stood(story: Story) -> None:
    collections = {row["id"]: row for row in story.target.all("/help_center/collections")}
    ids = story.done.ids("collections")
    for source_id, article in there(story).items():
        section = f"section:{story.articles[source_id]['section_id']}"
        assert [str(parent) for parent in article["parent_ids"]] == [ids[section]]
        assert ids[section] in collections
    depths = Counter(depth(collections, one) for one in collections)
    assert max(depths) == 3  # as deep as the settings allow; the source has five levels
    assert story.done.loaded["collections"].failed == 0


def depth(collections: dict[str, Json], one: str) -> int:
    parent = collections[one]["parent_id"]
    return 1 + (depth(collections, str(parent)) if parent else 0)


@pytest.mark.behaviour("S05", "S06")
def test_pictures_are_the_same_bytes_with_the_source_switched_off(story: Story) -> None:
    story.place.faults("source", "refuse", rate=1.0, limit=100_000)
    try:
        host = urlsplit(story.target.url).netloc
        seen = 0
        for article in there(story).values():
            for one in texts(article).values():
                for url in pictures(one["body"]):
                    assert urlsplit(url).netloc == host
                    content = requests.get(url, timeout=30).content
                    assert hashlib.sha256(content).hexdigest() in story.files
                    seen += 1
        assert seen > 10
        assert verified(story.place.config, "v") == []
    finally:
        story.place.control("source", "faults", [])


@pytest.mark.behaviour("S57", "S64", "S65")
def test_links_between_articles_lead_to_their_new_places(story: Story) -> None:
    ids = story.done.ids()
    own = urlsplit(story.place.source["url"]).netloc
    rewritten = 0
    for source_id, article in there(story).items():
        for one in texts(article).values():
            for url in links(one["body"]):
                old = re.search(r"/hc/(?:[^/]+/)?articles/(\d+)", url)
                if urlsplit(url).netloc == own and old:
                    assert old[1] not in ids, f"{source_id} still links to {url}"
                    assert "link_kept" in story.done.losses[source_id]
                new = re.search(r"/(?:en|de|fr)/articles/(\d+)", url)
                if new and urlsplit(url).netloc != own:
                    assert new[1] in ids.values()
                    rewritten += 1
    assert rewritten > 20


@pytest.mark.behaviour("S57", "S64", "S65")
def test_every_old_address_resolves_through_the_exported_map(story: Story) -> None:
    nginx = re.findall(r'"~(\S+)" "([^"]+)";', (story.done.folder / "nginx.conf").read_text())
    exact = {row[0]: row[1] for row in csv.reader((story.done.folder / "cloudflare.csv").read_text().splitlines())}
    with (story.done.folder / "links.csv").open() as file:
        listed = {row["old_url"]: row for row in csv.DictReader(file)}
    ids = story.done.ids()
    for source_id, translations in story.translations.items():
        for told in translations:
            url = told["html_url"]
            short = re.sub(r"(/articles/\d+).*", r"\1", url)
            for old in (url, short, re.sub(r"/hc/[^/]+/", "/hc/", short)):
                new = next(target for pattern, target in nginx if re.search(pattern, urlsplit(old).path))
                assert new.endswith(f"/articles/{ids[source_id]}")
                assert exact[old].endswith(f"/articles/{ids[source_id]}")
            assert f"/{LANGUAGES[told['locale']]}/articles/" in listed[url]["new_url"]
            assert listed[url]["redirected_by"] == "your server"
    assert not any(re.search(pattern, "/hc/en-us/articles/1") for pattern, _ in nginx)


@pytest.mark.behaviour("B02")
def test_a_second_run_writes_nothing(story: Story) -> None:
    again = run(story.place.config, "again")
    assert again.writes == sum(again.planned.values()) == 0
    assert again.ids() == story.done.ids()


@pytest.mark.behaviour("B06", "S58")
def test_the_plan_counts_the_calls_that_articles_take(story: Story, serve: Callable[..., Sandbox]) -> None:
    """Those too that a picture is refused in, because the source asks readers of its article to sign in."""
    hidden = run(serve(80, images="source").config, "full")
    assert any("image_refused" in losses for losses in hidden.losses.values())
    assert not any("image_refused" in losses for losses in story.done.losses.values())
    for done in (story.done, hidden):
        assert {name: done.planned[name] for name in LOADED} == {
            name: result.writes for name, result in done.loaded.items()
        }


@pytest.mark.behaviour("B03", "B04", "B18")
def test_changes_are_carried_and_taken_back_but_for_what_people_touched(story: Story) -> None:
    changed = story.place.control("source", "activity", {"seed": 4, "articles": 12})["changed"]
    kinds = {str(one["article_id"]): one["kind"] for one in changed}
    touched = next(target for source, target in story.done.ids().items() if source not in kinds)
    story.target.put(f"/articles/{touched}", title="Ours now")
    delta = run(story.place.config, "delta", "delta")
    assert {found["target_id"] for found in verified(story.place.config, "w")} <= {touched}
    reasons = {row["source_id"]: row["reason"] for row in delta.rows if row["entity_type"] == "articles"}
    archived = {article for article, kind in kinds.items() if kind == "archived_article"}
    assert archived & set(reasons) == {one for one, reason in reasons.items() if reason == "deleted_in_source"}
    assert {article for article, kind in kinds.items() if kind == "new_article"} - archived <= set(delta.ids())
    assert run(story.place.config, "delta-2", "delta").writes == 0
    undone = take_back(story.place.config, "full")
    left = {one.target_id: one.reason for one in undone.spared}
    assert left[touched] == "touched_since"
    assert undone.removed["articles"] > 20
    standing = {row["id"] for row in story.target.all("/articles")}
    assert touched in standing
    assert len(standing & set(story.done.ids().values())) == sum(left.get(one) is not None for one in standing)
