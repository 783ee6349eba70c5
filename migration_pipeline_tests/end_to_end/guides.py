"""An independent proof of the help centre: every article of the source looked for in the target, word by word.

Knows nothing of the pipeline but what every user gets: the map of addresses, and the losses that the report tells. Run
by hand, after `readback`, as

    python -m migration_pipeline_tests.end_to_end.guides DIR

where DIR is a sandbox's folder. Pictures are read while the source refuses every call.
"""

import csv
import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import lxml.html
import orjson
import requests
from ruamel.yaml import YAML

from migration_pipeline_tests.end_to_end.readback import Json, Zendesk, pictures, words

TAKEN = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")
"""Types of pictures that Intercom's articles show (Intercom help, "Supported image types")."""
LEVELS = 3


@dataclass
class Shelf:
    """What was compared, what the report explains, and what nothing explains."""

    compared: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Text:
    """One translation of an article at the source, with the hashes of its pictures; None where there is none to get."""

    row: Json
    pictures: list[str | None]


class Guide:
    """The source's help centre, read whole by plain loops."""

    def __init__(self, zendesk: Zendesk) -> None:
        self._zendesk = zendesk
        self.host = urlsplit(zendesk.url).netloc
        self._seen: dict[str, str | None] = {}
        self.categories = list(self._rows("categories", "categories"))
        self.sections = {row["id"]: row for row in self._rows("sections", "sections")}
        self.articles = {row["id"]: row for row in self._rows("articles", "articles")}
        self.texts = {
            key: [
                Text(row, [self._picture(src, row["html_url"]) for src in _attributes(row["body"], "img", "src")])
                for row in self._rows(f"articles/{key}/translations", "translations")
            ]
            for key in self.articles
        }

    def _rows(self, path: str, key: str) -> Iterator[Json]:
        params: Json = {"page[size]": 100}
        while True:
            page = self._zendesk.get(f"help_center/{path}", **params)
            yield from page[key]
            if not page.get("meta", {}).get("has_more"):
                return
            params["page[after]"] = page["meta"]["after_cursor"]

    def _picture(self, src: str, page: str) -> str | None:
        if src.startswith("data:"):
            return next(iter(pictures(f'src="{src}"')), None)
        url = urljoin(page, src)
        if url not in self._seen:
            self._seen[url] = self._fetched(url) if urlsplit(url).netloc == self.host else None
        return self._seen[url]

    def _fetched(self, url: str) -> str | None:
        response = self._zendesk.session.get(url, timeout=60)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return hashlib.sha256(response.content).hexdigest() if response.ok and kind in TAKEN else None


def _attributes(html: str | None, tag: str, name: str) -> list[str]:
    if not html or not html.strip():
        return []
    return [str(one.get(name)) for one in lxml.html.fromstring(f"<div>{html}</div>").iter(tag) if one.get(name)]


def _said(html: str | None) -> str:
    """All letters of a text: where a word ends is a matter of the markup."""
    return "".join(words(re.sub(r"(?is)<(iframe|template)\b.*?</\1>", " ", html or "")))


class Target:
    """What the workspace holds, as it stores it."""

    def __init__(self, control: str) -> None:
        self._control = control
        self.articles = {str(row["id"]): row for row in self._dump("articles")}
        self.internal = list(self._dump("internal_articles"))
        self.collections = {str(row["id"]): row for row in self._dump("collections")}

    def _dump(self, kind: str) -> Iterator[Json]:
        after: int | None = 0
        while after is not None:
            asked: Json = {"kind": kind, "after": after}
            page = requests.get(f"{self._control}/dump", params=asked, timeout=60).json()
            yield from page["items"]
            after = page["next"]


