"""What pages are made of: tags, slots, comments, CDATA sections and character references.  Floor 4.

Plain data.  Who turns it into bytes is `_flatten`, who reads it from XML is `_load`.

Twisted: `twisted.web._stan`, and `tags` of `twisted.web.template`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from inspect import iscoroutine, isgenerator
from reprlib import Repr
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from selvage.defer import Deferred
from selvage.web.interfaces import IRenderable

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "CDATA",
    "VALID_HTML_TAG_NAMES",
    "CharRef",
    "Comment",
    "Flattenable",
    "Tag",
    "slot",
    "tags",
    "voidElements",
]

#: What a page may consist of, to any depth.
Flattenable: TypeAlias = Union[
    bytes,
    str,
    "slot",
    "CDATA",
    "Comment",
    "Tag",
    tuple["Flattenable", ...],
    list["Flattenable"],
    Generator["Flattenable", None, None],
    "CharRef",
    Deferred["Flattenable"],
    Coroutine[Deferred["Flattenable"], object, "Flattenable"],
    IRenderable,
]

#: A repr shows so many children and attributes, and goes so deep; a page has too many of them for one line.
_shown = Repr()
_shown.maxlist = _shown.maxdict = 20
_shown.maxlevel = 6
_shown.maxstring = _shown.maxother = 200


@dataclass(eq=False)
class slot:
    """A place in a template that `Tag.fillSlots` fills later.

    Args:
        name: by which it is filled.
        default: what stands there when nobody fills it; without one, that is an `UnfilledSlot`.
        filename: the file of the template, for messages.
        lineNumber: the line in it, from 1.
        columnNumber: the column in it, from 0.
    """

    name: str
    #: What the template has within the slot; not shown.
    children: list[Any] = field(init=False, default_factory=list)
    default: Any = None
    filename: str | None = None
    lineNumber: int | None = None
    columnNumber: int | None = None


@dataclass(eq=False, repr=False)
class Tag:
    """An element of HTML or XML: `Tag("p")("text", class_="wide")`.

    A tag without a name shows only its children.

    Args:
        tagName: ASCII; may be empty.
        attributes: values by name, in the order in which they are sent.
        children: what stands within it.
        render: the name of a render method of the `Element` around it, which is called and gives what is shown.
        filename: the file of the template, for messages.
        lineNumber: the line in it, from 1.
        columnNumber: the column in it, from 0.
    """

    tagName: bytes | str
    attributes: dict[bytes | str, Any] = field(default_factory=dict)
    children: list[Any] = field(default_factory=list)
    render: str | None = None
    filename: str | None = None
    lineNumber: int | None = None
    columnNumber: int | None = None
    #: What fills the slots within, by name.
    slotData: dict[str, Any] | None = field(init=False, default=None)

    def fillSlots(self, **slots: Any) -> Self:
        """Say what stands in slots within this tag, and return the tag."""
        if self.slotData is None:
            self.slotData = {}
        self.slotData.update(slots)
        return self

    def __call__(self, *children: Any, **attributes: Any) -> Self:
        """Add children and attributes, and return the tag.

        Args:
            children: anything that `flatten` takes.
            attributes: by name; one underscore at the end is left out (`class_`).  `render` sets the render method.

        Raises:
            TypeError: `render` is no string.
        """
        self.children.extend(children)
        for name, value in attributes.items():
            name = name.removesuffix("_")
            if name != "render":
                self.attributes[name] = value
            elif isinstance(value, str):
                self.render = value
            else:
                raise TypeError(f'Value for "render" attribute must be str, got {value!r}')
        return self

    def clone(self, deep: bool = True) -> Tag:
        """Return a copy.

        Args:
            deep: copies what is within, too: tags, lists and tuples, to any depth.
        """
        return _clone_deep(self) if deep else _clone_shallow(self)

    def clear(self) -> Self:
        """Remove the children, and return the tag."""
        self.children = []
        return self

    def __repr__(self) -> str:
        parts = [repr(self.tagName)]
        if self.attributes:
            parts.append(f"attributes={_shown.repr(self.attributes)}")
        if self.children:
            parts.append(f"children={_shown.repr(self.children)}")
        return f"Tag({', '.join(parts)})"


def _clone_shallow(tag: Tag) -> Tag:
    copy = Tag(
        tag.tagName,
        tag.attributes.copy(),
        tag.children.copy(),
        tag.render,
        tag.filename,
        tag.lineNumber,
        tag.columnNumber,
    )
    copy.slotData = None if tag.slotData is None else tag.slotData.copy()
    return copy


def _clone_deep(tag: Tag) -> Tag:
    """Copy a tag with all that is within it, by a list of what is still to be looked into: templates may be deep."""
    root = _clone_shallow(tag)
    todo: list[Any] = [root]

    def copied(node: Any) -> Any:
        if isinstance(node, Tag):
            # A subclass that overrides `clone` knows best.
            node = _clone_shallow(node) if type(node).clone is Tag.clone else node.clone(True)
        elif isinstance(node, (list, tuple)):
            # A tuple becomes a list, which shows the same: its members are copied later.
            node = list(node)
        else:
            _warn_of_what_runs_once(node)
            return node
        todo.append(node)
        return node

    while todo:
        node = todo.pop()
        if isinstance(node, list):
            node[:] = map(copied, node)
            continue
        node.children = list(map(copied, node.children))
        node.attributes = {name: copied(value) for name, value in node.attributes.items()}
        if node.slotData is not None:
            node.slotData = {name: copied(value) for name, value in node.slotData.items()}
    return root


def _warn_of_what_runs_once(node: Any) -> None:
    if isgenerator(node):
        kind, verb = "generator", "can be consumed only once"
    elif iscoroutine(node):
        kind, verb = "coroutine", "can run only once"
    else:
        return
    warnings.warn(
        f"Cloning a Tag which contains a {kind} is unsafe, since the {kind} {verb}; "
        "this is deprecated since Twisted 21.7.0 and will raise an exception in the future",
        DeprecationWarning,
        stacklevel=5,  # who called `clone`
    )


@dataclass(eq=False, repr=False)
class CDATA:
    """A CDATA section of XML; in HTML it means something only within SVG and MathML."""

    data: str

    def __repr__(self) -> str:
        return f"CDATA({self.data!r})"


@dataclass(eq=False, repr=False)
class CharRef:
    """A character given by its number, sent as `&#NNNN;`."""

    ordinal: int

    def __repr__(self) -> str:
        return f"CharRef({self.ordinal})"


@dataclass(eq=False, repr=False)
class Comment:
    """A comment, sent so that nothing in it can end it."""

    data: str

    def __repr__(self) -> str:
        return f"Comment({self.data!r})"


# HTML names, those of older editions included; `xmp` is left out, as its content cannot be escaped.
_HTML = """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blockquote body br button canvas
    caption center cite code col colgroup command datalist dd del details dfn dialog dir div dl dt em embed fieldset
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input
    ins isindex kbd keygen label legend li link main map mark menu meta meter nav noframes noscript object ol optgroup
    option output p param picture pre progress q rp rt ruby s samp script section select slot small source span strike
    strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var
    video wbr
"""
_VOID = "area base basefont br col command embed frame hr img input isindex keygen link meta param source track wbr"

#: The tags that `tags` knows.
VALID_HTML_TAG_NAMES = set(_HTML.split())

#: Elements without content: they have no end tag.
voidElements = frozenset(_VOID.split())


class _TagFactory:
    """Makes tags by attribute: `tags.p` is a new `Tag("p")`, `tags.del_` a `Tag("del")`."""

    def __getattr__(self, tagName: str) -> Tag:
        if tagName == "transparent":
            return Tag("")
        name = tagName.rstrip("_")
        if name not in VALID_HTML_TAG_NAMES:
            raise AttributeError(f"HTML has no tag {name!r}; Tag({name!r}) makes any tag")
        return Tag(name)


#: Makes tags by attribute; `tags.transparent` has no name and shows only its children.
tags = _TagFactory()

# What a `renderer` is: it gets the request and a copy of the tag, and returns what is shown.
RenderMethod: TypeAlias = Callable[[Any, Tag], Any]
