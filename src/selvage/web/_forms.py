"""Arguments of a request: those of the query, and those of a submitted form.  Floor 4.

Multipart bodies are parsed by python-multipart, which takes them in one pass; what it costs to have many parts or many
headers of parts is bounded here.
"""

from __future__ import annotations

from typing import IO, Any
from urllib.parse import ParseResultBytes, unquote_to_bytes, urlparse as _urlparse

__all__ = ["FormError", "form_arguments", "parse_content_type", "parse_qs", "urlparse"]

#: Arguments of one request.  PHP takes 1000, Django 1000; hash tables of more are a way to keep a server busy.
MAX_FIELDS = 1000

#: Bytes of the headers of one part of a multipart body; they hold a name and the name of a file.
MAX_PART_HEADERS_BYTES = 8192

#: Bytes of a form that are read at once.
_PIECE = 65536

_MULTIPART = b"multipart/form-data"
_URLENCODED = b"application/x-www-form-urlencoded"


class FormError(ValueError):
    """The body is not the form that its Content-Type says, or has more fields than are taken."""


def urlparse(url: bytes) -> ParseResultBytes:
    """As `urllib.parse.urlparse`, but of bytes only, and giving bytes always.

    Raises:
        TypeError: `url` is a str.
    """
    if isinstance(url, str):
        raise TypeError(f"urlparse({url!r}) needs bytes: give {url!r}.encode('ascii')")
    scheme, netloc, path, params, query, fragment = _urlparse(url)
    # The cache of urllib may hold the answer for an equal str.
    parts: list[Any] = [scheme, netloc, path, params, query, fragment]
    return ParseResultBytes(*[part.encode("ascii") if isinstance(part, str) else part for part in parts])


def parse_qs(
    qs: bytes, keep_blank_values: object = 0, strict_parsing: object = 0
) -> dict[bytes, list[bytes]]:
    """Return the values of a query by name, as `urllib.parse.parse_qs` does, but of bytes.

    Args:
        keep_blank_values: whether arguments with an empty value count.
        strict_parsing: whether an argument without an equals sign is an error.

    Raises:
        ValueError: with `strict_parsing`, when one is.
        FormError: there are more than `MAX_FIELDS`.
    """
    found: dict[bytes, list[bytes]] = {}
    if qs.count(b"&") + qs.count(b";") >= MAX_FIELDS:
        raise FormError(f"there are more than {MAX_FIELDS} arguments")
    for pair in qs.replace(b";", b"&").split(b"&") if b";"[0] in qs else qs.split(b"&"):
        name, equals, value = pair.partition(b"=")
        if not equals:
            if strict_parsing:
                raise ValueError(f"bad query field: {pair!r}")
            continue
        if value or keep_blank_values:
            found.setdefault(_unquote(name), []).append(_unquote(value))
    return found


def _unquote(text: bytes) -> bytes:
    if b"+"[0] in text:
        text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%"[0] in text else text


def parse_content_type(header: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return media type, in lower case, and parameters of a header Content-Type."""
    from python_multipart.multipart import parse_options_header

    kind, parameters = parse_options_header(header)
    return kind.lower(), parameters


def form_arguments(content_type: bytes, body: IO[bytes]) -> dict[bytes, list[bytes]]:
    """Return the values of a form by name; none when the body is no form.

    Args:
        body: read from where it stands to its end.

    Raises:
        FormError: it is malformed, or too big.
    """
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == _URLENCODED:
        return parse_qs(body.read(), 1)
    if kind != _MULTIPART:
        return {}
    boundary = parse_content_type(content_type)[1].get(b"boundary", b"")
    if not boundary or not boundary.isascii() or len(boundary) > 70:
        raise FormError("a multipart body needs a boundary of at most 70 ASCII characters")
    return _Parts(boundary).read(body)


class _Parts:
    """Collects the fields of a multipart body."""

    def __init__(self, boundary: bytes) -> None:
        from python_multipart.multipart import MultipartParser

        self._found: dict[bytes, list[bytes]] = {}
        self._count = 0
        self._headers: dict[bytes, bytes] = {}
        self._headers_size = 0
        self._name = bytearray()
        self._value = bytearray()
        self._data: list[bytes] = []
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._take_data,
                "on_part_end": self._end,
                "on_header_field": self._take_name,
                "on_header_value": self._take_value,
                "on_header_end": self._header_ended,
                "on_end": self._all_ended,
            },
        )

    def read(self, body: IO[bytes]) -> dict[bytes, list[bytes]]:
        from python_multipart.exceptions import FormParserError

        try:
            while piece := body.read(_PIECE):
                self._parser.write(piece)
            self._parser.finalize()
        except FormParserError as error:
            raise FormError("the multipart body is malformed") from error
        if not self._ended and self._name_of_part() is not None:
            raise FormError("the multipart body has no end")
        return self._found

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise FormError(f"there are more than {MAX_FIELDS} parts")
        self._headers.clear()
        self._headers_size = 0
        self._data = []

    def _count_header(self, size: int) -> None:
        self._headers_size += size
        if self._headers_size > MAX_PART_HEADERS_BYTES:
            raise FormError(f"a part has more than {MAX_PART_HEADERS_BYTES} bytes of headers")

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._value += data[start:end]

    def _header_ended(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _end(self) -> None:
        name = self._name_of_part()
        if name is not None:
            self._found.setdefault(name, []).append(b"".join(self._data))

    def _name_of_part(self) -> bytes | None:
        return parse_content_type(self._headers.get(b"content-disposition", b""))[1].get(b"name")

    def _all_ended(self) -> None:
        self._ended = True
