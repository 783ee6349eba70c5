"""One brand's help center as a request sees it.

Here: which brand's it is, what it shows, in which locale. Not here: endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from migration_pipeline.sandbox.wire import Call, RefusalError
from migration_pipeline.sandbox.zendesk import errors, guide_json
from migration_pipeline.sandbox.zendesk.site import Site
from migration_pipeline.sandbox.zendesk.world.guide import Article, Category, Section
from migration_pipeline.sandbox.zendesk.world.guide_prose import Shelf
from migration_pipeline.sandbox.zendesk.world.guide_words import LOCALES

_Thing = TypeVar("_Thing", Category, Section, Article)


@dataclass(frozen=True)
class Center:
    """A help center; its lists are in the order of their places."""

    site: Site
    brand: int

    @staticmethod
    def of(site: Site, call: Call) -> Center:
        """The help center that a request is for, told by the host it came to. Raises the 404 of a missing one."""
        if not site.switches["help_center"]:
            raise RefusalError(errors.no_endpoint())
        return Center(site, site.brand_of(call))

    @cached_property
    def shelf(self) -> Shelf:
        """What its articles can link to."""
        guide = self.site.guide
        foreign = {
            "same": f"{self.site.base_url}/cdn",
            "other": f"{self.site.other_host}/cdn",
            "gone": "https://cdn.example.net",
        }[self.site.switches["foreign_images"]]
        return Shelf(
            guide.seed, guide.library, guide.tickets, self.site.brand_url(self.brand), foreign, self.site.hosts
        )

    @cached_property
    def categories(self) -> list[Category]:
        """Its categories."""
        return self.site.guide.categories(self.site.switches, self.brand)

    @cached_property
    def sections(self) -> list[Section]:
        """Its sections."""
        return self.site.guide.sections(self.site.switches, self.brand)

    @cached_property
    def articles(self) -> list[Article]:
        """Its articles, drafts only for admins."""
        return self.site.guide.shown(self.site.switches, self.brand)

    def locale(self, call: Call) -> str | None:
        """The locale in the path, None without one. Raises the 404 of a locale that is not enabled."""
        wanted = call.params.get("locale")
        if wanted is not None and wanted.lower() not in LOCALES:
            raise errors.not_found()
        return wanted.lower() if wanted else None

    def find(self, things: Sequence[_Thing], place: int | None) -> _Thing:
        """The thing at ``place``. Raises the 404 of a record."""
        found = next((t for t in things if t.place == place), None)
        if found is None:
            raise errors.not_found()
        return found

    def show(self, one: Category | Section | Article, locale: str | None, names: frozenset[str]) -> dict[str, Any]:
        """A thing's JSON in ``locale``, in its own where it has no such translation; with translations on request."""
        source = one.source_locale
        shown = guide_json.shown_in(one.translations, source, locale) or guide_json.shown_in(
            one.translations, source, None
        )
        assert shown is not None  # noqa: S101 - everything has a translation in its source locale
        if isinstance(one, Article):
            row = guide_json.article(self.shelf, one, shown)
        elif isinstance(one, Section):
            row = guide_json.section(self.shelf, one, shown)
        else:
            row = guide_json.category(self.shelf, one, shown)
        if "translations" in names:
            row["translations"] = self.translations(one)
        return row

    def translations(self, one: Category | Section | Article) -> list[dict[str, Any]]:
        """The translations of a thing that the caller may see: drafts only for admins."""
        rows = guide_json.translations(self.shelf, one)
        return rows if self.site.switches["role"] == "admin" else [row for row in rows if not row["draft"]]
