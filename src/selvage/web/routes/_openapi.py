"""The description of a service, for programs (OpenAPI 3.1) and for people.  Floor 4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from inspect import cleandoc
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure, report
from selvage.web.routes._models import Components

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

# What is asked for so has no body, whatever the route says of the others.
_WITHOUT_BODY = ("GET", "HEAD", "DELETE")

# The service's own description is none of its operations.
_OWN = ("/openapi.json", "/docs")

_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}code{font-weight:600}"


def describe(title: str, version: str, routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    paths: dict[str, Any] = {}
    taken: set[str] = set()
    components = Components()
    for route in routes:
        # Whatever is below a branch describes itself.
        if route.path.template in _OWN or route.path.branch:
            continue
        operations = paths.setdefault(route.path.as_uri_template(), {})
        for method in route.methods:
            if method.lower() not in operations:
                operations[method.lower()] = _operation(route, method, taken, components)
    document = {"openapi": "3.1.0", "info": {"title": title, "version": version}, "paths": paths}
    if components.named:
        document["components"] = {"schemas": components.named}
    return document


def _id(name: str, method: str, taken: set[str]) -> str:
    """Return a name that no other operation has, from which programs make names of functions."""
    candidates = chain([name, f"{name}_{method.lower()}"], (f"{name}_{number}" for number in count(2)))
    found = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(found)
    return found


def _operation(route: Route, method: str, taken: set[str], components: Components) -> dict[str, Any]:
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
    if route.body is not None and method not in _WITHOUT_BODY:
        schema = _schema_of_body(route, method, components)
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _schema_of_body(route: Route, method: str, components: Components) -> dict[str, Any]:
    """Return the schema of what a route takes; one that says nothing, and a report, where its model has none."""
    assert route.body is not None
    try:
        return components.schema_of(route.body)
    except Exception:
        message = (
            f"The body of {method} {route.path.template} cannot be described: its model has no JSON schema"
        )
        report(Failure(), message, source="web")
        return {}


def page(document: dict[str, Any]) -> str:
    """Return a page that shows a description; it loads nothing."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    operations = "".join(
        f"<li><code>{escape(method.upper())} {escape(path)}</code> {escape(operation.get('summary', ''))}"
        f"{_shown_body(document, operation)}</li>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        f'<body><h1>{title}</h1><ul>{operations}</ul><p><a href="openapi.json">openapi.json</a></p></body></html>'
    )


def _shown_body(document: dict[str, Any], operation: dict[str, Any]) -> str:
    """Return what a page shows of the body of an operation: its schema, and nothing where it has none."""
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = document.get("components", {}).get("schemas", {}).get(name, schema)
    return f"<details><summary>body</summary><pre>{escape(json.dumps(schema, indent=2))}</pre></details>"
