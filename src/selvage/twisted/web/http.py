"""`twisted.web.http`: HTTP on the wire."""

from selvage.web._content_file import _getContentFile as _getContentFile
from selvage.web._factory import (
    _GenericHTTPChannelProtocol as _GenericHTTPChannelProtocol,
    _genericHTTPChannelProtocolFactory as _genericHTTPChannelProtocolFactory,
)
from selvage.web._headers import (
    Headers as Headers,
    InvalidHeaderName as InvalidHeaderName,
    _sanitizeLinearWhitespace as _sanitizeLinearWhitespace,
)
from selvage.web._http_client import StringTransport as StringTransport
from selvage.web._losses import _DataLoss as _DataLoss
from selvage.web._pull import _PullToPush as _PullToPush
from selvage.web._request import (
    _QUEUED_SENTINEL as _QUEUED_SENTINEL,
    _REQUEST_TIMEOUT as _REQUEST_TIMEOUT,
    _IDeprecatedHTTPChannelToRequestInterface as _IDeprecatedHTTPChannelToRequestInterface,
)
from selvage.web._status import *  # noqa: F403
from selvage.web._transfer import (
    _ChunkedTransferDecoder as _ChunkedTransferDecoder,
    _IdentityTransferDecoder as _IdentityTransferDecoder,
    _MalformedChunkedDataError as _MalformedChunkedDataError,
)
from selvage.web.http import (
    CACHED as CACHED,
    H2_ENABLED as H2_ENABLED,
    NO_BODY_CODES as NO_BODY_CODES,
    HTTPChannel as HTTPChannel,
    HTTPFactory as HTTPFactory,
    PotentialDataLoss as PotentialDataLoss,
    Request as Request,
    __getattr__ as __getattr__,
    combinedLogFormatter as combinedLogFormatter,
    datetimeToLogString as datetimeToLogString,
    datetimeToString as datetimeToString,
    fromChunk as fromChunk,
    maxChunkSizeLineLength as maxChunkSizeLineLength,
    parse_qs as parse_qs,
    parseContentRange as parseContentRange,
    protocol_version as protocol_version,
    proxiedLogFormatter as proxiedLogFormatter,
    stringToDatetime as stringToDatetime,
    timegm as timegm,
    toChunk as toChunk,
    urlparse as urlparse,
)
