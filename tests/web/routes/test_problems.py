"""What clients are told of what is wrong (RFC 9457), and what is wrong with what they sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from selvage.web.routes import App, Problem, json_body
from tests.web.serving import Server

from .test_app import JSON, ask


def answer_of(problem: Problem) -> Any:
    app = App()

    @app.route("/")
    def fail(request: Any) -> None:
        raise problem

    return ask(Server(app.resource()), "GET /")


def test_a_problem_that_is_no_json_is_an_error_of_the_program(taken_reports):
    assert answer_of(Problem(400, load=float("nan")))[:2] == (
        500,
        {"type": "about:blank", "title": "Internal Server Error", "status": 500},
    )
    assert [report.failure.type for report in taken_reports()] == [ValueError]


def test_what_is_no_json_is_not_sent_as_json(taken_reports):
    app = App()
    app.route("/")(lambda request: {"load": float("inf")})
    assert ask(Server(app.resource()), "GET /")[0] == 500
    assert len(taken_reports()) == 1


@dataclass
class Item:
    name: str

    @classmethod
    def of(cls, content: Any) -> Item:
        if not isinstance(content, dict) or not isinstance(content.get("name"), str):
            raise ValueError("name has to be text")
        return cls(content["name"])


def serving(check: Any) -> Server:
    app = App()
    app.route("/", methods=["POST"])(lambda request: {"got": json_body(request, check).name})
    return Server(app.resource())


def test_a_body_is_checked_by_a_function():
    server = serving(Item.of)
    assert ask(server, "POST /", b'{"name": "nut"}', JSON)[:2] == (200, {"got": "nut"})
    code, problem, headers = ask(server, "POST /", b'{"name": 1}', JSON)
    assert (code, headers[b"content-type"]) == (422, b"application/problem+json")
    assert problem == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "name has to be text",
    }
    assert ask(server, "POST /", b"{", JSON)[0] == 400


def test_errors_of_pydantic_are_told_each_with_its_place():
    pydantic = pytest.importorskip("pydantic")
    part = pydantic.create_model("Part", **{"a/b~": (int, ...)})
    item = pydantic.create_model("Item", name=(str, ...), parts=(list[part], ...))
    server = serving(item.model_validate)
    assert ask(server, "POST /", b'{"name": "nut", "parts": [{"a/b~": 1}]}', JSON)[1] == {"got": "nut"}
    code, problem, _ = ask(server, "POST /", b'{"parts": [{"a/b~": 1}, {"a/b~": "hunter2"}]}', JSON)
    assert code == 422 and [each["pointer"] for each in problem["errors"]] == ["#/name", "#/parts/1/a~1b~0"]
    assert problem["errors"][0]["detail"] == "Field required" and "hunter2" not in str(problem)


class ValidationError(Exception):
    """As the ones of marshmallow, jsonschema and others, which are no ValueError."""


@pytest.mark.parametrize("has_message", [False, True])
def test_errors_of_other_libraries_of_validation_are_the_clients_mistakes(has_message):
    def check(content: Any) -> Any:
        error = ValidationError("name: 1 is not of type 'string'")
        if has_message:  # as those of jsonschema, whose text has the whole schema in it
            error = ValidationError("a schema")
            error.message = "name: 1 is not of type 'string'"  # type: ignore[attr-defined]
        raise error

    code, problem, _ = ask(serving(check), "POST /", b'{"name": 1}', JSON)
    assert (code, problem["detail"]) == (422, "name: 1 is not of type 'string'")


@pytest.mark.parametrize("error", [LookupError("secret"), type("InvalidSchema", (Exception,), {})("secret")])
def test_an_error_of_another_name_is_an_error_of_the_program(error, taken_reports):
    def check(content: Any) -> Any:
        raise error

    code, problem, _ = ask(serving(check), "POST /", b"{}", JSON)
    assert code == 500 and "secret" not in str(problem)
    assert [report.failure.value for report in taken_reports()] == [error]


def test_an_error_in_the_check_is_an_error_of_the_program(taken_reports):
    assert ask(serving(lambda content: content["name"]), "POST /", b"{}", JSON)[0] == 500
    assert [report.failure.type for report in taken_reports()] == [KeyError]
