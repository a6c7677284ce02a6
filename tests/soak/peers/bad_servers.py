"""A server of HTTP/1.1 that does what the path says, most of it wrong; the service's clients are sent to it."""

from __future__ import annotations

import asyncio
import socket
import struct

__all__ = ["serve"]

#: Seconds for which it says nothing: longer than the clients have patience, so that it is they who leave.
SILENCE_S = 3.0

OK = b"HTTP/1.1 200 OK\r\n"

#: Answers that are sent as they are, after which the connection stays open.
ANSWERS = {
    "fine": OK + b"Content-Length: 4\r\n\r\nfine",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /fine\r\nContent-Length: 5\r\n\r\nthere",
    "round": b"HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n",
    "nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "redirect-hang": b"HTTP/1.1 302 Found\r\nLocation: /fine\r\nContent-Length: 500\r\n\r\nthat is not all",
    "twice": (OK + b"Content-Length: 4\r\n\r\nfine") * 2,
    "informational": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + OK + b"Content-Length: 4\r\n\r\nfine",
    "stall": OK + b"Content-Length: 1000\r\n\r\nsome",
    "stall-head": OK + b"Content-Le",
    "garbage": b"\x00\xff" * 500 + b"\r\n\r\n",
    "lengths": OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nfine",
    "bad-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nzz\r\n",
    "huge-head": OK + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "bad-gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    "too-large": OK + b"Content-Length: 100000000\r\n\r\n" + b"x" * 10_000,
}
#: Answers after which the connection is closed.
CUT = {
    "close": ANSWERS["fine"],  # without a word about it
    "nothing": b"",
    "cut-head": ANSWERS["stall-head"],
    "cut-body": ANSWERS["stall"],
    "cut-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\nfine",
    "until-close": OK + b"\r\nuntil it closes",
    "early": b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!",
}


async def serve() -> asyncio.Server:
    """Listen on a free port of this machine."""
    return await asyncio.start_server(_talk, "127.0.0.1", 0, backlog=200)


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await _answer(reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        pass
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer a request; say whether more may come."""
    async with asyncio.timeout(SILENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
    name = head.split(b" ", 2)[1].decode().strip("/")
    if name in ANSWERS:
        writer.write(ANSWERS[name])
        return True
    if name in CUT:
        writer.write(CUT[name])
    elif name == "reset":
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif name == "slow":
        writer.write(OK + b"Content-Length: 20\r\n\r\n")
        for _ in range(20):
            writer.write(b"x")
            await asyncio.sleep(0.02)
            if writer.is_closing():
                return False
        return True
    elif name == "endless":
        writer.write(OK + b"\r\n")
        while True:  # in pieces that are taken one by one
            writer.write(b"x" * 10_000)
            await asyncio.wait_for(writer.drain(), SILENCE_S)
            if writer.is_closing():
                return False
    else:
        assert name == "hang", name
        await asyncio.wait_for(reader.read(1), SILENCE_S)
    return False
