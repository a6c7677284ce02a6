"""`twisted.web.server`: sites, their requests and sessions."""

from selvage.web._gzip import _GzipEncoder as _GzipEncoder
from selvage.web.errors import UnsupportedMethod as UnsupportedMethod
from selvage.web.http import (
    NO_CONTENT as NO_CONTENT,
    NOT_MODIFIED as NOT_MODIFIED,
    HTTPFactory as HTTPFactory,
    datetimeToString as datetimeToString,
)
from selvage.web.server import (
    NOT_DONE_YET as NOT_DONE_YET,
    GzipEncoderFactory as GzipEncoderFactory,
    Request as Request,
    Session as Session,
    Site as Site,
    quote as quote,
    supportedMethods as supportedMethods,
    version as version,
)
