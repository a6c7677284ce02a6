"""The JSON that a client sent.  Floor 4."""

from __future__ import annotations

import json
from typing import Any

from selvage.web._status import BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE
from selvage.web.routes._problem import Problem

__all__ = ["json_body"]


def json_body(request: Any) -> Any:
    """Return what the body of a request says.

    Raises:
        Problem: 415, when the body is not said to be JSON; 400, when it is none.
    """
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE, detail="The body has to be JSON, with Content-Type: application/json."
        )
    request.content.seek(0)
    try:
        return json.loads(request.content.read(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Problem(BAD_REQUEST, detail="The body is not valid JSON.") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
