"""`twisted.protocols.socks`: a SOCKS server."""

from selvage.protocols.socks import (
    SOCKSv4 as SOCKSv4,
    SOCKSv4Factory as SOCKSv4Factory,
    SOCKSv4Incoming as SOCKSv4Incoming,
    SOCKSv4IncomingFactory as SOCKSv4IncomingFactory,
    SOCKSv4Outgoing as SOCKSv4Outgoing,
)
