"""Pages that say what is wrong.  Floor 4.

Every text in them is escaped; they load nothing, so nothing can be made to load.
"""

from __future__ import annotations

from html import escape
from typing import Any

from selvage.web._resource import _FORBIDDEN_TEXT, _NOT_FOUND_TEXT, Resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import FORBIDDEN, NOT_FOUND

__all__ = ["errorPage", "forbidden", "notFound"]

_TYPE = b"text/html; charset=utf-8"


def _text(words: str) -> str:
    return escape(words, quote=False)


class _ErrorPage(Resource):
    """A page with a status, wherever it is asked for.

    Args:
        code: the status.
        brief: the headline.
        detail: a sentence.
    """

    isLeaf = True

    def __init__(self, code: int, brief: str, detail: str) -> None:
        super().__init__()
        self._code = code
        self._brief = brief
        self._detail = detail

    def render(self, request: Any) -> Any:
        """Answer any method."""
        request.setResponseCode(self._code)
        request.setHeader(b"content-type", _TYPE)
        brief = _text(self._brief)
        page = (
            f"<!DOCTYPE html>\n<html><head><title>{self._code} - {brief}</title></head>"
            f"<body><h1>{brief}</h1><p>{_text(self._detail)}</p></body></html>"
        ).encode("utf-8", "xmlcharrefreplace")
        request.write(page)
        request.finish()
        return NOT_DONE_YET

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return this page, for whatever is below."""
        return self


def errorPage(code: int, brief: str, detail: str) -> _ErrorPage:
    """Return a resource that answers with a page.

    Args:
        code: the status.
        brief: the headline; escaped.
        detail: a sentence; escaped.
    """
    return _ErrorPage(code, brief, detail)


def notFound(brief: str = "No Such Resource", message: str = _NOT_FOUND_TEXT) -> _ErrorPage:
    """Return a resource that answers 404."""
    return _ErrorPage(NOT_FOUND, brief, message)


def forbidden(brief: str = "Forbidden Resource", message: str = _FORBIDDEN_TEXT) -> _ErrorPage:
    """Return a resource that answers 403."""
    return _ErrorPage(FORBIDDEN, brief, message)
