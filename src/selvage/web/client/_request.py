"""Requests as bytes: the header, and bodies that producers write.  Floor 4.

Nothing is written that the caller did not mean: method and target are checked when a request is made and again when it
is sent, header fields when they are set (`Headers`), and what says how long the body is comes from the producer alone.

Source: RFC 9112 sections 3 (request line), 6.2, 6.3 (length), 7.1 (chunked); RFC 9110 section 8.6 (Content-Length: 0).
"""

from __future__ import annotations

import re
from typing import Any

from selvage.defer import Deferred, maybeDeferred, succeed
from selvage.failure import Failure
from selvage.interfaces import IConsumer, implementer
from selvage.logger import Logger
from selvage.web._grammar import token
from selvage.web._headers import Headers
from selvage.web.client._errors import BadHeaders, ExcessWrite, WrongBodyLength
from selvage.web.interfaces import UNKNOWN_LENGTH, IClientRequest

__all__ = ["ChunkedEncoder", "LengthEnforcingConsumer", "Request", "_ensureValidMethod", "_ensureValidURI"]

_log = Logger("selvage.web.client")

# RFC 3986 appendix A, as far as it keeps a target apart from what stands around it: visible ASCII.
_is_uri = re.compile(rb"[!-~]+").fullmatch

# Methods whose meaning includes a body, so that its absence is to be said.
_EXPECT_BODY = frozenset({b"POST", b"PUT"})

# What this module says itself.
_FRAMING = frozenset({b"Content-Length", b"Transfer-Encoding"})


def _ensureValidMethod(method: bytes) -> bytes:
    """Return `method`.

    Raises:
        TypeError: it is no bytes.
        ValueError: it is no token, and might bring lines of its own.
    """
    if not isinstance(method, bytes):
        raise TypeError(f"the method is a {type(method).__name__}: give bytes, such as {b'GET'!r}")
    if token(method) is None:  # RFC 9110 section 9.1: method = token
        raise ValueError(
            f"Invalid method {method!r}: only letters, digits and !#$%&'*+-.^_`|~ may occur in one"
        )
    return method


def _ensureValidURI(uri: bytes) -> bytes:
    """Return `uri`.

    Raises:
        TypeError: it is no bytes.
        ValueError: it has other than visible ASCII characters in it.
    """
    if not isinstance(uri, bytes):
        raise TypeError(f"the URI is a {type(uri).__name__}: give bytes")
    if _is_uri(uri) is None:
        raise ValueError(
            f"Invalid URI {uri!r}: spaces, control characters and non-ASCII ones have to be encoded"
        )
    return uri


@implementer(IClientRequest)
class Request:
    """One request, to be written once.

    Args:
        method: such as ``b"GET"``.
        uri: what stands in the request line: path and query, or for a proxy the whole.
        headers: exactly one Host among them.  Content-Length and Transfer-Encoding are left out: `bodyProducer` knows.
        bodyProducer: an `IBodyProducer`, or None for no body.
        persistent: whether the connection shall stay open; else the server is asked to close it.

    Raises:
        ValueError: the method or the target cannot be sent.

    Twisted: `twisted.web.client.Request`.
    """

    def __init__(
        self, method: bytes, uri: bytes, headers: Headers, bodyProducer: Any, persistent: bool = False
    ) -> None:
        self.method = self._checked_method = _ensureValidMethod(method)
        self.uri = self._checked_uri = _ensureValidURI(uri)
        self.headers = headers
        self.bodyProducer = bodyProducer
        self.persistent = persistent
        self._parsedURI: Any = None

    @classmethod
    def _construct(
        cls,
        method: bytes,
        uri: bytes,
        headers: Headers,
        bodyProducer: Any,
        persistent: bool = False,
        parsedURI: Any = None,
    ) -> Request:
        """Make a request that knows the whole URL."""
        request = cls(method, uri, headers, bodyProducer, persistent)
        request._parsedURI = parsedURI
        return request

    def __repr__(self) -> str:
        return f"<Request {self.method.decode('ascii')} {self.uri.partition(b'?')[0].decode('ascii')}>"

    @property
    def absoluteURI(self) -> bytes | None:
        """The whole URL; None when it is not known."""
        whole: bytes | None = getattr(self._parsedURI, "toBytes", lambda: None)()
        return whole

    def writeTo(self, transport: Any) -> Deferred[None]:
        """Write the request.

        Fires with None when all of it has been handed to `transport`.
        Fails with what the body producer failed with, or `WrongBodyLength`; cancelling cancels the producer.

        Raises:
            BadHeaders: there is not exactly one Host.
            ValueError: method or target were changed to what cannot be sent.
        """
        transport.write(self._head())
        producer = self.bodyProducer
        if producer is None:
            return succeed(None)
        if producer.length is UNKNOWN_LENGTH or producer.length == UNKNOWN_LENGTH:
            return _write_chunked(producer, transport)
        return _write_counted(producer, transport)

    def _head(self) -> bytes:
        """Return the request line and the header.

        Raises: as `writeTo`.
        """
        self._check_line()
        lines = [b"%b %b HTTP/1.1" % (self.method, self.uri)]
        if not self.persistent:
            lines.append(b"Connection: close")
        producer = self.bodyProducer
        if producer is not None:
            if producer.length == UNKNOWN_LENGTH:
                lines.append(b"Transfer-Encoding: chunked")
            else:
                lines.append(b"Content-Length: %d" % producer.length)
        elif self.method in _EXPECT_BODY:
            lines.append(b"Content-Length: 0")
        hosts = 0
        for name, values in self.headers.getAllRawHeaders():
            if name == b"Host":
                hosts = len(values)
            elif name in _FRAMING:
                continue
            for value in values:
                lines.append(b"%b: %b" % (name, value))
        _check_hosts(hosts)
        lines.append(b"\r\n")
        return b"\r\n".join(lines)

    def _check_line(self) -> None:
        """Refuse a method or a target that cannot be sent.

        Raises:
            ValueError: there is one.
        """
        # Checked already, unless somebody has set them since.
        if self.method is not self._checked_method:
            _ensureValidMethod(self.method)
        if self.uri is not self._checked_uri:
            _ensureValidURI(self.uri)

    def stopWriting(self) -> None:
        """Have the body producer stop: the connection is gone."""
        _stop(self.bodyProducer)


