"""XML-RPC: resources with procedures, and calls of those of others.  Floor 4.

The standard library has the format.  Documents that declare entities or a document type are refused: a few lines of them
can grow to gigabytes.

Twisted: `twisted.web.xmlrpc`.
"""

from __future__ import annotations

import xmlrpc.client as xmlrpclib
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit
from xmlrpc.client import Binary, Boolean, DateTime, Fault

from selvage._publish import publish
from selvage.defer import Deferred, maybeDeferred
from selvage.failure import Failure, report
from selvage.protocols import ClientFactory
from selvage.reactor import get_reactor
from selvage.web._http_client import HTTPClient
from selvage.web._resource import Resource
from selvage.web._sentinels import NOT_DONE_YET

__all__ = [
    "FAILURE",
    "NOT_FOUND",
    "XMLRPC",
    "Binary",
    "Boolean",
    "DateTime",
    "Fault",
    "Handler",
    "NoSuchFunction",
    "Proxy",
    "QueryFactory",
    "QueryProtocol",
    "XMLRPCIntrospection",
    "addIntrospection",
    "payloadTemplate",
    "withRequest",
]

_F = TypeVar("_F", bound=Callable[..., Any])

#: Codes of faults, in the range of application errors.
NOT_FOUND = 8001
FAILURE = 8002

_PREFIX = "xmlrpc_"

payloadTemplate = """<?xml version="1.0"?>
<methodCall>
<methodName>%s</methodName>
%s
</methodCall>
"""


class NoSuchFunction(Fault):
    """There is no procedure of this name."""


class _ForbiddenDeclaration(ValueError):
    """A document declares what no XML-RPC document needs."""


def _refuse(*_: object) -> None:
    raise _ForbiddenDeclaration(
        "the document declares a document type or entities, which XML-RPC has no use for"
    )


def _loads(data: str | bytes, use_datetime: bool) -> tuple[tuple[Any, ...], str | None]:
    """Return parameters and name of the procedure.

    Raises:
        Fault: the document is one.
        ValueError, xml.parsers.expat.ExpatError: it is no XML-RPC.
    """
    parser: Any
    parser, unmarshaller = xmlrpclib.getparser(use_datetime=use_datetime)
    expat = parser._parser
    expat.StartDoctypeDeclHandler = expat.EntityDeclHandler = expat.UnparsedEntityDeclHandler = _refuse
    expat.ExternalEntityRefHandler = _refuse
    parser.feed(data)
    parser.close()
    return unmarshaller.close(), unmarshaller.getmethodname()


def withRequest(f: _F) -> _F:
    """Decorate a procedure that gets the request before its other arguments."""
    f.withRequest = True  # type: ignore[attr-defined]
    return f


class Handler:
    """A call with a state of its own; its `result` is what is answered.

    Args:
        resource: where the procedure was found.
        args: given to `run`.
    """

    result: Any = None

    def __init__(self, resource: Any, *args: Any) -> None:
        self.resource = resource
        self.result = None
        self.run(*args)

    def run(self, *args: Any) -> None:
        """Hook: called once; set `result`, to a Deferred if need be."""
        raise RuntimeError("Implement run() in subclass")


