"""Comment HTML becomes clean HTML or readable text, whatever the bytes."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html as reader

from migration_pipeline.target.html import clean, from_text, readable, text_of

ALLOWED = {"p", "br", "hr", "a", "b", "strong", "i", "em", "u", "code", "pre", "ul", "ol", "li", "blockquote"}
ALLOWED |= {"table", "thead", "tbody", "tfoot", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"}
TOKEN = "https://acme.zendesk.com/attachments/token/SECRET123/?name=plan%20b.pdf"


@pytest.mark.parametrize(
    ("source", "cleaned"),
    [
        ('<div class="zd-comment" dir="auto">Hello <b>W</b><br>two<br></div>', "<p>Hello <b>W</b><br>two</p>"),
        ("<p>a</p><p></p><p> </p><div>b</div>", "<p>a</p><p>b</p>"),
        ("a &lt;b&gt; &amp; c", "<p>a &lt;b&gt; &amp; c</p>"),
        ("<b>one<div>two</div></b>three", "<p><b>one</b></p><p><b>two</b></p><p>three</p>"),
        ("<ul><li>x<ul><li>y</li></ul></li></ul>", "<ul><li>x<ul><li>y</li></ul></li></ul>"),
        ("<ol><li><p>1</p><p>2</p></li></ol>", "<ol><li>1<br>2</li></ol>"),
        ("<blockquote>q<p>r</p></blockquote>s", "<blockquote><p>q</p><p>r</p></blockquote><p>s</p>"),
        ("<pre>a\n  b</pre>", "<pre>a\n  b</pre>"),
        ("<table><tr><td>1</td><td></td></tr></table>", "<table><tr><td>1</td><td></td></tr></table>"),
        ('<a href="https://x.y/?a=1&amp;b=2">t</a>', '<p><a href="https://x.y/?a=1&amp;b=2">t</a></p>'),
        ('<a href="mailto:a@b.c">t</a>', '<p><a href="mailto:a@b.c">t</a></p>'),
        ('<a href="javascript:alert(1)">t</a> <a href="/x">u</a>', "<p>t u</p>"),
        ('<a href=" JaVaScRiPt:alert(1)">t</a>', "<p>t</p>"),
        ('<p onclick="x()" style="color:red"><span>t</span></p>', "<p>t</p>"),
        ("<script>x</script><style>y</style><iframe src=z>w</iframe><form>kept<input></form>", "<p>kept</p>"),
        (f'<img src="{TOKEN}">', "<p>[image: plan b.pdf]</p>"),
        (f'see <a href="{TOKEN}">the plan</a>', "<p>see the plan [file: plan b.pdf]</p>"),
        (f'<a href="{TOKEN}">{TOKEN}</a>', "<p>[file: plan b.pdf]</p>"),
        (f"at {TOKEN}.", "<p>at [file: plan b.pdf].</p>"),
        ('<img src="cid:1@2" alt="our  logo">', "<p>[image: our logo]</p>"),
        ('<img src="https://x.y/a/cat.png">', '<p><a href="https://x.y/a/cat.png">[image: cat.png]</a></p>'),
        ('t<img src="https://x.y/pixel" width="1" height="1">', "<p>t</p>"),
        ("a\x00b\x1bc&#1;", "<p>abc</p>"),
        ('<?xml version="1.0" encoding="utf-16"?><p>x</p>', "<p>x</p>"),
        ("", ""),
        ("<p>&nbsp;</p>", ""),
        ("<div><br></div>", ""),
        ("<ul><li>a<span><li>b</span></ul>", "<ul><li>a</li><li>b</li></ul>"),
        (
            "<a href='https://x'>0<div>1<a href='https://y'>2</a></div></a>",
            '<p><a href="https://x">0</a></p><p><a href="https://x">1</a><a href="https://y">2</a></p>',
        ),
    ],
)
def test_cleaned(source: str, cleaned: str) -> None:
    assert clean(source).html == cleaned


@pytest.mark.parametrize(
    ("source", "text", "formatted"),
    [
        ("<div>Hello<br>two</div>", "Hello\ntwo", False),
        ("<p>a</p><p>b</p>", "a\n\nb", False),
        ('<a href="https://x.y/z">the page</a>', "the page (https://x.y/z)", False),
        ('<a href="https://x.y/">x.y</a>', "x.y", False),
        ('<a href="mailto:a@b.c">a@b.c</a>', "a@b.c", False),
        ("<ul><li>x<ul><li>y</li></ul></li></ul>", "- x\n  - y", False),
        ("<ol><li>x</li><li>y</li></ol>", "1. x\n2. y", False),
        ("<blockquote>q<blockquote>r</blockquote></blockquote>s", "> q\n>\n> > r\n\ns", False),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2", True),
        ("<pre>a\n  b</pre>", "a\n  b", True),
        ("<b>loud</b>", "loud", True),
        ("&lt;tag&gt;", "<tag>", False),
        (f'<img src="{TOKEN}">', "[image: plan b.pdf]", True),
        ("<script>x</script>", "", False),
    ],
)
def test_readable(source: str, text: str, formatted: bool) -> None:
    said = readable(source)
    assert (said.text, said.formatted) == (text, formatted)


def test_bytes_of_an_embedded_image_are_handed_out() -> None:
    found = clean('<img src="data:image/png;base64,aGk="><img src="data:image/jpeg;base64,@@">')
    assert found.html == "<p>[image: image-1.png][image: image-2.jpg]</p>"
    assert [(image.content_type, image.content) for image in found.images] == [
        ("image/png", b"hi"),
        ("image/jpeg", None),
    ]


@pytest.mark.parametrize("tag", ["div", "b", "blockquote", "ul><li", "table><tr><td"])
def test_words_survive_any_depth(tag: str) -> None:
    """libxml2 gives up at a depth of 256 elements unless told otherwise, and drops the rest."""
    source = f"<{tag}>" * 3000 + "deep"
    assert "deep" in clean(source).html
    assert "deep" in readable(source).text


def test_text_keeps_its_lines() -> None:
    assert from_text("a <b>\nb\n\n\nc\x00") == "<p>a &lt;b&gt;<br>b</p><p>c</p>"
    assert text_of(f" a\r\nb {TOKEN} ") == "a\nb [file: plan b.pdf]"


MARKUP = """
<p> </p> <b> </b> <ul> <li> </li> </ul> <table> <tr> <td> </table> <a href=' https://x.y'> javascript:x'> </a>
<img src=' data:image/png;base64, <script> </script> <!-- --> <![CDATA[ <br> <pre> </pre> <blockquote> </blockquote>
&#0; &amp; & < > word <svg onload=x> <?php </ <o:p> <h1> <plaintext> <textarea> <body> </html>
"""
SNIPPETS = st.sampled_from([*re.findall(r"\S+(?: (?:href|src|onload)=\S*)?", MARKUP), " ", "\n"])
DOCUMENTS = st.one_of(
    st.text(st.characters(exclude_categories=[])), st.lists(st.one_of(SNIPPETS, st.text(max_size=4))).map("".join)
)


@given(DOCUMENTS)
@settings(max_examples=400, deadline=None)
@example("\ud800<b>")
@example("<a href='https://x'>" * 3)
@example("<![CDATA[x]]>")
@example("<LI><A><LI>0")
@example("<TD>0<C><TD>")
@example("<a href='https://x'>0<h4>1<a href='https://y'>2")
@example("<li><h5></h5><p>0")
def test_whatever_comes_nothing_but_allowed_elements_goes(source: str) -> None:
    result = clean(source).html
    result.encode()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", result)
    assert not result or result.strip()
    for element in reader.fragments_fromstring(f"<div>{result}</div>")[0].iter() if result else ():
        assert element.tag in ALLOWED | {"div"}
        assert set(element.attrib) <= {"href"}
        assert re.match(r"(?i)https?://|mailto:", element.get("href", "http://"))
    assert clean(result).html == result or "<pre>" in result or "[" in result


@given(DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_text_comes_out(source: str) -> None:
    text = readable(source).text
    text.encode()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), min_size=1))
@settings(deadline=None)
def test_no_word_is_lost(words: list[str]) -> None:
    source = "".join(
        f"<{tag}>{word}</{tag}>" for tag, word in zip(["p", "b", "li", "td", "div", "h2"] * 99, words, strict=False)
    )
    for result in (clean(source).html, readable(source).text):
        at = 0
        for word in words:
            at = result.index(word, at) + len(word)
