"""Templates from XML: strings and files become tags and slots.  Floor 4; knows nothing of requests.

expat reads them, in a loop, so a template may be as deep as one likes.  No external entity is ever fetched.

Twisted: `XMLString`, `XMLFile` and `TagLoader` of `twisted.web.template`.
"""

from __future__ import annotations

import warnings
from html.entities import html5
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.web.interfaces import ITemplateLoader
from selvage.web.template._tags import CDATA, Comment, Tag, slot

if TYPE_CHECKING:
    from pyexpat import XMLParserType

__all__ = ["TEMPLATE_NAMESPACE", "TagLoader", "XMLFile", "XMLString"]

#: The XML namespace of `t:render`, `t:slot`, `t:attr` and `t:transparent`.
TEMPLATE_NAMESPACE = "http://twistedmatrix.com/ns/twisted.web.template/0.1"


def _split(name: str) -> tuple[str, str, str]:
    """Return namespace, local name and prefix of what expat calls `uri local prefix`, `uri local` or `local`."""
    uri, _, rest = name.partition(" ")
    if not rest:
        return "", uri, ""
    local, _, prefix = rest.partition(" ")
    return uri, local, prefix


def _qualified(name: str) -> str:
    _, local, prefix = _split(name)
    return f"{prefix}:{local}" if prefix else local


class _Builder:
    """Builds tags from what the parser meets.

    Args:
        parser: asked for line and column.
        filename: the file of the template, if it is one.
    """

    def __init__(self, parser: XMLParserType, filename: str | None) -> None:
        self.document: list[Any] = []
        self._parser = parser
        self._filename = filename
        # The children of each element that is open; the document's come first.
        self._open: list[list[Any]] = [self.document]
        # The element of each of these; None for the document.
        self._owners: list[Tag | slot | None] = [None]
        # Namespaces declared since the last element began; they become attributes of the next one.
        self._declared: dict[bytes | str, Any] = {}
        self._cdata: list[str] | None = None

        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.CommentHandler = lambda data: self._open[-1].append(Comment(data))
        parser.StartCdataSectionHandler = self.start_cdata
        parser.EndCdataSectionHandler = self.end_cdata
        parser.StartNamespaceDeclHandler = self.namespace
        parser.SkippedEntityHandler = self.entity

    def namespace(self, prefix: str | None, uri: str) -> None:
        if uri != TEMPLATE_NAMESPACE:
            self._declared[f"xmlns:{prefix}" if prefix else "xmlns"] = uri or ""

    def start(self, name: str, given: dict[str, str]) -> None:
        uri, local, _ = _split(name)
        attributes: dict[bytes | str, Any] = {}
        render = None
        for key, value in given.items():
            key_uri, key_local, _ = _split(key)
            if (key_uri, key_local) == (TEMPLATE_NAMESPACE, "render"):
                render = value
            else:
                attributes[_qualified(key)] = value
        attributes.update(self._declared)
        self._declared.clear()
        element: Tag | slot
        if uri != TEMPLATE_NAMESPACE:
            element = self._tag(_qualified(name), attributes, render)
            self._open[-1].append(element)
        elif local == "slot":
            element = self._slot(attributes)
            self._open[-1].append(element)
        elif local == "attr":
            element = self._attribute(attributes, render)
        else:
            element = self._tag("" if local == "transparent" else local, attributes, render)
            self._open[-1].append(element)
        self._open.append(element.children)
        self._owners.append(element)

    def _tag(self, name: str, attributes: dict[bytes | str, Any], render: str | None) -> Tag:
        return Tag(
            name,
            attributes,
            [],
            render,
            self._filename,
            self._parser.CurrentLineNumber,
            self._parser.CurrentColumnNumber,
        )

    def _slot(self, attributes: dict[bytes | str, Any]) -> slot:
        if "name" not in attributes:
            raise AssertionError(f"{self._place()}: <t:slot> needs a name")
        return slot(
            attributes["name"],
            attributes.get("default"),
            self._filename,
            self._parser.CurrentLineNumber,
            self._parser.CurrentColumnNumber,
        )

    def _attribute(self, attributes: dict[bytes | str, Any], render: str | None) -> Tag:
        """`<t:attr name="href">`: what is within it becomes the value of an attribute of the tag around it."""
        owner = self._owners[-1]
        if not isinstance(owner, Tag):
            around = "at the top of the template" if owner is None else "in a slot"
            raise AssertionError(f"{self._place()}: <t:attr> {around} has no tag to be an attribute of")
        if "name" not in attributes:
            raise AssertionError(f"{self._place()}: <t:attr> needs a name")
        value = self._tag("", {}, render)
        owner.attributes[attributes["name"]] = value
        return value

    def end(self, _name: str) -> None:
        self._open.pop()
        self._owners.pop()

    def characters(self, data: str) -> None:
        if self._cdata is not None:
            self._cdata.append(data)
        elif len(self._open) > 1:
            self._open[-1].append(data)

    def start_cdata(self) -> None:
        self._cdata = []

    def end_cdata(self) -> None:
        assert self._cdata is not None
        self._open[-1].append(CDATA("".join(self._cdata)))
        self._cdata = None

    def entity(self, name: str, is_parameter: bool) -> None:
        """A document type that is not fetched might define it: `&nbsp;` and kin mean what they mean in HTML."""
        if is_parameter:
            return
        if f"{name};" not in html5:
            raise AssertionError(f"{self._place()}: HTML has no entity &{name};")
        self.characters(html5[f"{name};"])

    def _place(self) -> str:
        where = self._filename or "template"
        return f"{where}, line {self._parser.CurrentLineNumber}, column {self._parser.CurrentColumnNumber}"


