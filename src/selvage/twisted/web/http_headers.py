"""`twisted.web.http_headers`: the header fields of a message."""

from selvage.web import Headers as Headers, InvalidHeaderName as InvalidHeaderName
from selvage.web._headers import (
    _NameEncoder as _NameEncoder,
    _nameEncoder as _nameEncoder,
    _sanitizeLinearWhitespace as _sanitizeLinearWhitespace,
)
