"""The pages that programs know by their classes, made without the warning that is for programs.  Floor 4."""

from __future__ import annotations

import warnings
from typing import Any

from selvage.web._resource import ErrorPage, ForbiddenResource, NoResource

__all__ = ["error_page", "forbidden_resource", "no_resource"]


def _made(kind: type, *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return kind(*args)


def no_resource(*message: str) -> NoResource:
    """Return a page for 404; the message is HTML, and must not hold what a stranger wrote."""
    return _made(NoResource, *message)  # type: ignore[no-any-return]


def forbidden_resource() -> ForbiddenResource:
    """Return a page for 403."""
    return _made(ForbiddenResource)  # type: ignore[no-any-return]


def error_page(status: int, brief: str, detail: str) -> ErrorPage:
    """Return a page for any status; the texts are HTML, and must not hold what a stranger wrote."""
    return _made(ErrorPage, status, brief, detail)  # type: ignore[no-any-return]
