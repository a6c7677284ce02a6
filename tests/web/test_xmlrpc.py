"""XML-RPC: calls, faults, and documents that are none."""

from __future__ import annotations

import xmlrpc.client as xmlrpclib

import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred, succeed
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.testing import MemoryReactorClock, StringTransport
from selvage.web.xmlrpc import (
    XMLRPC,
    Fault,
    Handler,
    NoSuchFunction,
    Proxy,
    QueryFactory,
    addIntrospection,
    withRequest,
)
from tests.web.serving import Server, body, head, status
from tests.work import bytes_allocated


class Calls(XMLRPC):
    def xmlrpc_add(self, a, b):
        """Add."""
        return a + b

    xmlrpc_add.signature = [["int", "int", "int"]]

    async def xmlrpc_later(self, what):
        return await succeed(what)

    def xmlrpc_fault(self):
        raise Fault(12, "twelve")

    def xmlrpc_broken(self):
        raise ZeroDivisionError("secret")

    def xmlrpc_object(self):
        return object()

    @withRequest
    def xmlrpc_method(self, request, more):
        return request.method.decode() + more

    def xmlrpc_handled(self, a):
        class Doubles(Handler):
            def run(self, number):
                self.result = number * 2

        return Doubles(self, a)

    xmlrpc_data = "not callable"


def post(document: bytes | str, resource: XMLRPC | None = None) -> bytes:
    content = document.encode() if isinstance(document, str) else document
    server = Server(resource or Calls())
    return server.send(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
    )


def call(name: str, *args: object, resource: XMLRPC | None = None) -> object:
    answer = post(xmlrpclib.dumps(args, name), resource)
    assert status(answer) == 200 and head(answer)[b"content-type"] == b"text/xml; charset=utf-8"
    return xmlrpclib.loads(body(answer))[0][0]


def fault(name: str, *args: object, resource: XMLRPC | None = None) -> Fault:
    with pytest.raises(Fault) as caught:
        call(name, *args, resource=resource)
    return caught.value


def test_procedures_answer_now_or_later():
    assert call("add", 2, 3) == 5
    assert call("later", ["a", {"b": 1.5}]) == ["a", {"b": 1.5}]
    assert call("method", "!") == "POST!"
    assert call("handled", 21) == 42


def test_faults_are_answered_and_failures_reported_without_particulars(taken_reports):
    assert fault("fault").faultCode == 12
    broken = fault("broken")
    assert (broken.faultCode, broken.faultString) == (8002, "error")
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]
    assert "Can't serialize output" in fault("object").faultString


@pytest.mark.parametrize("name", ["nothing", "data", "a.b", "", "_answer", "__class__", "system.listMethods"])
def test_only_procedures_can_be_called(name):
    assert fault(name).faultCode == 8001


def test_prefixes_lead_to_other_resources_and_introspection_lists_all():
    top, below = Calls(), Calls()
    top.putSubHandler("below", below)
    addIntrospection(top)
    assert call("below.add", 1, 1, resource=top) == 2
    names = call("system.listMethods", resource=top)
    assert "add" in names and "below.add" in names and "system.methodHelp" in names and "data" in names
    assert call("system.methodHelp", "add", resource=top) == "Add."
    assert call("system.methodSignature", "below.add", resource=top) == [["int", "int", "int"]]
    assert call("system.methodHelp", "fault", resource=top) == ""
    with pytest.raises(NoSuchFunction):
        top.lookupProcedure("nobody.add")


def test_only_post_calls():
    answer = Server(Calls()).send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert status(answer) == 405 and head(answer)[b"allow"] == b"POST"


def test_none_and_dates_by_request():
    answer = post(xmlrpclib.dumps((None,), "later", allow_none=True), Calls(allowNone=True))
    assert xmlrpclib.loads(body(answer)) == ((None,), None)
    when = xmlrpclib.DateTime("20260102T03:04:05")
    answer = post(xmlrpclib.dumps((when,), "later"), Calls(useDateTime=True))
    assert xmlrpclib.loads(body(answer))[0][0] == when


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]><methodCall><methodName>&z;</methodName></methodCall>'
ENTITIES = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(25))


@pytest.mark.parametrize(
    "document",
    [
        BOMB % ENTITIES,
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><methodCall><methodName>add</methodName></methodCall>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><methodCall><methodName>&a;</methodName></methodCall>',
        "<!DOCTYPE x><methodCall><methodName>fault</methodName></methodCall>",
    ],
)
def test_attack_100_documents_that_declare_things_are_refused(document):
    answers = []
    allocated = bytes_allocated([lambda: answers.append(post(document))])
    with pytest.raises(Fault, match="XML-RPC has no use for"):
        xmlrpclib.loads(body(answers[0]))
    assert allocated < 4 << 20