class Report:
    """What a run leaves for people: the map of addresses, and what was lost of each record."""

    def __init__(self, folder: Path) -> None:
        self._nginx = [
            (re.compile(pattern), new)
            for pattern, new in re.findall(r'"~(\S+)" "([^"]+)";', (folder / "nginx.conf").read_text())
        ]
        with (folder / "links.csv").open(encoding="utf-8") as file:
            self.listed = {row["old_url"]: row["new_url"] for row in csv.DictReader(file)}
        self.losses: dict[str, list[tuple[str, str]]] = {}
        with (folder / "losses.csv").open(encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                self.losses.setdefault(row["source_id"], []).append((row["reason"], row["detail"]))

    def new(self, url: str) -> str | None:
        """Where a web server with the exported map leads from an old address."""
        parts = urlsplit(url)
        asked = parts.path + (f"?{parts.query}" if parts.query else "")
        return next((new for pattern, new in self._nginx if pattern.search(asked)), None)

    def number(self, url: str) -> str | None:
        """The target's id behind an old address."""
        found = re.search(r"/(?:articles|collections)/(\d+)", self.new(url) or "")
        return found[1] if found else None


class Proof:
    """One comparison of a whole help centre."""

    def __init__(self, guide: Guide, target: Target, report: Report) -> None:
        self._guide, self._target, self._report = guide, target, report
        self.shelf = Shelf()

    def differs(self, source_id: str, told: str, *reasons: str, about: str = "") -> None:
        """Note a difference: explained where the report tells it of the record by one of these reasons."""
        for reason, detail in self._report.losses.get(source_id, ()):
            if reason in reasons and about in detail:
                self.shelf.explained[reason] += 1
                return
        self.shelf.wrong.append(f"article {source_id}: {told}")

    def run(self) -> Shelf:
        """Compare everything but the bytes of what the target shows."""
        self._collections()
        found = set()
        for key, article in self._guide.articles.items():
            number = self._report.number(f"https://x/hc/articles/{key}")
            there = self._target.articles.get(number or "")
            if there is None:
                self.differs(str(key), f"leads to {number}, which is no article", "restricted_as_internal_article")
                continue
            found.add(number)
            self.shelf.compared["articles"] += 1
            self._article(str(key), article, there)
        self.shelf.wrong += [f"no article of the source: {one}" for one in self._target.articles.keys() - found]
        return self.shelf

    def _collections(self) -> None:
        chains: dict[int, list[str]] = {}
        for category in self._guide.categories:
            self._collection("category", category, [], chains)
        left = dict(self._guide.sections)
        while left:
            ready = [row for row in left.values() if row["parent_section_id"] not in left]
            if not ready:
                break
            for row in ready:
                above = row["parent_section_id"] or row["category_id"]
                self._collection("section", row, chains.get(above, []), chains)
                del left[row["id"]]

    def _collection(self, kind: str, row: Json, above: list[str], chains: dict[int, list[str]]) -> None:
        self.shelf.compared["collections"] += 1
        number = self._report.number(row["html_url"])
        there = self._target.collections.get(number or "")
        if there is None:
            self.shelf.wrong.append(f"{kind} {row['id']}: leads to {number}, which is no collection")
            return
        chains[row["id"]] = [*above, str(number)]
        if row["name"] not in [one["name"] for one in there["contents"].values()]:
            self.shelf.wrong.append(f"{kind} {row['id']}: is called {there['contents']}, not {row['name']}")
        parent = above[: LEVELS - 1][-1] if above else None
        if (str(there["parent_id"]) if there["parent_id"] else None) != parent:
            self.shelf.wrong.append(f"{kind} {row['id']}: stands in {there['parent_id']}, not {parent}")

    def _article(self, key: str, article: Json, there: Json) -> None:
        section = self._guide.sections[article["section_id"]]
        if str(there["parent_id"]) != self._report.number(section["html_url"]):
            self.differs(key, f"stands in {there['parent_id']}")
        missing = {label.casefold() for label in article["label_names"]} - {tag.casefold() for tag in there["tags"]}
        if missing:
            self.differs(key, f"lacks the labels {missing}", "labels_dropped")
        languages = set()
        for text in self._guide.texts[int(key)]:
            locale = text.row["locale"].partition("-")[0]
            languages.add(locale)
            if locale in there["contents"]:
                self.shelf.compared["translations"] += 1
                self._text(key, article, text, locale, there)
            else:
                self.differs(key, f"lacks {locale}", "locale_not_enabled", "locale_not_mapped", "locale_taken")
        for locale in there["contents"].keys() - languages:
            self.differs(key, f"has {locale}, which the source has not", "default_locale_missing")

    def _text(self, key: str, article: Json, text: Text, locale: str, there: Json) -> None:
        row, held = text.row, there["contents"][locale]
        if held["title"] != " ".join(row["title"].split()):
            self.differs(key, f"{locale} is titled {held['title']!r}, not {row['title']!r}")
        lost = Counter(_said(row["body"])) - Counter(_said(held["body"]))
        if lost:
            self.differs(key, f"{locale} lacks the letters {dict(lost)}")
        shown = not (row["draft"] or row["hidden"] or article["user_segment_id"])
        state = "published" if shown else "draft"
        if held["state"] != state:
            self.differs(key, f"{locale} is {held['state']}, not {state}", "article_stays_draft")
        self._pictures(key, text, locale, held)
        self._links(key, row, locale, held)
        for old in _spellings(row["html_url"]):
            self.shelf.compared["addresses"] += 1
            if self._report.number(old) != str(there["id"]):
                self.differs(key, f"{old} leads to {self._report.new(old)}")
        if f"/{locale}/articles/{there['id']}" not in self._report.listed.get(row["html_url"], ""):
            self.differs(key, f"links.csv leads from {row['html_url']} to {self._report.listed.get(row['html_url'])}")

    def _pictures(self, key: str, text: Text, locale: str, held: Json) -> None:
        expected = [one for one in text.pictures if one]
        shown = [one.get("sha256") for one in held["images"]]
        self.shelf.compared["pictures"] += len(shown)
        if shown != expected:
            self.differs(key, f"{locale} shows {len(shown)} pictures of {len(expected)}", "image_refused")
        for _ in range(len(text.pictures) - len(expected)):
            self.differs(
                key, f"{locale}: a picture that the source does not give, and nobody told",
                "image_type", "file_missing", "image_unreadable", "image_refused",
            )  # fmt: skip

    def _links(self, key: str, row: Json, locale: str, held: Json) -> None:
        now = _attributes(held["body"], "a", "href")
        for href in _attributes(row["body"], "a", "href"):
            old = re.search(r"/hc/(?:[^/]+/)?(articles|sections|categories)/(\d+)", _absolute(href, row["html_url"]))
            if old is None or urlsplit(_absolute(href, row["html_url"])).netloc != self._guide.host:
                continue
            self.shelf.compared["links"] += 1
            number = self._report.number(f"https://x{old[0]}")
            if number is None:
                self.differs(key, f"{locale}: nothing is known of {href}", "link_kept", about=old[2])
            elif not any(re.search(rf"/(?:articles|collections)/{number}\b", new) for new in now):
                self.differs(key, f"{locale}: no link to {number}, where {href} was", "link_removed")
        for new in now:
            parts = urlsplit(new)
            if parts.netloc == self._guide.host:
                self.differs(
                    key, f"{locale}: still links to {new}",
                    "link_kept", "article_file_linked", "file_missing", "image_type", "image_refused", "embed_linked",
                )  # fmt: skip
            elif parts.hostname in ("127.0.0.1", "localhost"):
                self.differs(key, f"{locale}: links to {new}, which nobody can open")


def _absolute(href: str, page: str) -> str:
    try:
        return urljoin(page, href)
    except ValueError:
        return ""


def _spellings(url: str) -> tuple[str, ...]:
    """An address as people kept it: whole, without its title, without its language."""
    short = re.sub(r"(/articles/\d+).*", r"\1", url)
    plain = re.sub(r"/hc/[^/]+/", "/hc/", short)
    return url, short, plain, f"{plain}?source=search", unquote_to_bytes(url).decode()


def read_pictures(target: Target, shelf: Shelf) -> None:
    """Fetch every picture that an article shows, and compare its bytes with what the workspace says they are."""
    seen: set[str] = set()
    for article in target.articles.values():
        for locale, content in article["contents"].items():
            sources = _attributes(content["body"], "img", "src")
            for url, image in zip(sources, content["images"], strict=True):
                if url in seen:
                    continue
                seen.add(url)
                answer = requests.get(url, timeout=60)
                if not answer.ok or hashlib.sha256(answer.content).hexdigest() != image["sha256"]:
                    shelf.wrong.append(f"article {article['id']} {locale}: {url} answers {answer.status_code}")
    shelf.compared["pictures fetched"] = len(seen)


def switched_off(control: str, url: str, *, off: bool) -> None:
    """Have the source refuse every call, or none."""
    faults: Any = {"kinds": ["refuse"], "match": "*", "rate": 1.0, "limit": 1_000_000, "seed": 1} if off else []
    requests.post(f"{control}/faults", json=faults, timeout=30).raise_for_status()
    if off:
        try:
            requests.get(f"{url}/api/v2/users/me", timeout=10)
        except requests.ConnectionError:
            return
        raise AssertionError("the source still answers")


def compare(folder: Path, report: Path) -> Shelf:
    """Compare the help centres of a sandbox by the report of the run that moved them."""
    config = YAML(typ="safe").load((folder / "migration.yaml").read_text())
    served = orjson.loads((folder / "sandbox.json").read_bytes())
    target = Target(served["target"]["control"])
    shelf = Proof(Guide(Zendesk(config["source"])), target, Report(report)).run()
    switched_off(served["source"]["control"], served["source"]["url"], off=True)
    try:
        read_pictures(target, shelf)
    finally:
        switched_off(served["source"]["control"], served["source"]["url"], off=False)
    return shelf


def main() -> int:
    """Compare and tell; 1 where anything is wrong."""
    folder = Path(sys.argv[1])
    reports = sorted(folder.glob("data/*/reports/*/links.csv"), key=lambda path: path.stat().st_mtime)
    shelf = compare(folder, reports[-1].parent)
    for line in shelf.wrong:
        sys.stdout.write(line + "\n")
    sys.stdout.write(", ".join(f"{count} {name}" for name, count in shelf.compared.items()) + "\n")
    sys.stdout.write("told in the report: " + ", ".join(f"{n} {name}" for name, n in shelf.explained.items()) + "\n")
    sys.stdout.write(f"{len(shelf.wrong)} wrong\n")
    return 1 if shelf.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
