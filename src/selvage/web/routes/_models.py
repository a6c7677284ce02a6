"""What a route says of the body that it takes: a model of pydantic or msgspec, or a JSON schema.  Floor 4.

Models are known by what they have, so neither library has to be installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import chain, count
from typing import Any, get_origin

__all__ = ["Components", "Model", "model_of"]

#: Where the schemas of a description are that have names.
_PLACE = "#/components/schemas/"

# Where a JSON schema has them, now and before 2019.
_DEFINITIONS = ("$defs", "definitions")


@dataclass(frozen=True)
class Model:
    """What a body has to be.

    Args:
        check: called with what the body says; returns what the handler is to have of it.  None for no check.
        schema: called with the form of references to named schemas, ``{name}`` for the name; returns the schema, and the named
            ones that it refers to.
    """

    check: Callable[[Any], Any] | None
    schema: Callable[[str], tuple[dict[str, Any], dict[str, Any]]]


def model_of(body: Any) -> Model:
    """Return what a route is told by ``body=``.

    Raises:
        TypeError: it is no model that is known.
    """
    if isinstance(body, dict):
        return Model(None, partial(_of_schema, body))
    if isinstance(body, type) and hasattr(body, "model_json_schema"):
        check = _by_pydantic(body.model_validate_json)  # type: ignore[attr-defined]
        return Model(check, partial(_of_pydantic, body.model_json_schema, body.__name__))
    # A TypeAdapter of pydantic's; not the class.
    if hasattr(body, "validate_json") and hasattr(body, "json_schema") and not isinstance(body, type):
        return Model(_by_pydantic(body.validate_json), partial(_of_pydantic, body.json_schema, None))
    struct = get_origin(body) or body  # Page[Item] is no class
    if isinstance(struct, type) and hasattr(struct, "__struct_fields__"):
        msgspec = import_module("msgspec")
        # Names in JSON are text, also of a dict that has numbers.
        return Model(partial(msgspec.convert, type=body, str_keys=True), partial(_of_msgspec, msgspec, body))
    raise TypeError(
        f"body={body!r} is no model of pydantic 2, TypeAdapter(...), Struct of msgspec or JSON schema; "
        "give any other check to json_body(request, check)"
    )


def _by_pydantic(validate_json: Callable[[str], Any]) -> Callable[[Any], Any]:
    def check(content: Any) -> Any:
        # As JSON again, though that takes longer: of Python's objects a strict model refuses the text of a date, and a list
        # where it wants a tuple.
        try:
            text = json.dumps(content)
        except RecursionError:
            raise ValueError("The body is nested too deeply.") from None
        return validate_json(text)

    return check


def _of_pydantic(make: Any, name: str | None, references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = make(ref_template=references.replace("{name}", "{model}"))
    named = schema.pop("$defs", {})
    if name is None or "$ref" in schema:
        return schema, named
    name = _fit(name)
    while name in named:  # of another module, and part of this one
        name += "_"
    return {"$ref": references.format(name=name)}, {name: schema, **named}


def _of_msgspec(msgspec: Any, struct: Any, references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    (schema,), named = msgspec.json.schema_components([struct], ref_template=references)
    return schema, named


def _of_schema(body: dict[str, Any], references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Move what a schema names itself to where a description has it: `#` is the description there, and not the schema."""
    places: dict[str, str] = {}
    named: dict[str, Any] = {}
    for place in _DEFINITIONS:
        for name, each in body.get(place, {}).items():
            places[f"#/{place}/{name}"] = references.format(name=_fit(name))
            named[_fit(name)] = each
    own = {key: value for key, value in body.items() if key not in _DEFINITIONS}
    return _moved(own, places), _moved(named, places)


def _moved(schema: Any, places: dict[str, str]) -> Any:
    """Return a schema with other references."""
    if isinstance(schema, dict):
        return {key: _moved(value, places) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_moved(each, places) for each in schema]
    return places.get(schema, schema) if isinstance(schema, str) else schema


def _fit(name: str) -> str:
    """Return a name as a description may have it: Page[Item] is Page_Item_, as pydantic writes it in references."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)


class Components:
    """The schemas of a description that have names."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def schema_of(self, model: Model) -> dict[str, Any]:
        """Return the schema of a model, after adding those that it refers to.

        Two that differ may have one name, in modules of their own; the names of the second one's end with a number then.
        """
        for ending in chain([""], (f"_{number}" for number in count(2))):
            schema, named = model.schema(f"{_PLACE}{{name}}{ending}")
            named = {name + ending: each for name, each in named.items()}
            if all(self.named.get(name, each) == each for name, each in named.items()):
                break
        self.named.update(named)
        return schema
