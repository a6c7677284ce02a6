"""Paths with parameters, such as ``/items/<int:number>``.  Floor 4; no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

__all__ = ["Path"]

_parameter = re.compile(r"<(?:([a-z]+):)?([A-Za-z_][A-Za-z0-9_]*)>").fullmatch

_is_int = re.compile(r"-?[0-9]{1,18}").fullmatch
_is_float = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?").fullmatch
_is_uuid = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch


def _int(text: str) -> int | None:
    return int(text) if _is_int(text) else None


def _float(text: str) -> float | None:
    return float(text) if _is_float(text) else None


def _uuid(text: str) -> UUID | None:
    return UUID(text) if _is_uuid(text) else None


def _string(text: str) -> str | None:
    return text or None


#: What each kind makes of a segment; None where it does not fit.  "path" takes all that is left.
_KINDS: dict[str, Callable[[str], Any]] = {
    "string": _string,
    "int": _int,
    "float": _float,
    "uuid": _uuid,
    "path": _string,
}


class Path:
    """A pattern for paths.

    Args:
        template: literal segments, and parameters as ``<name>``, ``<int:name>``, ``<float:name>``, ``<uuid:name>`` or,
            last, ``<path:name>``.
        branch: fits whatever is below as well.

    Raises:
        ValueError: it does not begin with a slash, or has a parameter that is none.
    """

    def __init__(self, template: str, *, branch: bool = False) -> None:
        if not template.startswith("/"):
            raise ValueError(f"the path {template!r} of a route has to begin with a slash")
        self.template = template
        self.branch = branch
        self.parameters: dict[str, str] = {}
        self._steps: list[str | tuple[str, Callable[[str], Any]]] = []
        self._takes_rest = False
        for segment in template[1:].split("/"):
            self._add(segment)
        if branch:
            if self._takes_rest:
                raise ValueError(f"{template!r} takes all that is left by <path:...>, and is to be a branch")
            if self._steps[-1] == "":
                # What follows the last slash is for whoever answers below.
                self._steps.pop()

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

    def fill(self, parameters: Mapping[str, Any]) -> str:
        """Return the path that has these parameters, quoted as in a URL.

        Raises:
            TypeError: one is missing, or there is one too many.
            ValueError: one is not of its kind, so that the path would lead elsewhere.
        """
        if parameters.keys() != self.parameters.keys():
            raise TypeError(
                f"{self.template!r} has the parameters ({', '.join(self.parameters)}), not ({', '.join(parameters)})"
            )
        return "/" + "/".join(
            quote(step, safe="") if isinstance(step, str) else self._quoted(step[0], parameters[step[0]])
            for step in self._steps
        )

    def _quoted(self, name: str, value: Any) -> str:
        kind, text = self.parameters[name], str(value)
        if _KINDS[kind](text) is None:
            raise ValueError(f"{value!r} is no {kind} for the parameter {name!r} of {self.template!r}")
        return quote(text, safe="/" if kind == "path" else "")

    def match(self, segments: Sequence[str]) -> dict[str, Any] | None:
        """Return the parameters when these decoded segments fit, else None."""
        steps = self._steps
        if self.branch:
            segments = segments[: len(steps)]
        elif self._takes_rest and len(segments) >= len(steps):
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

    def rest(self, segments: Sequence[Any]) -> int:
        """Return how many of these segments, which fit, are left to whoever answers below."""
        return len(segments) - len(self._steps) if self.branch else 0
