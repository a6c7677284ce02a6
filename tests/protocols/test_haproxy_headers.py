"""Headers of the PROXY protocol, both versions: what they say, every cut, every way to be broken."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.protocols.haproxy import (
    InvalidNetworkProtocol,
    InvalidProxyHeader,
    InvalidTLV,
    IProxyInfo,
    IProxyParser,
    MissingAddressData,
    ProxyHeaderTooLong,
    ProxyTLS,
    ProxyTLVs,
    V1Parser,
    V2Parser,
)
from selvage.protocols.haproxy._tlvs import crc32c
from selvage.testing.strategies import pieces_of

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
ENDS4 = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + struct.pack("!HH", 56324, 443)


def v2(
    block: bytes = ENDS4,
    command: int = 0x21,
    family: int = 0x11,
    length: int | None = None,
    signature: bytes = SIGNATURE,
) -> bytes:
    return signature + struct.pack("!BBH", command, family, len(block) if length is None else length) + block


def tlv(kind: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("!BH", kind, len(value) if length is None else length) + value


def tls(flags: int, verify: int, *inner: bytes) -> bytes:
    return tlv(0x20, struct.pack("!BI", flags, verify) + b"".join(inner))


def fed(parser: Any, pieces: list[bytes]) -> Any:
    """Feed pieces until the header is complete; return the record and the bytes that were not needed."""
    for number, piece in enumerate(pieces):
        info, rest = parser.feed(piece)
        if info is not None:
            return info, rest + b"".join(pieces[number + 1 :])
        assert rest is None
    return None, None


# --- Version 1 -----------------------------------------------------------------------------------------------------


def test_v1_says_who_is_there() -> None:
    info = V1Parser.parse(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443")
    assert info.source == IPv4Address("TCP", "192.0.2.1", 56324)
    assert info.destination == IPv4Address("TCP", "198.51.100.2", 443)
    assert info.header == b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443"
    assert info.tlvs == ProxyTLVs()
    info = V1Parser.parse(b"PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.1 1 0")
    assert info.source == IPv6Address("TCP", "2001:db8::1", 1)
    assert info.destination == IPv6Address("TCP", "::ffff:c000:201", 0) or info.destination == IPv6Address(
        "TCP", "::ffff:192.0.2.1", 0
    )


@pytest.mark.parametrize("rest", [b"", b" ", b" ffff:f...f:ffff 65535 65535", b" \x00\n"])
def test_v1_of_an_unknown_client_says_nothing(rest: bytes) -> None:
    info, left = V1Parser().feed(b"PROXY UNKNOWN" + rest + b"\r\nGET")
    assert info is not None
    assert (info.source, info.destination, left) == (None, None, b"GET")


V1_BROKEN = [
    (b"PROXY", InvalidNetworkProtocol),
    (b"PROXY ", InvalidNetworkProtocol),
    (b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2", InvalidNetworkProtocol),
    (b"PROXY UNKNOWNX", InvalidNetworkProtocol),
    (b"PROXY tcp4 192.0.2.1 192.0.2.2 1 2", InvalidNetworkProtocol),
    (b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2", InvalidNetworkProtocol),
    (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2", InvalidNetworkProtocol),
    (b"PROXY TCP4", MissingAddressData),
    (b"PROXY TCP4 192.0.2.1", MissingAddressData),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2", MissingAddressData),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1", MissingAddressData),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 ", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 ", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY TCP4\t192.0.2.1 192.0.2.2 1 2", InvalidNetworkProtocol),
    (b"PROXY TCP4 192.0.2.1\t192.0.2.2 1 2", MissingAddressData),
    (b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2 192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.02.1 192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY TCP4 localhost 192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY TCP4 ::1 ::1 1 2", InvalidProxyHeader),
    (b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY TCP6 :::1 ::1 1 2", InvalidProxyHeader),
    (b"PROXY TCP6 fe80::1%eth0 ::1 1 2", InvalidProxyHeader),
    (b"PROXY TCP6 [::1] ::1 1 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 123456", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1_0 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 0x1 2", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r", InvalidProxyHeader),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\x00", InvalidProxyHeader),
    ("PROXY TCP4 192.0.2.1 192.0.2.2 1 \u0662".encode(), InvalidProxyHeader),
    ("PROXY TCP4 192.0.2.\u0661 192.0.2.2 1 2".encode(), InvalidProxyHeader),
    (b"NOTPROXY TCP4 192.0.2.1 192.0.2.2 1 2", InvalidProxyHeader),
    (b"proxy TCP4 192.0.2.1 192.0.2.2 1 2", InvalidProxyHeader),
    (b" PROXY TCP4 192.0.2.1 192.0.2.2 1 2", InvalidProxyHeader),
    (b"PROXY\x00TCP4 192.0.2.1 192.0.2.2 1 2", InvalidProxyHeader),
    (b"", InvalidProxyHeader),
]


@pytest.mark.parametrize(("line", "error"), V1_BROKEN)
def test_attack_101_broken_header_of_version_1(line: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        V1Parser.parse(line)
    with pytest.raises(InvalidProxyHeader):
        fed(V1Parser(), [line + b"\r\n"])
    with pytest.raises(InvalidProxyHeader):
        fed(V1Parser(), [bytes([byte]) for byte in line + b"\r\n"])


@pytest.mark.parametrize(
    "line", [b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", b"PROXY UNKNOWN", b"PROXY UNKNOWN\r" * 8]
)
def test_attack_101_header_of_version_1_without_end(line: bytes) -> None:
    parser = V1Parser()
    with pytest.raises(ProxyHeaderTooLong) as caught:
        for byte in line + b"x" * 200:
            assert parser.feed(bytes([byte])) == (None, None)
            assert len(parser.buffer) < 107
    assert caught.value.limit == 107


def test_v1_takes_107_bytes_and_not_one_more() -> None:
    longest = b"PROXY UNKNOWN " + b"x" * (105 - 14)
    info, rest = V1Parser().feed(longest + b"\r\n")
    assert info is not None
    assert rest == b""
    with pytest.raises(ProxyHeaderTooLong, match="longer than 107 bytes"):
        V1Parser().feed(longest + b"x\r\n")


# --- Version 2 -----------------------------------------------------------------------------------------------------


def test_v2_says_who_is_there() -> None:
    info = V2Parser.parse(v2())
    assert info.source == IPv4Address("TCP", "192.0.2.1", 56324)
    assert info.destination == IPv4Address("TCP", "198.51.100.2", 443)
    assert info.header == v2()
    six = bytes.fromhex("20010db800000000000000000000000100000000000000000000000000000001") + b"\0\1\0\2"
    info = V2Parser.parse(v2(six, family=0x22))
    # Twisted's spelling: no group is left out.
    assert info.source == IPv6Address("UDP", "2001:db8:0:0:0:0:0:1", 1)
    assert info.destination == IPv6Address("UDP", "0:0:0:0:0:0:0:1", 2)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"/run/x.sock", b"/run/x.sock"),
        (b"/" + b"x" * 107, b"/" + b"x" * 107),
        (b"/run/x\0/etc/passwd", b"/run/x"),
        (b"\0abstract", b"\0abstract"),
        (b"", None),
    ],
)
def test_v2_names_unix_sockets(raw: bytes, name: bytes | None) -> None:
    info = V2Parser.parse(v2(raw.ljust(108, b"\0") * 2, family=0x31))
    assert isinstance(info.source, UNIXAddress)
    assert info.source.name == name


@pytest.mark.parametrize("block", [b"", ENDS4, b"\xff", b"\x01\xff\xff"])
@pytest.mark.parametrize(
    ("command", "family"), [(0x20, 0x11), (0x20, 0xFF), (0x21, 0x00), (0x21, 0x01), (0x21, 0x10)]
)
def test_v2_of_nobody_or_somebody_unknown_is_not_read_further(
    block: bytes, command: int, family: int
) -> None:
    info = V2Parser.parse(v2(block, command, family))
    assert (info.source, info.destination, info.tlvs) == (None, None, ProxyTLVs())


V2_BROKEN = [
    (v2(signature=b"\r\n\r\n\x00\r\nQUIT\r"), InvalidProxyHeader),
    (v2(command=0x11), InvalidProxyHeader),
    (v2(command=0x31), InvalidProxyHeader),
    (v2(command=0x01), InvalidProxyHeader),
    *[(v2(command=0x20 | command), InvalidProxyHeader) for command in range(2, 16)],
    *[(v2(family=family << 4 | 1), InvalidProxyHeader) for family in range(4, 16)],
    *[(v2(family=0x10 | transport), InvalidProxyHeader) for transport in range(3, 16)],
    (v2(family=0x21), MissingAddressData),
    (v2(family=0x31), MissingAddressData),
    *[(v2(ENDS4[:size]), MissingAddressData) for size in range(12)],
    (v2(b"\0" * 35, family=0x21), MissingAddressData),
    (v2(b"\0" * 215, family=0x31), MissingAddressData),
]


@pytest.mark.parametrize(("header", "error"), V2_BROKEN)
def test_attack_101_broken_header_of_version_2(header: bytes, error: type[Exception]) -> None:
    for pieces in ([header], [header[at : at + 1] for at in range(len(header))]):
        with pytest.raises(error):
            fed(V2Parser(), pieces)


@pytest.mark.parametrize("line", [b"", v2()[:15], v2() + b"x", v2()[:-1]])
def test_parse_of_version_2_wants_all_of_the_header_and_no_more(line: bytes) -> None:
    with pytest.raises(InvalidProxyHeader):
        V2Parser.parse(line)


def test_attack_101_long_header_of_version_2_is_refused_when_it_is_announced() -> None:
    parser = V2Parser()
    with pytest.raises(ProxyHeaderTooLong) as caught:
        parser.feed(v2(b"", length=4081))
    assert caught.value.limit == 4096
    filled = v2(ENDS4 + tlv(0x04, b"x" * (4080 - 12 - 3)))
    assert len(filled) == 4096
    assert V2Parser().feed(filled)[0] is not None


# --- TLVs ----------------------------------------------------------------------------------------------------------

EVERYTHING = b"".join(
    [
        tlv(0x01, b"h2"),
        tlv(0x02, "b\u00fccher.example".encode()),
        tlv(0x04, b"padding"),
        tlv(0x05, b"\x00\xff" * 64),
        tls(
            7,
            0,
            tlv(0x21, b"TLSv1.3"),
            tlv(0x22, b"client"),
            tlv(0x23, b"AES"),
            tlv(0x24, b"RSA"),
            tlv(0x25, b"EC"),
            tlv(0x29, b"?"),
        ),
        tlv(0x30, b"blue"),
        tlv(0xEA, b"\x01vpce-08d2bf15fac5001c9"),
        tlv(0x04, b""),
        tlv(0xEA, b"again"),
    ]
)


def test_tlvs_become_a_record() -> None:
    assert V2Parser.parse(v2(ENDS4 + EVERYTHING)).tlvs == ProxyTLVs(
        alpn=b"h2",
        authority="b\u00fccher.example",
        unique_id=b"\x00\xff" * 64,
        tls=ProxyTLS(True, True, True, "TLSv1.3", "client", "AES", "RSA", "EC", ((0x29, b"?"),)),
        network_namespace="blue",
        others=((0xEA, b"\x01vpce-08d2bf15fac5001c9"), (0xEA, b"again")),
    )


@pytest.mark.parametrize(
    ("flags", "verify", "has_certificate", "is_verified"),
    [(1, 0, False, False), (3, 0, True, True), (5, 0, True, True), (3, 1, True, False), (0, 0, False, False)],
)
def test_a_client_is_verified_only_with_a_certificate(
    flags: int, verify: int, has_certificate: bool, is_verified: bool
) -> None:
    record = V2Parser.parse(v2(ENDS4 + tls(flags, verify))).tlvs.tls
    assert record == ProxyTLS(bool(flags & 1), has_certificate, is_verified)


TLVS_BROKEN = [
    b"\x01",
    b"\x01\x00",
    tlv(0x01, b"", length=1),
    tlv(0x04, b"x", length=2),
    tlv(0xEA, b"x" * 10, length=0xFFFF),
    tlv(0x01, b"h2") + b"\x02",
    tlv(0x01, b"h2") + tlv(0x02, b"x", length=2),
    tlv(0x01, b"h2") * 2,
    tlv(0x02, b"a.example") + tlv(0x02, b"b.example"),
    tls(1, 0) * 2,
    tlv(0x02, b"\xff"),
    tlv(0x30, b"\xc3\xbc"),
    tlv(0x05, b"x" * 129),
    *[tlv(0x20, b"\0" * size) for size in range(5)],
    tls(1, 0, b"\x21"),
    tls(1, 0, b"\x21\x00"),
    tls(1, 0, tlv(0x21, b"TLS", length=4)),
    tls(1, 0, tlv(0x22, b"", length=0xFFFF)),
    tls(1, 0, tlv(0x22, b"client"), tlv(0x22, b"admin")),
    tls(1, 0, tlv(0x22, b"\xff")),
    tls(1, 0, tlv(0x23, b"\xff")),
    # The inner value reaches beyond its own TLV but not beyond the header.
    tls(1, 0, tlv(0x22, b"client", length=9)) + tlv(0x01, b"h2"),
    tlv(0x03, b"\0\0\0"),
    tlv(0x03, b"\0\0\0\0"),
]


@pytest.mark.parametrize("block", TLVS_BROKEN)
def test_attack_101_broken_tlv(block: bytes) -> None:
    with pytest.raises(InvalidTLV):
        V2Parser().feed(v2(ENDS4 + block))


def test_attack_101_every_tlv_cut_short() -> None:
    """A header may end between two values and nowhere else."""
    ends = {0}
    at = 0
    while at < len(EVERYTHING):
        at += 3 + int.from_bytes(EVERYTHING[at + 1 : at + 3], "big")
        ends.add(at)
    for size in range(len(EVERYTHING)):
        if size in ends:
            V2Parser.parse(v2(ENDS4 + EVERYTHING[:size]))
        else:
            with pytest.raises(InvalidTLV):
                V2Parser.parse(v2(ENDS4 + EVERYTHING[:size]))


@pytest.mark.parametrize(
    ("data", "checksum"), [(b"\0" * 32, 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (b"123456789", 0xE3069283)]
)
def test_checksum_is_that_of_the_rfc(data: bytes, checksum: int) -> None:
    """RFC 3720, appendix B.4; the last one is everybody's check value."""
    assert crc32c(data) == checksum


