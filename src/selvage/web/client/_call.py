"""One request of the pleasant client while it is under way: its stage, its deadlines, what becomes of its errors.  Floor 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.defer import CancelledError, Deferred
from selvage.endpoints import AddressForbiddenError, ProxyError
from selvage.errors import (
    ConnectingCancelledError,
    ConnectionDone,
    ConnectionLost,
    DNSLookupError,
    HandshakeError,
)
from selvage.failure import Failure
from selvage.web._headers import Headers
from selvage.web.client._arguments import Address
from selvage.web.client._codecs import ContentDecodingError
from selvage.web.client._errors import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseNeverReceived,
    _WrapperException,
)
from selvage.web.client._failures import RequestError, RequestTimeout, words_of
from selvage.web.client._limits import Retries, Timeouts

if TYPE_CHECKING:
    from selvage.web.client._auth import Auth

__all__ = ["Call"]

#: What tells by itself at which stage a request failed, whatever the stage was thought to be.
_STAGE_OF: tuple[tuple[type[BaseException], str], ...] = (
    (AddressForbiddenError, "resolve"),
    (DNSLookupError, "resolve"),
    (HandshakeError, "handshake"),
    (ProxyError, "connect"),
)


class Call:
    """One request, from the first attempt to the end of the body.

    Args:
        reactor: an `IReactorTime`.
        method, address, headers, content: what is asked for; change with redirections.
        timeouts, retries, limit_bytes, redirects: its limits.
        auth: credentials that are made for each attempt; None for none.
        expects: whether the server gives leave for the body; None when that depends on its size.
    """

    def __init__(
        self,
        reactor: Any,
        method: str,
        address: Address,
        headers: Headers,
        content: Any,
        timeouts: Timeouts,
        retries: Retries,
        limit_bytes: int | None,
        redirects: int,
        auth: Auth | None = None,
        expects: bool | None = None,
    ) -> None:
        self.reactor = reactor
        self.method = method
        self.address = address
        self.headers = headers
        self.content = content
        self.retries = retries
        self.limit_bytes = limit_bytes
        self.redirects = redirects
        self.auth = auth
        self.expects = expects
        #: How many attempts have failed, of those that are for this URL.
        self.failed = 0
        #: How many challenges were answered.
        self.challenges = 0
        #: Whether the last attempt did ask for leave.
        self.has_asked_leave = False
        self.stage = "resolve"
        #: What is waited for outside the body; cancelled when time is up.
        self.current: Deferred[Any] | None = None
        #: Who gets the body, once there is one.
        self.reader: Any = None
        self._timeouts = timeouts
        self._error: RequestError | None = None
        self._watch: Any = None
        self._watched = ""
        self._total: Any = None
        if timeouts.total is not None:
            self._total = reactor.callLater(timeouts.total, self._expire, "total", timeouts.total)

    @property
    def url(self) -> str:
        """Where to."""
        return self.address.url

    @property
    def can_be_sent(self) -> bool:
        """Whether it can be sent as it is, perhaps once more."""
        return self.content is None or self.content.can_be_sent

    @property
    def may_be_repeated(self) -> bool:
        """Whether it is sent once more when an attempt fails."""
        retries = self.retries
        repeatable = self.content is None or self.content.repeatable
        return self.failed < retries.count and self.method in retries.methods and repeatable

    def begin_again(self) -> None:
        """Forget the attempt that has failed."""
        self.failed += 1
        self.unwatch()
        self._error = None
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()

    def await_response(self) -> None:
        """Know that the request is written."""
        self.stage = "response"
        self.watch("read")

    # --- Deadlines -----------------------------------------------------------------------------------------------

    def watch(self, which: str) -> None:
        """Let the limit "connect" or "read" run from now on, and no other but the total one."""
        limit: float | None = getattr(self._timeouts, which)
        if self._watch is not None and self._watched == which and self._watch.active():
            self._watch.reset(limit)
            return
        self.unwatch()
        self._watched = which
        if limit is not None:
            self._watch = self.reactor.callLater(limit, self._expire, which, limit)

    def unwatch(self) -> None:
        """Let no limit run but the total one."""
        watch, self._watch = self._watch, None
        if watch is not None and watch.active():
            watch.cancel()

    def touch(self) -> None:
        """Know that the server has sent something."""
        if self._watch is not None and self._watched == "read" and self._watch.active():
            self._watch.reset(self._timeouts.read)

    def _expire(self, which: str, limit: float) -> None:
        if which == "total":
            self._total = None
        self._error = RequestTimeout(self.stage, self.method, self.url, which, limit)
        if self.reader is not None:
            self.reader.fail(Failure(self._error))
        elif self.current is not None:
            self.current.cancel()

    def finish(self) -> None:
        """Stop all clocks, and let go of the body."""
        self.unwatch()
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()
        total, self._total = self._total, None
        if total is not None and total.active():
            total.cancel()

    # --- Errors --------------------------------------------------------------------------------------------------

    def error_of(self, error: BaseException) -> BaseException:
        """Return what whoever asked shall see for what happened."""
        if self._error is not None:
            return self._error
        if isinstance(error, RequestError):
            return error
        if _is_cancelled(error):
            return CancelledError()
        root = _root_of(error)
        stage = self._stage_of(error, root)
        told = RequestError(stage, self.method, self.url, _missing(stage, error, root) + words_of(root))
        told.__cause__ = error
        return told

    def _stage_of(self, error: BaseException, root: BaseException) -> str:
        for kind, stage in _STAGE_OF:
            if isinstance(root, kind):
                return stage
        if isinstance(error, (RequestGenerationFailed, RequestTransmissionFailed)):
            return "request"
        return self.stage


def _root_of(error: BaseException) -> BaseException:
    """Return the exception that says most about what happened."""
    while isinstance(error, _WrapperException) and error.reasons:
        reasons = [getattr(each, "value", each) for each in error.reasons]
        # What stands before it is what it comes from: the end of the body, or zlib's own error.
        error = next((each for each in reasons if isinstance(each, ContentDecodingError)), reasons[0])
    return error


def _missing(stage: str, error: BaseException, root: BaseException) -> str:
    """Return what was still to come when a connection ended, which the reason of its end does not say."""
    if not isinstance(root, (ConnectionDone, ConnectionLost)):
        return ""
    if isinstance(error, ResponseNeverReceived):
        return "no response came: "
    return {"response": "the response was cut short: ", "body": "the body was cut short: "}.get(stage, "")


def broke_off(error: RequestError) -> bool:
    """Tell whether a body ended, or stopped to come, before it was whole: another attempt may have more of it."""
    root = None if error.__cause__ is None else _root_of(error.__cause__)
    return error.stage == "body" and (
        getattr(error, "which", None) == "read" or isinstance(root, (ConnectionDone, ConnectionLost))
    )


def _is_cancelled(error: BaseException) -> bool:
    return isinstance(_root_of(error), (CancelledError, ConnectingCancelledError))
