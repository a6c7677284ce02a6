"""From tags to bytes: `flatten` walks through a page and writes it, escaped for where each part stands.  Floor 4.

The way through the page is a list of steps and not a recursion, so a page may be as deep as one likes.  The same list
tells, when something fails, where in the page that was.

Twisted: `twisted.web._flatten`.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import lru_cache
from inspect import isgenerator
from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure
from selvage.web.errors import FlattenerError, UnfilledSlot, UnsupportedType
from selvage.web.interfaces import IRenderable
from selvage.web.template._tags import CDATA, CharRef, Comment, Tag, slot, voidElements

__all__ = ["BUFFER_SIZE", "flatten", "flattenString"]

#: Bytes that are gathered before they are written: a page is many small pieces, and each write costs.
BUFFER_SIZE = 2**16

_find_special = re.compile(r"[&<>]").search
_find_special_in_bytes = re.compile(rb"[&<>]").search

# What would end a name, or begin something else in its place.
_find_unfit_for_name = re.compile(rb"[\s\0\"'<>/=]").search


class _Markup(bytes):
    """Bytes that are markup: a tag, not text that looks like one."""


class _AttributeValue:
    """What stands between the quotes of an attribute."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _escape(text: str | bytes) -> bytes:
    """Escape text that stands between tags."""
    if isinstance(text, str):
        if _find_special(text) is None:
            return text.encode()
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()
    if _find_special_in_bytes(text) is None:
        return text
    return text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


def _escape_in_attribute(text: str | bytes) -> bytes:
    """Escape text that stands between double quotes."""
    return _escape(text).replace(b'"', b"&quot;")


def _as_comment(data: str | bytes) -> bytes:
    """Return a comment; nothing in it ends it.

    Source: WHATWG HTML, comments: the text must not begin with `>` or `->`, nor contain `-->` or `--!>`, nor end with
    `<!-`.  Twisted leaves the two beginnings and `--!>` as they are, and browsers end the comment there.
    """
    if isinstance(data, str):
        data = data.encode()
    data = data.replace(b"-->", b"--&gt;").replace(b"--!>", b"--!&gt;")
    if data.startswith((b">", b"->")):
        data = b" " + data
    if data.endswith((b"-", b"--!")):
        data += b" "
    return b"<!--%b-->" % data


def _as_cdata(data: str | bytes) -> bytes:
    """Return a CDATA section, or several where the text holds what would end one."""
    if isinstance(data, str):
        data = data.encode()
    return b"<![CDATA[%b]]>" % data.replace(b"]]>", b"]]]]><![CDATA[>")


@lru_cache(maxsize=1024)  # names are few, and each is looked through once
def _name(name: str | bytes) -> bytes:
    """Return the name of a tag or attribute in bytes.

    Raises:
        ValueError: the name would end early, so that its rest means something else.
    """
    encoded = name.encode("ascii") if isinstance(name, str) else name
    if _find_unfit_for_name(encoded):
        raise ValueError(
            f"{name!r} is no name of a tag or attribute: it holds a space, a quote or one of < > / ="
        )
    return encoded


def _tag_parts(tag: Tag) -> Iterator[Any]:
    """Yield what a tag is made of: markup, values of attributes, children."""
    name = _name(tag.tagName)
    opening = b"<" + name
    for key, value in tag.attributes.items():
        opening += b' %b="' % _name(key)
        if isinstance(value, str):
            opening += _escape_in_attribute(value) + b'"'
            continue
        yield _Markup(opening)
        yield _AttributeValue(value)
        opening = b'"'
    children = tag.children
    if not children and name.decode("ascii") in voidElements:
        yield _Markup(opening + b" />")
        return
    yield _Markup(opening + b">")
    yield from children
    yield _Markup(b"</%b>" % name)


class _Step:
    """One level of the way through the page.

    Args:
        root: the object whose parts are shown.
        parts: what is still to come of them.
        around: the level above.
    """

    __slots__ = ("element", "markup", "parts", "reference", "root", "slots", "text")

    #: Escapes text here.
    text: Callable[[str | bytes], bytes]
    #: Escapes markup here; None where markup is sent as it is, which is everywhere but within attributes.
    markup: Callable[[bytes], bytes] | None
    #: As `markup`, for references to characters.
    reference: Callable[[bytes], bytes] | None
    #: Who has the render methods.
    element: Any
    #: What fills the slots: the innermost, and those around it.
    slots: tuple[dict[str, Any], Any] | None

    def __init__(self, root: Any, parts: Iterable[Any], around: _Step | None) -> None:
        self.root = root
        self.parts = iter(parts)
        if around is None:
            self.text = _escape
            self.markup = self.reference = self.element = self.slots = None
            return
        self.text = around.text
        self.markup = around.markup
        self.reference = around.reference
        self.element = around.element
        self.slots = around.slots

    def fill(self, slots: dict[str, Any] | None) -> None:
        if slots:
            self.slots = (slots, self.slots)

    def within_attribute(self) -> None:
        """Text is escaped for the quotes, and so is markup: what reads the attribute gets the markup back."""
        outer = self.markup
        self.reference = outer
        if outer is None:
            self.text = _escape_in_attribute
        else:
            self.text = lambda data: outer(_escape_in_attribute(data))
        self.markup = self.text

    def within_tag(self) -> None:
        """Text is escaped once for the tag; within an attribute the tag's markup is escaped besides."""
        outer = self.markup
        self.reference = outer
        self.text = _escape if outer is None else lambda data: outer(_escape(data))


def _filling(name: str, default: Any, slots: Any) -> Any:
    while slots is not None:
        filled, slots = slots
        if name in filled:
            return filled[name]
    if default is None:
        raise UnfilledSlot(name)
    return default


