"""A request is answered with an element."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from selvage.defer import CancelledError, Deferred
from selvage.errors import ConnectionLost
from selvage.logger import LogLevel, capturedLogs
from selvage.web.errors import FlattenerError
from selvage.web.template import Element, TagLoader, flattenString, renderElement, tags
from selvage.web.template._failure_page import FailureElement, formatFailure
from tests.web.template.page import FakeRequest, flat


class Broken(Element):
    def render(self, request):
        secret = "".join(["s3", "cret"])
        raise RuntimeError(f"<{len(secret)}>")


def test_the_page_is_written_and_the_request_finished():
    request = FakeRequest()
    assert renderElement(request, Element(TagLoader(tags.p("x")))) == 1
    assert (b"".join(request.written), request.finished) == (b"<!DOCTYPE html>\n<p>x</p>", 1)
    request = FakeRequest()
    renderElement(request, tags.p("x"), doctype=None)
    assert b"".join(request.written) == b"<p>x</p>"


def test_the_peer_of_a_page_that_fails_reads_no_more_than_that():
    request = FakeRequest()
    with capturedLogs() as events:
        renderElement(request, Broken())
    (event,) = events
    assert event["log_failure"].check(FlattenerError) and event["log_level"] is LogLevel.critical
    page = b"".join(request.written)
    assert b"An error occurred while rendering the response." in page and b"RuntimeError" not in page
    assert request.finished == 1


def test_attack_036_the_page_of_a_failure_is_escaped_and_shown_only_when_asked_for():
    request = FakeRequest(SimpleNamespace(displayTracebacks=True))
    with capturedLogs():
        renderElement(request, Broken())
    page = b"".join(request.written)
    assert b"raise RuntimeError" in page and b"&lt;6&gt;" in page
    assert b"<6>" not in page


def test_what_a_page_waits_for_is_cancelled_when_the_peer_goes_away():
    request = FakeRequest()
    waits: Deferred[str] = Deferred()
    reasons: list[object] = []
    renderElement(request, tags.p(waits))
    waits.addErrback(lambda reason: reasons.append(reason.type))
    with capturedLogs() as events:
        request.lose(ConnectionLost())
    assert reasons == [CancelledError]
    assert request.finished == 0 and events == []


def test_what_fails_after_the_peer_has_gone_is_logged_and_not_written():
    request = FakeRequest()
    waits: Deferred[str] = Deferred(lambda d: d.errback(ValueError("late")))
    renderElement(request, tags.p(waits))
    waits.addErrback(lambda failure: None)
    before = list(request.written)
    with capturedLogs() as events:
        request.lose(ConnectionLost())
    assert len(events) == 1 and request.written == before and request.finished == 0


def test_a_failure_is_shown_with_source_and_without_values():
    try:
        Broken().render(None)
    except RuntimeError as error:
        from selvage.failure import Failure

        page = formatFailure(Failure(error))
    assert page.isascii()
    assert b"builtins.RuntimeError" in page and b"snippetHighlightLine" in page
    assert b"raise RuntimeError" in page
    assert b"s3cret" not in page  # the value of a variable
    with pytest.raises(FlattenerError):
        formatFailure(object())


def test_a_failure_may_have_a_template_of_its_own():
    from selvage.failure import Failure

    element = FailureElement(
        Failure(ValueError("x")), TagLoader([tags.b(render="type"), tags.i(render="value")])
    )
    assert flat(element) == b"<b>builtins.ValueError</b><i>x</i>"
    assert flattenString(None, element).called
