"""The client of HTTP.  Floor 4.

    async with Client() as client:
        response = await client.get("https://example.com/items", params={"page": 2})
        items = response.raise_for_status().json()

`Client` is the pleasant face.  `Agent` and what wraps agents are Twisted's: all of `twisted.web.client`.
"""

import warnings
from typing import TYPE_CHECKING, Any

from selvage._publish import load_late, publish
from selvage.web._losses import PotentialDataLoss as PotentialDataLoss
from selvage.web.client._agent import (
    Agent as Agent,
    ProxyAgent as ProxyAgent,
    _AgentBase as _AgentBase,
    _StandardEndpointFactory as _StandardEndpointFactory,
)
from selvage.web.client._body import (
    FileBodyProducer as FileBodyProducer,
    PartialDownloadError as PartialDownloadError,
    _ReadBodyProtocol as _ReadBodyProtocol,
    readBody as readBody,
)
from selvage.web.client._codecs import ContentDecodingError as ContentDecodingError
from selvage.web.client._connection import HTTP11ClientProtocol as HTTP11ClientProtocol
from selvage.web.client._cookies import (
    CookieAgent as CookieAgent,
    _FakeStdlibRequest as _FakeStdlibRequest,
    _FakeStdlibResponse as _FakeStdlibResponse,
)
from selvage.web.client._decoding import (
    BrotliDecoder as BrotliDecoder,
    ContentDecoderAgent as ContentDecoderAgent,
    DeflateDecoder as DeflateDecoder,
    GzipDecoder as GzipDecoder,
    ZstandardDecoder as ZstandardDecoder,
)
from selvage.web.client._errors import (
    BadHeaders as BadHeaders,
    BadResponseVersion as BadResponseVersion,
    BodyTooLarge as BodyTooLarge,
    ConnectionAborted as ConnectionAborted,
    ExcessWrite as ExcessWrite,
    HeadTooLarge as HeadTooLarge,
    ParseError as ParseError,
    RequestGenerationFailed as RequestGenerationFailed,
    RequestNotSent as RequestNotSent,
    RequestTransmissionFailed as RequestTransmissionFailed,
    ResponseDone as ResponseDone,
    ResponseFailed as ResponseFailed,
    ResponseNeverReceived as ResponseNeverReceived,
    WrongBodyLength as WrongBodyLength,
    _WrapperException as _WrapperException,
)
from selvage.web.client._framing import BODY as BODY, DONE as DONE, HEADER as HEADER, STATUS as STATUS
from selvage.web.client._parser import HTTPClientParser as HTTPClientParser, HTTPParser as HTTPParser
from selvage.web.client._policy import (
    BrowserLikePolicyForHTTPS as BrowserLikePolicyForHTTPS,
    HostnameCachingHTTPSPolicy as HostnameCachingHTTPSPolicy,
    WebClientContextFactory as _WebClientContextFactory,
    _ContextFactoryWithContext as _ContextFactoryWithContext,
    _DeprecatedToCurrentPolicyForHTTPS as _DeprecatedToCurrentPolicyForHTTPS,
)
from selvage.web.client._pool import (
    HTTPConnectionPool as HTTPConnectionPool,
    _HTTP11ClientFactory as _HTTP11ClientFactory,
    _RetryingHTTP11ClientProtocol as _RetryingHTTP11ClientProtocol,
)
from selvage.web.client._redirect import (
    BrowserLikeRedirectAgent as BrowserLikeRedirectAgent,
    RedirectAgent as RedirectAgent,
)
from selvage.web.client._request import (
    ChunkedEncoder as ChunkedEncoder,
    LengthEnforcingConsumer as LengthEnforcingConsumer,
    Request as Request,
    _ensureValidMethod as _ensureValidMethod,
    _ensureValidURI as _ensureValidURI,
)
from selvage.web.client._response import (
    Response as Response,
    TransportProxyProducer as TransportProxyProducer,
    makeStatefulDispatcher as makeStatefulDispatcher,
)
from selvage.web.client._uri import URI as URI, _urljoin as _urljoin

