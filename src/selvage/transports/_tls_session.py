"""One side of one TLS connection as a machine: bytes in, plaintext and what became of it out.  Floor 2.

Knows no socket, clock or protocol; `_tls_transport.py` and `selvage.protocols.tls` drive one each.

    HANDSHAKE -> OPEN -> ENDED          the only way

HANDSHAKE: no plaintext goes either way; what is written waits.  OPEN: it does.  ENDED: TLS failed, `failure` says why, and
nothing more goes either way.  Either direction of an open session closes by itself: `said_goodbye` and `peer_ended`.

`receive` never raises for what the peer sent: plaintext that came before the fault is returned, then `failure` is set.
Output gathers in the engine until `take`.
"""

from __future__ import annotations

from collections.abc import Callable

from selvage.errors import TLSError
from selvage.failure import Failure

from ._tls_engine import TLSEngine
from ._tls_errors import tls_error

__all__ = ["ENDED", "HANDSHAKE", "OPEN", "TLSSession"]

HANDSHAKE, OPEN, ENDED = range(3)


class TLSSession:
    """One side of one TLS connection.

    Args:
        engine: does the mathematics; nobody else may drive it.
        peer: tells whom it is with, for error messages.
    """

    __slots__ = (
        "_leaving",  # whether goodbye is to be said when all that waits has left
        "_waiting",  # plaintext written while the engine takes none
        "engine",
        "failure",  # None, or the Failure that ended it
        "is_bug",  # whether that is neither the peer's doing nor ours, but an exception in a callback of the program's
        "peer",
        "said_goodbye",
        "state",
        "waiting",  # how many bytes of plaintext wait
    )

    def __init__(self, engine: TLSEngine, peer: Callable[[], str] = str) -> None:
        self.engine = engine
        self.peer = peer
        self.state = HANDSHAKE
        self.failure: Failure | None = None
        self.is_bug = False
        self.said_goodbye = False
        self.waiting = 0
        self._waiting: list[bytes] = []
        self._leaving = False

    @property
    def peer_ended(self) -> bool:
        """Whether the peer said goodbye: it writes nothing more."""
        return self.engine.ended

    def begin(self) -> None:
        """Start the handshake; a client has something to send then."""
        self._go_on()

    def receive(self, data: bytes) -> bytes:
        """Take ciphertext and return the plaintext in it; an empty `data` asks for what `feed` brought."""
        self.feed(data)
        return self.read()

    def feed(self, data: bytes) -> None:
        """Take ciphertext, and go on with the handshake, but leave plaintext where it is."""
        if self.state != ENDED:
            if data:
                self.engine.feed(data)
            if self.state == HANDSHAKE:
                self._go_on()

    def read(self) -> bytes:
        """Return what plaintext there is."""
        if self.state != OPEN:
            return b""
        engine = self.engine
        try:
            data = engine.read()
            if not engine.fed():
                if self.waiting:
                    self._send_waiting()
                return data
        except Exception as exc:
            self.fail(exc)
            return b""
        return self._read_on(data)

    def _read_on(self, data: bytes) -> bytes:
        """The way of `read` when more than one record came."""
        pieces = [data]
        engine = self.engine
        try:
            while pieces[-1] and self.state == OPEN:
                pieces.append(engine.read())
        except Exception as exc:
            self.fail(exc)
        if self.waiting:
            self._send_waiting()
        return b"".join(pieces)

    def send(self, data: bytes) -> None:
        """Encrypt plaintext, or keep it until the handshake is done; ignored after `goodbye`."""
        if self._leaving or self.state == ENDED:
            return
        if self.state == OPEN and not self.waiting:
            try:
                taken = self.engine.write(data)
            except Exception as exc:
                self.fail(exc)
                return
            if taken == len(data):
                return
            data = data[taken:]
        self._waiting.append(data)
        self.waiting += len(data)
        if self.state == OPEN:
            self._send_waiting()

    def take(self) -> bytes:
        """Return the ciphertext to send, empty when there is none."""
        return self.engine.take()

    def goodbye(self) -> None:
        """Close our direction when all that was written has been encrypted."""
        if not self._leaving:
            self._leaving = True
            if self.state == OPEN:
                self._send_waiting()

    def fail(self, reason: BaseException | Failure) -> None:
        """End for this reason, unless it ended already; what the library raised is given its name."""
        if self.state == ENDED:
            return
        if isinstance(reason, self.engine.errors):
            reason = tls_error(reason, self.state == OPEN, self.peer())
        elif not isinstance(reason, TLSError | Failure):
            self.is_bug = True
        self.state = ENDED
        self.failure = reason if isinstance(reason, Failure) else Failure(reason)
        self._waiting.clear()
        self.waiting = 0

    def _go_on(self) -> None:
        try:
            done = self.engine.handshake()
        except Exception as exc:
            self.fail(exc)
            return
        if done and self.state == HANDSHAKE:  # a callback of the library's may have called `fail`
            self.state = OPEN

    def flush(self) -> None:
        """Encrypt what was written before the handshake was done.  To be called once it is."""
        if self.state == OPEN:
            self._send_waiting()

    def _send_waiting(self) -> None:
        try:
            while self._waiting:
                piece = memoryview(self._waiting[0])
                done = 0
                while done < len(piece):
                    taken = self.engine.write(piece[done:])
                    if not taken:
                        self._waiting[0] = bytes(piece[done:])
                        return
                    done += taken
                    self.waiting -= taken
                del self._waiting[0]
            if self._leaving and not self.said_goodbye:
                self.said_goodbye = True
                self.engine.goodbye()
        except Exception as exc:
            self.fail(exc)
