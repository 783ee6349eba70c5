"""Composes the bodies and titles of articles: every kind of markup that authors and editors leave in them.

Here: how a text looks. Not here: which articles there are (``guide``) and the words (``guide_words``).
"""

import html
import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from migration_pipeline.sandbox.zendesk.world import guide_files, ids, prose, seeds
from migration_pipeline.sandbox.zendesk.world.guide import HUGE, Article, Library, Translation
from migration_pipeline.sandbox.zendesk.world.guide_words import DEFAULT_LOCALE, WORDS, GuideWords
from migration_pipeline.sandbox.zendesk.world.seeds import pick
from migration_pipeline.sandbox.zendesk.world.vocabulary import PRODUCTS

HUGE_BYTES = 2_000_000
BLOCKS_AN_ARTICLE = 5


@dataclass(frozen=True, slots=True)
class Shelf:
    """What an author can link to. ``base_url`` is the help center's own address."""

    seed: int
    library: Library
    tickets: int
    base_url: str
    foreign_url: str
    """Where pictures lie that are not the help center's own."""
    hosts: tuple[str, ...]
    """Where the help centers of all brands are that have a host of their own."""


@dataclass(frozen=True, slots=True)
class _Page:
    shelf: Shelf
    article: Article
    locale: str
    words: GuideWords
    draw: random.Random


