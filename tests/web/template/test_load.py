"""Templates from XML."""

from __future__ import annotations

from pathlib import Path
from xml.sax import SAXParseException

import pytest
from hypothesis import given, strategies as st

from selvage.web.template import Element, Tag, TagLoader, XMLFile, XMLString, renderer, slot
from tests.web.template.page import NAMESPACE, flat


def load(xml: str | bytes) -> Tag:
    (tag,) = XMLString(xml).load()
    return tag


@pytest.mark.parametrize(
    "xml",
    [
        b"<p>Hello, world.</p>",
        b"<p><!-- hello --><![CDATA[x < y]]></p>",
        b'<a xmlns:b="urn:b" xmlns:c="urn:c"><b:c></b:c></a>',
        b'<a xmlns="urn:a"><b></b></a>',
        b'<svg viewBox="0 0 1 1" xml:lang="en"></svg>',
        "<p>\N{SNOWMAN}</p>".encode(),
    ],
)
def test_what_is_read_is_written_as_it_was(xml):
    assert flat(XMLString(xml).load()) == xml


def test_a_template_may_be_as_deep_as_one_likes():
    xml = b"<a>" * 5_000 + b"</a>" * 5_000
    assert flat(XMLString(xml).load()) == xml


def test_slots_attributes_and_render_methods_are_found_with_their_places():
    tag = load(
        f'<a {NAMESPACE} t:render="link">\n'
        '  <t:attr name="href">/<t:slot name="id" default="0" /></t:attr>\n'
        '  <t:transparent><t:slot name="text" /></t:transparent></a>'
    )
    assert (tag.render, tag.lineNumber, tag.columnNumber) == ("link", 1, 0)
    found = [child for child in tag.children if isinstance(child, Tag)]
    assert isinstance(found[0].children[0], slot) and found[0].children[0].lineNumber == 3
    tag.render = None
    assert flat(tag.fillSlots(text="T")) == b'<a href="/0">\n  \n  T</a>'


def test_text_is_not_cut_at_entities_and_line_ends():
    assert load("<p>a &amp; b\r\nc</p>").children == ["a & b\nc"]


def test_entities_of_html_are_known_where_a_document_type_is_named():
    document = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "xhtml1-strict.dtd"><p>a&nbsp;&eacute;</p>'
    )
    assert "".join(load(document).children) == "a\N{NO-BREAK SPACE}\xe9"
    with pytest.raises(AssertionError, match=r"template, line 1, column \d+: HTML has no entity &nosuch;"):
        load(document.replace("nbsp", "nosuch"))


def test_attack_100_no_file_is_read_for_an_entity(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    xml = f'<!DOCTYPE p [<!ENTITY x SYSTEM "{secret.as_uri()}">]><p>&x;</p>'
    assert b"secret" not in flat(XMLString(xml).load()[-1])


def test_attack_100_a_bomb_of_entities_does_not_go_off():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<!DOCTYPE p [<!ENTITY e0 "{"x" * 1000}">{entities}]><p>&e9;</p>'
    with pytest.raises(SAXParseException, match="amplification"):
        load(xml)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (f'<t:attr {NAMESPACE} name="x">y</t:attr>', "at the top of the template has no tag"),
        (f"<p {NAMESPACE}><t:attr>y</t:attr></p>", "<t:attr> needs a name"),
        (f"<p {NAMESPACE}>\n<t:slot/></p>", "line 2, column 0: <t:slot> needs a name"),
        (f'<p {NAMESPACE}><t:slot name="x"><t:attr name="y"/></t:slot></p>', "in a slot has no tag"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(xml, message):
    with pytest.raises(AssertionError, match=message):
        XMLString(xml)


def test_what_is_no_xml_is_refused_with_its_place(tmp_path):
    with pytest.raises(SAXParseException) as caught:
        XMLString("<p>\n<a x='1'></p>")
    assert (caught.value.getLineNumber(), caught.value.getMessage()) == (2, "mismatched tag")
    path = tmp_path / "page.xml"
    path.write_text("<p>&nbsp;</p>")
    with pytest.raises(SAXParseException, match=r"page\.xml:1:3: undefined entity"):
        XMLFile(path).load()


@given(st.binary(max_size=40) | st.text("<>/&;'\"=!-[]tp: x", max_size=40))
def test_anything_is_read_or_refused_with_one_of_two_errors(xml):
    try:
        XMLString(xml)
    except (SAXParseException, AssertionError):
        pass


def test_a_string_has_been_decoded_whatever_it_declares():
    xml = '<?xml version="1.0" encoding="iso-8859-1"?><p>\xe9</p>'
    assert load(xml).children == load(xml.encode("latin-1")).children == ["\xe9"]


def test_a_file_is_read_once_and_names_itself_in_the_tags(tmp_path: Path):
    path = tmp_path / "page.xml"
    path.write_text("<p>one</p>")
    loader = XMLFile(path)
    (tag,) = loader.load()
    path.write_text("<p>two</p>")
    assert loader.load() == [tag] and tag.children == ["one"]
    assert tag.filename == str(path)


def test_names_of_files_and_open_files_work_with_a_warning(tmp_path: Path):
    path = tmp_path / "page.xml"
    path.write_text("<p>one</p>")
    with pytest.warns(DeprecationWarning, match="Passing filenames") as caught:
        loader = XMLFile(str(path))
    assert caught[0].filename == __file__
    assert flat(loader.load()) == b"<p>one</p>"
    with path.open() as file, pytest.warns(DeprecationWarning, match="file objects"):
        assert flat(XMLFile(file).load()) == b"<p>one</p>"


def test_only_marked_methods_can_be_named_by_a_template():
    class Page(Element):
        loader = XMLString(f'<p {NAMESPACE} t:render="render" />')

        @renderer
        def fine(self, request, tag):
            return tag("fine")

    from selvage.web.errors import FlattenerError, MissingRenderMethod, UnexposedMethodError

    with pytest.raises(FlattenerError) as caught:
        flat(Page())
    assert isinstance(caught.value.args[0], MissingRenderMethod)
    with pytest.raises(UnexposedMethodError, match="without @renderer"):
        renderer.get(Page(), "render")
    assert flat(Page(XMLString(f'<p {NAMESPACE} t:render="fine" />'))) == b"<p>fine</p>"
    assert flat(Page(TagLoader("x"))) == b"x"
