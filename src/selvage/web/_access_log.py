"""Lines of access logs.  Floor 4.

Whatever the client sent is escaped: a quote cannot end its field, a control character moves no terminal's cursor.
"""

from __future__ import annotations

import json
from typing import Any

from selvage.addresses import IPv4Address, IPv6Address
from selvage.web.interfaces import IAccessLogFormatter

__all__ = ["combinedLogFormatter", "json_log_formatter", "proxiedLogFormatter"]


def _escape(text: bytes | str) -> str:
    """Return text as it may stand between double quotes."""
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    # repr chooses its quotes; with a single quote and a double one in it these are single, and the single one is escaped.
    shown = repr(raw + b"'\"")[2:-4]
    return shown.replace("\\'", "'").replace('"', '\\"')


def _client_host(request: Any) -> bytes | str:
    address = request.getClientAddress()
    return address.host if isinstance(address, (IPv4Address, IPv6Address)) else b"-"


def _combined(timestamp: str, request: Any, host: bytes | str) -> str:
    return (
        f'"{_escape(host)}" - - {timestamp} '
        f'"{_escape(request.method)} {_escape(request.uri)} {_escape(request.clientproto)}" '
        f"{request.code} {request.sentLength or '-'} "
        f'"{_escape(request.getHeader(b"referer") or b"-")}" "{_escape(request.getHeader(b"user-agent") or b"-")}"'
    )


def combinedLogFormatter(timestamp: str, request: Any) -> str:
    """Return a line in Apache's combined form."""
    return _combined(timestamp, request, _client_host(request))


def proxiedLogFormatter(timestamp: str, request: Any) -> str:
    """As `combinedLogFormatter`, with the first address of X-Forwarded-For for the client's.

    Clients can send that header, too: only use this where all requests come through a proxy that sets it.
    """
    forwarded = request.getHeader(b"x-forwarded-for")
    host = forwarded.split(b",")[0].strip() if forwarded else _client_host(request)
    return _combined(timestamp, request, host)


def json_log_formatter(timestamp: str, request: Any) -> str:
    """Return a JSON object: one line, with the same facts as the combined form, by name."""
    facts = {
        "time": timestamp.strip("[]"),
        "client": _text(_client_host(request)),
        "method": _text(request.method),
        "uri": _text(request.uri),
        "protocol": _text(request.clientproto),
        "status": request.code,
        "bytes": request.sentLength or 0,
        "referer": _text(request.getHeader(b"referer")),
        "user_agent": _text(request.getHeader(b"user-agent")),
    }
    return json.dumps(facts)


def _text(value: bytes | str | None) -> str | None:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


_formatter: Any = IAccessLogFormatter


def _provide(function: Any) -> None:
    from zope.interface import directlyProvides

    directlyProvides(function, _formatter)


for _function in (combinedLogFormatter, proxiedLogFormatter, json_log_formatter):
    _provide(_function)
