"""What a route says of the body that it takes: a model of pydantic or msgspec, or a JSON schema.  Floor 4.

Models are known by what they have, so neither library has to be installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import chain, count
from typing import Any

__all__ = ["Components", "Model", "model_of"]

#: Where the schemas of a description are that have names.
_PLACE = "#/components/schemas/"


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
        return Model(None, lambda references: (body, {}))
    if isinstance(body, type) and hasattr(body, "model_json_schema"):
        return Model(body.model_validate, partial(_of_pydantic, body.model_json_schema, body.__name__))  # type: ignore[attr-defined]
    if hasattr(body, "validate_python") and hasattr(body, "json_schema"):  # pydantic's TypeAdapter
        return Model(body.validate_python, partial(_of_pydantic, body.json_schema, None))
    if isinstance(body, type) and hasattr(body, "__struct_fields__"):
        msgspec = import_module("msgspec")
        return Model(lambda content: msgspec.convert(content, body), partial(_of_msgspec, msgspec, body))
    raise TypeError(
        f"body={body!r} is no model of pydantic, TypeAdapter, Struct of msgspec or JSON schema; "
        "give any other check to json_body(request, check)"
    )


def _of_pydantic(make: Any, name: str | None, references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = make(ref_template=references.replace("{name}", "{model}"))
    named = schema.pop("$defs", {})
    if name is None or "$ref" in schema:
        return schema, named
    name = re.sub(r"[^\w.-]", "_", name)  # Page[Item] is Page_Item_, as pydantic writes it in references
    return {"$ref": references.format(name=name)}, {name: schema, **named}


def _of_msgspec(msgspec: Any, struct: type, references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    (schema,), named = msgspec.json.schema_components([struct], ref_template=references)
    return schema, named


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