def _check_hosts(count: int) -> None:
    if count != 1:
        raise BadHeaders(f"a request has exactly one Host header, and this one has {count}")


def _stop(producer: Any) -> None:
    """Stop a producer, and report what it has against that."""
    try:
        producer.stopProducing()
    except Exception:
        _log.failure("A body producer failed when it was told to stop")


# --- Bodies ------------------------------------------------------------------------------------------------------------


@implementer(IConsumer)
class ChunkedEncoder:
    """Puts what is written to it in chunks.

    Args:
        transport: gets them.

    Twisted: `twisted.web._newclient.ChunkedEncoder`.
    """

    def __init__(self, transport: Any) -> None:
        self.transport: Any = transport

    def _allowNoMoreWrites(self) -> None:
        """Refuse what is written from now on."""
        self.transport = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let the transport hold the producer back."""
        self.transport.registerProducer(producer, streaming)

    def write(self, data: bytes) -> None:
        """Write one chunk.

        Raises:
            ExcessWrite: the body has ended.
        """
        if self.transport is None:
            raise ExcessWrite("a body producer writes on after it has said that it was done")
        if data:  # an empty chunk would end the body
            self.transport.writeSequence((b"%x\r\n" % len(data), data, b"\r\n"))

    def unregisterProducer(self) -> None:
        """Write the end of the body."""
        self.transport.write(b"0\r\n\r\n")
        self.transport.unregisterProducer()
        self._allowNoMoreWrites()


@implementer(IConsumer)
class LengthEnforcingConsumer:
    """Passes on what is written to it, as long as it is no more than what was announced.

    Args:
        producer: an `IBodyProducer` with a length; stopped when it writes too much.
        consumer: gets what is written.
        finished: fails with `WrongBodyLength` when the producer writes too much.

    Twisted: `twisted.web._newclient.LengthEnforcingConsumer`.
    """

    def __init__(self, producer: Any, consumer: Any, finished: Deferred[None]) -> None:
        self._length = producer.length
        self._producer = producer
        self._consumer = consumer
        self._finished: Deferred[None] | None = finished

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let the consumer hold the producer back."""
        self._consumer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Let go of the producer."""
        self._consumer.unregisterProducer()

    def _allowNoMoreWrites(self) -> None:
        """Refuse what is written from now on."""
        self._finished = None

    def write(self, data: bytes) -> None:
        """Pass it on.

        Raises:
            ExcessWrite: the body has ended.
        """
        if self._finished is None:
            _stop(self._producer)
            raise ExcessWrite("a body producer writes on after it has said that it was done")
        if len(data) <= self._length:
            self._length -= len(data)
            self._consumer.write(data)
            return
        # Nothing of it: the server might begin to act on a request that has failed here.
        _stop(self._producer)
        finished, self._finished = self._finished, None
        finished.errback(Failure(WrongBodyLength("a body producer writes more than it has announced")))

    def _noMoreWritesExpected(self) -> None:
        """Know that the producer is done.

        Raises:
            WrongBodyLength: it has written less than it had announced.
        """
        if self._finished is not None:
            self._allowNoMoreWrites()
            if self._length:
                raise WrongBodyLength(
                    f"a body producer wrote {self._length} octets less than it had announced"
                )


def _write_chunked(producer: Any, transport: Any) -> Deferred[None]:
    encoder = ChunkedEncoder(transport)
    encoder.registerProducer(producer, True)

    def done(_: Any) -> None:
        encoder.unregisterProducer()

    def failed(failure: Failure) -> Failure:
        encoder._allowNoMoreWrites()
        # The last chunk is not written: the server shall not take what there is for the whole.
        transport.unregisterProducer()
        return failure

    return maybeDeferred(producer.startProducing, encoder).addCallbacks(done, failed)


def _write_counted(producer: Any, transport: Any) -> Deferred[None]:
    too_much: Deferred[None] = Deferred()
    consumer = LengthEnforcingConsumer(producer, transport, too_much)
    transport.registerProducer(producer, True)
    producing: Deferred[None] = maybeDeferred(producer.startProducing, consumer)
    written: Deferred[None] = Deferred(lambda _: producing.cancel())

    def finish(result: Any) -> None:
        consumer._allowNoMoreWrites()
        transport.unregisterProducer()
        written.callback(result)

    def done(_: Any) -> None:
        if written.called:
            return
        try:
            consumer._noMoreWritesExpected()
        except WrongBodyLength:
            finish(Failure())
        else:
            finish(None)

    def failed(failure: Failure) -> None:
        if not written.called:
            finish(failure)
        else:
            _log.failure("A body producer failed after its request had been given up", failure)

    def wrote_too_much(failure: Failure) -> None:
        if not written.called:
            finish(failure)
        else:
            _log.failure(
                "A request was written, and then its body was found wrong (a bug in Selvage)", failure
            )

    producing.addCallbacks(done, failed)
    too_much.addErrback(wrote_too_much)
    return written
