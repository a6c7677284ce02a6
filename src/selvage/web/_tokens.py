"""A bound on how often something happens, in bursts and in the long run.  Floor 4; no I/O."""

from __future__ import annotations

__all__ = ["Tokens"]


class Tokens:
    """A bucket: holds `burst` tokens, and gets `rate` a second."""

    def __init__(self, burst: int, rate: float, now: float) -> None:
        self.left = float(burst)
        self._burst = burst
        self._rate = rate
        self.at = now

    def take(self, now: float) -> bool:
        """Take one; return whether there was one."""
        if now > self.at:
            self.left = min(self._burst, self.left + (now - self.at) * self._rate)
            self.at = now
        self.left -= 1
        return self.left >= 0
