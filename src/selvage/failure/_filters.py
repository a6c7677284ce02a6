"""Which reports somebody means: for subscriptions and silences.  Floor 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.failure._frames import safe_repr
from selvage.failure._handling import Kind, as_kinds, split
from selvage.failure._report import Report

__all__ = ["Filter"]


class Filter:
    """Says of a report whether it is meant: when everything that was named fits.

    Args:
        types: exception classes, their dotted names, or predicates of an exception; of a group some member has to fit.
        fingerprint: one, or several.
        where: a predicate of the Report.
        source: the word for where it was left over, or several; see `Report.source`.
        namespace: where it was raised: the dotted name of a module or of a package around it.
    """

    def __init__(
        self,
        types: Kind | tuple[Kind, ...] = (),
        fingerprint: str | tuple[str, ...] = (),
        where: Callable[[Report], object] | None = None,
        source: str | tuple[str, ...] = (),
        namespace: str = "",
    ) -> None:
        self._kinds = () if types == () else as_kinds(types, "types=")
        self._fingerprints = _as_texts(fingerprint, "fingerprint")
        self._sources = _as_texts(source, "source")
        self._namespace = namespace
        if where is not None and not callable(where):
            raise TypeError(f"where= takes a function of one Report, not {safe_repr(where)}")
        self._where = where

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(
            self._kinds or self._fingerprints or self._sources or self._namespace or self._where is not None
        )

    def __call__(self, report: Report) -> bool:
        if self._sources and report.source not in self._sources:
            return False
        if self._fingerprints and report.fingerprint not in self._fingerprints:
            return False
        if self._kinds and split(report.failure, *self._kinds)[0] is None:
            return False
        if self._namespace:
            name = report.namespace
            if name != self._namespace and not name.startswith(self._namespace + "."):
                return False
        return self._where is None or bool(self._where(report))


def _as_texts(value: Any, name: str) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name}= takes text, or several in a tuple, not {safe_repr(text)}")
    return texts