if TYPE_CHECKING:
    from selvage.web.client._auth import Auth as Auth, DigestAuth as DigestAuth
    from selvage.web.client._client_response import (
        ClientResponse as ClientResponse,
        StreamedResponse as StreamedResponse,
    )
    from selvage.web.client._cookie_policy import StrictCookiePolicy as StrictCookiePolicy
    from selvage.web.client._failures import (
        RequestError as RequestError,
        RequestTimeout as RequestTimeout,
        StatusError as StatusError,
        TooManyRedirects as TooManyRedirects,
    )
    from selvage.web.client._limits import Retries as Retries, Timeouts as Timeouts
    from selvage.web.client._options import RequestOptions as RequestOptions
    from selvage.web.client._session import Client as Client

__all__ = [
    "URI",
    "Agent",
    "Auth",
    "BadHeaders",
    "BadResponseVersion",
    "BodyTooLarge",
    "BrotliDecoder",
    "BrowserLikePolicyForHTTPS",
    "BrowserLikeRedirectAgent",
    "ChunkedEncoder",
    "Client",
    "ClientResponse",
    "ConnectionAborted",
    "ContentDecoderAgent",
    "ContentDecodingError",
    "CookieAgent",
    "DeflateDecoder",
    "DigestAuth",
    "ExcessWrite",
    "FileBodyProducer",
    "GzipDecoder",
    "HTTP11ClientProtocol",
    "HTTPClientParser",
    "HTTPConnectionPool",
    "HTTPParser",
    "HeadTooLarge",
    "HostnameCachingHTTPSPolicy",
    "LengthEnforcingConsumer",
    "ParseError",
    "PartialDownloadError",
    "PotentialDataLoss",
    "ProxyAgent",
    "RedirectAgent",
    "Request",
    "RequestError",
    "RequestGenerationFailed",
    "RequestNotSent",
    "RequestOptions",
    "RequestTimeout",
    "RequestTransmissionFailed",
    "Response",
    "ResponseDone",
    "ResponseFailed",
    "ResponseNeverReceived",
    "Retries",
    "StatusError",
    "StreamedResponse",
    "StrictCookiePolicy",
    "Timeouts",
    "TooManyRedirects",
    "TransportProxyProducer",
    "WrongBodyLength",
    "ZstandardDecoder",
    "makeStatefulDispatcher",
    "readBody",
]


# The pleasant client is loaded when it is asked for: programs of Twisted do without it.
_HOMES = {
    "Auth": "selvage.web.client._auth",
    "DigestAuth": "selvage.web.client._auth",
    "Client": "selvage.web.client._session",
    "ClientResponse": "selvage.web.client._client_response",
    "RequestError": "selvage.web.client._failures",
    "RequestOptions": "selvage.web.client._options",
    "RequestTimeout": "selvage.web.client._failures",
    "Retries": "selvage.web.client._limits",
    "StatusError": "selvage.web.client._failures",
    "StreamedResponse": "selvage.web.client._client_response",
    "StrictCookiePolicy": "selvage.web.client._cookie_policy",
    "Timeouts": "selvage.web.client._limits",
    "TooManyRedirects": "selvage.web.client._failures",
}

_load = load_late(globals(), _HOMES)


def __getattr__(name: str) -> Any:
    if name == "WebClientContextFactory":
        warnings.warn(
            f"{__name__}.{name} was deprecated in Twisted 14.0.0: please use"
            f" {__name__}.BrowserLikePolicyForHTTPS instead",
            category=DeprecationWarning,
            stacklevel=2,
        )
        return _WebClientContextFactory
    return _load(name)


publish(
    {
        **globals(),
        "WebClientContextFactory": _WebClientContextFactory,
        "__all__": [*__all__, "WebClientContextFactory"],
    }
)
