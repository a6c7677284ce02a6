"""Serve a WSGI application, in threads of the reactor's pool.  Floor 4.

Source: PEP 3333.

Twisted: `twisted.web.wsgi`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Condition
from typing import IO, Any

from selvage._publish import publish
from selvage.failure import Failure, report
from selvage.interfaces import IPushProducer, implementer
from selvage.logger import classic
from selvage.tasks import deferLater
from selvage.web._headers import Headers
from selvage.web._pages import errorPage
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import INTERNAL_SERVER_ERROR, NO_BODY_CODES
from selvage.web.interfaces import IResource

__all__ = ["WSGIResource"]

#: Bytes that an application may be ahead of the reactor; beyond that it waits in its thread.
_AHEAD_BYTES = 1 << 18

#: Headers of a request that an application does not get.  `Proxy` would become the variable that programs take the address of
#: a proxy from (CVE-2016-1000111, httpoxy).
_NOT_PASSED_ON = {b"proxy", b"content-type", b"content-length"}

#: Headers of an answer that are the server's own.
_SERVERS_OWN = {"server", "date", "transfer-encoding"}

_FAILED = errorPage(INTERNAL_SERVER_ERROR, "Internal Server Error", "The application failed.")


def _text(value: str | bytes) -> str:
    """Return what PEP 3333 calls a native string: each byte is a character."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _ErrorStream:
    """What an application writes its complaints to; they become events of the log."""

    def write(self, data: str) -> None:
        if not isinstance(data, str):
            raise TypeError(f"write() argument must be str, not {data!r} ({type(data).__name__})")
        classic.msg(data, system="wsgi", isError=True)

    def writelines(self, iovec: Iterable[str]) -> None:
        self.write("".join(iovec))

    def flush(self) -> None:
        """Nothing waits here."""


class _InputStream:
    """The body of a request, as a file for reading; `None` and negative sizes mean all."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        return self._file.read(-1 if size is None else size)

    def readline(self, size: int | None = -1) -> bytes:
        return self._file.readline(-1 if size is None else size)

    def readlines(self, size: int | None = -1) -> list[bytes]:
        return self._file.readlines(-1 if size is None else size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)


def _environ_of(request: Any) -> dict[str, Any]:
    """Return what an application is told of a request."""
    headers = request.requestHeaders
    server, client = request.getHost(), request.getClientAddress()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": _text(request.method),
        "SCRIPT_NAME": "/" + "/".join(map(_text, request.prepath)) if request.prepath else "",
        "PATH_INFO": "/" + "/".join(map(_text, request.postpath)) if request.postpath else "",
        "QUERY_STRING": _text(request.uri.partition(b"?")[2]),
        "CONTENT_TYPE": _text(request.getHeader(b"content-type") or b""),
        "CONTENT_LENGTH": _text(request.getHeader(b"content-length") or b""),
        "SERVER_NAME": _text(request.getRequestHostname()),
        "SERVER_PORT": str(getattr(server, "port", "")),
        "SERVER_PROTOCOL": _text(request.clientproto),
        "REMOTE_ADDR": str(getattr(client, "host", "")),
        "REMOTE_PORT": str(getattr(client, "port", "")),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if request.isSecure() else "http",
        "wsgi.run_once": False,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.errors": _ErrorStream(),
        "wsgi.input": _InputStream(request.content),
        # The body is whole, and ends where it ends: whoever came without a length can be read to the end.
        "wsgi.input_terminated": True,
    }
    for name, values in headers.getAllRawHeaders():
        lower = name.lower()
        # With an underscore it would be taken for the name with a hyphen, which a proxy in front may have checked.
        if lower in _NOT_PASSED_ON or b"_" in name:
            continue
        key = "HTTP_" + _text(name).upper().replace("-", "_")
        environ[key] = ("; " if lower == b"cookie" else ",").join(map(_text, values))
    return environ


@implementer(IPushProducer)
class _Flow:
    """Keeps an application from running far ahead of a client that reads slowly, and tells it when the client has gone."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._queued = 0
        self._paused = False
        self.gone = False

    def wait_for_room(self, size: int) -> bool:
        """Wait, in the application's thread, until there is room; False when the client has gone."""
        with self._changed:
            while not self.gone and (self._paused or self._queued > _AHEAD_BYTES):
                self._changed.wait()
            self._queued += size
            return not self.gone

    def _change(self, paused: bool, sent: int = 0, gone: bool = False) -> None:
        with self._changed:
            self._queued -= sent
            self._paused = paused
            self.gone = self.gone or gone
            self._changed.notify_all()

    def sent(self, size: int) -> None:
        """So many bytes have been given to the request."""
        self._change(self._paused, size)

    def give_up(self, _: object = None) -> None:
        """The client has gone, or the reactor stops."""
        self._change(False, gone=True)

    def pauseProducing(self) -> None:
        """The client does not read."""
        self._change(True)

    def resumeProducing(self) -> None:
        """The client reads again."""
        self._change(False)

    stopProducing = give_up


