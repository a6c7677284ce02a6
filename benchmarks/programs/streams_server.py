"""The peer that asyncio's documentation teaches: lines and frames with streams, on uvloop."""

import asyncio
import sys

import uvloop


async def lines(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        return  # the load ends without ceremony
    writer.close()


async def frames(reader, writer):
    try:
        while True:
            prefix = await reader.readexactly(4)
            writer.write(prefix + await reader.readexactly(int.from_bytes(prefix, "big")))
            await writer.drain()
    except ConnectionError:
        return
    except asyncio.IncompleteReadError:
        writer.close()


async def main(handler):
    server = await asyncio.start_server(handler, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main({"lines": lines, "frames": frames}[sys.argv[1]]))
