"""HTTP on the wire: requests, channels, factories, codes, dates and forms.  Floor 4.

Twisted: `twisted.web.http`.
"""

from typing import Any

from selvage._publish import publish
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
from selvage.web._status import (
    ACCEPTED as ACCEPTED,
    BAD_GATEWAY as BAD_GATEWAY,
    BAD_REQUEST as BAD_REQUEST,
    CONFLICT as CONFLICT,
    CREATED as CREATED,
    EXPECTATION_FAILED as EXPECTATION_FAILED,
    FORBIDDEN as FORBIDDEN,
    FOUND as FOUND,
    GATEWAY_TIMEOUT as GATEWAY_TIMEOUT,
    GONE as GONE,
    HTTP_VERSION_NOT_SUPPORTED as HTTP_VERSION_NOT_SUPPORTED,
    IM_A_TEAPOT as IM_A_TEAPOT,
    INSUFFICIENT_STORAGE_SPACE as INSUFFICIENT_STORAGE_SPACE,
    INTERNAL_SERVER_ERROR as INTERNAL_SERVER_ERROR,
    LENGTH_REQUIRED as LENGTH_REQUIRED,
    MOVED_PERMANENTLY as MOVED_PERMANENTLY,
    MULTI_STATUS as MULTI_STATUS,
    MULTIPLE_CHOICE as MULTIPLE_CHOICE,
    NO_BODY_CODES as NO_BODY_CODES,
    NO_CONTENT as NO_CONTENT,
    NON_AUTHORITATIVE_INFORMATION as NON_AUTHORITATIVE_INFORMATION,
    NOT_ACCEPTABLE as NOT_ACCEPTABLE,
    NOT_ALLOWED as NOT_ALLOWED,
    NOT_EXTENDED as NOT_EXTENDED,
    NOT_FOUND as NOT_FOUND,
    NOT_IMPLEMENTED as NOT_IMPLEMENTED,
    NOT_MODIFIED as NOT_MODIFIED,
    OK as OK,
    PARTIAL_CONTENT as PARTIAL_CONTENT,
    PAYMENT_REQUIRED as PAYMENT_REQUIRED,
    PERMANENT_REDIRECT as PERMANENT_REDIRECT,
    PRECONDITION_FAILED as PRECONDITION_FAILED,
    PROXY_AUTH_REQUIRED as PROXY_AUTH_REQUIRED,
    REQUEST_ENTITY_TOO_LARGE as REQUEST_ENTITY_TOO_LARGE,
    REQUEST_HEADER_FIELDS_TOO_LARGE as REQUEST_HEADER_FIELDS_TOO_LARGE,
    REQUEST_TIMEOUT as REQUEST_TIMEOUT,
    REQUEST_URI_TOO_LONG as REQUEST_URI_TOO_LONG,
    REQUESTED_RANGE_NOT_SATISFIABLE as REQUESTED_RANGE_NOT_SATISFIABLE,
    RESET_CONTENT as RESET_CONTENT,
    RESPONSES as RESPONSES,
    SEE_OTHER as SEE_OTHER,
    SERVICE_UNAVAILABLE as SERVICE_UNAVAILABLE,
    SWITCHING as SWITCHING,
    TEMPORARY_REDIRECT as TEMPORARY_REDIRECT,
    TOO_MANY_REQUESTS as TOO_MANY_REQUESTS,
    UNAUTHORIZED as UNAUTHORIZED,
    UNPROCESSABLE_CONTENT as UNPROCESSABLE_CONTENT,
    UNSUPPORTED_MEDIA_TYPE as UNSUPPORTED_MEDIA_TYPE,
    USE_PROXY as USE_PROXY,
)
from selvage.web._transfer import (
    fromChunk as fromChunk,
    maxChunkSizeLineLength as maxChunkSizeLineLength,
    toChunk as toChunk,
)

__all__ = [
    "ACCEPTED",
    "BAD_GATEWAY",
    "BAD_REQUEST",
    "CACHED",
    "CONFLICT",
    "CREATED",
    "EXPECTATION_FAILED",
    "FORBIDDEN",
    "FOUND",
    "GATEWAY_TIMEOUT",
    "GONE",
    "H2_ENABLED",
    "HTTP_VERSION_NOT_SUPPORTED",
    "IM_A_TEAPOT",
    "INSUFFICIENT_STORAGE_SPACE",
    "INTERNAL_SERVER_ERROR",
    "LENGTH_REQUIRED",
    "MOVED_PERMANENTLY",
    "MULTIPLE_CHOICE",
    "MULTI_STATUS",
    "NON_AUTHORITATIVE_INFORMATION",
    "NOT_ACCEPTABLE",
    "NOT_ALLOWED",
    "NOT_EXTENDED",
    "NOT_FOUND",
    "NOT_IMPLEMENTED",
    "NOT_MODIFIED",
    "NO_BODY_CODES",
    "NO_CONTENT",
    "OK",
    "PARTIAL_CONTENT",
    "PAYMENT_REQUIRED",
    "PERMANENT_REDIRECT",
    "PRECONDITION_FAILED",
    "PROXY_AUTH_REQUIRED",
    "REQUESTED_RANGE_NOT_SATISFIABLE",
    "REQUEST_ENTITY_TOO_LARGE",
    "REQUEST_HEADER_FIELDS_TOO_LARGE",
    "REQUEST_TIMEOUT",
    "REQUEST_URI_TOO_LONG",
    "RESET_CONTENT",
    "RESPONSES",
    "SEE_OTHER",
    "SERVICE_UNAVAILABLE",
    "SWITCHING",
    "TEMPORARY_REDIRECT",
    "TOO_MANY_REQUESTS",
    "UNAUTHORIZED",
    "UNPROCESSABLE_CONTENT",
    "UNSUPPORTED_MEDIA_TYPE",
    "USE_PROXY",
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
