"""Peers that speak lines over TCP and UNIX sockets, and send datagrams."""

from __future__ import annotations

import asyncio
import socket

from tests.soak.crowd import Crowd
from tests.soak.served.lines import FLOOD_BYTES

__all__ = ["BAD", "GOOD"]

# --- Those that behave -------------------------------------------------------------------------------------


async def talk(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        for number in range(5):
            await crowd.say(sock, b"line %d\n" % number)
            assert (await crowd.hear_answer(sock)).startswith(b"line")


async def say_goodbye_first(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"one\n")
        assert await crowd.hear_answer(sock) == b"one\n"
        sock.shutdown(socket.SHUT_WR)
        assert await crowd.hear_end(sock) == b""


async def ask_for_thought(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"think\n")
        assert await crowd.hear_answer(sock) == b"499500\n"


async def ask_to_call_out(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"call out\n")
        assert await crowd.hear_answer(sock) == b"nobody there\n"


async def swallow_a_flood(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"flood\n")
        assert len(await crowd.hear_end(sock)) == FLOOD_BYTES


async def send_datagrams(crowd: Crowd) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", crowd.where["udp"]))
        await crowd.say(sock, b"ping")
        assert await crowd.hear_answer(sock) == b"ping"


# --- Those that do not -------------------------------------------------------------------------------------


async def never_speak(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        assert await crowd.hear_end(sock) == b""


async def dribble_and_vanish(crowd: Crowd) -> None:
    sock = await crowd.connect_somehow()
    for octet in b"a line that":
        await crowd.say(sock, bytes([octet]))
    crowd.reset(sock)


async def never_end_a_line(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"x" * 5000)
        await crowd.hear_end(sock)


async def crash_the_handler(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"crash\n")
        await crowd.hear_end(sock)


async def leave_an_error_behind(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        await crowd.say(sock, b"forget\n")
        assert await crowd.hear_answer(sock) == b"forgotten\n"


async def ask_for_a_flood_and_reset(crowd: Crowd) -> None:
    sock = await crowd.connect_somehow()
    await crowd.say(sock, b"flood\n")
    await crowd.hear(sock)
    crowd.reset(sock)


async def ask_for_thought_and_leave(crowd: Crowd) -> None:
    sock = await crowd.connect_somehow()
    await crowd.say(sock, b"think\n")
    crowd.reset(sock)


async def come_and_go(crowd: Crowd) -> None:
    for _ in range(3):
        crowd.reset(await crowd.connect_somehow())


async def linger_half_closed(crowd: Crowd) -> None:
    with await crowd.connect_somehow() as sock:
        sock.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.05)
        await crowd.hear_end(sock)


async def crash_with_a_datagram(crowd: Crowd) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"crash", ("127.0.0.1", crowd.where["udp"]))
        sock.sendto(b"x" * 9000, ("127.0.0.1", crowd.where["udp"]))


GOOD = [
    talk,
    say_goodbye_first,
    ask_for_thought,
    ask_to_call_out,
    swallow_a_flood,
    send_datagrams,
]
BAD = [
    never_speak,
    dribble_and_vanish,
    never_end_a_line,
    crash_the_handler,
    leave_an_error_behind,
    ask_for_a_flood_and_reset,
    ask_for_thought_and_leave,
    come_and_go,
    linger_half_closed,
    crash_with_a_datagram,
]