def test_checksum_of_a_header_is_compared() -> None:
    blank = v2(ENDS4 + tlv(0x01, b"h2") + tlv(0x03, b"\0\0\0\0") + tlv(0xEA, b"more"))
    at = blank.index(b"\x03\x00\x04\0\0\0\0") + 3
    header = blank[:at] + struct.pack("!I", crc32c(blank)) + blank[at + 4 :]
    assert V2Parser.parse(header).tlvs.alpn == b"h2"
    for place in (17, at, at + 3, len(header) - 1):
        wrong = bytearray(header)
        wrong[place] ^= 0x40
        with pytest.raises(InvalidTLV, match="checksum"):
            V2Parser.parse(bytes(wrong))


# --- Both ----------------------------------------------------------------------------------------------------------

ports = st.integers(0, 65535)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(str)
v1_headers = st.one_of(
    st.builds(lambda *ends: "PROXY TCP4 {} {} {} {}\r\n".format(*ends).encode(), ipv4, ipv4, ports, ports),
    st.builds(lambda *ends: "PROXY TCP6 {} {} {} {}\r\n".format(*ends).encode(), ipv6, ipv6, ports, ports),
    st.binary(max_size=80).map(lambda rest: b"PROXY UNKNOWN " + rest.replace(b"\r\n", b"") + b"\r\n"),
)
tlvs = st.lists(
    st.builds(tlv, st.sampled_from([0x04, 0xE0, 0xEF, 0x40]), st.binary(max_size=40)), max_size=4
).map(b"".join)
v2_headers = st.one_of(
    st.builds(lambda ends, more: v2(ends + more), st.binary(min_size=12, max_size=12), tlvs),
    st.builds(lambda ends, more: v2(ends + more, family=0x21), st.binary(min_size=36, max_size=36), tlvs),
    st.builds(lambda ends, more: v2(ends + more, family=0x31), st.binary(min_size=216, max_size=216), tlvs),
    st.builds(lambda block: v2(block, command=0x20), st.binary(max_size=60)),
)


