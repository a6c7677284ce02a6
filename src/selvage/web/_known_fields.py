"""Header fields that came before: what they mean follows from their bytes alone.  Floor 4; no I/O.

A client sends the same fields again and again, whatever it asks for; HTTP/2 has a table for that, HTTP/1 has it here.  All
connections of a factory share one memory.  What is remembered has come twice, for what comes once costs more to keep than
to parse; it is little, so that nobody fills the memory; and it holds no credentials, which are kept no longer than they are
needed.  In which fields programs send theirs nobody knows, so it is fields of which everybody knows that they have none.
"""

from __future__ import annotations

from selvage.web._grammar import host
from selvage.web._headers import _canonical

__all__ = ["Fields", "KnownFields"]

Fields = dict[bytes, list[bytes]]

#: How many sets of fields are remembered, of how many bytes at most; of how many it is known that they came once.
MOST_KNOWN = 128
MOST_BYTES = 1024
MOST_SEEN = 1024

# What browsers, programs and proxies say with each request.  A Referer may tell more than it should; the access log has it, too.
_ORDINARY_NAMES = """
    Accept Accept-Charset Accept-Encoding Accept-Language Cache-Control Connection Content-Encoding Content-Length Content-Type
    DNT Expect Forwarded Host If-Match If-Modified-Since If-None-Match Keep-Alive Origin Pragma Priority Range Referer Save-Data
    Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC TE
    Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Via X-Forwarded-For X-Forwarded-Host X-Forwarded-Port
    X-Forwarded-Proto X-Real-IP X-Requested-With
"""
_ORDINARY = frozenset(map(_canonical, _ORDINARY_NAMES.split()))


class KnownFields:
    """Remembers what was made of the fields of a head."""

    __slots__ = ("_known", "_seen", "find")

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Fields, int | None, bool]] = {}
        self._seen: set[int] = set()
        #: Called with what stood in a head after the request line; returns the fields, which are to be copied, the length of
        #: the body, and whether there is one right Host and nothing that has to be looked at again; None where it is unknown.
        self.find = self._known.get

    def note(self, lines: bytes, fields: Fields, length: int | None) -> None:
        """Take notice of what was parsed, and remember it if it has come before.

        Args:
            lines: what stood after the request line.
            fields: what llhttp made of it; copied.
            length: of the body, see `content_length`.
        """
        number = hash(lines)
        if number in self._seen:
            if len(lines) <= MOST_BYTES and _ORDINARY.issuperset(fields):
                self._remember(lines, fields, length)
        else:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add(number)

    def _remember(self, lines: bytes, fields: Fields, length: int | None) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        hosts = fields.get(b"Host", ())
        plain = len(hosts) == 1 and host(hosts[0]) is not None and b"Expect" not in fields
        self._known[lines] = {name: values[:] for name, values in fields.items()}, length, plain
