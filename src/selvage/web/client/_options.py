"""What requests can be told, and what to say to who tells them something else.  Floor 4."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

if TYPE_CHECKING:
    from selvage.web._headers import Headers
    from selvage.web.client._auth import Auth
    from selvage.web.client._limits import Retries, Timeouts

__all__ = ["RequestOptions", "check_options"]

_Value: TypeAlias = "str | bytes | Sequence[str] | Sequence[bytes]"
HeadersLike: TypeAlias = (
    "Headers | Mapping[str, _Value] | Mapping[bytes, _Value] | Iterable[tuple[str | bytes, _Value]]"
)
Params: TypeAlias = "Mapping[str, Any] | Iterable[tuple[str, Any]]"
AuthLike: TypeAlias = "tuple[str, str] | str | Auth"
Body: TypeAlias = (
    "bytes | bytearray | memoryview | str | Mapping[str, Any] | Iterable[Any] | AsyncIterable[bytes] | Any"
)
Files: TypeAlias = "Mapping[str, Any] | Iterable[tuple[str, Any]]"


class RequestOptions(TypedDict, total=False):
    """What requests can be told besides method and URL."""

    #: Added to the query: a mapping, or pairs; a value may be a list.
    params: Params | None
    #: A mapping, pairs, or `Headers`; a value may be a list.
    headers: HeadersLike | None
    #: Sent as JSON.
    json: Any
    #: bytes, str, a mapping or list of pairs (a form), a file, an iterable or asynchronous iterable of bytes, or an
    #: `IBodyProducer`.
    data: Body
    #: By field the file: contents, a file opened in binary mode, or (name, contents, content type).
    files: Files | None
    #: (user, password) for Basic, the whole value of Authorization, such as ``"Bearer TOKEN"``, or an `Auth`, such as
    #: `DigestAuth`; None for no credentials at all.
    auth: AuthLike | None
    #: Seconds for all of it, or `Timeouts`; None for no limit.
    timeout: float | Timeouts | None
    #: How often, or `Retries`.
    retries: int | Retries
    follow_redirects: bool
    #: How large the body may be, decompressed; None for any size.
    limit_bytes: int | None
    #: Whether the server is asked for leave to send the body; by default where that is large.
    expect_continue: bool


#: What other clients call things.
_ELSEWHERE = {
    "allow_redirects": "follow_redirects=",
    "cert": "policy= of Client",
    "content": "data=",
    "cookies": "cookies= of Client, or headers={'cookie': ...}",
    "extensions": "timeout= and the other options of RequestOptions",
    "max_redirects": "max_redirects= of Client",
    "proxies": "proxy= of Client",
    "proxy": "proxy= of Client",
    "read_until_eof": "stream(...)",
    "ssl": "policy= of Client",
    "stream": "client.stream(method, url)",
    "verify": "policy= of Client",
}


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that there are not.

    Raises:
        TypeError: there is one; it says which one may have been meant.
    """
    known = RequestOptions.__optional_keys__
    for name in options:
        if name in known:
            continue
        close = get_close_matches(name, known, 1)
        meant = _ELSEWHERE.get(name) or (f"{close[0]}=" if close else "")
        hint = f"use {meant}" if meant else "see RequestOptions"
        raise TypeError(f"a request has no option {name!r}: {hint}")