def _parse(source: str | bytes, filename: str | None = None) -> list[Any]:
    """Parse a template.

    Raises:
        xml.sax.SAXParseException: it is no well-formed XML.
        AssertionError: `t:attr` or `t:slot` is used where it means nothing.
    """
    # Late: a server without templates need not load expat.
    from pyexpat import ExpatError, ParserCreate

    # A string has been decoded, whatever encoding it declares.
    parser = ParserCreate("utf-8" if isinstance(source, str) else None, namespace_separator=" ")
    parser.namespace_prefixes = True
    parser.buffer_text = True
    builder = _Builder(parser, filename)
    try:
        parser.Parse(source, True)
    except ExpatError as error:
        raise _parse_error(error, filename) from error
    return builder.document


def _parse_error(error: Any, filename: str | None) -> Exception:
    from pyexpat import ErrorString
    from types import SimpleNamespace
    from xml.sax import SAXParseException

    place: Any = SimpleNamespace(
        getLineNumber=lambda: error.lineno,
        getColumnNumber=lambda: error.offset,
        getPublicId=lambda: None,
        getSystemId=lambda: filename,
    )
    return SAXParseException(ErrorString(error.code) or str(error), error, place)


@implementer(ITemplateLoader)
class TagLoader:
    """Has a template that was made of tags.

    Args:
        tag: anything that `flatten` takes.
    """

    def __init__(self, tag: Any) -> None:
        self.tag = tag

    def load(self) -> list[Any]:
        """Return a list of the tag."""
        return [self.tag]


@implementer(ITemplateLoader)
class XMLString:
    """Has a template that is a string of XML, and parses it at once.

    Args:
        s: one element, with what comes before it.

    Raises:
        xml.sax.SAXParseException: it is no well-formed XML.
        AssertionError: `t:attr` or `t:slot` is used where it means nothing.
    """

    def __init__(self, s: str | bytes) -> None:
        self._template = _parse(s)

    def load(self) -> list[Any]:
        """Return the template; the same each time."""
        return self._template


@implementer(ITemplateLoader)
class XMLFile:
    """Has a template that is a file of XML, read when it is first needed.

    Args:
        path: a `FilePath` or a `pathlib.Path`.  The name of a file, or an open file, works with a warning.
    """

    def __init__(self, path: Any) -> None:
        if isinstance(path, (str, bytes)) or hasattr(path, "read"):
            warnings.warn(
                "Passing filenames or file objects to XMLFile is deprecated since Twisted 12.1.  "
                "Pass a FilePath instead.",
                DeprecationWarning,
                stacklevel=2,
            )
        self._path = path
        self._template: list[Any] | None = None

    def _read(self) -> tuple[str | bytes, str | None]:
        path = self._path
        if hasattr(path, "read"):
            name = getattr(path, "name", None)
            return path.read(), name if isinstance(name, str) else None
        if not isinstance(path, (str, bytes, Path)):
            path = path.path
        with open(path, "rb") as file:
            return file.read(), path.decode() if isinstance(path, bytes) else str(path)

    def load(self) -> list[Any]:
        """Return the template; it is read and parsed once.

        Raises:
            OSError: the file cannot be read.
            xml.sax.SAXParseException: it is no well-formed XML.
        """
        if self._template is None:
            self._template = _parse(*self._read())
        return self._template

    def __repr__(self) -> str:
        return f"<XMLFile of {self._path!r}>"
