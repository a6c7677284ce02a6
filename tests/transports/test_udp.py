"""UDP ports: exchange, connection, broadcast, multicast, errors."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage.addresses import IPv4Address, IPv6Address
from selvage.defer import Deferred
from selvage.errors import (
    CannotListenError,
    DatagramCutError,
    InvalidAddressError,
    MessageLengthError,
    MulticastJoinError,
)
from selvage.interfaces import IListeningPort, IMulticastTransport, IUDPTransport
from selvage.protocols import DatagramProtocol

from .helpers import turn
from .test_connecting import free_port
from .test_listening import needs_ipv6


class Receiver(DatagramProtocol):
    def __init__(self) -> None:
        self.packets: list[Any] = []
        self.log: list[str] = []
        self._waiters: list[Deferred[None]] = []

    def _note(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def startProtocol(self) -> None:
        self.log.append("start")

    def stopProtocol(self) -> None:
        self.log.append("stop")

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.packets.append((datagram, addr))
        self._note()

    def connectionRefused(self) -> None:
        self.log.append("refused")
        self._note()

    async def until(self, condition: Any) -> None:
        while not condition():
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter

    async def got(self, count: int) -> list[Any]:
        await self.until(lambda: len(self.packets) >= count)
        return self.packets


def listen(reactor: Any, protocol: Any = None, **options: Any) -> tuple[Any, Any, tuple[str, int]]:
    protocol = protocol or Receiver()
    port = reactor.listenUDP(0, protocol, **{"interface": "127.0.0.1", **options})
    return port, protocol, (port.getHost().host, port.getHost().port)


def test_exchange(reactor, run):
    async def main():
        one, first, here = listen(reactor)
        two, second, there = listen(reactor)
        for interface in (IListeningPort, IUDPTransport):
            verifyObject(interface, one)
        assert isinstance(one.getHost(), IPv4Address)
        assert one.getHost().type == "UDP"
        assert first.transport is one
        assert first.log == ["start"]
        assert one.write(b"hello", there) == 5
        assert await second.got(1) == [(b"hello", here)]
        two.writeSequence([b"h", b"i"], here)
        two.write(b"", here)
        assert await first.got(2) == [(b"hi", there), (b"", there)]
        assert str(here[1]) in repr(one)
        await one.stopListening()
        await two.stopListening()
        assert first.log == ["start", "stop"]
        assert first.transport is None
        assert "not connected" in repr(one)
        assert one.stopListening() is None

    run(main)


def test_packets_that_came_before_the_reactor_ran(reactor, run):
    port, receiver, here = listen(reactor)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as early:
        for number in range(200):
            early.sendto(b"%d" % number, here)

    async def main():
        assert [data for data, _ in await receiver.got(200)] == [b"%d" % number for number in range(200)]
        await port.stopListening()

    run(main)


def test_long_packets_are_cut_counted_and_the_first_one_reported(reactor, run, reports):
    async def main():
        port, receiver, here = listen(reactor, maxPacketSize=4)
        for packet in (b"just", b"too long", b"longer still"):
            port.write(packet, here)
        assert [data for data, _ in await receiver.got(3)] == [b"just", b"too ", b"long"]
        assert port.datagrams_cut == 2
        await port.stopListening()

    run(main)
    assert [type(report.failure.value) for report in reports] == [DatagramCutError]
    assert "longer than maxPacketSize=4 octets" in str(reports[0].failure.value)
    reports.clear()


def test_a_port_that_cannot_be_is_named(reactor, run):
    async def main():
        port, _, _here = listen(reactor)
        with pytest.raises(InvalidAddressError, match="0 to 65535"):
            port.write(b"x", ("127.0.0.1", 65536))
        with pytest.raises(InvalidAddressError, match="0 to 65535"):
            port.connect("127.0.0.1", -1)
        port.connect("127.0.0.1", 9)
        with pytest.raises(CannotListenError, match="port must be 0-65535"):
            reactor.listenUDP(65536, Receiver())
        await port.stopListening()

    run(main)


def test_a_busy_port_is_named(reactor, run):
    async def main():
        port, _, here = listen(reactor)
        with pytest.raises(CannotListenError) as caught:
            reactor.listenUDP(here[1], Receiver(), interface="127.0.0.1")
        assert (caught.value.interface, caught.value.port) == here
        assert caught.value.socketError.errno == errno.EADDRINUSE
        await port.stopListening()

    run(main)


def test_names_are_not_looked_up(reactor, run):
    with pytest.raises(InvalidAddressError):
        reactor.listenUDP(0, Receiver(), interface="example.com")

    async def main():
        port, _, _ = listen(reactor)
        for wrong in ("example.invalid", "::1", ""):
            with pytest.raises(InvalidAddressError):
                port.write(b"x", (wrong, 1))
        with pytest.raises(InvalidAddressError):
            port.connect("example.invalid", 1)
        await port.stopListening()

    run(main)


def test_misuse_is_named(reactor, run):
    async def main():
        port, _, here = listen(reactor)
        with pytest.raises(TypeError, match="encode it first"):
            port.write("text", here)
        with pytest.raises(TypeError, match="not int"):
            port.write(7, here)
        with pytest.raises(TypeError):
            port.write(b"x", (here[0], "80"))
        with pytest.raises(AssertionError, match="needs an address"):
            port.write(b"x")
        with pytest.raises(MessageLengthError, match="takes no datagram of 70000 octets"):
            port.write(b"x" * 70_000, here)
        with pytest.raises(OSError):
            port.write(b"x", ("255.255.255.255", 9))
        await port.stopListening()

    run(main)


def test_connected(reactor, run):
    async def main():
        one, first, here = listen(reactor)
        two, second, there = listen(reactor)
        other, _, _ = listen(reactor)
        one.connect(*there)
        with pytest.raises(RuntimeError, match="already connected"):
            one.connect(*there)
        one.write(b"a")
        one.write(b"b", None)
        one.write(b"c", there)
        with pytest.raises(AssertionError, match="connected to"):
            one.write(b"d", here)
        assert [data for data, _ in await second.got(3)] == [b"a", b"b", b"c"]
        other.write(b"stranger", here)
        two.write(b"friend", here)
        assert (await first.got(1))[0] == (b"friend", there)
        for port in (one, two, other):
            await port.stopListening()

    run(main)


def test_a_connected_port_hears_of_refusals(reactor, run):
    async def main():
        port, receiver, _ = listen(reactor)
        port.connect("127.0.0.1", free_port())
        port.write(b"anybody?")
        await receiver.until(lambda: "refused" in receiver.log)
        await port.stopListening()

    run(main)


def test_a_refusal_may_come_with_a_write(reactor, run):
    async def main():
        port, receiver, _ = listen(reactor)
        port.stopReading()
        port.connect("127.0.0.1", free_port())
        port.write(b"anybody?")
        assert port.write(b"really?") is None
        assert receiver.log == ["start", "refused"]
        await port.stopListening()

    run(main)


def test_an_unconnected_port_ignores_refusals(reactor, run):
    async def main():
        port, receiver, here = listen(reactor)
        port.write(b"anybody?", ("127.0.0.1", free_port()))
        port.write(b"me", here)
        assert await receiver.got(1) == [(b"me", here)]
        assert receiver.log == ["start"]
        await port.stopListening()

    run(main)


@pytest.mark.parametrize("hook", ["datagramReceived", "stopProtocol", "connectionRefused"])
def test_an_exception_in_a_hook_is_reported_and_the_port_goes_on(reactor, run, reports, hook):
    class Buggy(Receiver):
        pass

    def raises(self: Any, *args: Any) -> None:
        getattr(Receiver, hook)(self, *args)
        raise ZeroDivisionError

    setattr(Buggy, hook, raises)

    async def main():
        port, receiver, here = listen(reactor, Buggy())
        if hook == "connectionRefused":
            port.connect("127.0.0.1", free_port())
            port.write(b"anybody?")
            await receiver.until(lambda: "refused" in receiver.log)
        else:
            port.write(b"one", here)
            port.write(b"two", here)
            await receiver.got(2)
        await port.stopListening()
        await turn()
        assert {type(report.failure.value) for report in reports} == {ZeroDivisionError}
        assert len(reports) == (2 if hook == "datagramReceived" else 1)
        assert {report.source for report in reports} == {"protocol"}
        reports.clear()

    run(main)


def test_closing_while_packets_wait(reactor, run):
    class Closing(Receiver):
        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            self.transport.connectionLost()
            super().datagramReceived(datagram, addr)

    async def main():
        port, receiver, here = listen(reactor, Closing())
        for _ in range(3):
            port.write(b"x", here)
        await receiver.got(1)
        await turn(5)
        assert len(receiver.packets) == 1
        assert not port.connected

    run(main)


def test_closing_in_start_protocol(reactor, run):
    class Fickle(Receiver):
        def startProtocol(self) -> None:
            super().startProtocol()
            self.transport.stopListening()
            assert self.log == ["start"]

    async def main():
        port, receiver, _ = listen(reactor, Fickle())
        await turn(3)
        assert receiver.log == ["start", "stop"]
        port.loseConnection()

    run(main)


def test_reading_may_pause(reactor, run):
    async def main():
        port, receiver, here = listen(reactor)
        port.pauseProducing()
        assert port not in reactor.getReaders()
        port.write(b"x", here)
        await turn(5)
        assert receiver.packets == []
        port.resumeProducing()
        await receiver.got(1)
        await port.stopListening()

    run(main)


def test_adopting(reactor, run):
    async def main():
        receiver = Receiver()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            here = sock.getsockname()
            port = reactor.adoptDatagramPort(sock.fileno(), socket.AF_INET, receiver)
        port.write(b"x", here)
        assert await receiver.got(1) == [(b"x", here)]
        await port.stopListening()

    run(main)


@needs_ipv6
def test_adopting_ipv6(reactor, run):
    async def main():
        receiver = Receiver()
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
            here = sock.getsockname()[:2]
            port = reactor.adoptDatagramPort(sock.fileno(), socket.AF_INET6, receiver)
        assert port.getHost() == IPv6Address("UDP", *here)
        port.write(b"x", here)
        assert await receiver.got(1) == [(b"x", here)]
        await port.stopListening()

    run(main)


@needs_ipv6
def test_a_connected_port_of_ipv6(reactor, run):
    async def main():
        one, first, here = listen(reactor, interface="::1")
        two, second, there = listen(reactor, interface="::1")
        one.connect(*there)
        one.write(b"question")
        assert await second.got(1) == [(b"question", here)]
        two.write(b"answer", here)
        assert await first.got(1) == [(b"answer", there)]
        await two.stopListening()
        one.write(b"is there anybody?")
        await first.until(lambda: first.log == ["start", "refused"])
        await one.stopListening()

    run(main)


@pytest.mark.parametrize(
    ("interface", "host"),
    [("127.0.0.1", "::1"), pytest.param("::1", "127.0.0.1", marks=needs_ipv6)],
)
def test_connecting_to_the_other_family_is_named(reactor, run, interface, host):
    async def main():
        port, _, _ = listen(reactor, interface=interface)
        with pytest.raises(InvalidAddressError, match="this port speaks IPv.: listen on an interface"):
            port.connect(host, 9)
        await port.stopListening()

    run(main)


def test_after_a_refusal_it_goes_on_reading(reactor, run):
    async def main():
        one, first, here = listen(reactor)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            gone = nobody.getsockname()
        one.connect(*gone)
        for count in range(1, 3):
            one.write(b"is there anybody?")
            await first.until(lambda count=count: first.log.count("refused") == count)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
                late.bind(gone)
                late.sendto(b"now there is", here)
            await first.got(count)
        await one.stopListening()

    run(main)


@needs_ipv6
def test_ipv6(reactor, run):
    async def main():
        port, receiver, here = listen(reactor, interface="::1")
        assert isinstance(port.getHost(), IPv6Address)
        with pytest.raises(InvalidAddressError):
            port.write(b"x", ("127.0.0.1", 1))
        port.write(b"x", here)
        assert await receiver.got(1) == [(b"x", here)]
        await port.stopListening()

    run(main)


def test_broadcast_is_allowed_on_demand(reactor, run):
    async def main():
        port, _, _ = listen(reactor)
        for value in (False, True, False):
            port.setBroadcastAllowed(value)
            assert port.getBroadcastAllowed() is value
        await port.stopListening()

    run(main)


@pytest.mark.skipif(
    sys.platform != "linux", reason="a broadcast address on the loopback interface is Linux's"
)
def test_broadcast(reactor, run):
    async def main():
        receiver = Receiver()
        everywhere = reactor.listenUDP(0, receiver)
        there = ("127.255.255.255", everywhere.getHost().port)
        port, _, here = listen(reactor)
        with pytest.raises(PermissionError):
            port.write(b"to all", there)
        port.setBroadcastAllowed(True)
        port.write(b"to all", there)
        assert await receiver.got(1) == [(b"to all", here)]
        await port.stopListening()
        await everywhere.stopListening()

    run(main)


def test_reactor_shutdown_stops_protocols(reactor, run):
    seen = []

    async def main():
        port, receiver, _ = listen(reactor)
        port.disconnecting = True
        seen.append(receiver)

    run(main)
    assert seen[0].log == ["start", "stop"]


# --- Multicast -------------------------------------------------------------------------------------------------

GROUP = "225.0.0.250"


def has_multicast() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(
                socket.IPPROTO_IP,
                socket.IP_ADD_MEMBERSHIP,
                socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1"),
            )
        except OSError:
            return False
    return True


needs_multicast = pytest.mark.skipif(not has_multicast(), reason="no multicast on this machine")


def test_multicast_options(reactor, run):
    async def main():
        port = reactor.listenMulticast(0, Receiver(), interface="127.0.0.1")
        verifyObject(IMulticastTransport, port)
        assert port.getTTL() == 1
        port.setTTL(7)
        assert port.getTTL() == 7
        for value in (False, True):
            port.setLoopbackMode(value)
            assert port.getLoopbackMode() is value
        assert port.getOutgoingInterface() == "0.0.0.0"
        assert await port.setOutgoingInterface("127.0.0.1") == 1
        assert port.getOutgoingInterface() == "127.0.0.1"
        assert await port.setOutgoingInterface("203.0.113.7") == 0
        await port.stopListening()

    run(main)


@needs_multicast
def test_groups(reactor, run):
    async def main():
        receiver, another = Receiver(), Receiver()
        port = reactor.listenMulticast(0, receiver, listenMultiple=True)
        number = port.getHost().port
        second = reactor.listenMulticast(number, another, listenMultiple=True)
        for each in (port, second):
            await each.joinGroup(GROUP, "127.0.0.1")
        await port.setOutgoingInterface("127.0.0.1")
        port.write(b"to all", (GROUP, number))
        assert (await receiver.got(1))[0][0] == b"to all"
        assert (await another.got(1))[0][0] == b"to all"
        await port.leaveGroup(GROUP, "127.0.0.1")
        await port.stopListening()
        await second.stopListening()

    run(main)


def test_what_is_no_group_is_not_joined(reactor, run):
    async def main():
        port = reactor.listenMulticast(0, Receiver(), interface="127.0.0.1")
        with pytest.raises(MulticastJoinError) as caught:
            await port.joinGroup("127.0.0.1")
        assert isinstance(caught.value.__cause__, OSError)
        with pytest.raises(MulticastJoinError, match="invalid address literal for AF_INET: '::1'"):
            await port.joinGroup(GROUP, "::1")
        with pytest.raises(MulticastJoinError):
            await port.leaveGroup(GROUP)
        await port.stopListening()

    run(main)


@pytest.mark.parametrize("ttl", [-1, 256])
def test_a_ttl_that_cannot_be_is_named(reactor, run, ttl):
    async def main():
        port = reactor.listenMulticast(0, Receiver(), interface="127.0.0.1")
        with pytest.raises(ValueError, match="0 to 255 routers, not -?[0-9]+"):
            port.setTTL(ttl)
        assert port.getTTL() == 1
        await port.stopListening()

    run(main)


GROUP_OF_IPV6 = "ff11::77"  # that never leaves an interface


def multicast_index() -> int:
    """Return the index of an interface that takes such packets, to keep them; 0 when there is none."""
    if not socket.has_ipv6:
        return 0
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        for index, _ in socket.if_nameindex():
            try:
                request = socket.inet_pton(socket.AF_INET6, GROUP_OF_IPV6) + struct.pack("@I", index)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
                sock.sendto(b"", (GROUP_OF_IPV6, 9))
            except OSError:
                continue
            return index
    return 0


@pytest.mark.skipif(not multicast_index(), reason="no multicast over IPv6 on this machine")
def test_groups_of_ipv6(reactor, run):
    async def main():
        receiver, another = Receiver(), Receiver()
        index = multicast_index()
        port = reactor.listenMulticast(0, receiver, interface="::", listenMultiple=True)
        number = port.getHost().port
        second = reactor.listenMulticast(number, another, interface="::", listenMultiple=True)
        for each in (port, second):
            await each.joinGroup(GROUP_OF_IPV6, f"::1%{index}")
        assert await port.setOutgoingInterface(index) == 1
        port.write(b"to all", (GROUP_OF_IPV6, number))
        assert (await receiver.got(1))[0][0] == (await another.got(1))[0][0] == b"to all"
        port.setLoopbackMode(False)
        port.write(b"to others", (GROUP_OF_IPV6, number))
        port.setLoopbackMode(True)
        port.write(b"again to all", (GROUP_OF_IPV6, number))
        assert [data for data, _ in await another.got(2)] == [b"to all", b"again to all"]
        for each in (port, second):
            await each.leaveGroup(GROUP_OF_IPV6, f"::1%{index}")
            await each.stopListening()

    run(main)


@needs_ipv6
def test_multicast_options_of_ipv6(reactor, run):
    async def main():
        port = reactor.listenMulticast(0, Receiver(), interface="::1")
        port.setTTL(3)
        assert port.getTTL() == 3
        port.setLoopbackMode(False)
        assert port.getLoopbackMode() is False
        index = socket.if_nameindex()[0][0]
        assert await port.setOutgoingInterface(index) == 1
        assert port.getOutgoingInterface() == index
        with pytest.raises(MulticastJoinError):
            await port.joinGroup("::1")
        with pytest.raises(MulticastJoinError):
            await port.joinGroup("ff03::1", "127.0.0.1")
        await port.stopListening()

    run(main)
