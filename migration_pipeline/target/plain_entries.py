"""What helps to decide the entries of mapping.yaml that are one word each: records that they concern, and candidates.

Belongs here: own attributes, tags, languages, states of tickets, values that are called something else. Does not belong
here: people and fields (`candidates`), or which word is proposed (`proposals`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from migration_pipeline.config.locales import nearest
from migration_pipeline.target.attributes import NAMED_VALUES, OWN_ATTRIBUTES, TEXT_LIMIT, OwnAttribute
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.directory import OWN_TABLES, label_sql
from migration_pipeline.target.inputs import Inputs
from migration_pipeline.target.matching import Attribute, Candidate, attributes_for, tags_for
from migration_pipeline.target.ticket_rules import proposed_states, type_sql

TAGS: Final = 1_000
"""Tags that are shown, the most used first; some help desks have tens of thousands."""

_VALUES: Final = {
    "statuses": ("status", "record_tickets"),
    "priorities": ("priority", "record_tickets"),
    "types": ("kind", "record_tickets"),
    "brands": ("brand", "record_tickets"),
    "locales": ("locale", "record_contacts"),
}
"""Sections whose entries are single values of a column, which a person may call something else."""

_KINDS: Final[Mapping[str, str]] = {section: key for key, section in NAMED_VALUES.items()}


@dataclass(frozen=True)
class PlainEntry:
    """One entry; `records` is null where nobody knows how many it concerns."""

    section: str
    key: str
    title: str
    kind: str
    records: int | None
    samples: Sequence[str] = ()
    candidates: Sequence[Candidate] = ()
    losses: Sequence[tuple[str, int]] = field(default_factory=tuple)  # reason code and number of records


def plain_entries(inputs: Inputs, catalogue: Catalogue) -> Iterator[PlainEntry]:
    """The entries in the order of the file, the most used of each section first."""
    yield from _values(inputs)
    yield from _ticket_states(inputs)
    yield from _own_attributes(inputs, catalogue)
    yield from _tags(inputs, catalogue)
    yield from _languages(inputs)


def _values(inputs: Inputs) -> Iterator[PlainEntry]:
    for section, (column, table) in _VALUES.items():
        query = f"SELECT {column} AS value, count(*) AS uses FROM {table} GROUP BY 1 ORDER BY uses DESC, value"
        for row in inputs.rows(query):
            if row["value"]:
                told = "the source's own meaning" if section == "statuses" else "the same word"
                becomes = str(getattr(inputs.mapping, section).get(row["value"], row["value"]))
                same = Candidate(becomes, becomes, 100, told, 100)
                kind = "status" if section == "statuses" else _KINDS[section]
                yield PlainEntry(section, row["value"], row["value"], kind, row["uses"], candidates=[same])


def _ticket_states(inputs: Inputs) -> Iterator[PlainEntry]:
    """Statuses of tickets that become Intercom tickets."""
    query = (
        "SELECT status, any_value(state) AS state, max(status_label) AS label, count(*) AS uses FROM record_tickets "
        f"WHERE status IS NOT NULL AND state <> 'deleted' AND {type_sql(inputs.migration.tickets)} IS NOT NULL "
        "GROUP BY 1 ORDER BY uses DESC, status"
    )
    for row in inputs.rows(query):
        (state,) = proposed_states({row["status"]: row["state"]}).values()
        same = Candidate(state, state, 100, "the source's own meaning", 100)
        label = [row["label"]] if row["label"] and row["label"].casefold() != row["status"].casefold() else []
        yield PlainEntry("ticket_states", row["status"], row["status"], "status", row["uses"], label, [same])


def _own_attributes(inputs: Inputs, catalogue: Catalogue) -> Iterator[PlainEntry]:
    """What conversations and contacts have no place for, with the attributes that might keep it."""
    there: dict[str, list[Attribute]] = {
        "conversation": [one for one in catalogue.conversation_attributes if not one.archived],
        "contact": [one for one in catalogue.data_attributes if one.model == "contact" and one.custom],
    }
    for own in OWN_ATTRIBUTES:
        title = f"{inputs.source_name} {own.title}"
        found = attributes_for(title, own.key, own.data_type, (), [one for one in there[own.model] if not one.archived])
        records, cut, samples = _uses(inputs, own) if own.sql else (None, 0, [])
        lost = "not_mapped" if inputs.mapping.attributes.get(own.key, title) is None else "value_truncated"
        many = (records or 0) if lost == "not_mapped" else cut if own.data_type == "string" else 0
        losses = [(lost, many)] if many else []
        yield PlainEntry("attributes", own.key, own.title.capitalize(), own.model, records, samples, found, losses)


def _uses(inputs: Inputs, own: OwnAttribute) -> tuple[int, int, list[str]]:
    """How many records have something to keep, of how many the text is too long, and the most frequent texts."""
    told = f"(SELECT nullif({own.sql}::VARCHAR, '') AS value FROM {OWN_TABLES[own.model]})"
    (counted,) = inputs.rows(
        f"SELECT count(value) AS records, count(*) FILTER (length(value) > {TEXT_LIMIT}) AS cut FROM {told}"
    )
    if own.data_type != "string" or own.key == "followers":  # seconds and ids tell a person nothing
        return counted["records"], counted["cut"], []
    rows = inputs.rows(
        f"SELECT left(value, 10000) AS text FROM {told} WHERE value IS NOT NULL GROUP BY value "
        "ORDER BY count(*) DESC, value LIMIT 5"
    )
    return counted["records"], counted["cut"], [row["text"] for row in rows]


def _tags(inputs: Inputs, catalogue: Catalogue) -> Iterator[PlainEntry]:
    """Tags in use, those of articles among them where they become tags; none that masking renames, but decided ones."""
    articles = label_sql(inputs)
    used = " UNION ALL ".join([_TAGGED, *([f"SELECT name, 1 FROM ({articles})"] if articles else [])])
    named = inputs.mapping.tags
    like = tags_for(catalogue.tags)
    query = (
        f"SELECT name, sum(records)::BIGINT AS uses FROM ({used}) AS used (name, records) WHERE name <> '' GROUP BY 1"
    )
    rows = list(inputs.rows(f"{query} ORDER BY uses DESC, name"))
    masked = inputs.masked_texts([row["name"] for row in rows])
    kept = [row for row, name in zip(rows, masked, strict=True) if name == row["name"] or row["name"] in named]
    for number, row in enumerate(kept):
        if number < TAGS or row["name"] in named:
            becomes = named.get(row["name"], row["name"])
            losses = [("not_mapped", row["uses"])] if becomes is None else []
            yield PlainEntry("tags", row["name"], row["name"], "tag", row["uses"], (), like(row["name"]), losses)


_TAGGED: Final = """
    SELECT name, count(*) FROM (
        SELECT unnest(tags) AS name FROM record_tickets WHERE state <> 'deleted'
        UNION ALL SELECT unnest(tags) FROM record_contacts
        UNION ALL SELECT unnest(tags) FROM record_companies WHERE deleted_at IS NULL
    ) GROUP BY 1
