"""What clients are measured against: answers each request with the same 200, without looking at it.

Prints its port.
"""

import asyncio

import uvloop

BODY = b"hello, world"
RESPONSE = (
    b"HTTP/1.1 200 OK\r\n"
    b"Server: hello\r\n"
    b"Date: Fri, 27 Nov 2026 03:00:00 GMT\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"\r\n"
    b"%b" % (len(BODY), BODY)
)


class Hello(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(RESPONSE * data.count(b"\r\n\r\n"))


async def main():
    server = await asyncio.get_running_loop().create_server(Hello, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
