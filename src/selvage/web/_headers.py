"""Header fields: names that match in any case, each with a list of values.  Floor 4.

Both directions go through here, server and client: what a program puts in can be sent as it is.  So the checks stand
where a field is set, and who sends them trusts them:

* a name is a token, or setting it raises `InvalidHeaderName`;
* line ends in a value become one space (as in Twisted), so that no value can begin a header or a body of its own;
* a NUL raises `ValueError`: nobody means one, and who reads it may take it for the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, AnyStr, TypeVar, cast, overload

from selvage.web._grammar import token

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Headers", "InvalidHeaderName"]

_T = TypeVar("_T")

_find_unsafe = re.compile(rb"[\r\n\0]").search


class InvalidHeaderName(ValueError):
    """The name of a header is not a token: it holds a space, a colon, a control character or the like."""


def _sanitizeLinearWhitespace(value: bytes) -> bytes:
    """Put one space in the place of each line end; several at once, and one at the end, leave nothing."""
    return b" ".join(value.splitlines())


def _safe_value(name: str | bytes, value: str | bytes) -> bytes:
    """Return a value as it may be sent.

    Raises:
        TypeError: it is neither str nor bytes.
        ValueError: there is a NUL in it.
    """
    if isinstance(value, str):
        value = value.encode("utf-8")
    elif not isinstance(value, bytes):
        raise TypeError(f"the value of header {name!r} is a {type(value).__name__}: give str or bytes")
    if _find_unsafe(value) is None:
        return value
    if b"\0"[0] in value:
        raise ValueError(f"the header value {value!r} contains a NUL, which cannot be sent in a header")
    return _sanitizeLinearWhitespace(value)


class _NameEncoder:
    """Turns names, in whatever case, into the form in which they are kept and sent."""

    #: Programs use a few dozen names; the bounds, in names and in characters of one, keep peers who invent names from filling
    #: the memory.
    _MAX_CACHED_HEADERS = 10_000
    _MAX_CACHED_LENGTH = 64

    #: Names that are not written with a capital for each word.
    _SPELLINGS = {
        name.lower(): name
        for name in (b"Content-MD5", b"DNT", b"ETag", b"P3P", b"TE", b"WWW-Authenticate", b"X-XSS-Protection")
    }

    def __init__(self) -> None:
        self._canonicalHeaderCache: dict[str | bytes, bytes] = {}

    def encode(self, name: str | bytes) -> bytes:
        """Return the canonical form, such as ``Content-Type``.

        Raises:
            InvalidHeaderName: it is not a token.
            UnicodeEncodeError: it has characters that Latin-1 lacks.
        """
        canonical = self._canonicalHeaderCache.get(name)
        if canonical is None:
            canonical = self._encode(name)
            if (
                len(name) <= self._MAX_CACHED_LENGTH
                and len(self._canonicalHeaderCache) < self._MAX_CACHED_HEADERS
            ):
                self._canonicalHeaderCache[name] = canonical
        return canonical

    def _encode(self, name: str | bytes) -> bytes:
        raw = name.encode("iso-8859-1") if isinstance(name, str) else bytes(name)
        if token(raw) is None:
            raise InvalidHeaderName(
                f"{name!r} is no name of a header: only letters, digits and !#$%&'*+-.^_`|~ may occur in one"
            )
        lower = raw.lower()
        return self._SPELLINGS.get(lower) or b"-".join([word.capitalize() for word in lower.split(b"-")])


_nameEncoder = _NameEncoder()
_canonical = _nameEncoder.encode


class Headers:
    """The header fields of one message, in the order in which their names first came.

    Ask with bytes and get bytes, ask with str and get str (as UTF-8).

    Args:
        rawHeaders: by name the list of values.

    Twisted: `twisted.web.http_headers.Headers`; a NUL in a value raises here.
    """

    __slots__ = ("_rawHeaders",)

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __init__(self, rawHeaders: Mapping[AnyStr, Sequence[AnyStr]] | None = None) -> None:
        self._rawHeaders: dict[bytes, list[bytes]] = {}
        if rawHeaders is not None:
            for name, values in rawHeaders.items():
                self.setRawHeaders(name, values)

    @classmethod
    def _of_wire(cls, fields: Iterable[tuple[bytes, bytes]]) -> Self:
        """Return the fields of a message that a strict parser has accepted, so there is nothing left to check."""
        headers = cls.__new__(cls)
        own: dict[bytes, list[bytes]] = {}
        headers._rawHeaders = own
        cache = _nameEncoder._canonicalHeaderCache
        for name, value in fields:
            canonical = cache.get(name) or _canonical(name)
            if canonical in own:
                own[canonical].append(value)
            else:
                own[canonical] = [value]
        return headers

    def copy(self) -> Self:
        """Return headers of the same contents that change independently of these."""
        new = self.__class__()
        new._rawHeaders = {name: values[:] for name, values in self._rawHeaders.items()}
        return new

    def hasHeader(self, name: AnyStr) -> bool:
        """Tell whether there is a field of that name."""
        return _canonical(name) in self._rawHeaders

    def removeHeader(self, name: AnyStr) -> None:
        """Take out all fields of that name; there need not be any."""
        self._rawHeaders.pop(_canonical(name), None)

    def setRawHeaders(self, name: str | bytes, values: Sequence[str | bytes]) -> None:
        """Put these values in the place of what was there under that name.

        Raises:
            InvalidHeaderName: the name is not a token.
            TypeError: `values` is one value rather than a list of values, or a value neither str nor bytes.
            ValueError: there is a NUL in a value.
        """
        if isinstance(values, (str, bytes)):
            raise TypeError(
                f"setRawHeaders({name!r}, {values!r}) needs a list of values, such as [{values!r}]"
            )
        canonical = _nameEncoder._canonicalHeaderCache.get(name) or _canonical(name)
        if len(values) == 1:
            value = values[0]
            if value.__class__ is bytes and _find_unsafe(value) is None:
                # The quick way, which most go (benchmarks: web json).
                self._rawHeaders[canonical] = [value]
                return
        self._rawHeaders[canonical] = [_safe_value(name, value) for value in values]

    def addRawHeader(self, name: str | bytes, value: str | bytes) -> None:
        """Add one more field.

        Raises:
            InvalidHeaderName: the name is not a token.
            TypeError: the value is neither str nor bytes.
            ValueError: there is a NUL in the value.
        """
        canonical, safe = _canonical(name), _safe_value(name, value)
        if canonical in self._rawHeaders:
            self._rawHeaders[canonical].append(safe)
        else:
            self._rawHeaders[canonical] = [safe]

    @overload
    def getRawHeaders(self, name: AnyStr) -> Sequence[AnyStr] | None: ...

    @overload
    def getRawHeaders(self, name: AnyStr, default: _T) -> Sequence[AnyStr] | _T: ...

    def getRawHeaders(self, name: AnyStr, default: _T | None = None) -> Sequence[AnyStr] | _T | None:
        """Return the values under that name, of the type that the name has; `default` when there are none."""
        values = self._rawHeaders.get(_canonical(name))
        if values is None:
            return default
        if isinstance(name, str):
            return cast("Sequence[AnyStr]", [value.decode("utf-8") for value in values])
        return cast("Sequence[AnyStr]", values)

    def getAllRawHeaders(self) -> Iterator[tuple[bytes, Sequence[bytes]]]:
        """Return an iterator of (name, values), names in canonical form."""
        return iter(self._rawHeaders.items())

    def __eq__(self, other: object) -> bool:
        return self._rawHeaders == other._rawHeaders if isinstance(other, Headers) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._rawHeaders!r})"