@pytest.mark.slow
@settings(deadline=None)
@given(st.one_of(v1_headers, v2_headers), st.binary(max_size=20), st.data())
def test_every_cut_gives_the_same(header: bytes, after: bytes, data: st.DataObject) -> None:
    kind: Any = V1Parser if header.startswith(b"PROXY") else V2Parser
    stream = header + after
    whole = fed(kind(), [stream])
    assert whole[1] == after
    assert fed(kind(), data.draw(pieces_of(stream, empty=False))) == whole
    assert fed(kind(), [stream[at : at + 1] for at in range(len(stream))]) == whole


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.one_of(v1_headers, v2_headers), st.integers(0, 500), st.integers(1, 255))
def test_one_wrong_bit_is_read_or_refused_and_nothing_else(header: bytes, place: int, mask: int) -> None:
    kind: Any = V1Parser if header.startswith(b"PROXY") else V2Parser
    wrong = bytearray(header)
    wrong[place % len(header)] ^= mask
    try:
        info, rest = kind().feed(bytes(wrong) + b"\r\n" + b"\0" * 5000)
    except InvalidProxyHeader:
        return
    assert info is not None
    assert len(info.header) + len(rest) in (len(header) + 5002, len(header) + 5000)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11\x00"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_a_header_or_refused_or_wait(beginning: bytes, rest: bytes) -> None:
    for kind in (V1Parser, V2Parser):
        parser: Any = kind()
        try:
            fed(parser, [beginning, rest])
        except InvalidProxyHeader:
            continue
        assert len(parser.buffer) < 4096


def test_records_and_parsers_provide_their_interfaces() -> None:
    assert IProxyInfo.providedBy(V1Parser.parse(b"PROXY UNKNOWN"))
    assert IProxyParser.providedBy(V1Parser())
    assert IProxyParser.providedBy(V2Parser())
