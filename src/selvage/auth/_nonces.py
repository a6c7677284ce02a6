"""Which answers to which challenges were given already.  Floor 4.

Each challenge has a nonce, and a client counts its answers to it (`nc`); whoever saw an answer on the wire must not be able
to give it again. Browsers answer over several connections at once, so counts do not arrive in order: like IPsec (RFC 4303
section 3.4.3) the table keeps for each nonce the highest count and a window of those below it.
"""

from __future__ import annotations

__all__ = ["UsedAnswers"]

#: Counts below the highest that may still arrive; six connections of a browser stay well within it.
WINDOW = 64

#: Nonces to remember; some 200 bytes each. Those in use are few: clients take a new one every quarter of an hour.
MAX_NONCES = 10_000


class UsedAnswers:
    """The counts that were used, by nonce.

    A nonce that had to be forgotten takes with it all that were issued before it: their answers may have been given, so they
    count as stale. Nothing is remembered of answers that prove nothing, so only who has a password fills the table.
    """

    def __init__(self) -> None:
        self._used: dict[
            bytes, tuple[int, int, int]
        ] = {}  # nonce: when issued, highest count, window as bits
        self._forgotten = float("-inf")  # nonces issued until then may have been forgotten

    def is_new(self, nonce: bytes, issued: int, count: int) -> bool:
        """Tell whether this answer has not been used; may be False for one of long ago that was not."""
        if nonce not in self._used:
            return issued > self._forgotten
        _, highest, window = self._used[nonce]
        below = highest - count
        return below < 0 or (below < WINDOW and not window >> below & 1)

    def use(self, nonce: bytes, issued: int, count: int) -> bool:
        """Remember that this answer is used; return whether it was new."""
        if not self.is_new(nonce, issued, count):
            return False
        # What is used last stands last, so the nonce that is forgotten is one that rests.
        _, highest, window = self._used.pop(nonce, (issued, 0, 0))
        if count > highest:
            window = (window << min(count - highest, WINDOW) | 1) & ((1 << WINDOW) - 1)
            highest = count
        else:
            window |= 1 << (highest - count)
        self._used[nonce] = issued, highest, window
        if len(self._used) > MAX_NONCES:
            oldest = next(iter(self._used))
            self._forgotten = max(self._forgotten, self._used.pop(oldest)[0])
        return True
