"""Peers that speak HTTP/1.1 by hand."""

from __future__ import annotations

import asyncio
import re
import socket

from tests.soak.crowd import Crowd, sent_away
from tests.soak.hurry import PATIENCE_S
from tests.soak.served.lines import FLOOD_BYTES

__all__ = ["BAD", "GOOD"]

#: What the service answers slowly, what it never answers, what it has a lot to say to.
PENDING = ("later", "by_hand", "never")
FLOODS = ("/answer/flood", "/answer/iterator", "/files/large")
#: Bytes of a body that is more than the service's buffers take, and less than it allows.
LARGE = 500_000


def get(path: str, *fields: str, end: str = "\r\n") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, end]).encode()


def post(path: str, length: int, *fields: str) -> bytes:
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {length}", *fields, "\r\n"]
    ).encode()


async def answer(crowd: Crowd, sock: socket.socket, heard: bytes = b"") -> tuple[int, bytes, bytes]:
    """Hear one answer: its status, its body, and what was heard of the next."""
    while b"\r\n\r\n" not in heard:
        heard += await crowd.hear_answer(sock)
    head, _, rest = heard.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status == 408:
        sent_away()
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    if length is None:
        assert b"chunked" in head.lower(), head
        while not rest.endswith(b"0\r\n\r\n"):
            rest += await crowd.hear_answer(sock)
        return status, rest, b""
    size = int(length[1])
    while len(rest) < size:
        rest += await crowd.hear_answer(sock)
    return status, rest[:size], rest[size:]


# --- Those that behave -----------------------------------------------------------------------------------------