class _Call:
    """One call of the application.

    `run` and what it calls are in a thread of the pool; methods that end with `_in_reactor` are in the reactor's.
    """

    def __init__(self, reactor: Any, application: Callable[..., Any], request: Any, flow: _Flow) -> None:
        self._reactor = reactor
        self._application = application
        self._request = request
        self._flow = flow
        self._environ = _environ_of(request)
        self._status: tuple[int, bytes] | None = None
        self._headers = Headers()
        # Set in the application's thread as soon as status and headers are on their way.
        self._started = False
        # What is left of a promised Content-Length; None when none was promised.
        self._left: int | None = None

    def run(self) -> None:
        try:
            if not callable(self._application):
                raise TypeError(f"{self._application!r} is no WSGI application: it cannot be called")
            result = self._application(self._environ, self._start_response)
            try:
                self._send_all(result)
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    close()
        except Exception:
            self._reactor.callFromThread(self._fail_in_reactor, Failure(), self._started)
        else:
            if not self._started:
                self._start()
            self._reactor.callFromThread(self._finish_in_reactor)

    def _send_all(self, result: Iterable[bytes]) -> None:
        if isinstance(result, str) or not (hasattr(result, "__iter__") or hasattr(result, "__getitem__")):
            raise TypeError(
                f"the WSGI application {self._application!r} returned a {type(result).__name__}: give an iterable of bytes"
            )
        whole = isinstance(result, (list, tuple)) and len(result) == 1
        for piece in result:
            if (
                whole
                and not self._started
                and self._status is not None
                and not self._headers.hasHeader(b"content-length")
            ):
                self._headers.setRawHeaders(b"content-length", [b"%d" % len(piece)])
            if piece:
                self._write(piece)
            if self._flow.gone:
                return
        if self._status is None:
            raise RuntimeError(f"the WSGI application {self._application!r} did not call start_response")

    def _start_response(
        self, status: str, headers: Sequence[tuple[str, str]], excInfo: Any = None
    ) -> Callable[[bytes], None]:
        if self._started:
            if excInfo is not None:
                raise excInfo[1].with_traceback(excInfo[2])
            raise RuntimeError(
                "start_response was called again, without exc_info, after the answer had begun"
            )
        self._status = _checked_status(status)
        self._headers = _checked_headers(headers)
        return self._write

    def _write(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"Can only write bytes to a transport, not {data!r}")
        if not self._started:
            self._start()
        if self._flow.wait_for_room(len(data)):
            self._reactor.callFromThread(self._write_in_reactor, data)

    def _start(self) -> None:
        if self._status is None:
            raise RuntimeError("the WSGI application writes before it calls start_response")
        self._started = True
        lengths = self._headers.getRawHeaders(b"content-length")
        bodiless = self._environ["REQUEST_METHOD"] == "HEAD" or self._status[0] in NO_BODY_CODES
        if lengths is not None and not bodiless:
            self._left = int(lengths[-1])
        self._reactor.callFromThread(self._start_in_reactor, *self._status, self._headers)

    def _start_in_reactor(self, code: int, message: bytes, headers: Headers) -> None:
        if self._flow.gone:
            return
        self._request.defaultContentType = None  # what type it is, if any, the application says
        self._request.setResponseCode(code, message)
        for name, values in headers.getAllRawHeaders():
            for value in values:
                self._request.responseHeaders.addRawHeader(name, value)

    def _write_in_reactor(self, data: bytes) -> None:
        size = len(data)
        if not self._flow.gone:
            if self._left is not None:
                data = self._promised(data)
            if data:
                self._request.write(data)
        self._flow.sent(size)

    def _promised(self, data: bytes) -> bytes:
        """Return as much as was promised: the client would take the rest for the next answer."""
        assert self._left is not None
        if len(data) > self._left:
            _complain("a WSGI application sends more than its Content-Length; the rest is left out")
            data = data[: self._left]
        self._left -= len(data)
        return data

    def _finish_in_reactor(self) -> None:
        if self._flow.gone:
            return
        self._request.unregisterProducer()
        if self._left:
            # The client waits for what was promised, and would take the next answer for it.
            _complain("a WSGI application sends less than its Content-Length; the connection is closed")
            self._request.loseConnection()
            return
        self._request.finish()

    def _fail_in_reactor(self, failure: Failure, started: bool) -> None:
        report(failure, "A WSGI application failed", source="wsgi", request=self._request)
        if self._flow.gone:
            return
        self._request.unregisterProducer()
        if started:
            self._request.loseConnection()
            return
        _FAILED.render(self._request)


