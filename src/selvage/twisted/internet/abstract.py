"""Descriptors in the readiness style, and IP literals."""

from selvage.transports import (
    FileDescriptor as FileDescriptor,
    isIPAddress as isIPAddress,
    isIPv6Address as isIPv6Address,
)

__all__ = ["FileDescriptor", "isIPAddress", "isIPv6Address"]
