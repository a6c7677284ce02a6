"""The patterns of HTTP/1 that are ours; headers are llhttp's business.  Floor 4; no I/O.

No other file of the server compiles a pattern for what comes over the wire.  All are of bytes, so that ``[0-9]`` means ten
digits and nothing else, and none can backtrack: each repeats a class that what follows it is not in.
"""

from __future__ import annotations

import re

__all__ = [
    "bare_line_feed",
    "chunk_size_line",
    "empty_lines",
    "field_value",
    "host",
    "plain_request_line",
    "request_line",
    "target_in_origin_form",
    "token",
    "trailer",
]

_TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"

# RFC 9110 section 5.6.2:   token = 1*tchar
#   tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
token = re.compile(_TCHAR + rb"+").fullmatch

# RFC 9112 section 2.2: we do not take a line feed alone for the end of a line; it hides from one parser what another sees.
bare_line_feed = re.compile(rb"(?<!\r)\n").search

# RFC 9112 section 2.2: empty lines before a request are ignored; all that there are at once.
empty_lines = re.compile(rb"(?:\r\n)*").match

# RFC 9112 section 3:       request-line = method SP request-target SP HTTP-version
# What may stand in a target is more than RFC 3986 has, because browsers send ``|``, ``"`` and others as they are; it has no
# space, no control character and nothing outside of ASCII.
request_line = re.compile(rb"(" + _TCHAR + rb"+) ([!-~]+) HTTP/([0-9])\.([0-9])").fullmatch

# The same for the two versions that are spoken, at the beginning of a head.
plain_request_line = re.compile(rb"(" + _TCHAR + rb"+) ([!-~]+) HTTP/1\.([01])\r\n").match

# RFC 9112 section 3.2.1:   origin-form = absolute-path [ "?" query ]; a fragment never leaves a browser.
target_in_origin_form = re.compile(rb"/[!-\"$-~]*").fullmatch

# RFC 9112 section 3.2:     Host = uri-host [ ":" port ]
# uri-host is an IP literal in brackets, or a name: unreserved characters, percent-encoded bytes, sub-delims (RFC 3986
# section 3.2.2).  Empty is right where the target has no authority.
host = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+(?:%25[0-9A-Za-z\-._~]+)?\]|(?:[0-9A-Za-z\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
).fullmatch

# RFC 9110 section 5.5: what a field's value is made of; the parser of HTTP/1 sees to it, that of HTTP/2 only to NUL, CR and LF.
field_value = re.compile(rb"[\t -~\x80-\xff]*").fullmatch

# RFC 9112 section 7.1:     chunk-size [ chunk-ext ]
#   chunk-size     = 1*HEXDIG
#   chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
# 15 digits are an exabyte.  Of extensions, which nobody uses, we only say what they may be made of: text, tab, and bytes
# above ASCII; not the backslash, with which a quoted string could hide where it ends.
chunk_size_line = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t -\[\]-~\x80-\xff]*)?").fullmatch

# RFC 9112 section 7.1.2:   trailer-section = *( field-line CRLF ), by the rules of header fields.
trailer = re.compile(_TCHAR + rb"+:[\t -~\x80-\xff]*").fullmatch
