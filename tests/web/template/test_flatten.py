"""From tags to bytes: escaped for where it stands, to any depth, and with the place in the message."""

from __future__ import annotations

import asyncio
import html
import traceback
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from selvage.defer import CancelledError, Deferred, fail, succeed
from selvage.failure import Failure
from selvage.web.errors import FlattenerError, UnfilledSlot, UnsupportedType
from selvage.web.template import (
    CDATA,
    CharRef,
    Comment,
    Element,
    Tag,
    flatten,
    flattenString,
    renderer,
    slot,
    tags,
)
from selvage.web.template._flatten import BUFFER_SIZE
from tests.web.template.page import error_of, flat

# XML has no way to write most control characters, and parsers turn line ends into one kind.
TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn", "Co"]))
DEEP = 5_000


@given(TEXT, TEXT)
def test_what_is_written_reads_back_as_the_same_text(content, value):
    element = ElementTree.fromstring(flat(tags.p(content, title=value)))
    assert (element.text or "", element.attrib["title"]) == (content, value)


@given(TEXT, TEXT)
def test_a_page_within_an_attribute_reads_back_as_that_page(content, value):
    inner = tags.b(content, Comment("c"), CharRef(9731), title=value)
    element = ElementTree.fromstring(flat(tags.p(title=inner)))
    assert element.attrib["title"].encode() == flat(inner)


@given(TEXT, TEXT)
def test_escaping_is_the_same_whether_text_is_there_or_awaited(content, value):
    plain = flat(tags.p(content, title=value))
    awaited = flat(tags.p(succeed(content), title=[succeed(value)]))
    assert awaited == plain == flat(tags.p([content], title=(value, "")))


def test_bytes_are_escaped_as_text_is():
    assert (
        flat(Tag(b"p", {b"title": b'<"\xff'})(b"<&>\xff"))
        == b'<p title="&lt;&quot;\xff">&lt;&amp;&gt;\xff</p>'
    )


