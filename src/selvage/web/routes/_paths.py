"""Paths with parameters, such as ``/items/<int:number>``.  Floor 4; no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Path"]

_parameter = re.compile(r"<(?:([a-z]+):)?([A-Za-z_][A-Za-z0-9_]*)>").fullmatch

_is_int = re.compile(r"-?[0-9]{1,18}").fullmatch
_is_float = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?").fullmatch


def _int(text: str) -> int | None:
    return int(text) if _is_int(text) else None


def _float(text: str) -> float | None:
    return float(text) if _is_float(text) else None


def _string(text: str) -> str | None:
    return text or None


#: What each kind makes of a segment; None where it does not fit.  "path" takes all that is left.
_KINDS: dict[str, Callable[[str], Any]] = {"string": _string, "int": _int, "float": _float, "path": _string}


class Path:
    """A pattern for paths.

    Args:
        template: literal segments, and parameters as ``<name>``, ``<int:name>``, ``<float:name>`` or, last, ``<path:name>``.

    Raises:
        ValueError: it does not begin with a slash, or has a parameter that is none.
    """

    def __init__(self, template: str) -> None:
        if not template.startswith("/"):
            raise ValueError(f"the path {template!r} of a route has to begin with a slash")
        self.template = template
        self.parameters: dict[str, str] = {}
        self._steps: list[str | tuple[str, Callable[[str], Any]]] = []
        self._takes_rest = False
        for segment in template[1:].split("/"):
            self._add(segment)

    def _add(self, segment: str) -> None:
        if self._takes_rest:
            raise ValueError(
                f"in {self.template!r} something follows <path:...>, which takes all that is left"
            )
        found = _parameter(segment)
        if found is None:
            if "<" in segment or ">" in segment:
                raise ValueError(
                    f"{segment!r} in {self.template!r} is no parameter: write <name>, or <{'|'.join(_KINDS)}:name>"
                )
            self._steps.append(segment)
            return
        kind, name = found[1] or "string", found[2]
        if kind not in _KINDS:
            raise ValueError(
                f"{self.template!r} has a parameter of the kind {kind!r}; there are {', '.join(_KINDS)}"
            )
        if name in self.parameters:
            raise ValueError(f"{self.template!r} has two parameters of the name {name!r}")
        self.parameters[name] = kind
        self._steps.append((name, _KINDS[kind]))
        self._takes_rest = kind == "path"

    def as_uri_template(self) -> str:
        """Return the pattern as OpenAPI writes it: ``/items/{number}``."""
        return "/" + "/".join(step if isinstance(step, str) else f"{{{step[0]}}}" for step in self._steps)

    def match(self, segments: Sequence[str]) -> dict[str, Any] | None:
        """Return the parameters when these decoded segments fit, else None."""
        steps = self._steps
        if self._takes_rest and len(segments) >= len(steps):
            segments = [*segments[: len(steps) - 1], "/".join(segments[len(steps) - 1 :])]
        if len(segments) != len(steps):
            return None
        found: dict[str, Any] = {}
        for step, segment in zip(steps, segments, strict=True):
            if isinstance(step, str):
                if step != segment:
                    return None
            else:
                name, convert = step
                value = convert(segment)
                if value is None:
                    return None
                found[name] = value
        return found
