"""Collections and articles as payloads: levels, languages, readers, authors, files, and what stays behind."""

import json
from typing import Any

import pytest

from migration_pipeline.config.help_center import HelpCenter
from migration_pipeline.config.locales import LOCALES, nearest
from migration_pipeline.config.mapping import Mapping
from migration_pipeline_tests.mapping.desk import RULES, START, Desk, Mapped

LANGUAGES = {"en-us": "en", "en-gb": "en", "de": "de", "xx": None}
MAPPING = Mapping.model_validate({**RULES.model_dump(), "languages": LANGUAGES})


def mapped(desk: Desk, **help_center: Any) -> Mapped:
    staging, settings = desk.write()
    settings = settings.model_copy(update={"help_center": HelpCenter.model_validate(help_center)})
    return Mapped(staging, settings, MAPPING)


def section(desk: Desk, name: str, parent: str | None, level: int | None, **row: Any) -> None:
    names = [{"locale": "en-us", "name": name, "description": None}]
    desk.add(
        "collections",
        **{
            "source_id": name,
            "parent_ref": parent,
            "level": level,
            "names": names,
            "locale": "en-us",
            "active": True,
            **row,
        },
    )


def article(desk: Desk, source_id: str = "1", texts: dict[str, str] | None = None, **row: Any) -> None:
    desk.add(
        "articles",
        **{
            "source_id": source_id, "source_url": f"https://acme.zendesk.com/hc/en-us/articles/{source_id}",
            "locale": "en-us", "audience": "everyone", "author_ref": "a1", "active": True, "tags": [],
            "updated_at": START, **row,
        },
    )  # fmt: skip
    for locale, html in ({"en-us": "<p>Hello</p>"} if texts is None else texts).items():
        desk.add(
            "article_translations",
            source_id=f"{source_id}{locale}", article_ref=source_id, locale=locale, title=f"Title {locale}",
            body_html=html, state="published", source_url=f"https://acme.zendesk.com/hc/{locale}/articles/{source_id}",
        )  # fmt: skip


def file(desk: Desk, name: str, **row: Any) -> str:
    url = f"https://acme.zendesk.com/hc/article_attachments/{len(desk.rows['article_attachments']) + 1}/{name}"
    desk.add(
        "article_attachments",
        **{
            "source_id": str(len(desk.rows["article_attachments"]) + 1), "article_ref": "1", "position": 0,
            "name": name,
            "content_type": "image/png", "size": 3, "inline": True, "source_url": url, "sha256": "0" * 64, **row,
        },
    )  # fmt: skip
    return url


def body(made: Mapped, source_id: str = "1") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(made.row("articles", source_id)["body"])
    return read


@pytest.mark.behaviour("S04")
def test_fields_of_tickets_and_of_articles_are_mapped_separately(desk: Desk) -> None:
    """What is said of the one changes nothing of the other."""
    desk.add("fields", source_id="f1", scope="ticket", key="f1", title="Color", type="text", active=True)
    desk.ticket("1", {"body_text": "x"}, attributes='{"f1": "red"}', tags=["vip"])
    article(desk, texts={"en-us": "<p>E</p>", "de": "<p>D</p>"}, tags=["vip"])

    def digests(field: str | None = "Color", german: str | None = "de", labels: str = "tags") -> tuple[str, str]:
        staging, settings = desk.write()
        settings = settings.model_copy(update={"help_center": HelpCenter.model_validate({"labels": labels})})
        fields = {"f1": {"title": "Color", "target": field}}
        rules = Mapping.model_validate(
            {**RULES.model_dump(), "fields": fields, "languages": {"en-us": "en", "de": german}}
        )
        made = Mapped(staging, settings, rules)
        return made.row("tickets", "1")["digest"], made.row("articles", "1")["digest"]

    ticket, text = digests()
    for field in ("Paint", None):
        other, same = digests(field=field)
        assert (other != ticket, same) == (True, text)
    for changed in ({"german": None}, {"german": "fr"}, {"labels": "drop"}):
        same, other = digests(**changed)
        assert (same, other != text) == (ticket, True)


def test_levels_that_intercom_has_not_are_flattened_and_circles_are_cut(desk: Desk) -> None:
    for level, (name, parent) in enumerate([("a", None), ("b", "a"), ("c", "b"), ("d", "c"), ("e", "d")], 1):
        section(desk, name, parent, level)
    section(desk, "x", "y", None)
    section(desk, "y", "x", None)
    section(desk, "lost", "nowhere", None)
    section(desk, "gone", "a", 2, active=False)
    made = mapped(desk)
    rows = {row["source_id"]: row for row in made.rows("collections")}
    assert {name: (row["parent_ref"], row["level"]) for name, row in rows.items() if name in "abcde"} == {
        "a": (None, 1), "b": ("a", 2), "c": ("b", 3), "d": ("b", 3), "e": ("b", 3),
    }  # fmt: skip
    assert made.reasons("collections", "e") == ["collection_moved_up"]
    assert rows["e"]["losses"][0]["detail"] == "a > b > c > d > e"
    for name in ("x", "y", "lost"):
        assert (rows[name]["parent_ref"], made.reasons("collections", name)) == (None, ["collection_without_parent"])
    assert rows["gone"]["skip"] == "deleted_in_source"
    assert [row["level"] for row in made.rows("collections")] == sorted(row["level"] for row in rows.values())