"""


def _languages(inputs: Inputs) -> Iterator[PlainEntry]:
    """Languages that articles and collections are written in, and how many articles are left behind in each."""
    uses = {row["locale"]: row["uses"] for row in inputs.rows(_WRITTEN) if row["locale"]}
    lost: dict[str, dict[str, int]] = {locale: {} for locale in uses}
    for row in inputs.rows(_TOGETHER):
        taken: set[str] = set()
        for locale in sorted(filter(None, row["locales"]), key=lambda one: (one != row["locale"], one)):
            becomes = inputs.mapping.languages.get(locale)
            reason = "locale_not_mapped" if becomes is None else "locale_taken" if becomes in taken else ""
            if reason:
                lost[locale][reason] = lost[locale].get(reason, 0) + row["articles"]
            elif becomes:
                taken.add(becomes)
    for locale, many in sorted(uses.items(), key=lambda one: (-one[1], one[0])):
        found = []
        if (becomes := nearest(locale)) is not None:
            same = becomes.casefold() == locale.casefold().replace("_", "-")
            told = "the same language" if same else "the language in Intercom's spelling, or without its country"
            found = [Candidate(becomes, becomes, 100 if same else 90, told, 100 if same else 90)]
        yield PlainEntry("languages", locale, locale, "language", many, (), found, list(lost[locale].items()))


_WRITTEN: Final = """
    SELECT locale, sum(articles)::BIGINT AS uses FROM (
        SELECT locale, count(*) AS articles FROM record_article_translations GROUP BY 1
        UNION ALL SELECT DISTINCT name.locale, 0 FROM (SELECT unnest(names) AS name FROM record_collections)
    ) GROUP BY 1
"""

_TOGETHER: Final = """
    SELECT article.locale, text.locales, count(*) AS articles
    FROM record_articles AS article JOIN (
        SELECT article_ref, list_sort(list(DISTINCT locale)) AS locales FROM record_article_translations GROUP BY 1
    ) AS text ON text.article_ref = article.source_id
    GROUP BY ALL
"""


def as_rows(losses: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Losses as `proposals.json` tells them."""
    return [{"reason": reason, "detail": None, "records": records} for reason, records in losses]
