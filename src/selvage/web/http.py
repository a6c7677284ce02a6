"""HTTP on the wire: requests, channels, factories, codes, dates and forms.  Floor 4.

Twisted: `twisted.web.http`.
"""

from typing import Any

from selvage._publish import publish
from selvage.web import _status
from selvage.web._access_log import (
    combinedLogFormatter as combinedLogFormatter,
    json_log_formatter as json_log_formatter,
    proxiedLogFormatter as proxiedLogFormatter,
)
from selvage.web._channel import HTTPChannel as HTTPChannel
from selvage.web._content_range import parseContentRange as parseContentRange
from selvage.web._dates import (
    datetimeToLogString as datetimeToLogString,
    datetimeToString as datetimeToString,
    stringToDatetime as stringToDatetime,
    timegm as timegm,
)
from selvage.web._factory import H2_ENABLED as H2_ENABLED, HTTPFactory as HTTPFactory
from selvage.web._forms import parse_qs as parse_qs, urlparse as urlparse
from selvage.web._limits import Limits as Limits
from selvage.web._losses import PotentialDataLoss as PotentialDataLoss
from selvage.web._request import CACHED as CACHED, Request as Request
from selvage.web._status import *  # noqa: F403  # the names of all codes: they stand once, in its `__all__`
from selvage.web._status import NO_BODY_CODES as NO_BODY_CODES
from selvage.web._transfer import (
    fromChunk as fromChunk,
    maxChunkSizeLineLength as maxChunkSizeLineLength,
    toChunk as toChunk,
)

__all__ = [
    "CACHED",
    "H2_ENABLED",
    "NO_BODY_CODES",
    "HTTPChannel",
    "HTTPFactory",
    "Limits",
    "PotentialDataLoss",
    "Request",
    "combinedLogFormatter",
    "datetimeToLogString",
    "datetimeToString",
    "fromChunk",
    "json_log_formatter",
    "maxChunkSizeLineLength",
    "parseContentRange",
    "parse_qs",
    "protocol_version",
    "proxiedLogFormatter",
    "stringToDatetime",
    "timegm",
    "toChunk",
    "urlparse",
]
__all__ += _status.__all__

#: The version that is spoken.
protocol_version = "HTTP/1.1"


def __getattr__(name: str) -> Any:
    """Give the client of old, with a warning that there is a better one."""
    if name == "HTTPClient":
        import warnings

        from selvage.web._http_client import HTTPClient

        warnings.warn(
            "twisted.web.http.HTTPClient was deprecated in Twisted 24.7.0: Use twisted.web.client.Agent instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return HTTPClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


publish(globals())
