"""Tags and what they are made of."""

from __future__ import annotations

import pytest

from selvage.web.template import VALID_HTML_TAG_NAMES, CharRef, Comment, Tag, slot, tags
from tests.web.template.page import flat


def test_tags_are_made_by_attribute():
    assert tags.p is not tags.p
    assert flat(tags.del_("x", class_="y", data_id="1")) == b'<del class="y" data_id="1">x</del>'
    assert flat(tags.transparent("x")) == b"x"
    assert {"main", "dialog", "picture", "svg", "template"} <= VALID_HTML_TAG_NAMES
    with pytest.raises(AttributeError, match=r"no tag 'blink'; Tag\('blink'\) makes any"):
        tags.blink  # noqa: B018


def test_a_deep_copy_shares_nothing_that_can_be_changed():
    original = tags.ul(tags.li("a"), [tags.li("b")], (tags.li("c"),), title=tags.b("t"))
    original.fillSlots(x=tags.i("s"))
    copy = original.clone()
    for tag in (
        copy.children[0],
        copy.children[1][0],
        copy.children[2][0],
        copy.attributes["title"],
        copy.slotData["x"],
    ):
        tag.clear()("changed")
    assert flat(original) == b'<ul title="&lt;b&gt;t&lt;/b&gt;"><li>a</li><li>b</li><li>c</li></ul>'
    assert flat(original.slotData["x"]) == b"<i>s</i>"


def test_a_deep_page_can_be_copied():
    page = tags.p("x")
    for _ in range(5_000):
        page = tags.div([(page,)])
    assert flat(page.clone()) == flat(page)


def test_a_subclass_copies_itself():
    class Marked(Tag):
        def clone(self, deep: bool = True) -> Tag:
            return Tag("copied")

    assert flat(tags.p(Marked("x")).clone()) == b"<p><copied></copied></p>"


def test_a_copy_of_what_runs_once_is_warned_of_where_it_is_made():
    with pytest.warns(DeprecationWarning, match="contains a generator is unsafe") as caught:
        tags.p(x for x in "ab").clone()
    assert caught[0].filename == __file__


def test_a_repr_of_a_large_page_stays_short():
    page = tags.p(*["x" * 1000] * 1000, **{f"a{n}": "y" * 1000 for n in range(1000)})
    for _ in range(5_000):
        page = tags.div(page)
    assert len(repr(page)) < 10_000
    assert repr(tags.p("x", a="b")) == "Tag('p', attributes={'a': 'b'}, children=['x'])"
    assert repr(slot("x")).startswith("slot(name='x'")
    assert repr([Comment("c"), CharRef(3)]) == "[Comment('c'), CharRef(3)]"


def test_render_is_no_attribute():
    tag = tags.p(render="title")
    assert (tag.render, tag.attributes) == ("title", {})
    with pytest.raises(TypeError, match='"render" attribute must be str, got 3'):
        tags.p(render=3)
