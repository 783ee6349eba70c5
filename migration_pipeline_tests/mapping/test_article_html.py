"""An article's HTML becomes what Intercom accepts, whatever the bytes, and loses no word."""

import re
import time
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html as reader

from migration_pipeline.target.article_html import Accepted, accepted

BASE = "https://acme.zendesk.com/hc/en-us/articles/1-start"
BLOCKS = {"p", "h1", "h2", "hr", "ul", "ol", "pre", "table", "iframe"}
CHILDREN = {
    "": BLOCKS,
    "ul": {"li"},
    "ol": {"li"},
    "li": {"p", "ul", "ol"},
    "table": {"tbody"},
    "tbody": {"tr"},
    "tr": {"td"},
    "td": {"p"},
    "pre": {"code"},
    "iframe": set[str](),
    **{tag: {"a", "b", "i", "code", "img", "br"} for tag in ("p", "h1", "h2", "a", "b", "i", "code")},
}
TEXT_IN = {"p", "h1", "h2", "a", "b", "i", "code"}
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "iframe": {"src"}}


class Grammar(HTMLParser):
    """What Intercom accepts, told by another parser than the one that wrote it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[list[str]] = [[""]]  # each element, and what it holds
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self.open[-1]
        if tag not in CHILDREN[parent[0]]:
            self.wrong.append(f"<{tag}> in <{parent[0]}>")
        if {name for name, _ in attrs} - ATTRIBUTES.get(tag, set()):
            self.wrong.append(f"attributes of <{tag}>: {attrs}")
        for name, value in attrs:
            if name in ("href", "src") and not re.match(r"https?://|mailto:|tel:|embedded:\d", value or ""):
                self.wrong.append(f"{name}={value}")
        parent.append(tag)
        if tag not in ("br", "img", "hr"):
            self.open.append([tag])

    def handle_endtag(self, tag: str) -> None:
        *_, last = self.open
        if last[0] != tag:
            self.wrong.append(f"</{tag}> closes <{last[0]}>")
            return
        self.open.pop()
        if tag in ("li", "p", "ul", "ol", "table", "a", "h1", "h2", "code") and len(last) == 1:
            self.wrong.append(f"empty <{tag}>")
        if tag == "li" and last[1] != "p":
            self.wrong.append("a list item without words of its own")

    def handle_data(self, data: str) -> None:
        self.open[-1].append("text")
        if self.open[-1][0] not in TEXT_IN:
            self.wrong.append(f"text in <{self.open[-1][0]}>: {data[:20]!r}")


def made(document: str) -> Accepted:
    return accepted(document, BASE, lambda _: None)


def wrong(html: str) -> list[str]:
    grammar = Grammar()
    grammar.feed(html)
    grammar.close()
    return grammar.wrong + [f"<{element[0]}> is left open" for element in grammar.open[1:]]


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("hello <b>x <i>y</i></b> z<br>q<br>", "<p>hello <b>x <i>y</i></b> z<br>q</p>"),
        ("<p>a</p><p></p><p>&nbsp;</p><div>b</div>", "<p>a</p><p>b</p>"),
        ("<h2>A</h2><h3>B</h3>t", "<h1>A</h1><h2>B</h2><p>t</p>"),
        ("<h4>only</h4>", "<h1>only</h1>"),
        ("<ul><li>x</li><li></li><li> <br></li></ul>", "<ul><li><p>x</p></li></ul>"),
        (
            "<ul><li>a<ul><li>b</li></ul>c</li></ul>",
            "<ul><li><p>a</p><ul><li><p>b</p></li></ul><p>c</p></li></ul>",
        ),
        ("<ul><li><ul><li>only</li></ul></li></ul>", "<ul><li><p>only</p></li></ul>"),
        (
            "<ol><li>a<table><tr><td>1</td></tr></table>b</li><li>c</li></ol>",
            (
                "<ol><li><p>a</p></li></ol><table><tbody><tr><td><p>1</p></td></tr></tbody></table>"
                "<ol><li><p>b</p></li><li><p>c</p></li></ol>"
            ),
        ),
        ("<li>stray</li>", "<p>stray</p>"),
        ("<pre>a\n  b</pre>", "<pre><code>a\n  b</code></pre>"),
        ("<blockquote>q</blockquote>", "<p>q</p>"),
        ('<a href="/hc/x#y">t</a>', '<p><a href="https://acme.zendesk.com/hc/x#y">t</a></p>'),
        ('<a href="#z">u</a>', f'<p><a href="{BASE}#z">u</a></p>'),
        ('<a href="JavaScript:x()">t</a><a>u</a>', "<p>tu</p>"),
        ("<script>x</script><style>y</style>t", "<p>t</p>"),
        ('<img src="i.png" alt="a">', '<p><img src="https://acme.zendesk.com/hc/en-us/articles/i.png" alt="a"></p>'),
        ('<img src="https://x.y/pixel" width="1" height="1">t', "<p>t</p>"),
        (
            '<iframe src="https://www.youtube.com/embed/1"></iframe>',
            '<iframe src="https://www.youtube.com/embed/1"></iframe>',
        ),
        ('<iframe src="https://e.vil/x"></iframe>', '<p><a href="https://e.vil/x">https://e.vil/x</a></p>'),
        (
            "<table><tr><th>A<td>b<tr><td></table>",
            "<table><tbody><tr><td><p><b>A</b></p></td><td><p>b</p></td></tr><tr><td></td></tr></tbody></table>",
        ),
        ("<table><tr><td></td></tr></table>", ""),
        ("a &lt;b&gt; &amp; c", "<p>a &lt;b&gt; &amp; c</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_accepted(source: str, html: str) -> None:
    assert made(source).html == html
    assert wrong(html) == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<script>x</script>", "active_content"),
        ("<form>t<input></form>", "active_content"),
        ('<iframe src="https://e.vil"></iframe>', "embed_linked"),
        ("<ul><li>a<table><tr><td>b</td></tr></table></li></ul>", "table_moved"),
        ("<table><tr><td><table><tr><td>b</td></tr></table></td></tr></table>", "table_in_table"),
        ("<h1>a</h1><h2>b</h2><h3>c</h3>", "headings_merged"),
        ('<p style="color:red">t</p>', "article_formatting"),
        ("<blockquote>t</blockquote>", "article_formatting"),
        ('<a href="javascript:x">t</a>', "link_removed"),
        ('<img src="cid:1">', "image_unreadable"),
        ('<img src="data:image/png;base64,@@">', "image_unreadable"),
    ],
)
def test_what_was_changed_is_told(source: str, reason: str) -> None:
    assert reason in [code for code, _ in made(source).changes]


def test_a_picture_that_cannot_be_carried_becomes_its_link() -> None:
    told = accepted('<img src="/a/b.webp" alt="plan">', BASE, lambda _: "image_type")
    assert told.html == '<p><a href="https://acme.zendesk.com/a/b.webp">[image: plan]</a></p>'
    assert told.changes == (("image_type", "https://acme.zendesk.com/a/b.webp"),)
    assert told.images == ()


def test_a_picture_in_the_text_itself_is_handed_out() -> None:
    told = made('<p>x<img src="data:image/png;base64,aGk=" alt="y"></p>')
    assert told.html == '<p>x<img src="embedded:1" alt="y"></p>'
    assert told.embedded[0].content == b"hi"


TAGS = [
    "p",
    "div",
    "ul",
    "ol",
    "li",
    "table",
    "tbody",
    "tr",
    "td",
    "th",
    "b",
    "em",
    "a",
    "pre",
    "code",
    "h1",
    "h2",
    "h4",
    "blockquote",
    "dl",
    "dt",
    "dd",
    "span",
    "u",
    "caption",
    "details",
    "button",
    "select",
    "option",
    "form",
    "label",
    "font",
    "center",
    "section",
    "figure",
    "body",
    "html",
    "object",
    "video",
    "noscript",
]
PIECES = st.sampled_from(
    [f"<{end}{tag}>" for end in ("", "/") for tag in TAGS]
    + [
        "<a href=\"https://x.y/z?a=1&b='2'\">",
        '<a href="#k">',
        '<img src="/i.png" alt="i">',
        "<br>",
        "<hr>",
        "<!--c-->",
    ]
    + ['<iframe src="https://vimeo.com/1">', '<iframe src="//x.y/">', "</iframe>", "<script>", "</script>", "<"]
    + ["word", "&amp;", "ünïcode 😀", " ", "\n", "&nbsp;", "<p", 'x="', "&#0;", "]]>", "<![CDATA[", "<?x?>", "\x00"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
@example("<table><tr><td><ul><li>l<table><tr><td>n</table></ul>after</table>")
@example("<a href=/x><table><tr><td>in</td></tr></table></a>")
@example("<pre><img src=x.png>t<ul><li>u</pre>")
@example("<b><li><i></b>x</i><ul>y<li>z")
def test_whatever_comes_in_what_comes_out_is_accepted_and_keeps_every_word(document: str) -> None:
    html = made(document).html
    assert wrong(html) == []
    assert not words(document) - words(html)


def words(document: str) -> Counter[str]:
    """The words that a browser may show, as the parser finds them that the pipeline does not use in this way."""
    cleaned = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "", document)
    if not cleaned.strip():
        return Counter()
    try:
        tree = reader.document_fromstring(cleaned.encode(), parser=reader.HTMLParser(encoding="utf-8", huge_tree=True))
    except reader.etree.ParserError:
        return Counter()
    unread = {"script", "style", "template", "title", "iframe", "math"}
    found: list[str] = []
    for node in tree.iter():
        hidden = any(isinstance(e.tag, str) and e.tag in unread for e in (node, *node.iterancestors()))
        if isinstance(node.tag, str) and not hidden:
            found.append(node.text or "")
        above = any(isinstance(e.tag, str) and e.tag in unread for e in node.iterancestors())
        if not above:
            found.append(node.tail or "")
    return Counter(re.findall(r"word|ünïcode", " ".join(found)))


def test_two_megabytes_are_read_in_seconds() -> None:
    row = "<ul><li>word <b>bold</b> &amp; more<table><tr><td>cell</td></tr></table></li></ul>"
    document = row * (2_000_000 // len(row))
    started = time.monotonic()
    html = made(document).html
    assert html.count("word") == document.count("word")
    assert time.monotonic() - started < 20
