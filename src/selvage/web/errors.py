"""What goes wrong in HTTP, on either side.  Floor 4; imports nothing of ours but the phrases of status codes.

Twisted: the classes of `twisted.web.error`, same names, bases and sentences.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from selvage.web._status import RESPONSES

__all__ = [
    "BodyDiscarded",
    "BodyIncomplete",
    "BodyMalformed",
    "BodyNotKept",
    "BodyTooLarge",
    "BodyTooSlow",
    "Error",
    "ExcessiveBufferingError",
    "FlattenerError",
    "InfiniteRedirection",
    "MissingRenderMethod",
    "MissingTemplateLoader",
    "PageRedirect",
    "RedirectWithNoLocation",
    "RenderError",
    "RequestBodyError",
    "SchemeNotSupported",
    "UnexposedMethodError",
    "UnfilledSlot",
    "UnsupportedMethod",
    "UnsupportedSpecialHeader",
    "UnsupportedType",
]

#: Strings within an error message are cut to about this many characters.
_SHOWN = 40


def _codeToMessage(code: int | bytes) -> bytes | None:
    """Return the phrase of a status code, None when there is none."""
    try:
        return RESPONSES.get(int(code))
    except ValueError:
        return None


class Error(Exception):
    """An answer that is not the one that was asked for.

    Args:
        code: the status code.
        message: says what is wrong; the phrase of the code by default.
        response: the body, as far as it was read.

    Raises:
        ValueError: `code` is no number.
    """

    #: The code in digits.
    status: bytes
    #: What is wrong.
    message: bytes | None
    #: The body of the answer.
    response: bytes | None

    def __init__(
        self, code: int | bytes, message: bytes | None = None, response: bytes | None = None
    ) -> None:
        message = message or _codeToMessage(code)
        super().__init__(code, message, response)
        self.status = b"%d" % int(code)
        self.message = message
        self.response = response

    def __str__(self) -> str:
        words = [self.status] if self.message is None else [self.status, self.message]
        return b" ".join(words).decode("utf-8", "backslashreplace")


def _with_place(message: bytes | None, place: bytes | None) -> bytes | None:
    return b"%b to %b" % (message, place) if message and place else message


class PageRedirect(Error):
    """The answer points to another place.

    Args:
        location: where to; None when the answer does not say.
    """

    def __init__(
        self,
        code: int | bytes,
        message: bytes | None = None,
        response: bytes | None = None,
        location: bytes | None = None,
    ) -> None:
        super().__init__(code, _with_place(message or _codeToMessage(code), location), response)
        self.location = location


class InfiniteRedirection(Error):
    """There were more redirections in a row than are followed.

    Args:
        location: where the last one pointed to.
    """

    def __init__(
        self,
        code: int | bytes,
        message: bytes | None = None,
        response: bytes | None = None,
        location: bytes | None = None,
    ) -> None:
        super().__init__(code, _with_place(message or _codeToMessage(code), location), response)
        self.location = location


class RedirectWithNoLocation(Error):
    """The answer is a redirection that does not say where to.

    Args:
        uri: what was asked for.
    """

    def __init__(self, code: int | bytes, message: bytes, uri: bytes) -> None:
        super().__init__(code, _with_place(message, uri))
        self.uri = uri


class UnsupportedMethod(Exception):
    """A resource has no `render_` method for the method of the request: the answer is 405.

    Args:
        allowedMethods: what it does support, for the header Allow; a list or tuple of bytes.
    """

    allowedMethods: Sequence[bytes] = ()

    def __init__(self, allowedMethods: Sequence[bytes], *args: object) -> None:
        if not isinstance(allowedMethods, Sequence) or isinstance(allowedMethods, (str, bytes)):
            raise TypeError(
                f"UnsupportedMethod({allowedMethods!r}) needs a list of methods, such as [b'GET']"
            )
        super().__init__(allowedMethods, *args)
        self.allowedMethods = allowedMethods

    def __str__(self) -> str:
        return f"Expected one of {self.allowedMethods!r}"


# --- The body of a request, as the server takes it ------------------------------------------------------------------


class RequestBodyError(Exception):
    """The body of a request did not come to its end; the base of what says why.

    Whoever reads the body gets it.  A handler that lets it pass is answered for with `status`; no report is made of that,
    for it is the client's doing.
    """

    #: How far the request had come.
    stage = "request body"
    #: The status of the answer, where one can still be sent.
    status = 400


class BodyIncomplete(RequestBodyError):
    """The connection was lost, or the stream reset, before the body had ended.

    Args:
        received: bytes of it that came.
        expected: bytes that it should have; None when nobody knew.
    """

    def __init__(self, received: int, expected: int | None = None) -> None:
        super().__init__(received, expected)
        self.received = received
        self.expected = expected

    def __str__(self) -> str:
        came = (
            f"{self.received} bytes" if self.expected is None else f"{self.received} of {self.expected} bytes"
        )
        return f"the client went away in the request body: {came} came"


class BodyTooLarge(RequestBodyError):
    """The body is larger than is taken.

    Args:
        limit_bytes: so much is taken: `body_bytes` of the limits of the site or resource.
    """

    status = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"the request body has more than {self.limit_bytes} bytes"


class BodyTooSlow(RequestBodyError):
    """The body came more slowly than is taken, or took too long altogether.

    Args:
        received: bytes of it that came.
        elapsed_s: seconds that it had for that; the time in which this side did not read is left out.
    """

    status = 408

    def __init__(self, received: int, elapsed_s: float) -> None:
        super().__init__(received, elapsed_s)
        self.received = received
        self.elapsed_s = elapsed_s

    def __str__(self) -> str:
        return f"the request body comes too slowly: {self.received} bytes in {self.elapsed_s:.0f} s"


class BodyMalformed(RequestBodyError):
    """What should be a body is none.

    Args:
        reason: what is wrong.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the request body is malformed: {self.reason}"


