"""`twisted.protocols.postfix`: lookup tables for Postfix."""

from selvage.protocols.postfix import (
    PostfixTCPMapDeferringDictServerFactory as PostfixTCPMapDeferringDictServerFactory,
    PostfixTCPMapDictServerFactory as PostfixTCPMapDictServerFactory,
    PostfixTCPMapServer as PostfixTCPMapServer,
    quote as quote,
    unquote as unquote,
)