class XMLRPC(Resource):
    """Has procedures that others call: methods whose names begin with `xmlrpc_`.

    They may return a Deferred or be `async def`, and raise or return a `Fault`.  What else they fail with reaches the hub,
    and the caller gets a fault without particulars.

    Args:
        allowNone: answers with None, which is an extension.
        useDateTime: gives dates as `datetime.datetime`.
    """

    NOT_FOUND = NOT_FOUND
    FAILURE = FAILURE
    isLeaf = 1
    separator = "."
    allowedMethods = (b"POST",)

    def __init__(self, allowNone: bool = False, useDateTime: bool = False) -> None:
        super().__init__()
        self.subHandlers: dict[str, XMLRPC] = {}
        self.allowNone = allowNone
        self.useDateTime = useDateTime

    def putSubHandler(self, prefix: str, handler: XMLRPC) -> None:
        """Have calls whose names begin with `prefix` and the separator answered by another one."""
        self.subHandlers[prefix] = handler

    def getSubHandler(self, prefix: str) -> XMLRPC | None:
        """Return who answers for a prefix, None for nobody."""
        return self.subHandlers.get(prefix)

    def getSubHandlerPrefixes(self) -> list[str]:
        """Return the prefixes for which there is somebody."""
        return list(self.subHandlers)

    def render_POST(self, request: Any) -> int:
        """Answer a call."""
        request.content.seek(0, 0)
        request.setHeader(b"content-type", b"text/xml; charset=utf-8")
        try:
            args, name = _loads(request.content.read(), self.useDateTime)
            procedure = self.lookupProcedure(name or "")
        except Fault as fault:
            self._answer(fault, request, [])
        except Exception as error:
            self._answer(Fault(self.FAILURE, f"Can't deserialize input: {error}"), request, [])
        else:
            gone: list[Failure] = []
            request.notifyFinish().addErrback(gone.append)
            if getattr(procedure, "withRequest", False):
                args = (request, *args)
            maybeDeferred(procedure, *args).addErrback(self._failed).addCallback(self._answer, request, gone)
        return NOT_DONE_YET

    def _answer(self, result: Any, request: Any, gone: list[Failure]) -> None:
        if gone:
            return
        if isinstance(result, Handler):
            result = result.result
        if not isinstance(result, Fault):
            result = (result,)
        try:
            content = self._serialized(result)
            request.setHeader(b"content-length", b"%d" % len(content))
            request.write(content)
        except Exception:
            report(Failure(), "An XML-RPC answer cannot be written", source="web", request=request)
        request.finish()

    def _serialized(self, result: Any) -> bytes:
        try:
            content = xmlrpclib.dumps(result, methodresponse=True, allow_none=self.allowNone)
        except Exception as error:
            fault = Fault(self.FAILURE, f"Can't serialize output: {error}")
            content = xmlrpclib.dumps(fault, methodresponse=True, allow_none=self.allowNone)
        return content.encode("utf-8")

    def _failed(self, failure: Failure) -> Fault:
        if isinstance(failure.value, Fault):
            return failure.value
        report(failure, "An XML-RPC procedure failed", source="web", resource=self)
        return Fault(self.FAILURE, "error")

    def lookupProcedure(self, procedurePath: str) -> Any:
        """Hook: return the procedure for a name.

        Raises:
            NoSuchFunction: there is none.
        """
        prefix, separator, rest = procedurePath.partition(self.separator)
        if separator:
            handler = self.getSubHandler(prefix)
            if handler is None:
                raise NoSuchFunction(self.NOT_FOUND, f"no such subHandler {prefix}")
            return handler.lookupProcedure(rest)
        procedure = getattr(self, _PREFIX + procedurePath, None)
        if procedure is None:
            raise NoSuchFunction(self.NOT_FOUND, f"function {procedurePath} not found")
        if not callable(procedure):
            raise NoSuchFunction(self.NOT_FOUND, f"function {procedurePath} not callable")
        return procedure

    def listProcedures(self) -> list[str]:
        """Hook: return the names of all procedures."""
        return [name.removeprefix(_PREFIX) for name in dir(type(self)) if name.startswith(_PREFIX)]


class XMLRPCIntrospection(XMLRPC):
    """Tells which procedures there are, and what they do.

    Args:
        parent: has them.
    """

    def __init__(self, parent: XMLRPC) -> None:
        super().__init__()
        self._xmlrpc_parent = parent

    def xmlrpc_listMethods(self) -> list[str]:
        """Return the names of all procedures."""
        names: list[str] = []
        todo: list[tuple[XMLRPC, str]] = [(self._xmlrpc_parent, "")]
        while todo:
            handler, prefix = todo.pop(0)
            names += [prefix + name for name in handler.listProcedures()]
            for name in handler.getSubHandlerPrefixes():
                below = handler.getSubHandler(name)
                if below is not None:
                    todo.append((below, prefix + name + handler.separator))
        return names

    def xmlrpc_methodHelp(self, method: str) -> str:
        """Return what a procedure does."""
        procedure = self._xmlrpc_parent.lookupProcedure(method)
        return getattr(procedure, "help", None) or getattr(procedure, "__doc__", None) or ""

    def xmlrpc_methodSignature(self, method: str) -> Any:
        """Return the signatures of a procedure, each a list of types, that of the result first; "" for unknown."""
        return getattr(self._xmlrpc_parent.lookupProcedure(method), "signature", None) or ""

    xmlrpc_listMethods.signature = [["array"]]  # type: ignore[attr-defined]
    xmlrpc_methodHelp.signature = [["string", "string"]]  # type: ignore[attr-defined]
    xmlrpc_methodSignature.signature = [["array", "string"], ["string", "string"]]  # type: ignore[attr-defined]


def addIntrospection(xmlrpc: XMLRPC) -> None:
    """Give a resource the procedures `system.listMethods`, `system.methodHelp` and `system.methodSignature`."""
    xmlrpc.putSubHandler("system", XMLRPCIntrospection(xmlrpc))


class QueryProtocol(HTTPClient):
    """Makes one call."""

    factory: Any
    _response: bytes | None = None

    def connectionMade(self) -> None:
        """Send the call."""
        factory = self.factory
        self._response = None
        self.sendCommand(b"POST", factory.path)
        self.sendHeader(b"User-Agent", b"Twisted/XMLRPClib")
        self.sendHeader(b"Host", factory.host)
        self.sendHeader(b"Content-type", b"text/xml; charset=utf-8")
        payload = factory.payload
        self.sendHeader(b"Content-length", b"%d" % len(payload))
        if factory.user:
            secret = b64encode(b":".join([factory.user, factory.password]))
            self.sendHeader(b"Authorization", b"Basic " + secret)
        self.endHeaders()
        self.transport.write(payload)

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """Take notice of an answer that is none."""
        if status != b"200":
            self.factory.badStatus(status, message)

    def handleResponse(self, contents: bytes) -> None:
        """Keep the answer until the connection has ended."""
        self._response = contents
        self.transport.loseConnection()

    def connectionLost(self, reason: Any = None) -> None:
        """Have the answer read."""
        super().connectionLost(reason)
        response, self._response = self._response, None
        if response is not None:
            self.factory.parseResponse(response)


