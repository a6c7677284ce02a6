"""Telling IP literals from names."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given, strategies as st

from selvage.transports import isIPAddress, isIPv6Address
from selvage.transports._ip import _resolveIPv6


@given(st.ip_addresses(v=4))
def test_every_ipv4_literal_is_one(address):
    assert isIPAddress(str(address))
    assert isIPAddress(str(address).encode())
    assert not isIPv6Address(str(address))


@given(st.ip_addresses(v=6), st.sampled_from(["", "%eth0", "%1"]))
def test_every_ipv6_literal_is_one(address, scope):
    assert isIPv6Address(f"{address}{scope}")
    assert isIPAddress(f"{address}{scope}".encode(), socket.AF_INET6)
    assert not isIPAddress(str(address))


@given(st.text(max_size=20) | st.binary(max_size=20))
def test_anything_may_be_asked(text):
    """Whatever the module `ipaddress` refuses is no literal either."""
    decoded = text if isinstance(text, str) else text.decode("latin-1")
    try:
        version = ipaddress.ip_address(decoded.partition("%")[0]).version
    except ValueError:
        version = None
    if isIPAddress(text):
        assert version == 4
    if isIPv6Address(text):
        assert version == 6


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4.", "example.com", "\u0661.2.3.4"]
)
def test_names_and_nonsense_are_none(text):
    assert not isIPAddress(text)
    assert not isIPv6Address(text)


def test_only_ip_families_are_asked_about():
    with pytest.raises(ValueError, match="AF_INET"):
        isIPAddress("1.2.3.4", socket.AF_UNIX)


def test_ports_are_kept_as_given():
    for port in (80, 123456, -1):
        assert _resolveIPv6("::1", port)[:2] == ("::1", port)
    with pytest.raises(socket.gaierror):
        _resolveIPv6("localhost", 1)
    with pytest.raises(socket.gaierror):
        _resolveIPv6("::1", "http")
