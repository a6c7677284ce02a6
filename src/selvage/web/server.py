"""Sites, their requests and sessions.  Floor 4.

Twisted: `twisted.web.server`.
"""

from selvage._publish import publish
from selvage.web._body import RequestBody as RequestBody
from selvage.web._gzip import GzipEncoderFactory as GzipEncoderFactory
from selvage.web._limits import Limits as Limits
from selvage.web._sentinels import NOT_DONE_YET as NOT_DONE_YET
from selvage.web._session import Session as Session
from selvage.web._site import Site as Site
from selvage.web._site_request import (
    Request as Request,
    quote as quote,
    supportedMethods as supportedMethods,
    version as version,
)

__all__ = [
    "NOT_DONE_YET",
    "GzipEncoderFactory",
    "Limits",
    "Request",
    "RequestBody",
    "Session",
    "Site",
    "quote",
    "supportedMethods",
    "version",
]

publish(globals())
