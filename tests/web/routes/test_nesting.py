"""Applications below others, as methods, with handlers of errors, and the paths that they make."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.web.resource import Resource
from selvage.web.routes import App, Cors, Problem
from selvage.web.routes._paths import Path
from selvage.web.static import Data, File
from selvage.web.util import redirectTo
from tests.web.serving import Server, body, head, status

from .test_app import ask


class Where(Resource):
    isLeaf = True

    def render(self, request: Any) -> Any:
        return [
            request.method.decode(),
            [each.decode() for each in request.prepath + [b"|"] + request.postpath],
        ]


def test_a_branch_leaves_the_rest_to_a_resource():
    app = App()

    @app.route("/tree/<int:number>/", branch=True)
    async def tree(request: Any, number: int) -> Any:
        return Where() if number else Problem

    server = Server(app.resource())
    assert ask(server, "GET /tree/7")[1] == ["GET", ["tree", "7", "|"]]
    assert ask(server, "GET /tree/7/")[1] == ["GET", ["tree", "7", "|", ""]]
    assert ask(server, "DELETE /tree/7/a/b%2Fc")[1] == ["DELETE", ["tree", "7", "|", "a", "b/c"]]
    assert ask(server, "GET /tree/x/a")[0] == 404


def test_a_branch_of_everything_gives_way_to_routes_before_it(tmp_path):
    (tmp_path / "a.txt").write_text("in a file")
    app = App()
    app.route("/api")(lambda request: {"api": True})
    app.mount("/", File(str(tmp_path)))
    server = Server(app.resource())
    assert ask(server, "GET /api")[1] == {"api": True}
    answer = server.send(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
    assert body(answer) == b"in a file" and head(answer)[b"content-type"] == b"text/plain"
    code, _, headers = ask(server, "GET /nowhere")
    assert code == 404 and b"html" in headers[b"content-type"]


def test_a_resource_from_a_plain_route_answers():
    app = App()
    app.route("/page")(lambda request: Data(b"data", "text/plain"))
    app.route("/moved")(lambda request: redirectTo(b"/page", request))
    server = Server(app.resource())
    assert ask(server, "GET /page")[:2] == (200, b"data")
    code, _, headers = ask(server, "GET /moved")
    assert code == 302 and headers[b"location"] == b"/page"


def test_nothing_is_204_unless_the_handler_says_otherwise():
    app = App()
    app.route("/gone")(lambda request: request.setResponseCode(202))
    app.route("/moved")(lambda request: request.redirect(b"/elsewhere"))
    server = Server(app.resource())
    assert ask(server, "GET /gone")[:2] == (202, b"")
    assert ask(server, "GET /moved")[:2] == (302, b"")


def test_applications_below_applications(taken_reports):
    outer, inner = App(), App()
    outer.mount("/shops/<shop>", inner)

    @inner.route("/items/<int:number>", methods=["GET", "PATCH"])
    def item(request: Any, number: int) -> Any:
        if number == 0:
            raise Problem(410)
        return [request.route, inner.url_for(request, "item", number=number + 1)]

    tree = Resource()
    tree.putChild(b"v1", outer.resource())
    server = Server(tree)
    assert ask(server, "GET /v1/shops/a%20b/items/7")[1] == ["/items/<int:number>", "/v1/shops/a%20b/items/8"]
    assert ask(server, "PATCH /v1/shops/x/items/0")[0] == 410
    code, problem, headers = ask(server, "DELETE /v1/shops/x/items/1")
    assert (code, problem["status"], headers[b"allow"]) == (405, 405, b"GET, HEAD, OPTIONS, PATCH")
    assert ask(server, "GET /v1/shops/x/nothing")[1]["title"] == "Not Found"
    assert not taken_reports()


def test_a_prefix_for_several_routes():
    app = App()
    with app.subroute("/admin/") as admin:
        admin.route("/users")(lambda request: "users")
        with app.subroute("/deep"):
            app.route("/")(lambda request: "deep")
    app.route("/users")(lambda request: "outside")
    server = Server(app.resource())
    assert ask(server, "GET /admin/users")[1] == b"users"
    assert ask(server, "GET /admin/deep/")[1] == b"deep"
    assert ask(server, "GET /users")[1] == b"outside"


class Shop:
    app = App()

    def __init__(self, name: str) -> None:
        self.name = name

    @app.route("/")
    async def home(self, request: Any) -> str:
        return f"the shop of {self.name}, at {self.app.url_for(request, 'fail')}"

    @app.route("/fail")
    def fail(self, request: Any) -> None:
        raise KeyError("a secret")

    @app.handle_errors(KeyError)
    def missing(self, request: Any, failure: Failure) -> list[str]:
        return [self.name]


def test_handlers_may_be_methods():
    tree = Resource()
    tree.putChild(b"ann", Shop("Ann").app.resource())
    tree.putChild(b"ben", Shop("Ben").app.resource())
    server = Server(tree)
    assert ask(server, "GET /ann/")[1] == b"the shop of Ann, at /ann/fail"
    assert ask(server, "GET /ben/")[1] == b"the shop of Ben, at /ben/fail"
    assert ask(server, "GET /ben/fail")[:2] == (500, ["Ben"])
    with pytest.raises(TypeError, match=r"Shop\.home is a method: take the application from an instance"):
        Shop.app.resource()


class Teapot(Exception):
    pass


def failing(taken: list[Any]) -> App:
    app = App()

    @app.route("/<kind>")
    def fail(request: Any, kind: str) -> Any:
        raise {"teapot": Teapot("short and stout"), "value": ValueError("v"), "problem": Problem(409)}[kind]

    @app.route("/late/<kind>")
    async def later(request: Any, kind: str) -> None:
        fail(request, kind)

    @app.handle_errors(Teapot)
    def teapot(request: Any, failure: Failure) -> str:
        taken.append(failure)
        request.setResponseCode(418)
        return f"I am {failure.value}"

    @app.handle_errors(ValueError, Problem)
    async def other(request: Any, failure: Failure) -> Any:
        if failure.check(ValueError):
            raise Problem(422, detail=str(failure.value)) from failure.value
        return {"code": request.code}

    return app


@pytest.mark.parametrize("prefix", ["/", "/late/"])
def test_handlers_of_errors(prefix, taken_reports):
    taken: list[Any] = []
    server = Server(failing(taken).resource())
    assert ask(server, f"GET {prefix}teapot")[:2] == (418, b"I am short and stout")
    assert taken[0].check(Teapot) and not taken_reports()
    code, problem, _ = ask(server, f"GET {prefix}value")
    assert (code, problem["detail"]) == (422, "v")
    assert ask(server, f"GET {prefix}problem")[:2] == (409, {"code": 409})
    assert ask(server, "POST /teapot")[:2] == (405, {"code": 405})
    assert ask(server, "GET /a/b/c")[:2] == (404, {"code": 404})
    assert not taken_reports()
    assert ask(server, f"GET {prefix}unknown")[0] == 500  # KeyError is nobody's
    assert [report.failure.type for report in taken_reports()] == [KeyError]


def test_a_handler_of_errors_that_fails_is_a_500(taken_reports):
    app = App()
    app.route("/")(lambda request: 1 / 0)
    app.handle_errors()(lambda request, failure: {}["missing"])
    code, problem, _ = ask(Server(app.resource()), "GET /")
    assert (code, problem["status"]) == (500, 500)
    [report] = taken_reports()
    assert report.failure.type is KeyError and isinstance(report.failure.value.__context__, ZeroDivisionError)
    with pytest.raises(TypeError, match=r"write @app\.handle_errors\(\)"):
        app.handle_errors(lambda request, failure: None)  # type: ignore[arg-type]


def test_nobody_is_asked_what_to_say_to_a_client_that_has_gone(taken_reports):
    app = App()
    waiting: Deferred[None] = Deferred()
    asked: list[Any] = []
    app.route("/")(lambda request: waiting)
    app.handle_errors()(lambda request, failure: asked.append(failure))
    server = Server(app.resource())
    assert server.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == b""
    server.close()
    assert waiting.called and not asked and not taken_reports()


def test_the_story_of_an_error_is_shown_only_when_asked_for(taken_reports):
    app = App()
    app.route("/")(lambda request: {}["hunter2"])
    server = Server(app.resource())
    assert b"hunter2" not in server.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    server.site.displayTracebacks = True
    answer = server.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(answer) == 500 and b"hunter2" in answer and head(answer)[b"content-type"] == b"text/html"
    reports = taken_reports()
    assert len(reports) == 2 and all(report.context["request"].method == b"GET" for report in reports)


def test_paths_of_handlers():
    app = App()
    made: list[str] = []

    @app.route("/files/<path:name>")
    @app.route("/<a>/<uuid:b>")
    @app.route("/<float:a>")
    def thing(request: Any, **parameters: Any) -> None:
        made.append(app.url_for(request, "thing", **parameters))
        for wrong, kind in (({"x": 1}, TypeError), ({"a": "x"}, ValueError), ({"name": ""}, ValueError)):
            with pytest.raises(kind):
                app.url_for(request, "thing", **wrong)
        with pytest.raises(LookupError, match="no route to a handler named 'nothing'"):
            app.url_for(request, "nothing")

    server = Server(app.resource())
    for path in (
        "/files/a/b%20c",
        "/x%2Fy%3F%23/00000000-0000-4000-8000-000000000001",
        "/1.5",
    ):
        assert ask(server, f"GET {path}")[0] == 204
        assert made.pop() == path
    assert Path("/<uuid:x>").match(["00000000-0000-4000-8000-00000000000A"]) == {
        "x": UUID(int=(4 << 76) + (8 << 60) + 10)
    }
    assert Path("/<uuid:x>").match(["{00000000-0000-4000-8000-00000000000A}"]) is None


@given(st.text(min_size=1), st.integers(-(10**17), 10**17))
def test_what_fills_a_path_is_what_it_gives(text, number):
    from urllib.parse import unquote

    path = Path("/a b/<x>/<int:y>/<path:z>")
    segments = [unquote(each) for each in path.fill({"x": text, "y": number, "z": text})[1:].split("/")]
    assert path.match(segments) == {"x": text, "y": number, "z": text}


def test_a_branch_cannot_take_the_rest_itself():
    with pytest.raises(ValueError, match="is to be a branch"):
        App().route("/<path:rest>", branch=True)


def test_pages_ask_beforehand_without_the_handler_being_called():
    called: list[str] = []
    app = App(cors=Cors(["https://good.example"], headers=[]))
    app.route("/", methods=["PUT", "OPTIONS"])(lambda request: called.append("asked"))
    app.mount("/below", Where())
    server = Server(app.resource())
    fields = ("Origin: https://good.example", "Access-Control-Request-Method: PUT")
    code, _, headers = ask(server, "OPTIONS /", b"", *fields)
    assert (code, headers[b"access-control-allow-methods"]) == (204, b"OPTIONS, PUT")
    assert b"access-control-allow-headers" not in headers and headers[b"vary"] == b"Origin"
    _, _, headers = ask(server, "OPTIONS /below/x", b"", *fields)
    assert b"PATCH" in headers[b"access-control-allow-methods"]
    _, _, headers = ask(server, "OPTIONS /", b"", "Origin: https://evil.example", fields[1])
    assert not any(name.startswith(b"access-control") for name in headers) and headers[b"vary"] == b"Origin"
    assert ask(server, "OPTIONS /", b"", *fields)[0] == 204
    assert not called
    assert ask(server, "OPTIONS /")[0] == 204 and called == ["asked"]


@pytest.mark.parametrize("origin", ["https://a.example/", "a.example", "https://", "https://a.example/x"])
def test_what_is_no_origin_is_named(origin):
    with pytest.raises(ValueError, match="is no origin"):
        Cors([origin])


def test_an_error_tells_pages_as_much_as_an_answer(taken_reports):
    app = App(cors=Cors(["https://good.example"], exposed=["X-A"]))
    app.route("/")(lambda request: 1 / 0)
    server = Server(app.resource())
    for path, code in (("/", 500), ("/nowhere", 404)):
        found, _, headers = ask(server, f"GET {path}", b"", "Origin: https://good.example")
        assert found == code and headers[b"access-control-allow-origin"] == b"https://good.example"
        assert headers[b"access-control-expose-headers"] == b"X-A"
    assert len(taken_reports()) == 1


def test_operations_have_names_of_their_own():
    app = App(title="Names")

    def item(request: Any) -> None: ...

    app.route("/a", methods=["GET", "PUT"])(item)
    app.route("/b", methods=["GET", "PUT"])(item)
    app.route("/c")(lambda request: None)
    app.mount("/d", Where())
    paths = app.openapi()["paths"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert names == ["item", "item_put", "item_get", "item_2", "operation"]
    assert set(paths) == {"/a", "/b", "/c"}
