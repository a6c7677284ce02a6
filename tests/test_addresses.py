import copy
import os
import pickle
import socket
import sys
import weakref

import pytest
from hypothesis import given, strategies as st
from zope.interface.verify import verifyObject

from selvage.addresses import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress, _ProcessAddress
from selvage.interfaces import IAddress

SAMPLES = [
    IPv4Address("TCP", "192.0.2.1", 80),
    IPv4Address("UDP", "192.0.2.1", 80),
    IPv4Address("TCP", "192.0.2.2", 80),
    IPv4Address("TCP", "192.0.2.1", 81),
    IPv6Address("TCP", "::1", 80),
    IPv6Address("UDP", "::1", 80),
    IPv6Address("TCP", "::1", 80, 1),
    IPv6Address("TCP", "::1", 80, 0, "eth0"),
    HostnameAddress(b"example.com", 80),
    HostnameAddress(b"example.net", 80),
    UNIXAddress("/no/such/file"),
    UNIXAddress(b"\0abstract"),
    UNIXAddress(b""),
    UNIXAddress(None),
]


@pytest.mark.parametrize("address", SAMPLES, ids=repr)
def test_address_is_a_value(address):
    twin = pickle.loads(pickle.dumps(address))
    assert twin is not address
    assert twin == address
    assert not twin != address
    assert hash(twin) == hash(address)
    assert copy.copy(address) == address
    assert [other for other in SAMPLES if other == address] == [address]
    assert address != "address"
    assert verifyObject(IAddress, address)
    assert weakref.ref(address)() is address


def test_repr_names_the_fields():
    assert repr(SAMPLES[0]) == "IPv4Address(type='TCP', host='192.0.2.1', port=80)"
    assert repr(SAMPLES[7]) == "IPv6Address(type='TCP', host='::1', port=80, flowInfo=0, scopeID='eth0')"
    assert repr(SAMPLES[8]) == "HostnameAddress(hostname=b'example.com', port=80)"
    assert repr(UNIXAddress(b"/tmp/x")) == "UNIXAddress('/tmp/x')"
    assert repr(UNIXAddress(None)) == "UNIXAddress(None)"


@pytest.mark.parametrize("cls", [IPv4Address, IPv6Address])
def test_unknown_kind_is_refused(cls):
    with pytest.raises(ValueError, match="must be 'TCP' or 'UDP', not 'TLS'"):
        cls("TLS", "::1", 80)


def test_order_follows_the_fields_and_stays_within_a_class():
    low, high = IPv4Address("TCP", "192.0.2.1", 80), IPv4Address("TCP", "192.0.2.1", 81)
    assert low < high and low <= high and high > low and high >= low
    assert sorted([high, low]) == [low, high]
    for compare in ("__lt__", "__le__", "__gt__", "__ge__"):
        assert getattr(low, compare)(SAMPLES[4]) is NotImplemented


def test_short_comparison_equals_the_general_one():
    """IPv4Address and IPv6Address spell out what the base class reads from `__match_args__`."""
    general = IPv4Address.__mro__[1]
    for one in SAMPLES[:8]:
        assert one._fields() == tuple(getattr(one, name) for name in one.__match_args__)
        assert hash(one) == general.__hash__(one)
        for other in SAMPLES[:8]:
            assert one.__eq__(other) is general.__eq__(one, other)


def test_subclass_is_another_kind_of_address():
    class Marked(IPv4Address):
        pass

    assert Marked("TCP", "192.0.2.1", 80) != SAMPLES[0]
    assert repr(Marked("TCP", "192.0.2.1", 80)).startswith("Marked(type=")


def test_match_statement_takes_fields_in_order():
    match SAMPLES[0]:
        case IPv4Address("TCP", host, port):
            assert (host, port) == ("192.0.2.1", 80)
        case _:
            pytest.fail("did not match")


def test_unix_text_and_bytes_are_the_same_name():
    assert UNIXAddress("/tmp/ä") == UNIXAddress(os.fsencode("/tmp/ä"))
    assert UNIXAddress("/tmp/ä").name == os.fsencode("/tmp/ä")


def test_unix_name_of_wrong_type_says_so():
    with pytest.raises(TypeError, match="bytes, str or None, not 5"):
        UNIXAddress(5)


@given(st.one_of(st.none(), st.binary(max_size=30)), st.one_of(st.none(), st.binary(max_size=30)))
def test_unix_names_that_are_no_files_compare_as_names(one, other):
    one, other = (name and b"\0" + name for name in (one, other))
    assert (UNIXAddress(one) == UNIXAddress(other)) == (one == other)
    if one == other:
        assert hash(UNIXAddress(one)) == hash(UNIXAddress(other))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_unix_links_are_the_file_they_point_to(tmp_path):
    file, link, other = tmp_path / "file", tmp_path / "link", tmp_path / "other"
    file.touch()
    other.touch()
    os.symlink(file, link)
    assert UNIXAddress(str(file)) == UNIXAddress(str(link))
    assert hash(UNIXAddress(str(file))) == hash(UNIXAddress(str(link)))
    assert UNIXAddress(str(file)) != UNIXAddress(str(other))
    assert UNIXAddress(str(file)) != UNIXAddress(None)
    assert UNIXAddress(None) != UNIXAddress(str(file))


def test_unix_name_with_a_nul_inside_is_no_file():
    assert UNIXAddress(b"/tmp/a\0b") != UNIXAddress(b"/tmp/c")
    assert hash(UNIXAddress(b"/tmp/a\0b")) == hash(UNIXAddress(b"/tmp/a\0b"))


def test_process_address_is_an_address():
    assert IAddress.providedBy(_ProcessAddress())


def test_an_address_stays_small():
    address = IPv4Address("TCP", "192.0.2.1", 80)
    assert not hasattr(address, "__dict__")
    assert sys.getsizeof(address) <= 80
    with pytest.raises(AttributeError):
        address.nonsense = 1


def test_socket_names_fit_the_records():
    with socket.socket(socket.AF_INET6) as sock:
        assert len(IPv6Address.__match_args__) - 1 == len(sock.getsockname())
