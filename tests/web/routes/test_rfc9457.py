"""Problem details, by the sections of RFC 9457."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selvage.web.routes import App, Problem
from tests.web.http2.peer import GET, Peer
from tests.web.serving import Server, body, head, status


def told(problem: BaseException, method: bytes = b"GET") -> tuple[int, dict[bytes, bytes], bytes]:
    """Return status, headers and body of an answer to a request whose handler raises."""
    app = App()

    @app.route("/")
    def fail(request: Any) -> Any:
        raise problem

    answer = Server(app.resource()).send(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    return status(answer), head(answer), body(answer)


def test_rfc_9457_section_3_all_members_in_a_document_of_its_type():
    problem = Problem(
        403,
        "You do not have enough credit.",
        "Your current balance is 30, but that costs 50.",
        type="https://example.com/probs/out-of-credit",
        instance="/account/12345/msgs/abc",
        balance=30,
        accounts=["/account/12345", "/account/67890"],
    )
    code, headers, content = told(problem)
    assert code == 403 and headers[b"content-type"] == b"application/problem+json"
    assert json.loads(content) == {
        "type": "https://example.com/probs/out-of-credit",
        "title": "You do not have enough credit.",
        "status": 403,
        "detail": "Your current balance is 30, but that costs 50.",
        "instance": "/account/12345/msgs/abc",
        "balance": 30,
        "accounts": ["/account/12345", "/account/67890"],
    }


@pytest.mark.parametrize("code", [400, 404, 409, 418, 422, 499, 500, 503, 599])
def test_rfc_9457_section_3_1_2_the_status_is_that_of_the_answer(code):
    answered, _, content = told(Problem(code))
    assert answered == code == json.loads(content)["status"]


def test_rfc_9457_section_3_1_members_that_are_not_given_are_left_out():
    assert set(json.loads(told(Problem(404))[2])) == {"type", "title", "status"}


def test_rfc_9457_section_3_2_members_of_ones_own_replace_none():
    """An extension is named like a keyword, and those of the RFC are keywords already."""
    with pytest.raises(TypeError):
        Problem(404, status=500)  # type: ignore[misc]
    assert json.loads(told(Problem(404, errors=[{"pointer": "#/age"}]))[2])["errors"] == [
        {"pointer": "#/age"}
    ]


def test_rfc_9457_section_4_2_1_about_blank_has_the_phrase_of_the_status():
    problem = json.loads(told(Problem(404))[2])
    assert (problem["type"], problem["title"]) == ("about:blank", "Not Found")
    assert json.loads(told(Problem(499))[2])["title"] == "Error"  # which has none


def test_rfc_9457_section_5_nothing_is_told_of_what_went_wrong_inside(taken_reports):
    code, headers, content = told(ZeroDivisionError("hunter2"))
    assert code == 500 and headers[b"content-type"] == b"application/problem+json"
    assert json.loads(content) == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert len(taken_reports()) == 1


def test_rfc_9457_text_of_the_client_stays_text():
    evil = 'é"}\r\n\r\n<script>\0'
    code, headers, content = told(Problem(400, detail=evil, headers={"x-a": "b\r\nSet-Cookie: c"}))
    assert json.loads(content)["detail"] == evil and content.isascii() and b"\n" not in content
    assert b"set-cookie" not in headers and code == 400


def test_rfc_9457_a_head_request_has_the_length_and_no_body():
    code, headers, content = told(Problem(404), b"HEAD")
    assert code == 404 and content == b"" and int(headers[b"content-length"]) > 10


def test_rfc_9457_over_http_2_it_is_the_same():
    app = App()

    @app.route("/x")
    def fail(request: Any) -> Any:
        raise Problem(409, detail="taken")

    peer = Peer(app.resource())
    frames = peer.send(peer.headers(1, [*GET[:2], (b":path", b"/x"), GET[3]]))
    ((code, content),) = peer.answers(frames)
    assert code == 409 and json.loads(content)["detail"] == "taken"
