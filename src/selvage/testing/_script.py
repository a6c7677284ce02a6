"""A peer that follows a script: what it expects to receive, what it answers, when it hangs up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.failure import Failure
from selvage.interfaces import IProtocol
from selvage.protocols import Protocol, connectionDone
from selvage.testing._pair import Pair, connect

__all__ = ["ScriptedPeer"]


class ScriptedPeer(Protocol):
    """Play one side of a conversation against a protocol under test.

        peer = ScriptedPeer().send(b"220 ready\\r\\n").expect(b"QUIT\\r\\n").send(b"221 bye\\r\\n").close()
        peer.play(client)
        peer.assert_finished()

    Each step is added by a method that returns the peer.  `play` goes through the steps as far as the other side's
    output lets it; when that depends on a `Clock`, advance it and call `resume`.

    Attributes:
        pair: the `Pair` it is joined in, once `play` was called.
        received: all bytes that arrived, expected or not.
        reason: the Failure that its own `connectionLost` was given, once the connection is over.
    """

    pair: Pair | None = None
    reason: Failure | None = None

    def __init__(self) -> None:
        self.received = b""
        self._unread = b""  # received and not yet matched by an `expect`
        self._steps: list[tuple[str, Callable[[], bool]]] = []
        self._done = 0

    # The script

    def send(self, data: bytes) -> ScriptedPeer:
        """Write `data`."""
        return self._add(f"send {data!r}", lambda: self._write(data))

    def expect(self, data: bytes) -> ScriptedPeer:
        """Wait until exactly these bytes arrive, next in the stream.

        The step fails with `AssertionError` as soon as other bytes arrive.
        """
        return self._add(f"expect {data!r}", lambda: self._match(data))

    def close(self) -> ScriptedPeer:
        """Close the connection cleanly."""
        return self._add("close", lambda: self._hang_up(self._end.loseConnection))

    def abort(self) -> ScriptedPeer:
        """Reset the connection."""
        return self._add("abort", lambda: self._hang_up(self._end.abortConnection))

    def finish_writing(self) -> ScriptedPeer:
        """Close this side's direction only."""
        return self._add("finish writing", lambda: self._hang_up(self._end.loseWriteConnection))

    def expect_close(self) -> ScriptedPeer:
        """Wait until the other side has ended the connection."""
        return self._add("expect the end of the connection", lambda: self.reason is not None)

    # Playing it

    def play(self, protocol: IProtocol, *, chunk: int | None = None) -> Pair:
        """Connect to `protocol` and go through the steps as far as they lead.

        Args:
            protocol: the other side; it has no transport yet.
            chunk: at most how many bytes one `dataReceived` is given; None for all there are.

        Returns: the pair, this peer first.

        Raises:
            AssertionError: something else arrived than was expected.
        """
        self.pair = connect(self, protocol, chunk=chunk)
        self.resume()
        return self.pair

    def resume(self) -> None:
        """Go on where the script stopped, as far as it leads now.

        Raises:
            AssertionError: something else arrived than was expected.
        """
        assert self.pair is not None, "this ScriptedPeer is not connected; call play() first"
        self.pair.flush()
        while self._done < len(self._steps) and self._steps[self._done][1]():
            self._done += 1
            self.pair.flush()

    @property
    def remaining(self) -> list[str]:
        """The steps still to come, in words."""
        return [words for words, _ in self._steps[self._done :]]

    def assert_finished(self) -> None:
        """Check that the whole script was played and nothing else arrived.

        Raises:
            AssertionError: otherwise; it says what is missing or too much.
        """
        if self.remaining:
            raise AssertionError(
                f"the script stopped at: {self.remaining[0]}; unread so far: {self._unread!r}"
            )
        if self._unread:
            raise AssertionError(f"after the end of the script arrived: {self._unread!r}")

    # How the steps are done

    @property
    def _end(self) -> Any:
        assert self.pair is not None
        return self.pair.first

    def _add(self, words: str, step: Callable[[], bool]) -> ScriptedPeer:
        self._steps.append((words, step))
        return self

    def _write(self, data: bytes) -> bool:
        self._end.write(data)
        return True

    def _hang_up(self, how: Callable[[], None]) -> bool:
        how()
        return True

    def _match(self, data: bytes) -> bool:
        got = self._unread[: len(data)]
        if not data.startswith(got):
            raise AssertionError(f"expected {data!r}, but {self._unread!r} arrived")
        if len(got) < len(data):
            return False
        self._unread = self._unread[len(data) :]
        return True

    # As a protocol

    def dataReceived(self, data: bytes) -> None:
        """Keep it for the steps."""
        self.received += data
        self._unread += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep the reason."""
        self.reason = reason
