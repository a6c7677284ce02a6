"""`twisted.protocols.haproxy._exceptions`: what can be wrong with a header."""

from selvage.protocols.haproxy import (
    InvalidNetworkProtocol as InvalidNetworkProtocol,
    InvalidProxyHeader as InvalidProxyHeader,
    MissingAddressData as MissingAddressData,
)
