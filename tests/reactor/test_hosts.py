"""The hosts file: what glibc answers from the same lines, and what is left to it."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from socket import AF_INET, AF_INET6, AF_UNSPEC

import pytest
from hypothesis import given, strategies as st

from selvage.reactor import _address_order, _hosts
from selvage.reactor._hosts import LIMIT_BYTES, HostsFile, files_come_first, parse_hosts

# The answers to this were noted from glibc 2.36, addresses that are there twice once.
CONTENT = b"""\
# a comment
10.0.0.1 one one.example # comment ghost
10.0.0.2\tTwo TWO.example
10.0.0.3 many
10.0.0.3 many
::1 six
fe80::1%lo scoped
fe80::1 linklocal
300.0.0.1 wrong
nonsense wrong
10.0.0.5
10.0.0.6 dot. x#y z
   10.0.0.7 indented
10.1 short
010.0.0.1 octal
10.0.0.13 under_score
10.0.0.14 \xff\xfe latin
10.0.0.15\x0bvertical
10.0.0.16 carriage\r
10.0.0.17 nul\0 behind
10.0.0.18 last"""

FOUND = {
    "one": "10.0.0.1",
    "one.example": "10.0.0.1",
    "two": "10.0.0.2",
    "TWO.EXAMPLE": "10.0.0.2",
    "many": "10.0.0.3",
    "dot.": "10.0.0.6",
    "x": "10.0.0.6",
    "indented": "10.0.0.7",
    "under_score": "10.0.0.13",
    "latin": "10.0.0.14",
    "vertical": "10.0.0.15",
    "carriage": "10.0.0.16",
    "last": "10.0.0.18",
}

NOT_FOUND = "ghost comment scoped wrong dot one. two. x#y y z short octal nul behind".split()


@pytest.fixture
def hosts(tmp_path):
    """A hosts file, and what writes it."""
    path, services = tmp_path / "hosts", tmp_path / "nsswitch.conf"
    found = HostsFile(str(path), str(services))

    def write(content=None, services_content=None):
        if content is not None:
            path.write_bytes(content)
        if services_content is not None:
            services.write_bytes(services_content)
        return found

    write.path = path
    return write


@pytest.mark.parametrize("name", FOUND)
def test_what_is_found(hosts, name):
    for family in (AF_UNSPEC, AF_INET):
        assert hosts(CONTENT).find(name, family) == [(AF_INET, FOUND[name])]
    assert hosts().find(name, AF_INET6) is None


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_is_not_found_is_for_the_system_to_find(hosts, name):
    for family in (AF_UNSPEC, AF_INET, AF_INET6):
        assert hosts(CONTENT).find(name, family) is None


def test_ipv6_addresses(hosts):
    found = hosts(CONTENT)
    assert found.find("six") == found.find("six", AF_INET6) == [(AF_INET6, "::1")]
    assert found.find("linklocal") == [(AF_INET6, "fe80::1")]
    # Some C libraries make 127.0.0.1 of it, and some nothing.
    assert found.find("six", AF_INET) is None


def test_ipv4_mapped_addresses_are_for_the_system(hosts):
    found = hosts(b"::ffff:10.0.0.9 mapped\n10.0.0.1 mapped")
    assert found.find("mapped", AF_INET) is None
    assert found.find("mapped", AF_INET6) == [(AF_INET6, "::ffff:10.0.0.9")]


def test_both_families_in_the_order_in_which_to_try_them(hosts, monkeypatch):
    sources = {"::1": "::1", "127.0.0.1": "127.0.0.1", "10.0.0.1": "192.0.2.2", "2a00::1": None}
    monkeypatch.setattr(
        _address_order,
        "_source_for",
        lambda family, address: sources[address] and ip_address(sources[address]).packed,
    )
    found = hosts(
        b"127.0.0.1 here\n::1 here\n10.0.0.1 there\n2a00::1 there\n2a00::1 all\n10.0.0.1 all\n::1 all\n"
    )
    assert found.find("here") == [(AF_INET6, "::1"), (AF_INET, "127.0.0.1")]
    assert found.find("here", AF_INET) == [(AF_INET, "127.0.0.1")]
    assert found.find("there") == [(AF_INET, "10.0.0.1"), (AF_INET6, "2a00::1")], (
        "there is no way to the other"
    )
    assert [address for _, address in found.find("all")] == ["::1", "10.0.0.1", "2a00::1"]
    sources["2a00::1"] = "2a00::2"
    assert found.find("there") == [(AF_INET6, "2a00::1"), (AF_INET, "10.0.0.1")]
    sources["2a00::1"] = "fd00::2"
    assert found.find("there") == [(AF_INET, "10.0.0.1"), (AF_INET6, "2a00::1")], (
        "it would come from elsewhere"
    )
    sources["2a00::1"] = "fe80::2"
    assert found.find("there") == [(AF_INET, "10.0.0.1"), (AF_INET6, "2a00::1")], (
        "the answer would not arrive"
    )


@pytest.mark.parametrize("other", ["10.0.0.2", "127.0.0.2", "fd00::1", "2002::1", "fe80::1"])
def test_an_order_that_depends_on_the_systems_tables_is_the_systems(hosts, other):
    assert hosts(f"10.0.0.1 several\n{other} several\n".encode()).find("several") is None


@given(st.ip_addresses())
def test_kinds_and_scopes_are_those_of_the_standard_library(address):
    near = address.is_loopback or address.is_link_local
    assert _address_order._is_nearby(address.packed) is near
    if address.version == 6 and address in ip_network("2000::/3"):
        tunnel = address in ip_network("2002::/16") or address in ip_network("2001::/32")
        assert (_address_order._kind(address.packed) == _address_order._GLOBAL_6) is not tunnel


def test_a_route_is_asked_without_sending_anything():
    assert _address_order._source_for(AF_INET, "127.0.0.1") == ip_address("127.0.0.1").packed
    assert _address_order._source_for(AF_INET, "not an address") is None


def test_localhost_is_known_without_a_file(hosts, monkeypatch):
    monkeypatch.setattr(_address_order, "_source_for", lambda family, address: ip_address(address).packed)
    assert hosts().find("localhost") == [(AF_INET6, "::1"), (AF_INET, "127.0.0.1")]
    assert hosts().find("LOCALHOST", AF_INET) == [(AF_INET, "127.0.0.1")]
    assert hosts(b"127.0.0.7 localhost").find("localhost") == [(AF_INET, "127.0.0.7")]
    assert hosts().find("localhost", AF_INET6) is None, "the file knows it, and has no such address"


def test_the_file_is_read_again_when_it_has_changed(hosts, monkeypatch):
    reads = []
    read = _hosts._read
    monkeypatch.setattr(_hosts, "_read", lambda path: reads.append(path) or read(path))
    found = hosts(b"10.0.0.1 one\n")
    assert found.find("one") == [(AF_INET, "10.0.0.1")]
    once = len(reads)
    for _ in range(10):
        found.find("one")
    assert len(reads) == once
    hosts(b"10.0.0.2 one\n")
    os.utime(hosts.path, ns=(1, 1))
    assert found.find("one") == [(AF_INET, "10.0.0.2")]
    hosts.path.unlink()
    assert found.find("one") is None
    hosts(b"10.0.0.3 one\n")
    assert found.find("one") == [(AF_INET, "10.0.0.3")]


def test_a_huge_file_is_left_to_the_system(hosts):
    line = b"0.0.0.0 blocked.example\n"
    most = line * (LIMIT_BYTES // len(line))
    assert hosts(most).find("blocked.example") == [(AF_INET, "0.0.0.0")]
    assert hosts(most + line).find("blocked.example") is None
    assert hosts().find("localhost") is None


def test_what_cannot_be_read_is_left_to_the_system(hosts):
    hosts.path.mkdir()
    assert hosts().find("one") is None


def test_a_system_without_a_hosts_file():
    assert HostsFile(None).find("localhost") is None


@pytest.mark.parametrize(
    ("line", "first"),
    [
        (b"hosts: files dns", True),
        (b"hosts:files", True),
        (b" hosts :\tFiles mdns4_minimal [NOTFOUND=return] dns # no", True),
        (b"passwd: files\n\nhosts: files", True),
        (b"hosts: dns files", False),
        (b"hosts: mymachines resolve [!UNAVAIL=return] files dns", False),
        (b"hosts: files [SUCCESS=merge] dns", False),
        (b"hosts:", False),
        (b"# hosts: dns", True),
        (b"passwd: nis", True),
        (b"", True),
    ],
)
def test_the_file_counts_where_the_system_looks_at_it_first(hosts, line, first):
    assert files_come_first(line) is first
    found = hosts(b"10.0.0.1 one\n", line).find("one")
    assert found == ([(AF_INET, "10.0.0.1")] if first else None)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_hosts_file(content):
    for name, entries in parse_hosts(content).items():
        assert name == name.lower()
        assert not set(name) & set(b" \t\v\f\r\n#\0")
        assert len(set(entries)) == len(entries) > 0
        for family, address in entries:
            assert ip_address(address).version == {AF_INET: 4, AF_INET6: 6}[family]
    assert files_come_first(content) in (True, False)


@given(
    st.lists(
        st.tuples(
            st.ip_addresses().map(str),
            st.lists(st.text("abc-._", min_size=1), min_size=1, max_size=3),
            st.sampled_from(["", "#x", " # 10.0.0.1 x"]),
            st.sampled_from([" ", "\t", " \t "]),
        ),
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n", "\n\n#\n"]),
)
def test_every_name_of_every_line_is_found(lines, end):
    content = end.join(space.join([address, *names]) + comment for address, names, comment, space in lines)
    expected: dict[bytes, dict[str, None]] = {}
    for address, names, _, _ in lines:
        for name in names:
            expected.setdefault(name.encode(), {})[address] = None
    assert {
        name: [address for _, address in entries] for name, entries in parse_hosts(content.encode()).items()
    } == {name: list(addresses) for name, addresses in expected.items()}