def _complain(message: str) -> None:
    classic.msg(message, system="wsgi", isError=True)


def _checked_status(status: str) -> tuple[int, bytes]:
    if not isinstance(status, str):
        raise TypeError(f"status must be str, not {status!r} ({type(status).__name__})")
    code, _, message = status.partition(" ")
    if len(code) != 3 or not (code.isascii() and code.isdigit()):
        raise ValueError(f"status must begin with three digits, as in '200 OK', not {status!r}")
    if set(message) & set("\r\n\0"):
        raise ValueError(f"the phrase of the status {status!r} would end the line that it is sent in")
    return int(code), message.encode("latin-1")


def _checked_headers(headers: Any) -> Headers:
    if not isinstance(headers, Sequence):
        raise TypeError(f"headers must be a list, not {headers!r} ({type(headers).__name__})")
    if not isinstance(headers, list):
        _warn(f"headers should be a list, not {headers!r} ({type(headers).__name__})")
    checked = Headers()
    for header in headers:
        if not isinstance(header, Sequence):
            raise TypeError(f"header must be a (str, str) tuple, not {header!r} ({type(header).__name__})")
        if len(header) != 2:
            raise TypeError(f"header must be a (str, str) tuple, not {header!r}")
        if not isinstance(header, tuple):
            _warn(f"header should be a (str, str) tuple, not {header!r} ({type(header).__name__})")
        name, value = header
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError(f"header must be (str, str) tuple, not {(name, value)!r}")
        if name.lower() not in _SERVERS_OWN:
            checked.addRawHeader(name.encode("latin-1"), value.encode("latin-1"))
    return checked


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=4)


@implementer(IResource)
class WSGIResource:
    """Has a WSGI application answer, for this path and all below it.

    The application runs in threads of a pool; it waits there while the client does not read.  What it fails with reaches the
    hub, and the client reads of an error in the server.

    Args:
        reactor: in whose thread requests are answered.
        threadpool: `reactor.getThreadPool()`, or another one.
        application: a WSGI application.
    """

    isLeaf = True

    def __init__(self, reactor: Any, threadpool: Any, application: Callable[..., Any]) -> None:
        self._reactor = reactor
        self._threadpool = threadpool
        self._application = application
        self._flows: dict[_Flow, Any] = {}  # and the request of each
        self._watches_shutdown = False

    def render(self, request: Any) -> int:
        """Have the application answer."""
        self._watch_shutdown()
        flow = _Flow()
        self._flows[flow] = request

        def over(result: object) -> None:
            self._flows.pop(flow, None)
            flow.give_up()

        request.notifyFinish().addBoth(over)
        call = _Call(self._reactor, self._application, request, flow)
        request.registerProducer(flow, True)
        self._threadpool.callInThread(call.run)
        return NOT_DONE_YET

    def _watch_shutdown(self) -> None:
        """Let no thread wait for a client when the pool waits for its threads."""
        add = getattr(self._reactor, "addSystemEventTrigger", None)
        if add is not None and not self._watches_shutdown:
            self._watches_shutdown = True
            add("before", "shutdown", self._let_go)

    def _let_go(self) -> Any:
        # On the next turn: until then, whoever stops the program has told the site to finish its requests, or does not.
        return deferLater(self._reactor, 0, self._let_go_of_unfinished)

    def _let_go_of_unfinished(self) -> None:
        for flow, request in list(self._flows.items()):
            if not getattr(getattr(request, "site", None), "is_finishing", False):
                flow.give_up()

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """Raise: the path below is the application's."""
        raise RuntimeError("Cannot get IResource children from WSGIResource")

    def putChild(self, path: bytes, child: Any) -> None:
        """Raise: the path below is the application's."""
        raise RuntimeError("Cannot put IResource children under WSGIResource")


publish(globals())
