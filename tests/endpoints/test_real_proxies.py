"""Connecting through proxies that others have written, on this machine: microsocks and tinyproxy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import selvage
from selvage.defer import Deferred
from selvage.endpoints import (
    HostnameEndpoint,
    HTTPConnectClientEndpoint,
    ProxyAuthenticationError,
    ProxyRefusedError,
    SOCKS5ClientEndpoint,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from selvage.protocols import Factory, Protocol
from tests.foreign import free_port, program, wait_until_listening

pytestmark = pytest.mark.slow


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]


class Collect(Protocol):
    """Fires when as much has arrived as was sent."""

    def __init__(self, size: int) -> None:
        self.done: Deferred[bytes] = Deferred()
        self.size = size
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if len(self.received) == self.size:
            self.done.callback(self.received)


Start = Callable[[list[str], int], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a proxy, and end it after the test."""
    running = []

    def begin(command: list[str], port: int) -> int:
        process = subprocess.Popen(
            [program(command[0]), *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        running.append(process)
        wait_until_listening(port, process)
        return port

    yield begin
    for process in running:
        process.kill()
        process.wait()


def microsocks(start: Start, *options: str) -> int:
    port = free_port()
    return start(["microsocks", "-i", "127.0.0.1", "-p", str(port), *options], port)


def tinyproxy(start: Start, folder: Path, *lines: str) -> int:
    port = free_port()
    configuration = folder / "tinyproxy.conf"
    configuration.write_text(
        "\n".join(
            [
                f"Port {port}",
                "Listen 127.0.0.1",
                "Allow 127.0.0.1",
                "Timeout 30",
                f'LogFile "{folder / "log"}"',
                f'PidFile "{folder / "pid"}"',
                *lines,
                "",
            ]
        )
    )
    return start(["tinyproxy", "-d", "-c", str(configuration)], port)


def echo_through(make: Callable[[Any, int], Any]) -> bytes:
    """Send 200 kB through an endpoint to an echo server, and return what comes back."""

    async def main() -> bytes:
        reactor: Any = selvage.get_reactor()
        port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory.forProtocol(Echo))
        collect = Collect(200_000)
        try:
            await connectProtocol(make(reactor, port.getHost().port), collect)
            collect.transport.write(b"0123456789" * 20_000)  # type: ignore[union-attr]
            received: bytes = await collect.done
            collect.transport.loseConnection()  # type: ignore[union-attr]
            return received
        finally:
            await port.stopListening()

    return selvage.run(main)


EXPECTED = b"0123456789" * 20_000


@pytest.mark.external("microsocks")
@pytest.mark.parametrize(
    ("host", "resolve"), [("127.0.0.1", "remote"), ("localhost", "remote"), ("localhost", "local")]
)
def test_socks5(start: Start, host: str, resolve: str) -> None:
    proxy = microsocks(start)

    def make(reactor: Any, port: int) -> Any:
        return clientFromString(reactor, f"socks5:{host}:{port}:127.0.0.1:{proxy}:resolve={resolve}")

    assert echo_through(make) == EXPECTED


@pytest.mark.external("microsocks")
def test_socks5_with_a_password(start: Start) -> None:
    proxy = microsocks(start, "-u", "user", "-P", "secret")

    def make(password: str | None) -> Any:
        username = None if password is None else "user"

        def endpoint(reactor: Any, port: int) -> Any:
            way = HostnameEndpoint(reactor, "127.0.0.1", proxy)
            return SOCKS5ClientEndpoint(reactor, way, "127.0.0.1", port, username=username, password=password)

        return endpoint

    assert echo_through(make("secret")) == EXPECTED
    with pytest.raises(ProxyAuthenticationError, match=r"\(authentication\): the proxy does not accept"):
        echo_through(make("wrong"))
    with pytest.raises(
        ProxyAuthenticationError, match=r"\(greeting\): the proxy wants a username and password"
    ):
        echo_through(make(None))


@pytest.mark.external("microsocks")
def test_a_target_that_refuses_socks5(start: Start) -> None:
    proxy, nobody = microsocks(start), free_port()
    with pytest.raises(ProxyRefusedError, match="the host refused the connection") as caught:
        echo_through(
            lambda reactor, _: clientFromString(reactor, f"socks5:127.0.0.1:{nobody}:127.0.0.1:{proxy}")
        )
    assert caught.value.code == 5


@pytest.mark.external("tinyproxy")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connect(start: Start, tmp_path: Path, host: str) -> None:
    proxy = tinyproxy(start, tmp_path)
    assert (
        echo_through(
            lambda reactor, port: clientFromString(reactor, f"connect:{host}:{port}:127.0.0.1:{proxy}")
        )
        == EXPECTED
    )


@pytest.mark.external("tinyproxy")
def test_connect_with_a_password(start: Start, tmp_path: Path) -> None:
    proxy = tinyproxy(start, tmp_path, "BasicAuth user secret")

    def make(**credentials: str) -> Any:
        def endpoint(reactor: Any, port: int) -> Any:
            way = HostnameEndpoint(reactor, "127.0.0.1", proxy)
            return HTTPConnectClientEndpoint(reactor, way, "127.0.0.1", port, **credentials)  # type: ignore[arg-type]

        return endpoint

    assert echo_through(make(username="user", password="secret")) == EXPECTED
    with pytest.raises(ProxyAuthenticationError, match="the proxy answered 407 .*; it wants Basic"):
        echo_through(make())


@pytest.mark.external("tinyproxy")
def test_a_target_that_refuses_connect(start: Start, tmp_path: Path) -> None:
    proxy, nobody = tinyproxy(start, tmp_path), free_port()
    with pytest.raises(ProxyRefusedError) as caught:
        echo_through(
            lambda reactor, _: clientFromString(reactor, f"connect:127.0.0.1:{nobody}:127.0.0.1:{proxy}")
        )
    assert caught.value.code >= 500


@pytest.mark.external("microsocks")
@pytest.mark.external("tinyproxy")
def test_one_proxy_behind_the_other(start: Start, tmp_path: Path) -> None:
    first, second = microsocks(start), tinyproxy(start, tmp_path)
    way = rf"socks5\:127.0.0.1\:{second}\:127.0.0.1\:{first}"
    assert (
        echo_through(
            lambda reactor, port: clientFromString(reactor, f"connect:127.0.0.1:{port}:endpoint={way}")
        )
        == EXPECTED
    )