def test_content_tags_become_tags_beside_labels_and_comments_are_told(desk: Desk) -> None:
    article(desk, tags=["Faq", "vip"], content_tags=["Billing", "vip"], comment_count=3)
    made = mapped(desk)
    assert made.row("articles", "1")["tags"] == ["Faq", "vip", "Billing"]
    assert {"Faq", "Billing"} <= {row["name"] for row in made.rows("tags")}
    assert made.reasons("articles", "1") == ["article_comments_left"]
    dropped = mapped(desk, content_tags="drop")
    assert dropped.row("articles", "1")["tags"] == ["Faq", "vip"]
    assert "content_tags_dropped" in dropped.reasons("articles", "1")
    assert mapped(desk, labels="drop").row("articles", "1")["tags"] == ["Billing", "vip"]
    assert mapped(desk, labels="drop", content_tags="drop").row("articles", "1")["tags"] == []


def test_brands_stand_above_their_help_centers_or_side_by_side_as_set(desk: Desk) -> None:
    for name, parent, level, kind in [
        ("Acme", None, 1, "brand"), ("a", "Acme", 2, "category"), ("b", "a", 3, "section"), ("c", "b", 4, "section"),
    ]:  # fmt: skip
        section(desk, name, parent, level, kind=kind)
    places = {row["source_id"]: (row["parent_ref"], row["level"]) for row in mapped(desk).rows("collections")}
    assert places == {"Acme": (None, 1), "a": ("Acme", 2), "b": ("a", 3), "c": ("a", 3)}
    beside = {row["source_id"]: row for row in mapped(desk, brand_collections="never").rows("collections")}
    assert beside["Acme"]["skip"] == "brands_side_by_side"
    assert {name: (row["parent_ref"], row["level"]) for name, row in beside.items() if row["skip"] is None} == {
        "a": (None, 1), "b": ("a", 2), "c": ("b", 3),
    }  # fmt: skip


def test_links_lead_to_the_record_of_the_help_center_that_they_name(desk: Desk) -> None:
    beta = "https://help.beta.example"
    section(desk, "brand:20", None, 1, kind="brand", source_url="https://beta.zendesk.com/hc")
    section(desk, "section:20-2", "brand:20", 2, source_url=f"{beta}/hc/en-us/sections/2-s")
    section(desk, "section:2", None, 2, source_url="https://acme.zendesk.com/hc/en-us/sections/2-s")
    article(desk, "20-5", source_url=f"{beta}/hc/en-us/articles/5-t")
    wanted = {
        f"{beta}/hc/en-us/articles/5-t#x": "20-5",
        f"{beta}/hc/articles/5": "20-5",
        f"{beta}/hc/de/sections/2": "section:20-2",
        "https://beta.zendesk.com/hc/articles/5": "20-5",
        "https://acme.zendesk.com/hc/articles/5": "5",
        "https://acme.zendesk.com/hc/sections/2": "section:2",
        "https://beta.zendesk.com/hc/requests/9": "9",
        "https://evil.example/hc/articles/5": None,
    }
    article(desk, "5", texts={"en-us": "".join(f'<p><a href="{url}">x</a></p>' for url in wanted)})
    links = {link["url"]: link["ref"] for link in mapped(desk).row("articles", "5")["links"]}
    assert {url: links.get(url) for url in wanted} == wanted


@pytest.mark.behaviour("S31")
def test_each_language_becomes_intercoms_and_what_has_none_stays_behind(desk: Desk) -> None:
    article(desk, texts={"en-us": "<p>E</p>", "de": "<p>D</p>", "xx": "<p>X</p>", "en-gb": "<p>G</p>"})
    article(desk, "2", texts={"de": "<p>D</p>"})
    article(desk, "3", texts={"xx": "<p>X</p>"})
    made = mapped(desk)
    assert (body(made)["title"], list(body(made)["translated_content"])) == ("Title en-us", ["de"])
    assert body(made)["translated_content"]["de"]["body"] == "<p>D</p>"
    assert made.reasons("articles", "1") == ["locale_taken", "locale_not_mapped"]
    assert (body(made, "2")["body"], list(body(made, "2")["translated_content"])) == ("<p>D</p>", ["de"])
    assert made.reasons("articles", "2") == ["default_locale_missing"]
    assert made.row("articles", "3")["skip"] == "article_without_text"
    alone = mapped(desk, translations=False)
    assert "translated_content" not in body(alone)
    assert "translation_left" in alone.reasons("articles", "1")


