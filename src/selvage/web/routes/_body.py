"""The JSON that a client sent.  Floor 4."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from selvage.web._status import BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE
from selvage.web.routes._problem import Problem

__all__ = ["json_body"]

_T = TypeVar("_T")

_UNPROCESSABLE = 422


@overload
def json_body(request: Any) -> Any: ...
@overload
def json_body(request: Any, check: Callable[[Any], _T]) -> _T: ...


def json_body(request: Any, check: Callable[[Any], Any] | None = None) -> Any:
    """Return what the body of a request says.

    Args:
        check: called with it; what it returns is returned.  It raises ValueError where the content is not as it has to be,
            or an exception of the name ValidationError, as the libraries for it have: a function of yours, or
            ``Item.model_validate`` of a pydantic model, each of whose errors the client is told with its place.  By default, what
            the route says of its body, if anything.

    Raises:
        Problem: 415, when the body is not said to be JSON; 400, when it is none; 422, when `check` refuses it.

    Source: RFC 9457 section 3, whose example has the form of the errors; RFC 6901 section 6 for their places.
    """
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE, detail="The body has to be JSON, with Content-Type: application/json."
        )
    request.content.seek(0)
    try:
        content = json.loads(request.content.read(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Problem(BAD_REQUEST, detail="The body is not valid JSON.") from None
    if check is None:
        check = getattr(request, "json_check", None)
        if check is None:
            return content
    try:
        return check(content)
    except Exception as error:
        if not _is_refusal(error):
            raise
        raise _invalid(error) from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _is_refusal(error: Exception) -> bool:
    """Tell whether the content is what is wrong.  Only some libraries have made their error a ValueError."""
    return isinstance(error, ValueError) or any(
        kind.__name__ == "ValidationError" for kind in type(error).__mro__
    )


def _invalid(error: Exception) -> Problem:
    errors = getattr(error, "errors", None)
    if not callable(errors):
        # jsonschema's text has the schema in it, its message what is wrong.
        message = getattr(error, "message", None)
        return Problem(_UNPROCESSABLE, detail=message if isinstance(message, str) else str(error) or None)
    # pydantic's: of each only what is said of it and its place; the rest may hold what else was sent.
    return Problem(
        _UNPROCESSABLE,
        detail="The body is not as it has to be.",
        errors=[{"detail": each["msg"], "pointer": _pointer(each["loc"])} for each in errors()],
    )


def _pointer(place: Iterable[Any]) -> str:
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)