@given(st.binary(max_size=60) | st.text("<>/&;methodCallNpras '\"", max_size=60).map(str.encode))
def test_any_document_gets_an_answer(document):
    answer = post(document)
    assert status(answer) == 200
    with pytest.raises(Fault):
        xmlrpclib.loads(body(answer))


def test_a_caller_that_has_gone_gets_nothing():
    waits: Deferred[str] = Deferred()

    class Slow(XMLRPC):
        def xmlrpc_slow(self):
            return waits

    content = xmlrpclib.dumps((), "slow").encode()
    server = Server(Slow())
    server.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content))
    server.protocol.connectionLost(Failure(ConnectionLost()))
    waits.callback("late")
    server.close = lambda: None


class Calling:
    """A proxy, and the server's end of its connection in memory."""

    def __init__(self, url: bytes = b"http://ann:p%40ss@h:81/RPC2?x", **options: object) -> None:
        self.reactor = MemoryReactorClock()
        self.results: list[object] = []
        self.deferred = Proxy(url, reactor=self.reactor, **options).callRemote("add", 2, 3)
        self.deferred.addBoth(self.results.append)
        self.host, self.port, self.factory, self.timeout, _ = self.reactor.tcpClients[0]
        self.protocol = self.factory.buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)

    def answer(self, document: bytes, line: bytes = b"200 OK") -> object:
        self.protocol.dataReceived(
            b"HTTP/1.0 %b\r\nContent-Length: %d\r\n\r\n%b" % (line, len(document), document)
        )
        self.protocol.connectionLost(Failure(ConnectionLost()))
        self.factory.clientConnectionLost(None, Failure(ConnectionLost()))
        (result,) = self.results
        return result.value if isinstance(result, Failure) else result


def test_a_call_is_sent_and_its_result_received():
    calling = Calling(connectTimeout=3.0)
    sent = calling.transport.value()
    assert (calling.host, calling.port, calling.timeout) == ("h", 81, 3.0)
    assert (
        sent.startswith(b"POST /RPC2?x HTTP/1.0\r\n") and b"\r\nAuthorization: Basic YW5uOnBAc3M=\r\n" in sent
    )
    assert xmlrpclib.loads(sent.partition(b"\r\n\r\n")[2]) == ((2, 3), "add")
    assert calling.answer(xmlrpclib.dumps((5,), methodresponse=True).encode()) == 5


@pytest.mark.parametrize(
    ("document", "line", "error"),
    [
        (xmlrpclib.dumps(Fault(3, "no")).encode(), b"200 OK", Fault),
        (b"no XML", b"200 OK", Exception),
        (b"<methodResponse><params></params></methodResponse>", b"200 OK", IndexError),
        ((BOMB % ENTITIES).encode(), b"200 OK", ValueError),
        (b"", b"404 Not Found", ValueError),
    ],
)
def test_attack_100_what_is_no_result_is_an_error(document, line, error):
    assert isinstance(Calling().answer(document, line), error)


def test_a_connection_that_ends_without_an_answer_is_an_error_and_a_call_can_be_cancelled():
    calling = Calling()
    calling.factory.clientConnectionFailed(None, Failure(ConnectionLost()))
    assert calling.results[0].check(ConnectionLost)
    factory = QueryFactory(b"/", b"h", "x")
    factory.deferred.addErrback(lambda failure: None)
    factory.badStatus(b"500", b"no")
    factory.parseResponse(b"ignored")
    with pytest.raises(ValueError, match="needs a URL with a host"):
        Proxy(b"/RPC2")


@pytest.mark.parametrize(
    ("url", "named", "connected"),
    [
        (b"http://h/", b"h", ("h", 80)),
        (b"http://a:b@h:81/", b"h:81", ("h", 81)),
        (b"http://[::1]:8080/", b"[::1]:8080", ("::1", 8080)),
    ],
)
def test_a_call_names_its_server_as_the_url_does(url, named, connected):
    calling = Calling(url)
    assert head(calling.transport.value())[b"host"] == named
    assert (calling.host, calling.port) == connected


def test_a_call_over_https_verifies_the_server():
    reactor = MemoryReactorClock()
    Proxy(b"https://h/RPC2", reactor=reactor, connectTimeout=3.0).callRemote("x")
    host, port, _, context, timeout, _ = reactor.sslClients[0]
    assert (host, port, timeout) == ("h", 443, 3.0) and context is not None