class _Reader(HTMLParser):
    """Notes comments and elements as a browser would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: dict[str, str | None] = {}

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes.update(attrs)


@pytest.mark.parametrize(
    "data", [">", "->", "-->", "--!>", "a--!>", "->-->", "-", "--", "<!--", "--!", "-->-->"]
)
def test_attack_035_nothing_ends_a_comment(data):
    comment = flat(Comment(data))
    text = comment.removeprefix(b"<!--").removesuffix(b"-->")
    assert len(text) == len(comment) - len("<!---->")
    assert not text.startswith((b">", b"->"))
    assert b"-->" not in text and b"--!>" not in text
    assert not text.endswith((b"-", b"--!"))


def test_attack_035_text_stays_text_wherever_it_stands():
    attack = "\"><script>alert('x')</script><!-- ]]> -->"
    for page in [
        tags.p(attack),
        tags.p(title=attack),
        tags.p(title=[attack]),
        tags.p(title=tags.transparent(attack)),
        tags.p(slot("x"), title=slot("x")).fillSlots(x=attack),
        tags.p(title=tags.a(attack, href=attack)),
    ]:
        reader = _Reader()
        reader.feed(flat(page).decode())
        reader.close()
        assert reader.elements == ["p"]
    assert ElementTree.fromstring(flat(tags.p(CDATA(attack)))).text == attack


@pytest.mark.parametrize("given", [lambda text: text, lambda text: [text]], ids=["text", "a list"])
@pytest.mark.parametrize(
    ("inner", "depth"),
    [(lambda x: tags.a(href=x), 1), (lambda x: tags.a(x), 1), (lambda x: tags.a(href=tags.b(title=x)), 2)],
)
def test_attack_035_markup_in_an_attribute_is_markup_once_it_is_read_from_there(inner, depth, given):
    """A script of the page may read the attribute and show it."""
    page = flat(tags.p(title=inner(given("\"><script>alert('x')</script>")))).decode()
    for _ in range(depth + 1):
        reader = _Reader()
        reader.feed(page)
        reader.close()
        assert len(reader.elements) == 1 and reader.elements[0] != "script"
        page = next(iter(reader.attributes.values()), "") or ""


@pytest.mark.parametrize("name", ["p onload=x", "p>", "p/", 'p"', "p\0", "a=b", "p\n"])
def test_attack_035_what_is_no_name_is_refused(name):
    assert isinstance(error_of(Tag(name)).args[0], ValueError)
    assert isinstance(error_of(Tag("p", {name: "x"})).args[0], ValueError)


def test_a_reference_to_a_character_means_the_character_in_an_attribute_too():
    assert flat(tags.p(CharRef(38), title=CharRef(38))) == b'<p title="&#38;">&#38;</p>'
    inner = html.unescape(flat(tags.p(title=tags.b(title=CharRef(38)))).decode())
    assert inner == '<p title="<b title="&#38;"></b>"></p>'


def test_elements_without_content_have_no_end_tag():
    assert flat([tags.br, tags.wbr, tags.p, tags.br("x")]) == b"<br /><wbr /><p></p><br>x</br>"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: tags.div(inner),
        lambda inner: [inner],
        lambda inner: (inner,),
        lambda inner: succeed(inner),
        lambda inner: tags.transparent(slot("x")).fillSlots(x=inner),
        lambda inner: (part for part in [inner]),
    ],
    ids=["tags", "lists", "tuples", "deferreds", "slots", "generators"],
)
def test_a_page_may_be_as_deep_as_one_likes(wrap):
    page = "x"
    for _ in range(DEEP):
        page = wrap(page)
    assert flat(page).replace(b"<div>", b"").replace(b"</div>", b"") == b"x"


def test_the_message_tells_the_way_to_what_failed():
    class Broken(Element):
        @renderer
        def title(self, request, tag):
            raise ZeroDivisionError("in the title")

        def render(self, request):
            return Tag("h1", render="title", filename="page.xml", lineNumber=3, columnNumber=4)

        def __repr__(self):
            return "<Broken>"

    error = error_of(tags.html(tags.p("fine"), tags.body("also fine", Broken())))
    assert str(error).startswith(
        "Exception while flattening:\n"
        "  Tag <html>\n"
        "  Tag <body>\n"
        "  <Broken>\n"
        '  File "page.xml", line 3, column 4, in "h1"\n'
    )
    assert "raise ZeroDivisionError" in str(error) and str(error).endswith(
        "ZeroDivisionError: in the title\n"
    )
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_what_fails_in_an_iterator_is_told_as_the_iterator():
    def rows():
        yield tags.li("first")
        raise KeyError("second")

    error = error_of(tags.ul(rows()))
    assert [getattr(root, "tagName", type(root).__name__) for root in error.args[1]] == ["ul", "generator"]


def test_slots_are_filled_from_the_inside_out():
    page = tags.div(slot("a"), tags.p(slot("a"), slot("b")).fillSlots(a="inner")).fillSlots(
        a="outer", b=slot("a")
    )
    assert flat(page) == b"<div>outer<p>innerinner</p></div>"
    assert flat(tags.p(slot("x", default=tags.i("none")))) == b"<p><i>none</i></p>"
    error = error_of(tags.p(slot("name")))
    assert isinstance(error.args[0], UnfilledSlot) and "name" in str(error)


@pytest.mark.parametrize("thing", [None, 3, {"a": 1}, object()])
def test_what_cannot_be_shown_is_named(thing):
    error = error_of(tags.p(thing))
    assert isinstance(error.args[0], UnsupportedType) and error.args[0].args == (thing,)


def test_a_render_method_needs_an_element_around_it():
    with pytest.raises(FlattenerError, match="no Element around it"):
        flat(tags.p(render="title"))


def test_pieces_are_gathered_up_to_a_size_and_what_must_wait():
    first: Deferred[str] = Deferred()
    written: list[bytes] = []
    done = flatten(None, ["a", "b", tags.p(first), "c", "x" * BUFFER_SIZE, "d"], written.append)
    assert written == [b"ab<p>"]
    first.callback("y")
    assert [piece[:8] for piece in written[1:]] == [b"y</p>cxx", b"d"]
    assert done.called


def test_nothing_more_is_written_once_a_page_has_failed():
    written: list[bytes] = []
    failures: list[Failure] = []
    flatten(
        None, ["never", fail(ValueError("x")).addErrback(lambda f: f), "sent"], written.append
    ).addErrback(failures.append)
    assert written == [b"never"]  # what stood before the Deferred had been written when it was looked at
    assert failures[0].check(FlattenerError)
    failures.clear()
    written.clear()
    flatten(None, ["gathered", None], written.append).addErrback(failures.append)
    assert written == [] and failures


def test_a_deferred_keeps_its_result():
    d = succeed("x")
    assert flat([d, d]) == b"xx"
    failing: Deferred[str] = Deferred()
    failures: list[Failure] = []
    flatten(None, [failing], lambda data: None).addErrback(failures.append)
    failing.errback(ValueError("mine"))
    kept: list[Failure] = []
    failing.addErrback(kept.append)
    assert kept[0].check(ValueError) and failures[0].check(FlattenerError)


def test_cancelling_cancels_what_the_page_waits_for():
    waits: Deferred[str] = Deferred()
    failures: list[Failure] = []
    flattening = flattenString(None, tags.p(waits))
    flattening.addErrback(failures.append)
    reasons: list[Failure] = []
    waits.addErrback(reasons.append)
    flattening.cancel()
    assert reasons[0].check(CancelledError)
    assert isinstance(failures[0].value.args[0], CancelledError)


def test_coroutines_and_what_they_return_are_shown():
    class Page(Element):
        @renderer
        async def title(self, request, tag):
            return tag(await succeed("Hello"))

        def render(self, request):
            return tags.h1(render="title")

    assert flat(Page()) == b"<h1>Hello</h1>"


def test_a_render_method_may_wait_for_asyncio():
    class Page(Element):
        @renderer
        async def title(self, request, tag):
            await asyncio.sleep(0)
            return tag("Hello")

        def render(self, request):
            return tags.h1(render="title")

    async def main() -> bytes:
        return await flattenString(None, Page())

    assert asyncio.run(main()) == b"<h1>Hello</h1>"


def test_the_frames_of_the_message_are_those_that_traceback_gives():
    def broken():
        raise RuntimeError("reason")
        yield

    error = error_of([broken()])
    assert all(isinstance(frame, traceback.FrameSummary) for frame in error.args[2])
    assert error.args[2][-1].name == "broken"
