"""`twisted.web._http2`: a connection that speaks HTTP/2."""

from selvage.web._http2 import H2Connection as H2Connection
from selvage.web._http2_stream import H2Stream as H2Stream
