"""The description of a service, for programs (OpenAPI 3.1) and for people.  Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from inspect import cleandoc
from itertools import chain, count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selvage.web.routes._app import Route

__all__ = ["describe", "page"]

_SCHEMAS = {
    "string": {"type": "string"},
    "path": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
}

# The service's own description is none of its operations.
_OWN = ("/openapi.json", "/docs")

_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}code{font-weight:600}"


def describe(title: str, version: str, routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    paths: dict[str, Any] = {}
    taken: set[str] = set()
    for route in routes:
        # Whatever is below a branch describes itself.
        if route.path.template in _OWN or route.path.branch:
            continue
        operations = paths.setdefault(route.path.as_uri_template(), {})
        for method in route.methods:
            if method.lower() not in operations:
                operations[method.lower()] = _operation(route, method, taken)
    return {"openapi": "3.1.0", "info": {"title": title, "version": version}, "paths": paths}


def _id(name: str, method: str, taken: set[str]) -> str:
    """Return a name that no other operation has, from which programs make names of functions."""
    candidates = chain([name, f"{name}_{method.lower()}"], (f"{name}_{number}" for number in count(2)))
    found = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(found)
    return found


def _operation(route: Route, method: str, taken: set[str]) -> dict[str, Any]:
    name = getattr(route.handler, "__name__", "")
    summary, _, description = cleandoc(route.handler.__doc__ or "").partition("\n")
    told: dict[str, Any] = {
        "operationId": _id(name if name.isidentifier() else "operation", method, taken),
        "responses": {
            "default": {"description": "The answer, or application/problem+json that says what is wrong."}
        },
    }
    if summary:
        told["summary"] = summary
    if description.strip():
        told["description"] = description.strip()
    if route.path.parameters:
        told["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _SCHEMAS[kind]}
            for name, kind in route.path.parameters.items()
        ]
    return told


def page(document: dict[str, Any]) -> str:
    """Return a page that shows a description; it loads nothing."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    operations = "".join(
        f"<li><code>{escape(method.upper())} {escape(path)}</code> {escape(operation.get('summary', ''))}</li>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        f'<body><h1>{title}</h1><ul>{operations}</ul><p><a href="openapi.json">openapi.json</a></p></body></html>'
    )
