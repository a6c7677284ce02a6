"""What checkers make of `selvage.protocols.haproxy`, of the relay and of the limits on peers."""

from __future__ import annotations

from typing import assert_type

from selvage.interfaces import IAddress
from selvage.protocols import Factory, Protocol
from selvage.protocols.haproxy import (
    HAProxyWrappingFactory,
    IProxyInfo,
    IProxyParser,
    ProxyInfo,
    ProxyTLS,
    V1Parser,
    V2Parser,
)
from selvage.protocols.policies import (
    LimitAcceptRateFactory,
    LimitConnectionsPerAddressFactory,
    LimitSlowReadersFactory,
    OutputStalled,
    Refusals,
)
from selvage.protocols.socks import SOCKSv4, SOCKSv4Factory


def headers(parser: V1Parser, binary: V2Parser) -> IProxyParser:
    info, rest = parser.feed(b"")
    if info is not None:
        assert_type(info, ProxyInfo)
        assert_type(rest, bytes | None)
    told = binary.parse(b"")
    assert_type(told.source, IAddress | None)
    assert_type(told.tlvs.tls, ProxyTLS | None)
    assert_type(told.tlvs.others, tuple[tuple[int, bytes], ...])
    told.source = None  # type: ignore[misc]
    info_of_the_interface: IProxyInfo = told
    assert_type(info_of_the_interface.header, bytes)
    return binary


def limits() -> None:
    factory = Factory.forProtocol(Protocol)
    slow = LimitSlowReadersFactory(factory, max_unsent=1 << 20, stall_timeout_s=30)
    each = LimitConnectionsPerAddressFactory(slow, 20, trusted=["10.0.0.0/8"])
    rate = LimitAcceptRateFactory(each, rate=5, total_rate=100)
    proxied = HAProxyWrappingFactory(rate, trusted=("10.0.0.0/8",))
    assert_type(proxied.refusals, Refusals)
    assert_type(rate.refusals.counts["AcceptRateExceeded"], int)
    assert_type(OutputStalled(1, 2.5).seconds, float)


class Choosy(SOCKSv4):
    def authorize(self, code: int, server: str, port: int, user: bytes) -> bool:
        return port != 25


def relay() -> SOCKSv4Factory:
    return SOCKSv4Factory(None, trusted=["192.0.2.0/24"])
