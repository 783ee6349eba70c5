"""Composes the mail of the help desk: HTML and plain text of one comment, and subjects.

Here: how a text looks. Not here: the words (``vocabulary``) and who writes when (``threads``).
"""

import html
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from migration_pipeline.sandbox.zendesk.world.seeds import pick
from migration_pipeline.sandbox.zendesk.world.vocabulary import PRODUCTS, Language

IMAGE_MARK = "\x00image{}\x00"


@dataclass(frozen=True, slots=True)
class Writing:
    """A composed comment. In ``html`` stands IMAGE_MARK.format(k) where the address of inline image k belongs."""

    html: str
    text: str
    images: int = 0


@dataclass(slots=True)
class _Draft:
    html: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    images: int = 0

    def add(self, markup: str, text: str) -> None:
        self.html.append(markup)
        if text:
            self.text.append(text)


def fill(template: str, generator: random.Random, name: str = "") -> str:
    """A template with product, order number and name put in."""
    if "{" not in template:
        return template
    return (
        template.replace("{p}", pick(generator, PRODUCTS))
        .replace("{o}", f"A-{10_000 + int(generator.random() * 89_999)}")
        .replace("{n}", name)
    )


def subject(language: Language, generator: random.Random) -> str:
    """A ticket's subject; one in a hundred is very long, has line-like blanks, or is a mere dot."""
    text = fill(pick(generator, language.subjects), generator)
    chance = generator.random()
    if chance < 0.004:
        return (text + " / ") * 12
    if chance < 0.008:
        return "."
    return f"  {text}\t" if chance < 0.012 else text


def write(language: Language, generator: random.Random, role: str, name: str, to: str, *, mail: bool) -> Writing:
    """A comment of ``role`` customer, agent or note, by ``name`` to ``to``; ``mail`` adds what mail programs add."""
    draft = _Draft()
    sentences = {"customer": language.customer, "agent": language.agent, "note": language.note}[role]
    if role != "note" and generator.random() < 0.8:
        hello = fill(pick(generator, language.hello), generator, to)
        draft.add(f"<p>{_escape(hello)}</p>", hello)
    for _ in range(1 + int(generator.random() ** 2 * 3)):
        _paragraph(draft, sentences, generator, to)
    while generator.random() < 0.16:
        pick(generator, _BLOCKS)(draft, language, generator, to)
    if mail:
        if generator.random() < 0.35:
            _signature(draft, language, generator, name)
        if generator.random() < 0.22:
            _quote(draft, language, generator, to)
    elif role == "agent":
        bye = pick(generator, language.bye)
        draft.add(f"<p>{_escape(bye)}<br>{_escape(name)}</p>", f"{bye}\n{name}")
    body = "".join(draft.html)
    if language.rtl:
        body = f'<div dir="rtl">{body}</div>'
    if mail and generator.random() < 0.25:
        style = "font-family:Calibri,sans-serif;font-size:11pt"
        body = f'<div class="WordSection1" style="{style}">{body}<p><o:p>&nbsp;</o:p></p></div>'
    return Writing(body, "\n\n".join(draft.text), draft.images)


def wrap(body: str) -> str:
    """The element that the service puts around every comment."""
    return f'<div class="zd-comment" dir="auto">{body}</div>'


def plain(text: str) -> Writing:
    """A comment of plain text, paragraphs kept."""
    return Writing(
        "".join(f"<p>{_escape(part)}</p>".replace("\n", "<br>") for part in text.split("\n\n") if part), text
    )


def garbled(writing: Writing) -> Writing:
    """The same comment after a mail gateway read its UTF-8 as Latin-1, with a replacement and a control character."""

    def spoil(text: str) -> str:
        return text.encode().decode("latin-1").replace("\x00", "") if "\x00" not in text else text

    return Writing(
        spoil(writing.html) + "<p>\ufffd\ufffd?</p>", spoil(writing.text) + "\n\n\ufffd\ufffd?\u0007", writing.images
    )


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _paragraph(draft: _Draft, sentences: tuple[str, ...], generator: random.Random, to: str) -> None:
    chosen = [fill(pick(generator, sentences), generator, to) for _ in range(1 + int(generator.random() * 3))]
    markup = [_escape(s) for s in chosen]
    chance = generator.random()
    if chance < 0.08:
        markup[0] = f"<strong>{markup[0]}</strong>"
    elif chance < 0.14:
        markup[-1] = f'<em>{markup[-1]}</em> <span style="color:#c00">!</span>'
    elif chance < 0.2:
        markup[-1] += "<br><br>&nbsp;"
    draft.add(f"<p>{' '.join(markup)}</p>", " ".join(chosen))