class _Flattening:
    """One page on its way to bytes.

    Args:
        request: given to render methods.
        write: gets the bytes.
    """

    def __init__(self, request: Any, write: Callable[[bytes], object]) -> None:
        self._request = request
        self._write = write
        self._buffer: list[bytes] = []
        self._size = 0
        self._steps: list[_Step] = []

    async def run(self, root: Any) -> None:
        """Write the whole page.

        Raises:
            FlattenerError: something in it failed.
        """
        steps = self._steps
        # What is being looked at, for the message.
        node: Any = root
        steps.append(_Step(root, (root,), None))
        try:
            while steps:
                step = steps[-1]
                node = step.root
                for node in step.parts:
                    awaited = self._show(node, step)
                    if awaited is not None:
                        self._flush()
                        steps.append(_Step(node, (await awaited,), step))
                    if steps[-1] is not step:
                        break
                    node = step.root
                else:
                    steps.pop()
            self._flush()
        except Exception as error:
            roots = [step.root for step in steps[1:]]
            if not roots or roots[-1] is not node:
                roots.append(node)
            raise FlattenerError(error, roots, traceback.extract_tb(error.__traceback__)) from error

    def _show(self, node: Any, step: _Step) -> Awaitable[Any] | None:
        """Show one part: emit it, or push a step of which it is the root.

        Returns:
            What has to be awaited, None for nothing; its result is to be shown in the place of the part.
        """
        kind = type(node)
        if kind is str or kind is bytes:
            self._emit(step.text(node))
        elif kind is _Markup:
            self._emit(node if step.markup is None else step.markup(node))
        elif isinstance(node, Tag):
            self._push_tag(node, step)
        elif isinstance(node, (list, tuple)) or isgenerator(node):
            self._steps.append(_Step(node, node, step))
        elif isinstance(node, slot):
            filling = _filling(node.name, node.default, step.slots)
            self._steps.append(_Step(node, (filling,), step))
        elif kind is _AttributeValue:
            inner = _Step(node.value, (node.value,), step)
            # The tag has made the place one between tags; the attribute stands in what is around it.
            inner.within_attribute()
            self._steps.append(inner)
        elif isinstance(node, (str, bytes)):
            self._emit(step.text(node))
        elif isinstance(node, Deferred):
            return _result_of(node)
        elif IRenderable.providedBy(node):
            inner = _Step(node, (node.render(self._request),), step)
            inner.element = node
            self._steps.append(inner)
        else:
            return self._show_rare(node, step)
        return None

    def _show_rare(self, node: Any, step: _Step) -> Awaitable[Any] | None:
        if isinstance(node, CharRef):
            reference = b"&#%d;" % node.ordinal
            self._emit(reference if step.reference is None else step.reference(reference))
        elif isinstance(node, (Comment, CDATA)):
            markup = (_as_comment if isinstance(node, Comment) else _as_cdata)(node.data)
            self._emit(markup if step.markup is None else step.markup(markup))
        elif isinstance(node, Awaitable):
            return ensureDeferred(node)  # type: ignore[arg-type]
        else:
            raise UnsupportedType(node)
        return None

    def _push_tag(self, tag: Tag, step: _Step) -> None:
        if tag.render is not None:
            copy = tag.clone(False)
            name, copy.render = copy.render, None
            if step.element is None:
                raise ValueError(
                    f"the tag names the render method {name!r}, but there is no Element around it that could have one"
                )
            shown = step.element.lookupRenderMethod(name)(self._request, copy)
            inner = _Step(tag, (shown,), step)
            inner.fill(copy.slotData)
        else:
            inner = _Step(tag, _tag_parts(tag) if tag.tagName else tag.children, step)
            inner.fill(tag.slotData)
            if tag.tagName:
                inner.within_tag()
        self._steps.append(inner)

    def _emit(self, data: bytes) -> None:
        self._buffer.append(data)
        self._size += len(data)
        if self._size >= BUFFER_SIZE:
            self._flush()

    def _flush(self) -> None:
        if self._size:
            data = b"".join(self._buffer)
            self._buffer.clear()
            self._size = 0
            self._write(data)


def _result_of(d: Deferred[Any]) -> Deferred[Any]:
    """Return a Deferred that fires as this one does, which keeps its result: a page may show it twice."""
    result: Deferred[Any] = Deferred(lambda _: d.cancel())

    def succeeded(value: Any) -> Any:
        result.callback(value)
        return value

    def failed(failure: Failure) -> Failure:
        result.errback(failure)
        return failure

    d.addCallbacks(succeeded, failed)
    return result


def flatten(request: Any, root: Any, write: Callable[[bytes], object]) -> Deferred[None]:
    """Turn a page into bytes, and write it piece by piece.

    Args:
        request: given to render methods; may be None.
        root: text, tags, elements, Deferreds and coroutines of these, and lists of them.
        write: called with each piece.

    Fires:
        When all is written.  Cancelling cancels what the page waits for.

    Fails:
        With `FlattenerError`, which tells where in the page what failed.
    """
    return ensureDeferred(_Flattening(request, write).run(root))


def flattenString(request: Any, root: Any) -> Deferred[bytes]:
    """Turn a page into bytes.

    Args:
        request: given to render methods; may be None.
        root: as for `flatten`.

    Fires:
        With the bytes.  Cancelling cancels what the page waits for.

    Fails:
        With `FlattenerError`.
    """
    pieces: list[bytes] = []
    return flatten(request, root, pieces.append).addCallback(lambda _: b"".join(pieces))
