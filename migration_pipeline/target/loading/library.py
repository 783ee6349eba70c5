"""What loading the help centre needs besides a desk, and what its collections and articles have in common.

Belongs here: the collection that a record stands in, and languages that the target does not show. Does not belong here:
the calls of a collection (`collections`) or of an article (`articles`).
"""

from dataclasses import dataclass, replace

from migration_pipeline.target.addresses import NewAddresses
from migration_pipeline.target.hosting import Hosts
from migration_pipeline.target.loading.desk import Desk
from migration_pipeline.target.loading.work import Work
from migration_pipeline.target.steps import Json


@dataclass(frozen=True)
class Library:
    """What loading the help centre needs besides a desk."""

    addresses: NewAddresses
    before: NewAddresses  # as they were when loading began: what a draft links to, whichever order articles arrive in
    hosts: Hosts


def library_of(addresses: NewAddresses, hosts: Hosts) -> Library:
    """A library at the beginning of a load."""
    return Library(addresses, replace(addresses, known=dict(addresses.known)), hosts)


def parent_of(desk: Desk, work: Work, ref: str | None) -> str | None:
    """The collection that a record stands in; None at the top, and where it does not move by rule.

    Raises:
        ParentMissing: it did not arrive.
    """
    if ref is None:
        return None
    parent = desk.parents("collections", [ref], "collection")[ref]
    if parent.target_id is None:
        work.losses.append(("reference_skipped", f"collection {ref} ({parent.reason})"))
    return parent.target_id


def tell_languages_left(library: Library, work: Work, body: Json) -> None:
    """Tell of languages that the help centre does not have."""
    left = [locale for locale in body.get("translated_content", {}) if not library.addresses.takes(locale)]
    work.losses.extend(("locale_not_enabled", locale) for locale in left)