async def http1_keep_alive(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        for name in ("hello", "later", "session", "by_hand", "redirect"):
            await crowd.say(sock, get(f"/answer/{name}"))
            assert (await answer(crowd, sock))[0] in (200, 302)


async def http1_pipeline(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, get("/answer/later") * 2 + get("/answer/hello") * 5)
        heard = b""
        for expected in [b"later"] * 2 + [b"hello"] * 5:
            status, body, heard = await answer(crowd, sock, heard)
            assert (status, body) == (200, expected)


async def http1_upload(crowd: Crowd) -> None:
    """Send bodies: as a whole, one that is read as it comes, one that is sent back."""
    with await crowd.connect("http") as sock:
        for path in ("/answer/", "/upload/all", "/upload/later"):
            await crowd.say(sock, post(path, LARGE) + b"x" * LARGE)
            status, body, _ = await answer(crowd, sock)
            assert status == 200 and body.startswith(b"%d" % LARGE), body
        await crowd.say(sock, post("/upload/back", 1000) + b"x" * 1000)
        assert (await answer(crowd, sock))[0] == 200


async def http1_swallow_a_flood(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, get(crowd.random.choice(FLOODS), "Connection: close"))
        assert len(await crowd.hear_end(sock)) > FLOOD_BYTES


async def http1_slow_but_fair(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        request = get("/answer/hello")
        for at in range(0, len(request), 8):
            await crowd.say(sock, request[at : at + 8])
            await asyncio.sleep(0.01)
        assert (await answer(crowd, sock))[0] == 200


# --- Those that do not -----------------------------------------------------------------------------------------


async def http1_never_speak(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.hear_end(sock)


async def http1_drip(crowd: Crowd) -> None:
    """Send a byte at a time for longer than a head may take."""
    with await crowd.connect("http") as sock:
        for octet in get("/answer/hello", "X: " + "y" * 200):
            await crowd.say(sock, bytes([octet]))
            await asyncio.sleep(0.02)


async def http1_cut_in_the_head(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    request = get("/answer/hello", "X: y")
    await crowd.say(sock, request[: crowd.random.randrange(1, len(request))])
    crowd.leave(sock)


async def http1_cut_in_the_body(crowd: Crowd) -> None:
    """Whoever reads it, and whoever does not."""
    sock = await crowd.connect("http")
    path = crowd.random.choice(
        [
            "/answer/",
            "/upload/all",
            "/upload/some",
            "/upload/none",
            "/upload/later",
            "/upload/never",
            "/upload/back",
        ]
    )
    # Who is held back since nobody reads is not heard going, so that the last size is not for a resource that waits for that.
    sizes = [0, 1, 5000, 200_000][: 3 if path == "/upload/never" else 4]
    await crowd.say(sock, post(path, LARGE) + b"x" * crowd.random.choice(sizes))
    crowd.leave(sock)


async def http1_cut_in_a_chunk(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    path = crowd.random.choice(["/answer/", "/upload/all", "/upload/later", "/upload/never"])
    await crowd.say(
        sock,
        f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n".encode() + b"x" * 500,
    )
    crowd.leave(sock)


async def http1_form_that_is_cut(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="g"\r\n\r\n' + b"x" * 150_000
    await crowd.say(sock, post("/answer/", LARGE, "Content-Type: multipart/form-data; boundary=b") + part)
    crowd.leave(sock)


async def http1_body_that_stops(crowd: Crowd) -> None:
    """Stay connected, and send no more, until one is sent away."""
    with await crowd.connect("http") as sock:
        path = crowd.random.choice(
            ["/answer/", "/upload/all", "/upload/some", "/upload/none", "/upload/later"]
        )
        await crowd.say(sock, post(path, LARGE) + b"x" * 5000)
        await crowd.hear_end(sock)


async def http1_body_that_nobody_reads(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        path = crowd.random.choice(["/upload/some", "/upload/none"])
        await crowd.say(sock, post(path, LARGE) + b"x" * LARGE)
        await crowd.hear_end(sock)


async def http1_body_too_large(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, post("/answer/", 10**9) + b"x" * 10_000)
        await crowd.hear_end(sock)


async def http1_leave_to_send_that_is_not_used(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    path = crowd.random.choice(["/answer/", "/upload/all", "/upload/later"])
    await crowd.say(sock, post(path, LARGE, "Expect: 100-continue"))
    if path != "/upload/later":
        await crowd.hear(sock)
    crowd.leave(sock)


async def http1_huge_head(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, get("/answer/hello", *[f"X-{n}: {'y' * 100}" for n in range(500)]))
        await crowd.hear_end(sock)


async def http1_garbage(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, crowd.random.randbytes(2000) + b"\r\n\r\n")
        await crowd.hear_end(sock)


async def http1_crash(crowd: Crowd) -> None:
    """Meet each bug that the handlers have; some of them cut the answer."""
    for path in ("crash", "crash_later", "crash_midway", "crash_by_hand"):
        with await crowd.connect("http") as sock:
            await crowd.say(sock, get(f"/answer/{path}", "Connection: close"))
            await _hear_whatever_comes(crowd, sock)
    with await crowd.connect("http") as sock:
        await crowd.say(sock, post("/upload/crash", LARGE) + b"x" * 5000)
        await _hear_whatever_comes(crowd, sock)


async def http1_gone_while_pending(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    await crowd.say(sock, get(f"/answer/{crowd.random.choice(PENDING)}"))
    await asyncio.sleep(crowd.random.choice([0, 0.02]))
    crowd.leave(sock)


async def http1_gone_with_more_in_line(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    await crowd.say(sock, get("/answer/never") + get("/answer/hello") * 300)
    await asyncio.sleep(0.02)
    crowd.leave(sock)


async def http1_never_take_the_answer(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, get(crowd.random.choice(FLOODS)))
        await asyncio.sleep(1.5 * PATIENCE_S)


async def http1_never_take_many_answers(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            async with asyncio.timeout(1.5 * PATIENCE_S):
                await crowd.say(sock, get("/answer/hello") * 100_000)
        except TimeoutError:
            pass


async def http1_reset_in_the_answer(crowd: Crowd) -> None:
    sock = await crowd.connect("http")
    await crowd.say(sock, get(crowd.random.choice(FLOODS)))
    await crowd.hear(sock)
    crowd.leave(sock)


async def http1_half_closed_while_pending(crowd: Crowd) -> None:
    with await crowd.connect("http") as sock:
        await crowd.say(sock, get("/answer/later"))
        sock.shutdown(socket.SHUT_WR)
        await crowd.hear_end(sock)


async def _hear_whatever_comes(crowd: Crowd, sock: socket.socket) -> None:
    try:
        await crowd.hear_end(sock)
    except ConnectionError:
        pass


GOOD = [http1_keep_alive, http1_pipeline, http1_upload, http1_swallow_a_flood, http1_slow_but_fair]
BAD = [
    http1_never_speak,
    http1_drip,
    http1_cut_in_the_head,
    http1_cut_in_the_body,
    http1_cut_in_a_chunk,
    http1_form_that_is_cut,
    http1_body_that_stops,
    http1_body_that_nobody_reads,
    http1_body_too_large,
    http1_leave_to_send_that_is_not_used,
    http1_huge_head,
    http1_garbage,
    http1_crash,
    http1_gone_while_pending,
    http1_gone_with_more_in_line,
    http1_never_take_the_answer,
    http1_never_take_many_answers,
    http1_reset_in_the_answer,
    http1_half_closed_while_pending,
]
