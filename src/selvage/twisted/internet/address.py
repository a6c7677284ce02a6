"""Selvage's addresses under the path of Twisted's."""

from selvage.addresses import (
    HostnameAddress as HostnameAddress,
    IPv4Address as IPv4Address,
    IPv6Address as IPv6Address,
    UNIXAddress as UNIXAddress,
    _ProcessAddress as _ProcessAddress,
)