def _list(draft: _Draft, language: Language, generator: random.Random, to: str) -> None:
    items = [fill(pick(generator, language.customer), generator, to) for _ in range(2 + int(generator.random() * 3))]
    tag = "ol" if generator.random() < 0.4 else "ul"
    draft.add(
        f"<{tag}>" + "".join(f"<li>{_escape(item)}</li>" for item in items) + f"</{tag}>",
        "\n".join(f"{k}. {item}" if tag == "ol" else f"* {item}" for k, item in enumerate(items, 1)),
    )


def _table(draft: _Draft, _: Language, generator: random.Random, __: str) -> None:
    rows = [
        (pick(generator, PRODUCTS), 1 + int(generator.random() * 9), generator.random() * 300)
        for _ in range(2 + int(generator.random() * 3))
    ]
    body = "".join(
        f'<tr><td>{_escape(p)}</td><td align="right">{n}</td><td>{cost:.2f} €</td></tr>' for p, n, cost in rows
    )
    draft.add(
        f'<table border="1"><thead><tr><th>Item</th><th>№</th><th>€</th></tr></thead><tbody>{body}</tbody></table>',
        "\n".join(f"{p} | {n} | {cost:.2f} €" for p, n, cost in rows),
    )


def _link(draft: _Draft, _: Language, generator: random.Random, __: str) -> None:
    order = int(generator.random() * 90_000)
    url = f"https://shop.acme.example/orders/{order}?lang=de&ref=mail"
    draft.add(
        f'<p><a href="{html.escape(url)}" rel="noreferrer">Order &amp; tracking</a></p>', f"Order & tracking ({url})"
    )


def _image(draft: _Draft, _: Language, generator: random.Random, __: str) -> None:
    chance = generator.random()
    if chance < 0.70:
        mark = IMAGE_MARK.format(draft.images)
        draft.images += 1
        draft.add(f'<p><img src="{mark}" alt="image" width="320"></p>', f"![]({mark})")
    elif chance < 0.80:
        draft.add('<p><img src="cid:image001.png@01DA.5C3F"></p>', "")
    elif chance < 0.90:
        draft.add('<p><img src="https://cdn.example.net/pixel.gif?u=1&amp;x=2" width="1" height="1"></p>', "")
    else:
        draft.add(
            '<p><img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"></p>', ""
        )


def _code(draft: _Draft, _: Language, generator: random.Random, __: str) -> None:
    line = f'if (a < {int(generator.random() * 9)} && b > 0) {{\n    return "{{{{ticket.id}}}}";\n}}'
    draft.add(f"<pre><code>{_escape(line)}</code></pre>", line)


def _rule(draft: _Draft, language: Language, generator: random.Random, to: str) -> None:
    text = fill(pick(generator, language.agent), generator, to)
    draft.add(f"<hr><h3>{_escape(text)}</h3>", f"---\n{text}")


_BLOCKS: tuple[Callable[[_Draft, Language, random.Random, str], None], ...] = (
    _list,
    _table,
    _link,
    _image,
    _image,
    _code,
    _rule,
)


def _signature(draft: _Draft, language: Language, generator: random.Random, name: str) -> None:
    lines = [
        pick(generator, language.bye),
        name,
        f"{pick(generator, language.places)} · +49 30 {int(generator.random() * 9_000_000)}",
    ]
    draft.add(
        '<div class="signature">--&nbsp;<br>' + "<br>".join(_escape(line) for line in lines) + "</div>",
        "-- \n" + "\n".join(lines),
    )


def _quote(draft: _Draft, language: Language, generator: random.Random, to: str) -> None:
    date = f"{1 + int(generator.random() * 28)}.{1 + int(generator.random() * 12)}.2024"
    head = language.quoted.replace("{d}", date).replace("{n}", to)
    said = fill(pick(generator, language.agent), generator, to)
    draft.add(
        f'<div class="gmail_quote"><div>{_escape(head)}</div>'
        f'<blockquote style="margin:0 0 0 .8ex"><p>{_escape(said)}</p></blockquote></div>',
        f"{head}\n> {said}",
    )