def title(article: Article, translation: Translation) -> str:
    """The title in one locale; a later revision says so."""
    words = WORDS[translation.locale]
    place = article.place
    text = words.titles[place % len(words.titles)]
    text = text.replace("{p}", PRODUCTS[place // len(words.titles) % len(PRODUCTS)]).replace("{o}", f"A-{place}")
    return f"{text} ({translation.revision + 1})" if translation.revision else text


def slug(text: str) -> str:
    """A title as it stands in an article's address."""
    plain = unicodedata.normalize("NFC", text)
    return re.sub(r"[^\w]+", "-", plain).strip("-")


def body(shelf: Shelf, article: Article, translation: Translation) -> str:
    """The HTML of an article in one locale, the same on every call."""
    draw = seeds.rng(shelf.seed, seeds.GUIDE, 6, article.place, translation.revision)
    if article.place % 13 == 12:
        return ""
    page = _Page(shelf, article, translation.locale, WORDS[translation.locale], draw)
    parts = [_paragraph(page)]
    # The kinds go round, so that a small knowledge base has each of them.
    for k in range(BLOCKS_AN_ARTICLE):
        parts += [_BLOCKS[(article.place * BLOCKS_AN_ARTICLE + k) % len(_BLOCKS)](page), _paragraph(page)]
    if article.switch == HUGE:
        filler = _paragraph(page)
        parts.append(filler * (HUGE_BYTES // len(filler.encode()) + 1))
    return "\n".join(parts)


def _text(page: _Page) -> str:
    return html.escape(prose.fill(pick(page.draw, page.words.sentences), page.draw), quote=False)


def _paragraph(page: _Page) -> str:
    return f"<p>{_text(page)} {_text(page)}</p>"


def _headings(page: _Page) -> str:
    level = page.article.place % 2
    names = page.words.headings
    return "".join(f"<h{k}>{html.escape(names[k - 1])}</h{k}>" for k in ((1, 2, 3) if level else (4, 5, 6)))


def _contents(page: _Page) -> str:
    name = page.words.headings[1]
    return (
        f'<ul class="toc"><li><a href="#h_{page.article.place}">{name}</a></li></ul>'
        f'<h2 id="h_{page.article.place}">{name}</h2><a name="old-anchor"></a>'
    )


def _nested_list(page: _Page) -> str:
    inner = f'<ol type="a"><li>{_text(page)}</li><li>{_text(page)}</li></ol>'
    return f"<ul><li>{_text(page)}{inner}</li><li><p>{_text(page)}</p><p>{_text(page)}</p></li></ul>"


def _empty_items(page: _Page) -> str:
    return f"<ul><li></li><li>{_text(page)}</li><li>&nbsp;</li></ul><ol></ol>"


def _rows(page: _Page) -> str:
    return "".join(f"<tr><td>{_text(page)}</td><td>{k * 7} €</td></tr>" for k in range(1, 4))


def _table(page: _Page) -> str:
    return (
        '<table style="width:100%" border="1"><thead><tr><th>A</th><th colspan="1">B</th></tr></thead>'
        f'<tbody>{_rows(page)}<tr><td colspan="2"><ul><li>{_text(page)}</li></ul></td></tr></tbody></table>'
    )


def _table_in_list(page: _Page) -> str:
    return f"<ol><li>{_text(page)}<table><tbody>{_rows(page)}</tbody></table></li><li>{_text(page)}</li></ol>"


def _code(page: _Page) -> str:
    number = int(page.draw.random() * 90)
    return (
        f'<pre><code class="language-sh">curl -H "X-Key: &lt;key&gt;" \\\n  --max-time {number} &amp;&amp; echo</code>'
        f"</pre><p>{_text(page)} <code>if (a &lt; b)</code> <kbd>Ctrl</kbd></p>"
    )


def _frames(page: _Page) -> str:
    number = page.article.place
    return (
        f'<p class="wysiwyg-text-align-center"><iframe src="//www.youtube.com/embed/vid{number:08d}" width="560" '
        'height="315" frameborder="0" allowfullscreen=""></iframe></p>'
        f'<iframe src="https://player.vimeo.com/video/{number + 1000}"></iframe>'
        '<iframe src="https://forms.acme.example/survey?x=1&amp;y=2"></iframe>'
        '<video controls><source src="https://cdn.example.net/clip.mp4" type="video/mp4"></video>'
    )


def _near(page: _Page, step: int) -> Article:
    library = page.shelf.library
    shelf = library.shelves[library.brand_of(page.article)]
    return library.articles[shelf[(page.article.place - shelf.start + step) % len(shelf)]]


def _elsewhere(page: _Page) -> tuple[str, ...]:
    """The address of an article of the next brand, where there are several."""
    library = page.shelf.library
    if len(library.shelves) == 1:
        return ()
    brand = (library.brand_of(page.article) + 1) % len(library.shelves)
    shelf = library.shelves[brand]
    other = library.articles[shelf[page.article.place % len(shelf)]]
    path = f"hc/{other.source_locale}/articles/{ids.article(other.place)}-{slug(title(other, other.source))}"
    return (f"{page.shelf.hosts[brand]}/{path}",)


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(text, quote=False)}</a>'


def _article_links(page: _Page) -> str:
    """The same kind of target in all the ways in which authors wrote its address over the years."""
    base, locale = page.shelf.base_url, page.locale
    near = [_near(page, k) for k in range(1, 8)]
    number = [ids.article(a.place) for a in near]
    name = [slug(title(a, a.source)) for a in near]
    missing = ids.article(page.shelf.library.shelves[0].stop + 5_000)
    addresses = (
        f"{base}/hc/{near[0].source_locale}/articles/{number[0]}-{name[0]}",
        f"/hc/{locale}/articles/{number[1]}",
        f"/hc/articles/{number[2]}",
        f"{base}/hc/articles/{number[3]}-{name[3]}",
        f"/hc/{DEFAULT_LOCALE}/articles/{number[4]}-The-title-of-long-ago",
        f"/hc/{locale}/articles/{number[5]}-{name[5]}#h_{near[5].place}",
        f"../articles/{number[6]}",
        f"{base}/hc/{locale}/articles/{missing}-Removed",
        f"{base}/entries/{20_000_000 + page.article.place}-Old-forum-entry",
        *_elsewhere(page),
    )
    return "<p>" + " · ".join(_link(a, f"→ {k}") for k, a in enumerate(addresses)) + "</p>"


def _other_links(page: _Page) -> str:
    base, locale, place = page.shelf.base_url, page.locale, page.article.place
    ticket = 1 + place * 7 % max(1, page.shelf.tickets)
    section, category = ids.section(page.article.section), ids.category(0)
    addresses = (
        f"{base}/hc/{locale}/sections/{section}-{slug(WORDS[DEFAULT_LOCALE].sections[0])}",
        f"/hc/{locale}/sections/{section}",
        f"/hc/{locale}/categories/{category}",
        f"/hc/{locale}",
        f"{base}/hc/{locale}/requests/new?ticket_form_id=1",
        f"{base}/hc/requests/{ticket}",
        f"{base}/agent/tickets/{ticket}",
        f"/hc/article_attachments/{ids.ARTICLE_FILE + place * 64}",
        "https://shop.acme.example/a?b=1&c=2#d",
        "mailto:support@acme.example?subject=Hello%20there",
        "tel:+4930901820",
        "javascript:void(0)",
        "http://",
    )
    return "<ul>" + "".join(f"<li>{_link(a, a[:30])}</li>" for a in addresses) + "</ul>"


def _image_id(page: _Page, k: int) -> int:
    count = guide_files.inline_images(page.shelf.seed, page.article.place)
    return ids.ARTICLE_FILE + page.article.place * 64 + k % count


def _own_images(page: _Page) -> str:
    base = page.shelf.base_url
    return (
        f'<p><img src="/hc/article_attachments/{_image_id(page, 0)}" alt="Step 1" width="400"></p>'
        f'<figure class="wysiwyg-image"><img src="{base}/hc/article_attachments/{_image_id(page, 1)}"></figure>'
        f'<p><img src="{base}/hc/{page.locale}/article_attachments/{_image_id(page, 2)}/image.png" alt=""></p>'
    )


def _foreign_images(page: _Page) -> str:
    missing = ids.ARTICLE_FILE + page.article.place * 64 + 60
    return (
        f'<p><img src="{page.shelf.foreign_url}/kb/{page.article.place}.png" alt="foreign"></p>'
        f'<p><img src="/hc/article_attachments/{missing}" alt="gone"><img src="/hc/theming_assets/01/logo.png"></p>'
        '<p><img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"></p>'
    )


def _broken(page: _Page) -> str:
    text = _text(page)
    return f'<div><p>{text}<p><b><i>{text}</b></i><td>loose</td></span><a href="/hc>{text}</a> 3 < 5 & "x"</p>'


def _script(page: _Page) -> str:
    return (
        f'<script type="text/javascript">alert("{page.article.place}");</script><style>.x {{ color: red }}</style>'
        f'<p onclick="steal()" style="background:url(javascript:1)">{_text(page)}</p><!-- a remark -->'
    )


def _callout(page: _Page) -> str:
    return (
        f'<div class="callout callout--warning"><h4 class="callout__title">!</h4><p>{_text(page)}</p></div>'
        f"<blockquote>{_text(page)}</blockquote><hr>"
        f"<details><summary>{page.words.headings[3]}</summary><p>{_text(page)}</p></details>"
    )


def _definitions(page: _Page) -> str:
    return (
        f"<dl><dt>{pick(page.draw, PRODUCTS)}</dt><dd>{_text(page)}</dd></dl>"
        f'<p><span class="wysiwyg-color-red">{_text(page)}</span><br><u>{_text(page)}</u></p>'
        "<p>H<sub>2</sub>O m<sup>2</sup></p>"
        "<p>{{title}} {{dc.greeting}}</p>"
    )


_BLOCKS: tuple[Callable[[_Page], str], ...] = (
    _headings,
    _nested_list,
    _own_images,
    _article_links,
    _table,
    _headings,
    _code,
    _frames,
    _other_links,
    _own_images,
    _table_in_list,
    _empty_items,
    _article_links,
    _broken,
    _foreign_images,
    _script,
    _callout,
    _contents,
    _definitions,
)