class BodyNotKept(RequestBodyError):
    """The file that should hold the body until it is whole cannot be made or written: the disk is full, for example.

    It is no doing of the client's, so what the system says (the cause of this) is reported where this is raised.
    """

    # As nginx and lighttpd answer it; 507 is for what a resource should store (RFC 4918 section 11.5).
    status = 500

    def __str__(self) -> str:
        return "the request body cannot be kept; what the system says of it is reported"


class BodyDiscarded(RequestBodyError):
    """The body was given up on this side: the answer was complete first, its consumer wants no more, or nobody had read all of
    it when the connection was lost."""

    def __str__(self) -> str:
        return (
            "the rest of the request body is discarded: the answer is complete, nobody wants the body, or the client "
            "has gone"
        )


class SchemeNotSupported(Exception):
    """The client cannot talk to URLs of this scheme."""


class UnsupportedSpecialHeader(Exception):
    """A header of a message has a meaning of its own that is not served here, so that it would mislead the peer."""


class ExcessiveBufferingError(Exception):
    """The peer made this side keep more than it is ready to keep."""


class RenderError(Exception):
    """A template cannot be rendered; the base of what says why."""


class MissingRenderMethod(RenderError):
    """A template names a render method that its element does not have.

    Args:
        element: the `IRenderable`.
        renderName: the name in the template.
    """

    def __init__(self, element: object, renderName: str) -> None:
        super().__init__(element, renderName)
        self.element = element
        self.renderName = renderName

    def __repr__(self) -> str:
        return f"{type(self).__name__!r}: {self.element!r} had no render method named {self.renderName!r}"


class MissingTemplateLoader(RenderError):
    """An element has no `loader`.

    Args:
        element: the `IRenderable`.
    """

    def __init__(self, element: object) -> None:
        super().__init__(element)
        self.element = element

    def __repr__(self) -> str:
        return f"{type(self).__name__!r}: {self.element!r} had no loader"


class UnexposedMethodError(Exception):
    """A method was to be looked up for a peer that its class does not expose."""


class UnfilledSlot(Exception):
    """A slot of a template was filled by nobody."""


class UnsupportedType(Exception):
    """An object of a type that no template can show."""


class FlattenerError(Exception):
    """A template failed while it was turned into bytes; tells on which way through the template.

    Args:
        exception: what happened.
        roots: the objects on the way from the outermost to where it happened.
        traceback: the frames of it, as `traceback.extract_tb` gives them; None or empty for none.
    """

    def __init__(self, exception: BaseException, roots: list[Any], traceback: Any) -> None:
        super().__init__(exception, roots, traceback)
        self._exception = exception
        self._roots = roots
        self._traceback = traceback

    def _formatRoot(self, obj: Any) -> str:
        """Return one step of the way: a tag by its place in the template, a string shortened, all else by its repr."""
        if isinstance(obj, (str, bytes)):
            if len(obj) > _SHOWN:
                half = _SHOWN // 2
                between: Any = "<...>" if isinstance(obj, str) else b"<...>"
                obj = obj[:half] + between + obj[-half:]
            return ascii(obj)
        if hasattr(obj, "tagName"):
            if obj.filename is None:
                return f"Tag <{obj.tagName}>"
            return (
                f'File "{obj.filename}", line {obj.lineNumber}, column {obj.columnNumber}, in "{obj.tagName}"'
            )
        return repr(obj)

    def __repr__(self) -> str:
        way = "".join(f"  {self._formatRoot(root)}\n" for root in self._roots)
        frames = "".join(traceback.format_list(self._traceback)) if self._traceback else ""
        last = "".join(traceback.format_exception_only(type(self._exception), self._exception))
        return f"Exception while flattening:\n{way}{frames}{last}"

    def __str__(self) -> str:
        return repr(self)