class QueryFactory(ClientFactory):
    """One call; `deferred` fires with the result.

    Args:
        path: of the resource.
        host: for the Host header.
        method: the name of the procedure.
        user, password: for Basic authentication.
        allowNone: sends None, which is an extension.
        args: the procedure's.
        canceller: of the Deferred.
        useDateTime: gives dates as `datetime.datetime`.
    """

    deferred: Deferred[Any] | None = None
    protocol: Any = QueryProtocol
    noisy = False

    def __init__(
        self,
        path: bytes | None,
        host: bytes | None,
        method: str,
        user: bytes | None = None,
        password: bytes | None = None,
        allowNone: bool = False,
        args: Sequence[Any] = (),
        canceller: Callable[[Any], object] | None = None,
        useDateTime: bool = False,
    ) -> None:
        self.path = path
        self.host = host
        self.user = user
        self.password = password
        payload = payloadTemplate % (method, xmlrpclib.dumps(tuple(args), allow_none=allowNone))
        self.payload = payload.encode("utf-8")
        self.deferred = Deferred(canceller)
        self.useDateTime = useDateTime

    def _done(self) -> Deferred[Any] | None:
        deferred, self.deferred = self.deferred, None
        return deferred

    def parseResponse(self, contents: str | bytes) -> None:
        """Fire with the result in an answer, or fail with its fault."""
        deferred = self._done()
        if deferred is None:
            return
        try:
            result = _loads(contents, self.useDateTime)[0][0]
        except Exception:
            deferred.errback(Failure())
        else:
            deferred.callback(result)

    def badStatus(self, status: bytes, message: bytes) -> None:
        """Fail with the status of the answer."""
        self._fail(Failure(ValueError(status, message)))

    def clientConnectionLost(self, _: Any, reason: Failure) -> None:
        """Fail if there was no answer."""
        self._fail(reason)

    def clientConnectionFailed(self, _: Any, reason: Failure) -> None:
        """Fail: the server cannot be reached."""
        self._fail(reason)

    def _fail(self, reason: Failure) -> None:
        deferred = self._done()
        if deferred is not None:
            deferred.errback(reason)


class Proxy:
    """Calls the procedures of a server.

    Args:
        url: of the resource, as bytes; user and password in it are sent.
        user, password: sent instead of those.
        allowNone: sends None, which is an extension.
        useDateTime: gives dates as `datetime.datetime`.
        connectTimeout: seconds.
        reactor: connects; the default one if not given.  With https the server's certificate is verified.
    """

    queryFactory: Any = QueryFactory

    def __init__(
        self,
        url: bytes,
        user: bytes | None = None,
        password: bytes | None = None,
        allowNone: bool = False,
        useDateTime: bool = False,
        connectTimeout: float = 30.0,
        reactor: Any = None,
    ) -> None:
        parts = urlsplit(url)
        self.secure = parts.scheme == b"https"
        if parts.hostname is None:
            raise ValueError("an XML-RPC proxy needs a URL with a host, such as b'http://example.org/RPC2'")
        self.host = parts.hostname
        # For the Host header: with the port, if the URL gives one, and an address of IPv6 in brackets.
        self._authority = parts.netloc.rpartition(b"@")[2]
        self.port = parts.port or (443 if self.secure else 80)
        self.path = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
        self.user = unquote_to_bytes(parts.username) if user is None and parts.username else user
        self.password = (
            unquote_to_bytes(parts.password or b"") if password is None and self.user else password
        )
        self.allowNone = allowNone
        self.useDateTime = useDateTime
        self.connectTimeout = connectTimeout
        self._reactor = reactor

    def callRemote(self, method: str, *args: Any) -> Deferred[Any]:
        """Call a procedure.

        Fires:
            With its result.  Cancelling closes the connection.

        Fails:
            With `Fault`, with `ValueError` for an answer that is not 200, or as connecting does.
        """

        def cancel(_: object) -> None:
            factory.deferred = None
            connector.disconnect()

        factory = self.queryFactory(
            self.path,
            self._authority,
            method,
            self.user,
            self.password,
            self.allowNone,
            args,
            cancel,
            self.useDateTime,
        )
        deferred: Deferred[Any] = factory.deferred
        reactor = get_reactor() if self._reactor is None else self._reactor
        host = self.host.decode("ascii")
        if self.secure:
            from selvage.tls import optionsForClientTLS

            connector = reactor.connectSSL(
                host, self.port, factory, optionsForClientTLS(host), timeout=self.connectTimeout
            )
        else:
            connector = reactor.connectTCP(host, self.port, factory, timeout=self.connectTimeout)
        return deferred


publish(globals())