@pytest.mark.parametrize(
    ("rule", "kind", "state", "skip"),
    [
        ("draft", "article", "draft", None),
        ("internal_article", "internal_article", "draft", None),
        ("skip", None, None, "restricted_article"),
    ],
)
def test_articles_that_not_everybody_may_read(
    desk: Desk, rule: str, kind: str | None, state: str | None, skip: str | None
) -> None:
    article(desk, texts={"en-us": "<p>E</p>", "de": "<p>D</p>"}, audience="staff", audience_name="Agents")
    made = mapped(desk, restricted=rule)
    row = made.row("articles", "1")
    assert (row["kind"], row["state"], row["skip"]) == (kind, state, skip)
    if skip:
        assert row["skip_detail"] == "Agents"
    else:
        assert f"restricted_as_{rule}" in made.reasons("articles", "1")
        states = [body(made).get("state"), *(one["state"] for one in body(made).get("translated_content", {}).values())]
        assert "published" not in states


def test_authors_labels_ranks_and_votes(desk: Desk) -> None:
    article(desk, author_ref="a2", tags=["vip", "new label"], promoted=True, position=4, votes=7)
    made = mapped(desk)
    row = made.row("articles", "1")
    assert (row["author_id"], row["tags"]) == ("900", ["vip", "new label"])
    assert made.reasons("articles", "1") == ["author_replaced", "rank_lost", "votes_lost"]
    assert {tag["source_id"]: tag["name"] for tag in made.rows("tags")}["label:vip"] == "vip"
    dropped = mapped(desk, labels="drop")
    assert dropped.row("articles", "1")["tags"] == []
    assert "labels_dropped" in dropped.reasons("articles", "1")
    assert not any(tag["source_id"].startswith("label:") for tag in dropped.rows("tags"))


@pytest.mark.behaviour("S06")
def test_pictures_and_files(desk: Desk) -> None:
    good, webp = file(desk, "good.png"), file(desk, "odd.webp", content_type="image/webp")
    lost = file(desk, "lost.png", sha256=None, missing="file_missing")
    manual = file(desk, "manual <1>.pdf", content_type="application/pdf", inline=False)
    file(desk, "anleitung.pdf", content_type="application/pdf", inline=False, locale="de")
    pictures = "".join(f'<img src="{url}">' for url in (good.removesuffix("/good.png"), webp, lost))
    article(desk, texts={"en-us": pictures, "de": "<p>D</p>"})
    made = mapped(desk)
    html = body(made)["body"]
    assert html.count("<img") == 1
    assert "[image: odd.webp]" in html
    assert "[image: lost.png]" in html
    written = manual.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    assert html.endswith(f'<p><a href="{written}">manual &lt;1&gt;.pdf</a></p>')
    assert "anleitung.pdf" in body(made)["translated_content"]["de"]["body"]
    assert {one["name"]: one["picture"] for one in made.row("articles", "1")["files"]} == {
        "good.png": True, "odd.webp": False, "lost.png": False, "manual <1>.pdf": False, "anleitung.pdf": False,
    }  # fmt: skip
    assert {"image_type", "file_missing", "article_file_linked"} <= set(made.reasons("articles", "1"))


def test_a_picture_in_the_text_itself_needs_a_host(desk: Desk) -> None:
    article(desk, texts={"en-us": '<p>x<img src="data:image/png;base64,aGk=" alt="y"></p>'})
    assert body(mapped(desk))["body"] == "<p>x[image: image-1.png]</p>"
    assert "image_not_hosted" in mapped(desk).reasons("articles", "1")
    hosted = mapped(desk, base_url="https://kb.acme.example")
    (embedded,) = hosted.row("articles", "1")["files"]
    assert hosted.staging.blobs.read(embedded["sha256"]) == b"hi"
    assert embedded["url"] in body(hosted)["body"]


@pytest.mark.behaviour("S57")
def test_links_are_read_whatever_way_they_are_written(desk: Desk) -> None:
    urls = {
        "/hc/de/articles/2-Titel?x=1#teil": ("articles", "2", "de", "teil"),
        "https://help.acme.example/hc/articles/2": ("articles", "2", "en", ""),
        "/hc/en-us/sections/3-x": ("collections", "section:3", "en", ""),
        "/hc/categories/4": ("collections", "category:4", "en", ""),
        "/agent/tickets/5": ("tickets", "5", "en", ""),
        "/hc/requests/6": ("tickets", "6", "en", ""),
    }
    others = ["https://else.example/hc/articles/2", "/hc/en-us/community/posts/1", "/hc/articles/x", "mailto:a@b.c"]
    article(desk, texts={"en-us": "".join(f'<a href="{url}">t</a>' for url in [*urls, *others])})
    article(desk, "2", source_url="https://help.acme.example/hc/en-us/articles/2")
    found = mapped(desk).row("articles", "1")["links"]
    assert [(one["entity_type"], one["ref"], one["locale"], one["fragment"]) for one in found] == list(urls.values())


def test_every_language_of_a_help_desk_finds_intercoms() -> None:
    wanted = {
        "en-us": "en",
        "EN_GB": "en",
        "pt-br": "pt-BR",
        "pt-pt": "pt",
        "zh-hant": "zh-TW",
        "no": "nb",
        "tlh": None,
    }
    assert {locale: nearest(locale) for locale in wanted} == wanted
    assert all(nearest(locale.lower()) == locale for locale in LOCALES)
