"""Errors that an API tells its clients of.  Floor 4.

Source: RFC 9457 (problem details for HTTP APIs).
"""

from __future__ import annotations

import json
from typing import Any

from selvage.web._status import RESPONSES

__all__ = ["TYPE", "Problem"]

#: The type of a body that tells of a problem.
TYPE = b"application/problem+json"


class Problem(Exception):
    """Raise it in a handler: the client gets the status, and a JSON object that says what is wrong.

    Args:
        status: the status code, 400 to 599.
        title: what is wrong, the same for each problem of this kind; the phrase of the status by default.
        detail: what is wrong this time.
        type: a URI that names the kind of problem.
        instance: a URI that names this one occurrence, such as where its report can be read.
        headers: further headers of the answer, by name.
        members: further members of the object, such as ``errors=[...]``.

    Raises:
        TypeError: the status is no int.
        ValueError: the status is not that of an error.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        *,
        type: str = "about:blank",
        instance: str | None = None,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        if not isinstance(status, int):
            raise TypeError(f"Problem({status!r}): the status of a problem is a number, 400 to 599")
        if not 400 <= status <= 599:
            raise ValueError(f"Problem({status}): the status of a problem is 400 to 599")
        super().__init__(status, title, detail)
        self.status = status
        self.title = title or RESPONSES.get(status, b"Error").decode("ascii")
        self.detail = detail
        self.type = type
        self.instance = instance
        self.headers = headers or {}
        self.members = members

    def __str__(self) -> str:
        return f"{self.status} {self.title}" + (f": {self.detail}" if self.detail else "")

    def body(self) -> bytes:
        """Return the object, as JSON."""
        told: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail is not None:
            told["detail"] = self.detail
        if self.instance is not None:
            told["instance"] = self.instance
        return json.dumps({**told, **self.members}, allow_nan=False).encode("utf-8")

    def answer(self, request: Any) -> bytes:
        """Set status and headers of a request's answer, and return its body."""
        body = self.body()
        request.setResponseCode(self.status)
        request.setHeader(b"content-type", TYPE)
        for name, value in self.headers.items():
            request.setHeader(name, value)
        return body
