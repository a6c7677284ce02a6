"""Services with an API, over a connection in memory."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred
from selvage.web.resource import Resource
from selvage.web.routes import App, Cors, Problem, json_body
from selvage.web.routes._paths import Path
from tests.web.serving import Server, body, head, status

app = App(title="Items <&>", version="2")
items: dict[int, Any] = {}


@app.route("/items/<int:number>")
async def item(request: Any, number: int) -> Any:
    """Give one item.

    By its number.
    """
    if number not in items:
        raise Problem(404, "No such item", number=number)
    return items[number]


@app.route("/items/<int:number>", methods=["PUT"])
def put(request: Any, number: int) -> Any:
    items[number] = json_body(request)
    request.setResponseCode(201)
    return {"number": number}


@app.route("/items/<int:number>", methods=["delete"])
def remove(request: Any, number: int) -> None:
    items.pop(number, None)


@app.route("/")
def root(request: Any) -> str:
    return "the root"


@app.route("/late")
def late(request: Any) -> Any:
    return waiting


@app.route("/files/<path:name>", methods=["GET", "POST"])
def files(request: Any, name: str) -> dict[str, str]:
    return {"name": name}


@app.route("/<float:x>/<y>")
def pair(request: Any, x: float, y: str) -> list[Any]:
    return [x, y, request.route]


waiting: Deferred[Any] = Deferred()


@pytest.fixture
def server() -> Server:
    items.clear()
    return Server(app.resource())


def ask(server: Server, line: str, content: bytes = b"", *fields: str) -> tuple[int, Any, dict[bytes, bytes]]:
    lines = [f"{line} HTTP/1.1", "Host: a", f"Content-Length: {len(content)}", *fields, "", ""]
    answer = server.send("\r\n".join(lines).encode() + content)
    assert answer.count(b"HTTP/1.1 ") == 1
    told = body(answer)
    kind = head(answer).get(b"content-type", b"")
    return status(answer), json.loads(told) if b"json" in kind else told, head(answer)


JSON = "Content-Type: application/json"


def test_items_come_and_go(server):
    assert ask(server, "GET /items/1")[:2] == (
        404,
        {"type": "about:blank", "title": "No such item", "status": 404, "number": 1},
    )
    assert ask(server, "PUT /items/1", b'{"name": "nut"}', JSON)[:2] == (201, {"number": 1})
    assert ask(server, "GET /items/1")[:2] == (200, {"name": "nut"})
    code, content, _ = ask(server, "DELETE /items/1")
    assert (code, content) == (204, b"")
    assert ask(server, "GET /items/1")[0] == 404


def test_parameters_are_converted_and_templates_told(server):
    assert ask(server, "GET /1.5/a%20b")[1] == [1.5, "a b", "/<float:x>/<y>"]
    assert ask(server, "GET /files/a/b/c")[1] == {"name": "a/b/c"}
    assert ask(server, "GET /")[1] == b"the root"
    for path in (
        "/items/x",
        "/items/",
        "/items/1/2",
        "/x/y",
        "/items/99999999999999999999",
        "/files/",
        "/1.5/",
    ):
        code, problem, headers = ask(server, f"GET {path}")
        assert (code, problem["title"]) == (404, "Not Found"), path
        assert headers[b"content-type"] == b"application/problem+json"


def test_methods(server):
    code, problem, headers = ask(server, "POST /items/1")
    assert (
        code == 405 and headers[b"allow"] == b"DELETE, GET, HEAD, OPTIONS, PUT" and problem["status"] == 405
    )
    code, content, headers = ask(server, "OPTIONS /items/1")
    assert code == 204 and headers[b"allow"] == b"DELETE, GET, HEAD, OPTIONS, PUT"
    items[1] = {"a": 1}
    answer = server.send(b"HEAD /items/1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(answer) == 200 and body(answer) == b"" and head(answer)[b"content-length"] == b"7"


@pytest.mark.parametrize(
    "content, kind, code",
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b'{"a": NaN}', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"\xff", JSON, 400),
        (b"{}", "Content-Type: text/plain", 415),
        (b"{}", "X: y", 415),
        (b"{}", "Content-Type: application/merge-patch+json; charset=utf-8", 201),
    ],
)
def test_bodies_that_are_no_json_are_problems(server, content, kind, code):
    assert ask(server, "PUT /items/1", content, kind)[0] == code


def test_answers_that_come_late(server):
    assert server.send(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n") == b""
    waiting.errback(Problem(503, headers={"Retry-After": "5"}))
    assert status(server.answered()) == 503 and head(server.answered())[b"retry-after"] == b"5"


def test_an_application_below_a_tree():
    tree = Resource()
    tree.putChild(b"api", app.resource())
    assert ask(Server(tree), "GET /api/files/x")[1] == {"name": "x"}


async def late_failure(request: Any) -> None:
    raise ZeroDivisionError("the secret is hunter2")


def test_other_errors_tell_nothing_and_reach_the_hub(taken_reports):
    failing = App()
    failing.route("/")(lambda request: 1 / 0)
    failing.route("/late")(late_failure)
    for path in ("/", "/late"):
        code, problem, headers = ask(Server(failing.resource()), f"GET {path}")
        assert (code, problem) == (
            500,
            {"type": "about:blank", "title": "Internal Server Error", "status": 500},
        )
        assert headers[b"content-type"] == b"application/problem+json"
    reports = taken_reports()
    assert [report.failure.type for report in reports] == [ZeroDivisionError] * 2


def test_a_description_for_programs_and_people(server):
    document = ask(server, "GET /openapi.json")[1]
    assert document["openapi"] == "3.1.0" and document["info"] == {"title": "Items <&>", "version": "2"}
    operation = document["paths"]["/items/{number}"]["get"]
    assert operation["summary"] == "Give one item." and operation["description"] == "By its number."
    assert operation["parameters"] == [
        {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
    ]
    assert set(document["paths"]["/items/{number}"]) == {"get", "put", "delete"}
    assert "/docs" not in document["paths"]
    page = ask(server, "GET /docs")[1]
    assert b"Items &lt;&amp;&gt; 2" in page and b"GET /items/{number}" in page and b"<script" not in page
    assert ask(Server(App().resource()), "GET /docs")[0] == 404


def test_pages_of_other_origins():
    shared = App(cors=Cors(["https://good.example"], credentials=True, exposed=["X-A"]))
    shared.route("/", methods=["GET", "PUT"])(lambda request: {})
    server = Server(shared.resource())
    _, _, headers = ask(server, "GET /", b"", "Origin: https://good.example")
    assert headers[b"access-control-allow-origin"] == b"https://good.example"
    assert headers[b"access-control-allow-credentials"] == b"true"
    assert headers[b"access-control-expose-headers"] == b"X-A" and headers[b"vary"] == b"Origin"
    _, _, headers = ask(
        server, "OPTIONS /", b"", "Origin: https://good.example", "Access-Control-Request-Method: PUT"
    )
    assert headers[b"access-control-allow-methods"] == b"GET, HEAD, OPTIONS, PUT"
    assert headers[b"access-control-max-age"] == b"600"
    for origin in ("https://evil.example", "null", "https://good.example.evil"):
        _, _, headers = ask(server, "GET /", b"", f"Origin: {origin}")
        assert b"access-control-allow-origin" not in headers
    everyone = App(cors=Cors(["*"]))
    everyone.route("/")(lambda request: {})
    assert (
        ask(Server(everyone.resource()), "GET /", b"", "Origin: https://x")[2][b"access-control-allow-origin"]
        == b"*"
    )
    with pytest.raises(ValueError, match="act as its visitor"):
        Cors(["*"], credentials=True)
    with pytest.raises(TypeError, match="needs a list"):
        Cors("https://a")


@pytest.mark.parametrize(
    "path, words",
    [
        ("items", "begin with a slash"),
        ("/<int>x", "is no parameter"),
        ("/<date:x>", "of the kind 'date'"),
        ("/<a>/<a>", "two parameters of the name"),
        ("/<path:a>/b", "takes all that is left"),
        ("/<1>", "is no parameter"),
    ],
)
def test_paths_that_are_malformed_are_named(path, words):
    with pytest.raises(ValueError, match=words):
        App().route(path)


def test_handlers_that_do_not_take_the_parameters_are_named():
    with pytest.raises(TypeError, match=r"is called with \(request, number\)"):
        App().route("/<int:number>")(lambda request: {})
    with pytest.raises(TypeError, match="needs a list of methods"):
        App().route("/", methods="GET")


def test_problems_have_the_status_of_an_error():
    with pytest.raises(ValueError, match="400 to 599"):
        Problem(200)
    assert str(Problem(422, detail="too long")) == "422 Unprocessable Content: too long"


@given(st.lists(st.text()), st.sampled_from(["/", "/a/<b>", "/<int:a>", "/<float:a>/<path:b>", "/a/b/c"]))
def test_no_path_makes_matching_fail(segments, template):
    found = Path(template).match(segments)
    assert found is None or set(found) == set(Path(template).parameters)


@pytest.mark.parametrize(
    "mistake, words",
    [
        (lambda: App().route(put), "needs a path, such as '/items': write @app.route('/path')"),
        (lambda: App().route(b"/items"), "route(b'/items') needs a path, such as '/items': give str"),
        (lambda: App(cors="https://example.org"), "needs a Cors, such as Cors(['https://example.org'])"),
        (
            lambda: App().mount("/below", Resource),
            "mount('/below', ...) takes a resource, not the class Resource",
        ),
        (lambda: Problem("404"), "Problem('404'): the status of a problem is a number, 400 to 599"),
    ],
)
def test_what_is_given_instead_of_the_right_thing_is_named(mistake, words):
    with pytest.raises(TypeError) as caught:
        mistake()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "result, words",
    [
        (3.5, r"^the handler of '/<name>' returned a float for <Request .*>: return bytes"),
        (
            {"a": b""},
            r"^the handler of '/<name>' returned a dict for .* that cannot be sent as JSON: .* bytes is not",
        ),
        (Problem(404), r"returned a Problem for .* .was it to be raised[?].: return bytes"),
    ],
)
@pytest.mark.parametrize("waits", [False, True])
def test_the_handler_that_returned_what_cannot_be_sent_is_named(result, words, waits, taken_reports):
    bare = App()

    async def later(request, name):
        return result

    bare.route("/<name>")(later if waits else lambda request, name: result)
    assert status(Server(bare.resource()).send(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")) == 500
    [report] = taken_reports()
    assert re.search(words, str(report.failure.value))
