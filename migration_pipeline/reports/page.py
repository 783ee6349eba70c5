"""The page of a report: one HTML file that opens offline, loads nothing, and can be printed or sent on.

Belongs here: from numbers and excerpts to HTML, and what is safe to show. Does not belong here: counting.
Everything that came from a help desk is text of strangers: it is escaped, cut, rid of control characters, kept from
reordering what stands beside it, and a link only where it is an http(s) address.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from migration_pipeline.model.inventory import COUNTERPARTS
from migration_pipeline.reports import guide
from migration_pipeline.reports.counts import LISTED, Excerpts
from migration_pipeline.reports.report import EntityCounts, LossCount, Report
from migration_pipeline.staging.atomic import replacing

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_NOTHING: Final = "\N{EN DASH}"
_WEB: Final = re.compile(r"https?://[^\s]+", re.IGNORECASE)


def write(report: Report, excerpts: Excerpts, closing: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write `report.html` beside the lists. `closing` are the items of the checklist that are due now.

    Raises:
        OSError: the disk is full or not writable; the page is as it was.
    """
    template = _environment().get_template("report.html.jinja")
    with replacing(report.page) as aside:
        template.stream(
            summary=report.summary,
            total=_total(report.summary.entities),
            losses=_by_reason(report.summary.losses),
            excerpts=excerpts,
            listed=LISTED,
            checks=guide.CHECKS,
            limits=guide.LIMITS,
            counterparts=COUNTERPARTS,
            closing=closing,
        ).dump(str(aside), encoding="utf-8")


def percent(matched: int, compared: int) -> str:
    """A share as text, rounded down, so that only all is 100 %."""
    if not compared:
        return _NOTHING
    tenths = 1000 * matched // compared
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} %"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("migration_pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": lambda value: f"{value:,}",
        "moment": _moment,
        "duration": _duration,
        "plain": _plain,
    }
    environment.tests["address"] = _is_address
    environment.globals |= {"percent": percent, "width": _width}
    return environment


def _plain(text: str | None) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text or "")


def _is_address(text: str | None) -> bool:
    return text is not None and _WEB.fullmatch(text) is not None and not _CONTROL.search(text)


def _width(part: int, whole: int) -> str:
    """A CSS width; never so small that something that is there cannot be seen."""
    return f"max({100 * part / whole:.3f}%, 3px)" if part and whole else "0"


def _moment(time: dt.datetime | None) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC") if time else _NOTHING


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _total(entities: Sequence[EntityCounts]) -> EntityCounts:
    names = ("available", "migrated", "failed", "skipped", "remarked")
    return EntityCounts("all", *(sum(getattr(one, name) for one in entities) for name in names))


def _by_reason(losses: Sequence[LossCount]) -> list[dict[str, Any]]:
    reasons: dict[str, dict[str, Any]] = {}
    for one in losses:
        entry = reasons.setdefault(
            one.reason, {"reason": one.reason, "sentence": one.sentence, "losses": 0, "by_entity": []}
        )
        entry["losses"] += one.losses
        entry["by_entity"].append(one)
    return sorted(reasons.values(), key=lambda entry: (-entry["losses"], entry["reason"]))
