"""The peers of twisted_web.py: the same three answers by uvicorn (httptools, uvloop), by granian and by aiohttp.

usage: asgi_web.py uvicorn|granian|aiohttp hello|json|file PATH
"""

import json
import os
import socket
import sys

from listening import free_port, say_when_listening

#: Longer than anything here stays idle; uvicorn has 5 seconds of itself, in which not all of many connections are open.
IDLE_S = 75
#: More connections than any scenario has.
MANY = 16_384

KIND, WHAT = sys.argv[1:3]
PATH = sys.argv[3] if WHAT == "file" else ""


async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    if WHAT == "file" and "http.response.pathsend" in scope.get("extensions", ()):
        await send(_start(b"application/octet-stream", os.path.getsize(PATH)))
        await send({"type": "http.response.pathsend", "path": PATH})
        return
    if WHAT == "file":
        # The way that frameworks on ASGI have with servers that cannot send a file themselves: pieces of 64 KiB.
        with open(PATH, "rb") as file:
            file.seek(0, 2)
            await send(_start(b"application/octet-stream", file.tell()))
            file.seek(0)
            while piece := file.read(65536):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        return
    body = b"Hello, world!"
    if WHAT == "json":
        received, more = b"", True
        while more:
            event = await receive()
            received += event.get("body", b"")
            more = event.get("more_body", False)
        body = json.dumps(json.loads(received)).encode()
    await send(_start(b"application/json" if WHAT == "json" else b"text/html", len(body)))
    await send({"type": "http.response.body", "body": body})


def _start(kind, length):
    headers = [(b"content-type", kind), (b"content-length", b"%d" % length)]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def serve_uvicorn(sock):
    import uvicorn

    config = uvicorn.Config(
        asgi,
        log_level="critical",
        access_log=False,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        timeout_keep_alive=IDLE_S,
    )
    uvicorn.Server(config).run(sockets=[sock])


def serve_aiohttp(sock):
    import uvloop
    from aiohttp import web

    async def answer(request):
        if WHAT == "file":
            return web.FileResponse(PATH)
        if WHAT == "json":
            return web.json_response(await request.json())
        return web.Response(text="Hello, world!")

    application = web.Application()
    application.router.add_route("*", "/", answer)
    uvloop.install()
    web.run_app(application, sock=sock, print=None, access_log=None, keepalive_timeout=IDLE_S)


def serve_granian():
    from granian import Granian
    from granian.http import HTTP1Settings

    # It opens its socket itself, and serves from a process that it starts.
    port = free_port()
    server = Granian(
        __file__,
        port=port,
        interface="asginl",
        loop="uvloop",
        http="1",
        log_enabled=False,
        backlog=MANY,
        backpressure=MANY,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_S * 1000),
    )
    say_when_listening(port)
    server.serve(target_loader=lambda *_: asgi, wrap_loader=False)


if __name__ == "__main__":
    if KIND == "granian":
        serve_granian()
    else:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        print(listening.getsockname()[1], flush=True)
        {"uvicorn": serve_uvicorn, "aiohttp": serve_aiohttp}[KIND](listening)
