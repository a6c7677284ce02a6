"""A finger server that knows nobody; override what it is to say.  Floor 3.

Source: RFC 1288.  Twisted: `twisted.protocols.finger`.
"""

from __future__ import annotations

from selvage._publish import publish
from selvage.protocols.basic import LineReceiver

__all__ = ["Finger"]


class Finger(LineReceiver):
    """Answers one query and closes.

    Hooks: `getUser`, `getDomain`, `forwardQuery`. The base versions refuse, as RFC 1288 section 3.2 would have a careful
    server do.
    """

    #: A query is a user's name and a host's at most.
    MAX_LENGTH = 1024

    def lineReceived(self, line: bytes) -> None:
        """Take the query apart: an optional /W for a longer answer, a user or nobody, hosts to ask on our behalf."""
        words = line.split()
        slash_w = bool(words) and words[0].upper() == b"/W"
        if slash_w:
            del words[0]
        if not words:
            self.getDomain(slash_w)
            return
        user, at, host = words[-1].rpartition(b"@")
        if at:
            self.forwardQuery(slash_w, user, host)
        else:
            self.getUser(slash_w, host)

    def getDomain(self, slash_w: bool) -> None:
        """Hook: asked who is there."""
        self._answer(b"Finger online list denied")

    def getUser(self, slash_w: bool, user: bytes) -> None:
        """Hook: asked for a user."""
        self._answer(b"Login: %b\nNo such user" % user)

    def forwardQuery(self, slash_w: bool, user: bytes, host: bytes) -> None:
        """Hook: told to ask another host."""
        self._answer(b"Finger forwarding service denied")

    def _answer(self, text: bytes) -> None:
        self.transport.write(text + b"\n")
        self.transport.loseConnection()


publish(globals())
