"""The parameters of an Authorization header, from bytes to a dict.  Floor 4; knows no world.

RFC 9110 section 11.2:

    auth-param    = token BWS "=" BWS ( token / quoted-string )
    #auth-param   = parameters with commas between them; empty elements may be among them

Deviation: an unquoted value may hold whatever is neither comma nor quote, since clients leave quotes out of values that are
no tokens, such as `uri`.
"""

from __future__ import annotations

import re

__all__ = ["parse_parameters"]

# Possessive (`*+`): what was read once is not read again, so no header takes longer than its length.
_PARAMETER = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++)[ \t]*+=[ \t]*+"  # token BWS "=" BWS
    rb'(?:"((?:[^"\\]|\\[\x20-\x7e\x80-\xff\t])*+)"[ \t]*+|([^",]*+))'  # quoted-string / what clients send instead
    rb"(?:,|$)"
)
_BETWEEN = re.compile(rb"[ \t,]*")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def parse_parameters(data: bytes) -> dict[str, bytes]:
    """Return the parameters by their names in lower case.

    Raises:
        ValueError: this is no list of parameters, has a control character in it, or has the same name twice.
    """
    if _CONTROL.search(data):
        raise ValueError("control characters among the parameters")
    found: dict[str, bytes] = {}
    place = _skip(data, 0)
    while place < len(data):
        match = _PARAMETER.match(data, place)
        if match is None:
            raise ValueError(f"no parameter at {data[place : place + 20]!r}")
        name = match[1].decode("ascii").lower()
        if name in found:
            raise ValueError(f"two parameters {name!r}")
        found[name] = match[3].rstrip(b" \t") if match[2] is None else _ESCAPED.sub(rb"\1", match[2])
        place = _skip(data, match.end())
    return found


def _skip(data: bytes, place: int) -> int:
    between = _BETWEEN.match(data, place)
    return place if between is None else between.end()
