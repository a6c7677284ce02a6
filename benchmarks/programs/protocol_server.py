"""The peer without a framework: `asyncio.Protocol` on a bare loop, uvloop's or asyncio's own.

usage: protocol_server.py uvloop|asyncio echo|publish|datagrams [PATH]
"""

import asyncio
import sys

import uvloop

PUBLISHED = b"x" * 1024


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Publish(asyncio.Protocol):
    """The first byte of a connection is sent back; any later one sends a message to everybody."""

    everyone = []
    greeted = False

    def connection_made(self, transport):
        self.transport = transport
        self.everyone.append(self)

    def data_received(self, data):
        if not self.greeted:
            self.greeted = True
            self.transport.write(data)
            return
        for each in self.everyone:
            each.transport.write(PUBLISHED)

    def connection_lost(self, error):
        self.everyone.remove(self)


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def listen(kind, path):
    loop = asyncio.get_running_loop()
    if kind == "datagrams":
        transport, _ = await loop.create_datagram_endpoint(Datagrams, ("127.0.0.1", 0))
        return transport.get_extra_info("sockname")[1]
    protocol = {"echo": Echo, "publish": Publish}[kind]
    if path:
        await loop.create_unix_server(protocol, path, backlog=1024)
        return path
    server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=1024)
    return server.sockets[0].getsockname()[1]


async def main(kind, path=None):
    print(await listen(kind, path), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run = {"uvloop": uvloop.run, "asyncio": asyncio.run}[sys.argv[1]]
    run(main(*sys.argv[2:]))
