"""Bodies that a route has described: by models of pydantic and msgspec, and by JSON schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from types import new_class
from typing import Any

import pytest

from selvage.web.routes import App, json_body
from selvage.web.routes._models import model_of
from tests.web.serving import Server

from .test_app import JSON, ask


def part_and_item() -> tuple[Any, Any]:
    pydantic = pytest.importorskip("pydantic")
    part = pydantic.create_model("Part", name=(str, ...))
    return part, pydantic.create_model("Item", count=(int, ...), parts=(list[part], []))


def service(body: Any, answer: Any = repr) -> tuple[App, Server]:
    app = App(title="Items")

    @app.route("/items", methods=["POST", "GET"], body=body)
    def put(request: Any) -> Any:
        return {"got": answer(json_body(request))}

    return app, Server(app.resource())


def schema_in(app: App, method: str = "post") -> Any:
    operation = app.openapi()["paths"]["/items"][method]
    assert operation["requestBody"]["required"] is True
    return operation["requestBody"]["content"]["application/json"]["schema"]


def test_a_model_of_pydantic_is_described_and_asked():
    app, server = service(part_and_item()[1], lambda item: item.parts[0].name)
    assert schema_in(app) == {"$ref": "#/components/schemas/Item"}
    schemas = app.openapi()["components"]["schemas"]
    assert set(schemas) == {"Item", "Part"} and schemas["Item"]["properties"]["count"]["type"] == "integer"
    assert schemas["Item"]["properties"]["parts"]["items"] == {"$ref": "#/components/schemas/Part"}
    assert "$defs" not in json.dumps(schemas)
    sent = b'{"count": 1, "parts": [{"name": "nut"}]}'
    assert ask(server, "POST /items", sent, JSON)[:2] == (200, {"got": "nut"})
    code, problem, _ = ask(server, "POST /items", b'{"count": "many"}', JSON)
    assert code == 422 and [each["pointer"] for each in problem["errors"]] == ["#/count"]


def test_what_has_no_body_is_described_without_one():
    app, _ = service({"type": "object"})
    assert "requestBody" not in app.openapi()["paths"]["/items"]["get"]


def test_a_check_of_its_own_is_taken_instead_of_the_routes():
    app = App()
    app.route("/", methods=["POST"], body=part_and_item()[1])(
        lambda request: json_body(request, lambda _: {"own": 1})
    )
    assert ask(Server(app.resource()), "POST /", b"[]", JSON)[:2] == (200, {"own": 1})


def test_another_route_is_not_checked_by_it():
    app, server = service(part_and_item()[1])
    app.route("/free", methods=["POST"])(lambda request: json_body(request))
    assert ask(server, "POST /free", b"[1]", JSON)[:2] == (200, [1])


def test_a_type_adapter():
    pydantic = pytest.importorskip("pydantic")
    app, server = service(
        pydantic.TypeAdapter(list[part_and_item()[0]]), lambda parts: [each.name for each in parts]
    )
    assert schema_in(app) == {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}
    assert "Part" in app.openapi()["components"]["schemas"]
    assert ask(server, "POST /items", b'[{"name": "nut"}]', JSON)[:2] == (200, {"got": ["nut"]})


def test_a_model_that_holds_itself_and_a_generic_one():
    pydantic = pytest.importorskip("pydantic")
    from typing import Generic, Optional, TypeVar

    T = TypeVar("T")

    class Node(pydantic.BaseModel):  # type: ignore[name-defined,misc]
        next: Optional[Node] = None  # noqa: UP045

    class Page(pydantic.BaseModel, Generic[T]):  # type: ignore[name-defined,misc]
        entries: list[T]

    Node.model_rebuild(_types_namespace={"Node": Node, "Optional": Optional})
    assert schema_in(service(Node)[0]) == {"$ref": "#/components/schemas/Node"}
    app = service(Page[int])[0]
    assert schema_in(app) == {"$ref": "#/components/schemas/Page_int_"}
    assert set(app.openapi()["components"]["schemas"]) == {"Page_int_"}


def test_models_of_one_name_are_told_apart():
    pydantic = pytest.importorskip("pydantic")
    app, _ = service(part_and_item()[1])
    other = pydantic.create_model("Item", colour=(str, ...))
    for path in ("/others", "/others/again"):
        app.route(path, methods=["POST"], body=other)(lambda request: None)
    paths, schemas = app.openapi()["paths"], app.openapi()["components"]["schemas"]
    for path in ("/others", "/others/again"):
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Item_2"}
    assert set(schemas) == {"Item", "Part", "Item_2"} and "colour" in schemas["Item_2"]["properties"]


def test_a_struct_of_msgspec():
    msgspec = pytest.importorskip("msgspec")
    part = msgspec.defstruct("Part", [("name", str)])
    item = msgspec.defstruct("Item", [("count", int), ("parts", list[part], [])])
    app, server = service(item, lambda item: item.parts[0].name)
    assert schema_in(app) == {"$ref": "#/components/schemas/Item"}
    assert set(app.openapi()["components"]["schemas"]) == {"Item", "Part"}
    sent = b'{"count": 1, "parts": [{"name": "nut"}]}'
    assert ask(server, "POST /items", sent, JSON)[:2] == (200, {"got": "nut"})
    code, problem, _ = ask(server, "POST /items", b'{"count": "many"}', JSON)
    assert code == 422 and "$.count" in problem["detail"]


def test_a_json_schema_is_described_and_not_asked():
    schema = {"type": "object", "required": ["<name>"]}
    app, server = service(schema)
    assert schema_in(app) == schema and "components" not in app.openapi()
    assert ask(server, "POST /items", b"[]", JSON)[:2] == (200, {"got": "[]"})
    page = ask(server, "GET /docs")[1]
    assert b"<pre>" in page and b"&lt;name&gt;" in page and b"<name>" not in page


def test_the_page_shows_the_schema_behind_a_name():
    _, server = service(part_and_item()[1])
    assert b"&quot;count&quot;" in ask(server, "GET /docs")[1]


def test_a_strict_model_takes_what_it_takes_of_json():
    pydantic = pytest.importorskip("pydantic")
    strict = pydantic.create_model(
        "Day", __config__={"strict": True}, day=(date, ...), parts=(tuple[int, ...], ())
    )
    sent = b'{"day": "2026-02-03", "parts": [1]}'
    for body in (strict, pydantic.TypeAdapter(strict)):
        _, server = service(body, lambda day: [day.day.month, list(day.parts)])
        assert ask(server, "POST /items", sent, JSON)[:2] == (200, {"got": [2, [1]]})
        code, problem, _ = ask(server, "POST /items", b'{"day": "2026-02-03", "parts": ["1"]}', JSON)
        assert code == 422 and [each["pointer"] for each in problem["errors"]] == ["#/parts/0"]


def test_a_body_that_is_nested_too_deeply_for_its_model_is_refused(monkeypatch):
    _, server = service(part_and_item()[1])
    sent = b'{"count": 1, "more": ' + b"[" * 300 + b"]" * 300 + b"}"
    assert ask(server, "POST /items", sent, JSON)[0] == 422

    def too_deep(content: Any) -> str:
        raise RecursionError

    monkeypatch.setattr("selvage.web.routes._models.json.dumps", too_deep)
    check = model_of(part_and_item()[1]).check
    assert check is not None
    with pytest.raises(ValueError, match="nested too deeply"):
        check([])


def test_a_model_that_has_another_of_its_name():
    pydantic = pytest.importorskip("pydantic")
    inner = pydantic.create_model("Item", __module__="inner", count=(int, ...))
    outer = pydantic.create_model("Item", __module__="outer", inner=(inner, ...))
    app, _ = service(outer)
    schemas = app.openapi()["components"]["schemas"]
    assert len(schemas) == 2
    described = schemas[schema_in(app)["$ref"].rpartition("/")[2]]
    inside = schemas[described["properties"]["inner"]["$ref"].rpartition("/")[2]]
    assert inside["properties"]["count"]["type"] == "integer"


def test_names_are_those_that_a_description_may_have():
    pydantic = pytest.importorskip("pydantic")
    app, _ = service(pydantic.create_model("Größe", count=(int, ...)))
    assert schema_in(app) == {"$ref": "#/components/schemas/Gr__e"}
    assert set(app.openapi()["components"]["schemas"]) == {"Gr__e"}


def test_a_struct_of_msgspec_that_has_numbers_for_names():
    msgspec = pytest.importorskip("msgspec")
    _, server = service(msgspec.defstruct("Stock", [("left", dict[int, str])]), lambda stock: stock.left[7])
    assert ask(server, "POST /items", b'{"left": {"7": "nuts"}}', JSON)[:2] == (200, {"got": "nuts"})


def test_a_generic_struct_of_msgspec():
    msgspec = pytest.importorskip("msgspec")
    from typing import Generic, TypeVar

    T = TypeVar("T")
    entries = {"__annotations__": {"entries": list[T]}, "__module__": __name__}
    page = new_class("Page", (msgspec.Struct, Generic[T]), exec_body=lambda own: own.update(entries))
    app, server = service(page[int], lambda page: page.entries)
    assert schema_in(app) == {"$ref": "#/components/schemas/Page_int_"}
    assert ask(server, "POST /items", b'{"entries": [1]}', JSON)[:2] == (200, {"got": [1]})
    assert ask(server, "POST /items", b'{"entries": ["1"]}', JSON)[0] == 422


@pytest.mark.parametrize("place", ["$defs", "definitions"])
def test_what_a_json_schema_names_itself_is_found_in_the_description(place):
    part = {"properties": {"parts": {"items": {"$ref": f"#/{place}/Part[int]"}}}}
    schema = {"allOf": [{"$ref": f"#/{place}/Part[int]"}], "title": "Item", place: {"Part[int]": part}}
    before = json.dumps(schema)
    app, _ = service(schema)
    reference = {"$ref": "#/components/schemas/Part_int_"}
    assert schema_in(app) == {"allOf": [reference], "title": "Item"}
    assert app.openapi()["components"]["schemas"] == {
        "Part_int_": {"properties": {"parts": {"items": reference}}}
    }
    assert json.dumps(schema) == before


def test_a_body_where_none_is_sent_is_refused_when_the_route_is_added():
    for methods in (None, ["GET"], ["HEAD", "get"]):
        with pytest.raises(TypeError, match='methods=\\["POST"\\]'):
            App().route("/", methods, body={})
    App().route("/", ["DELETE"], body={})
    App().route("/", branch=True, body={})


def test_what_is_no_model_is_refused_when_the_route_is_added():
    for body in (int, lambda content: content, "Item"):
        with pytest.raises(TypeError, match="no model of pydantic"):
            App().route("/", methods=["POST"], body=body)


def test_neither_library_is_loaded_for_a_service_without_models():
    code = (
        "import sys; from selvage.web.routes import App; App(title='A').openapi();"
        "print([name for name in ('pydantic', 'msgspec') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_model_that_cannot_be_described_hides_no_other_route(taken_reports):
    pydantic = pytest.importorskip("pydantic")
    made = pydantic.create_model("Made", what=(memoryview, ...), __config__={"arbitrary_types_allowed": True})
    app = App(title="Items")
    app.route("/made", methods=["POST"], body=made)(lambda request: b"")
    app.route("/other")(lambda request: b"")
    code, described, _ = ask(Server(app.resource()), "GET /openapi.json")
    assert code == 200 and set(described["paths"]) == {"/made", "/other"}
    body = described["paths"]["/made"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"] == {}
    (told,) = taken_reports()
    assert told.message == "The body of POST /made cannot be described: its model has no JSON schema"
