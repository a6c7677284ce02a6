"""A failure as a page, for those who develop the program.  Floor 4.

It shows source lines, never the values of variables.  No peer gets to see it unless the program asks for it.

Twisted: `FailureElement`, `formatFailure` and their helpers of `twisted.web.util`.
"""

from __future__ import annotations

import linecache
from html import escape
from typing import Any

from selvage.failure import Failure
from selvage.web.errors import FlattenerError
from selvage.web.template._element import Element, renderer
from selvage.web.template._flatten import flattenString
from selvage.web.template._load import TagLoader, XMLString
from selvage.web.template._tags import Tag

__all__ = ["FailureElement", "formatFailure"]

#: Lines of source shown before and after the one that a frame stands at.
_LINES_AROUND = 1

_TEMPLATE = """
<div xmlns:t="http://twistedmatrix.com/ns/twisted.web.template/0.1" class="failure">
  <style type="text/css">
    .failure { font: 14px/1.4 system-ui, sans-serif; color: #222; }
    .failure .frame { border-left: 4px solid #c66; margin: 12px 0; padding: 2px 12px; background: #fafafa; }
    .failure .snippetLine, .failure .snippetHighlightLine { font-family: monospace; white-space: pre; color: #666; }
    .failure .snippetHighlightLine { background: #fdd; color: #000; }
    .failure .number { display: inline-block; width: 5em; color: #999; }
    .failure .error { color: #a00; font-weight: bold; }
  </style>
  <p class="error"><span t:render="type" />: <span t:render="value" /></p>
  <div class="traceback">
    <div t:render="traceback" class="frame">
      <div><span t:render="filename" />:<span t:render="lineNumber" /> in <b><span t:render="function" /></b></div>
      <div t:render="source">
        <div t:render="sourceLines"><span class="number" t:render="lineNumber" /><code t:render="sourceLine" /></div>
      </div>
    </div>
  </div>
  <p class="error"><span t:render="type" />: <span t:render="value" /></p>
</div>
"""


def _PRE(text: str) -> str:
    """Return text as it shall stand, escaped."""
    return f"<pre>{escape(text)}</pre>"


class _SourceLineElement(Element):
    """One line of source with its number.

    Args:
        loader: the template.
        number: of the line.
        source: the line.
    """

    def __init__(self, loader: Any, number: int, source: str) -> None:
        super().__init__(loader)
        self.number = number
        self.source = source

    @renderer
    def sourceLine(self, request: Any, tag: Tag) -> Tag:
        """Show the line; every second space does not break, so that the indentation stays."""
        return tag(self.source.replace("  ", " \N{NO-BREAK SPACE}"))

    @renderer
    def lineNumber(self, request: Any, tag: Tag) -> Tag:
        """Show the number."""
        return tag(str(self.number))


class _SourceFragmentElement(Element):
    """The line at which a frame stands, and those around it.

    Args:
        loader: the template.
        frame: a record of `Failure.frames`.
    """

    def __init__(self, loader: Any, frame: Any) -> None:
        super().__init__(loader)
        self.frame = frame

    @renderer
    def sourceLines(self, request: Any, tag: Tag) -> Any:
        """Show the tag once for each line."""
        filename, current = self.frame[1], self.frame[2]
        for number in range(current - _LINES_AROUND, current + _LINES_AROUND + 1):
            name = "snippetHighlightLine" if number == current else "snippetLine"
            source = linecache.getline(filename, number).rstrip()
            yield _SourceLineElement(TagLoader(tag.clone()(class_=name)), number, source)


class _FrameElement(Element):
    """One frame.

    Args:
        loader: the template.
        frame: a record of `Failure.frames`.
    """

    def __init__(self, loader: Any, frame: Any) -> None:
        super().__init__(loader)
        self.frame = frame

    @renderer
    def filename(self, request: Any, tag: Tag) -> Tag:
        """Show the name of the file."""
        return tag(self.frame[1])

    @renderer
    def lineNumber(self, request: Any, tag: Tag) -> Tag:
        """Show the number of the line."""
        return tag(str(self.frame[2]))

    @renderer
    def function(self, request: Any, tag: Tag) -> Tag:
        """Show the name of the function."""
        return tag(self.frame[0])

    @renderer
    def source(self, request: Any, tag: Tag) -> Element:
        """Show the source around the place."""
        return _SourceFragmentElement(TagLoader(tag), self.frame)


class _StackElement(Element):
    """Frames, the outermost first.

    Args:
        loader: the template of one.
        stackFrames: records of `Failure.frames`.
    """

    def __init__(self, loader: Any, stackFrames: Any) -> None:
        super().__init__(loader)
        self.stackFrames = stackFrames

    @renderer
    def frames(self, request: Any, tag: Tag) -> list[Any]:
        """Show the tag once for each frame."""
        return [_FrameElement(TagLoader(tag.clone()), frame) for frame in self.stackFrames]

    def render(self, request: Any) -> Any:
        """Show the template once for each frame."""
        (template,) = super().render(request)
        return self.frames(request, template)


class FailureElement(Element):
    """A failure: its type, its message, and its frames with their source.

    Args:
        failure: is shown.
        loader: a template with the render methods `type`, `value` and `traceback`; a built-in one by default.
    """

    loader = XMLString(_TEMPLATE)

    def __init__(self, failure: Failure, loader: Any = None) -> None:
        super().__init__(loader)
        self.failure = failure

    @renderer
    def type(self, request: Any, tag: Tag) -> Tag:
        """Show the name of the exception's class."""
        exception = self.failure.type
        return tag(f"{exception.__module__}.{exception.__qualname__}" if exception else "")

    @renderer
    def value(self, request: Any, tag: Tag) -> Tag:
        """Show the message."""
        return tag(str(self.failure.value))

    @renderer
    def traceback(self, request: Any, tag: Tag) -> Element:
        """Show the frames, the tag once for each."""
        return _StackElement(TagLoader(tag), self.failure.frames)


def formatFailure(myFailure: Any) -> bytes:
    """Return a failure as HTML: ASCII, with references for all else.

    Raises:
        FlattenerError: the object is no failure.
    """
    pages: list[bytes] = []
    failures: list[Failure] = []
    flattenString(None, FailureElement(myFailure)).addCallbacks(pages.append, failures.append)
    if failures:
        error = failures[0].value
        assert isinstance(error, FlattenerError)
        raise error
    return pages[0].decode("utf-8").encode("ascii", "xmlcharrefreplace")
