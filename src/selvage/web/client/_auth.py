"""Credentials that depend on what the server asks for: Digest.  Floor 4.

Source: RFC 7616; RFC 9110 section 11.6.1 (challenges).  Not here: `qop=auth-int`, which hashes bodies and which no server
insists on; servers without `qop` (RFC 2069) are answered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import parse_http_list

from selvage.web._headers import Headers

__all__ = ["Auth", "DigestAuth"]

#: Servers whose challenges are remembered; the oldest challenge is forgotten.
_REMEMBERED = 100

# RFC 9110 section 5.6.2
_TOKEN = r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)"
_challenge_begins = re.compile(_TOKEN + r"(?: +(?![ =])|$)").match
_parameter = re.compile(_TOKEN + r"[ \t]*=[ \t]*(.*)", re.DOTALL).fullmatch


class Auth:
    """Credentials that are made for each request.

    Subclasses say what stands in Authorization; nothing of it leaves the origin that a request was meant for.
    """

    def authorization(self, method: str, url: str) -> str | bytes | None:
        """Return the value of Authorization for a request; None for none yet."""
        raise NotImplementedError

    def challenged(self, url: str, headers: Headers, again: bool) -> bool:
        """Learn from a response of 401.

        Args:
            url: what was asked for.
            headers: of the response.
            again: whether this request has been sent once more already.

        Returns whether the request shall be sent once more.
        """
        return False


class DigestAuth(Auth):
    """Name and password by Digest: the password itself is not sent.

    Args:
        username, password: of Unicode characters.

    The strongest algorithm that the server offers is used; what it asked for is remembered, so that only the first
    request is sent twice.  Whoever reads the traffic can still guess at the password: use https.

    Source: RFC 7616.
    """

    def __init__(self, username: str, password: str) -> None:
        for what, value in (("username", username), ("password", password)):
            if not isinstance(value, str):
                raise TypeError(f"the {what} is a {type(value).__name__}: give str")
            if any(ord(character) < 32 or ord(character) == 127 for character in value):
                raise ValueError(f"the {what} has a control character in it, which cannot be sent")
        self._username = username
        self._password = password
        self._by_origin: dict[str, _Challenge] = {}

    def __repr__(self) -> str:
        return f"<DigestAuth of {self._username!r}>"

    def authorization(self, method: str, url: str) -> bytes | None:
        """Answer the last challenge of this origin."""
        origin, target = _apart(url)
        challenge = self._by_origin.get(origin)
        if challenge is None:
            return None
        return challenge.answer(self._username, self._password, method, target).encode("latin-1")

    def challenged(self, url: str, headers: Headers, again: bool) -> bool:
        """Take the server's challenge, unless it has refused name and password."""
        values = headers.getRawHeaders(b"www-authenticate", ())
        challenge = _strongest([value.decode("latin-1") for value in values])
        if challenge is None or (again and not challenge.is_stale):
            return False
        origin, _ = _apart(url)
        self._by_origin.pop(origin, None)
        self._by_origin[origin] = challenge
        if len(self._by_origin) > _REMEMBERED:
            del self._by_origin[next(iter(self._by_origin))]
        return True


def _apart(url: str) -> tuple[str, str]:
    """Return origin and target of a URL."""
    parts = urlsplit(url)
    target = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{target}?{parts.query}" if parts.query else target


# --- Challenges ---------------------------------------------------------------------------------------------------------


def challenges_of(values: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Return scheme and parameters, both with names in small letters, of each challenge in WWW-Authenticate."""
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        for part in parse_http_list(value):
            begins = _challenge_begins(part)
            if begins is not None:
                found.append((begins[1].lower(), {}))
                part = part[begins.end() :]
            parameter = _parameter(part)
            if parameter is not None and found:
                found[-1][1].setdefault(parameter[1].lower(), _unquoted(parameter[2]))
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1]  # what was escaped in it is not any more
    return value


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _md5(data: bytes) -> Any:
    return hashlib.md5(data, usedforsecurity=False)  # the server's choice, where it offers nothing better


def _sha512_256(data: bytes) -> Any:
    return hashlib.new("sha512_256", data)


#: From the strongest to the weakest.
_ALGORITHMS: dict[str, Callable[[bytes], Any]] = {
    "SHA-512-256": _sha512_256,
    "SHA-256": hashlib.sha256,
    "MD5": _md5,
}


class _Challenge:
    """What a server asks for.  Text here is octets as characters: a realm may be in any charset.

    Raises:
        KeyError: no realm, no nonce, or an algorithm that is not known.
        ValueError: the algorithm is not there on this machine, or it wants another protection than "auth".
    """

    def __init__(self, parameters: dict[str, str]) -> None:
        self.realm = parameters["realm"]
        self.nonce = parameters["nonce"]
        self.opaque = parameters.get("opaque")
        self.algorithm = parameters.get("algorithm")
        name = (self.algorithm or "MD5").upper()
        self.is_session = name.endswith("-SESS")
        self._digest = _ALGORITHMS[name.removesuffix("-SESS")]
        self._digest(b"")
        self.strength = -list(_ALGORITHMS).index(name.removesuffix("-SESS"))
        offered = parameters.get("qop")
        self.has_qop = offered is not None
        if offered is not None and "auth" not in [each.strip().lower() for each in offered.split(",")]:
            raise ValueError("the server asks for a protection that is not known")
        self.hashes_names = parameters.get("userhash", "").lower() == "true"
        self.is_stale = parameters.get("stale", "").lower() == "true"
        self.cnonce = token_hex(16)
        self._count = 0

    def _hash(self, text: str) -> str:
        value: str = self._digest(text.encode("latin-1")).hexdigest()
        return value

    def answer(self, username: str, password: str, method: str, target: str) -> str:
        """Return the value of Authorization for a request."""
        username, password = (each.encode().decode("latin-1") for each in (username, password))
        self._count += 1
        count = f"{self._count:08x}"
        secret = self._hash(f"{username}:{self.realm}:{password}")
        if self.is_session:
            secret = self._hash(f"{secret}:{self.nonce}:{self.cnonce}")
        what = self._hash(f"{method}:{target}")
        middle = f"{self.nonce}:{count}:{self.cnonce}:auth" if self.has_qop else self.nonce
        fields = [
            self._name_field(username),
            f"realm={_quoted(self.realm)}",
            f"nonce={_quoted(self.nonce)}",
            f"uri={_quoted(target)}",
            f'response="{self._hash(f"{secret}:{middle}:{what}")}"',
        ]
        if self.algorithm is not None:
            fields.append(f"algorithm={self.algorithm}")
        if self.has_qop:
            fields += ["qop=auth", f"nc={count}"]
        if self.has_qop or self.is_session:
            fields.append(f'cnonce="{self.cnonce}"')
        if self.opaque is not None:
            fields.append(f"opaque={_quoted(self.opaque)}")
        if self.hashes_names:
            fields.append("userhash=true")
        return "Digest " + ", ".join(fields)

    def _name_field(self, username: str) -> str:
        if self.hashes_names:
            return f'username="{self._hash(f"{username}:{self.realm}")}"'
        if not username.isascii():
            return f"username*=UTF-8''{quote(username.encode('latin-1'), safe='')}"
        return f"username={_quoted(username)}"


def _strongest(values: Sequence[str]) -> _Challenge | None:
    """Return the best of the challenges that can be answered; None for none."""
    best = None
    for scheme, parameters in challenges_of(values):
        if scheme != "digest":
            continue
        try:
            challenge = _Challenge(parameters)
        except (KeyError, ValueError):
            continue  # another one may do
        if best is None or challenge.strength > best.strength:
            best = challenge
    return best
