"""The mapping's page: shows mapping.yaml with what helps to decide it, and writes what a person decides.

Belongs here: the two requests, and what is said of a save. Does not belong here: controls (`form`), the file
(`config.mapping_edits`), or who may ask (`access`, `guard`).
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from migration_pipeline.config.mapping import DataType
from migration_pipeline.config.mapping_edits import (
    MappingFile,
    Overtaken,
    Refusal,
    edited,
    read_mapping_file,
    replace,
)
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.pages.access import same
from migration_pipeline.pages.form import Form, option_name, options
from migration_pipeline.pages.known import Known
from migration_pipeline.pages.lines import PLAIN, SECTIONS, Line, choices, ident, lines
from migration_pipeline.pages.texts import plain

LARGEST: Final = 64 * 2**20
"""Bytes that a page may send: mappings of tens of thousands of options are a few million."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: forms of such a page say that their origin is null, as those of strangers do (Fetch, WHATWG).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY: Final = "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Told:
    """What a page says besides the entries."""

    notice: str = ""  # what was done
    problem: str = ""  # why nothing was done
    refusals: Sequence[Refusal] = ()
    theirs: Mapping[str, str] = field(default_factory=dict)  # what the file says now, where a person changed it as well


class MappingPage:
    """One person's work on one mapping.yaml."""

    def __init__(self, file: MappingFile, known: Known, done: Callable[[], None]) -> None:
        """`file` is as it was read last; `done` is called when the person is."""
        self._path = file.path
        self._known = known
        self._done = done
        self._newest = file
        self._key = secrets.token_urlsafe(32)
        self._read: dict[str, MappingFile] = {}  # what pages that were handed out were made from, by digest
        self._template = _environment().get_template("mapping.html.jinja")
        self.app = Starlette(routes=[Route("/", self._show), Route("/", self._save, methods=["POST"])])

    async def _show(self, request: Request) -> Response:
        saved = request.query_params.get("saved", "")
        counted = int(saved) if saved.isascii() and saved.isdigit() and len(saved) < 7 else None
        notice = "" if counted is None else "Nothing was changed." if counted == 0 else f"Saved: {counted} entries."
        if counted == 1:
            notice = "Saved: one entry."
        try:
            file = read_mapping_file(self._path, self._newest)
        except SettingsError as error:
            return PlainTextResponse(f"{error}\nMend it, and load this page again.\n", 500, _HEADERS)
        return self._page(file, {}, Told(notice), look=request.query_params.get("look") == "on")

    async def _save(self, request: Request) -> Response:
        """Write what was entered, all or nothing; a page that comes back holds it still."""
        size = request.headers.get("content-length", "")
        if not size.isdigit() or int(size) > LARGEST:
            return PlainTextResponse("The form is too large.\n", 413, _HEADERS)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            return PlainTextResponse("This page takes its own forms only.\n", 415, _HEADERS)
        async with request.form(max_files=0, max_fields=LARGEST) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
        base = self._read.get(given.get("digest", ""))
        if not same(given.get("key"), self._key) or base is None:
            return PlainTextResponse("This form is not of this page; load the page again.\n", 403, _HEADERS)
        look = given.get("look") == "on"
        told, saved = self._written(base, given)
        if isinstance(told, Told):
            return self._page(saved, given, told, look=look, base=base)
        if given.get("then") == "done":
            self._done()
            return self._answer("", done=True, saved=told)
        return RedirectResponse(f"/?saved={told}{'&look=on' if look else ''}", 303, _HEADERS)

    def _written(self, base: MappingFile, given: Mapping[str, str]) -> tuple[Told | int, MappingFile]:
        """How many entries were written, or why none was; with the file as it is now."""
        form = self._form(base)[0]
        edits, refusals = form.edits(given)
        try:
            now = read_mapping_file(self._path, base)
        except SettingsError as error:
            return Told(problem=f"Nothing was saved: the file cannot be read any more. {error}"), base
        if now.text != base.text:
            return self._overtaken(form, now, given), now
        if refusals:
            return Told(problem=_REFUSED, refusals=refusals), base
        if not edits:
            return 0, base
        after = edited(base, edits)
        if isinstance(after, list):
            return Told(problem=_REFUSED, refusals=after), base
        touched = {place[:2] for place in edits}
        clashes = [
            Refusal(one.place, one.sentence) for one in self._known.conflicts(after.mapping) if one.place[:2] in touched
        ]
        if clashes:
            return Told(problem=_REFUSED, refusals=clashes), base
        try:
            replace(base, after)
        except Overtaken:
            return Told(problem=_OVERTAKEN), base  # within this very moment: the next try sees what it is now
        except OSError as error:
            return Told(problem=f"Nothing was saved: {self._path} cannot be written ({error.strerror})."), base
        self._newest = after
        return len(touched), after

    def _overtaken(self, form: Form, now: MappingFile, given: Mapping[str, str]) -> Told:
        """What a person sees whose file was changed by somebody else."""
        there = self._form(now)[0].values
        news = form.changed(given)
        theirs = {name: there[name] for name in news if there.get(name, form.values[name]) != form.values[name]}
        gone = [
            f"it has no place any more for what you entered as {text!r}"
            for name, text in news.items()
            if name not in there
        ]
        return Told(problem=_OVERTAKEN, theirs=theirs, refusals=[Refusal((), sentence) for sentence in gone])

    def _form(self, file: MappingFile) -> tuple[Form, dict[str, list[Line]]]:
        found = lines(file.mapping, self._known)
        return Form(found, self._known.catalogue), found

    def _page(
        self, file: MappingFile, given: Mapping[str, str], told: Told, *, look: bool, base: MappingFile | None = None
    ) -> Response:
        """The page of the file, with what was entered into the page of `base` in the controls."""
        self._newest = self._read[file.digest] = file
        form, found = self._form(file)
        news = (self._form(base)[0] if base else form).changed(given)
        known = {line.ident for section in found.values() for line in section}
        beside: dict[str, list[str]] = {}
        apart = []
        for one in told.refusals:
            own = next((ident(one.place[:length]) for length in (2, 1) if ident(one.place[:length]) in known), None)
            if own:
                beside.setdefault(own, []).append(one.sentence)
            else:
                apart.append(f"{'.'.join(map(str, one.place)) or 'The file'}: {one.sentence}")
        clashes: dict[str, list[str]] = {}
        for clash in self._known.conflicts(file.mapping):
            clashes.setdefault(ident(clash.place[:2]), []).append(clash.sentence)
        marked = {
            line.ident: bool(line.unsure or line.losses or line.ident in clashes or line.ident in beside)
            for section in found.values()
            for line in section
        }
        return self._answer(
            told.problem,
            done=False,
            key=self._key,
            digest=file.digest,
            path=str(self._path),
            workspace=self._known.catalogue.workspace,
            sections=[
                (section, heading, found[section], sum(marked[line.ident] for line in found[section]))
                for section, (_, heading) in SECTIONS.items()
                if found[section]
            ],
            values=form.values | {name: text for name, text in news.items() if name in form.values},
            lists=choices(self._known, form.people.labels.values(), form.teams.labels.values()),
            marked=marked,
            beside=beside,
            clashes=clashes,
            apart=apart,
            theirs=told.theirs,
            notice=told.notice,
            look=look,
        )

    def _answer(self, problem: str, **shown: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        text = self._template.render(problem=problem, nonce=nonce, **shown)
        policy = {"Content-Security-Policy": _POLICY.format(nonce)}
        return HTMLResponse(text, 409 if problem else 200, {**_HEADERS, **policy})


_REFUSED: Final = "Nothing was saved yet: what is marked below cannot be so. Everything you entered is still there."
_OVERTAKEN: Final = (
    "Nothing was saved yet: mapping.yaml was changed by somebody else since this page read it. The page now shows the "
    "file as it is, with what you entered. Look at it, and save again."
)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("migration_pipeline.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain}
    environment.globals |= {
        "plain_controls": PLAIN,
        "options": options,
        "option_name": option_name,
        "types": get_args(DataType),
    }
    return environment
