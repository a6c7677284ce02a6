"""Peers that speak TLS: handshakes that break off, garbage, goodbyes that never come.  Each of either engine of the service."""

from __future__ import annotations

import asyncio
import ssl

from tests.soak.crowd import Crowd, sent_away
from tests.soak.hurry import PATIENCE_S
from tests.soak.peers.secure import Secure
from tests.soak.served.lines import FLOOD_BYTES

__all__ = ["BAD", "GOOD"]


def engine(crowd: Crowd) -> str:
    """Return the name of a service, by the one or the other engine."""
    return crowd.random.choice(["tls", "pyopenssl"])


async def connect(crowd: Crowd) -> Secure:
    return await Secure.connect(crowd, engine(crowd))


# --- Those that behave -----------------------------------------------------------------------------------------


async def tls_talk(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        for number in range(5):
            await peer.say(b"line %d\n" % number)
            assert (await peer.hear() or sent_away()).startswith(b"line")
        await peer.say_goodbye()
        assert await peer.hear_end() == b""


async def tls_be_told_goodbye(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"goodbye\n")
        assert (await peer.hear() or sent_away()) == b"goodbye\n"
        assert await peer.hear() == b""
        await peer.say_goodbye()


async def tls_swallow_a_flood(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"flood\n")
        if len(await peer.hear_end()) < FLOOD_BYTES:
            sent_away()


async def tls_ask_for_thought(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"think\n")
        assert (await peer.hear() or sent_away()) == b"499500\n"


# --- Those that do not -----------------------------------------------------------------------------------------


async def tls_never_say_hello(crowd: Crowd) -> None:
    with await crowd.connect(engine(crowd)) as sock:
        await crowd.hear_end(sock)


async def tls_break_off_the_hello(crowd: Crowd) -> None:
    sock = await crowd.connect(engine(crowd))
    hello = Secure(crowd, sock).hello()
    await crowd.say(sock, hello[: crowd.random.randrange(1, len(hello))])
    if crowd.random.random() < 0.5:
        await crowd.hear_end(sock)  # until it is sent away
    crowd.reset(sock)


async def tls_break_off_the_handshake(crowd: Crowd) -> None:
    """Hear the server's flight and leave."""
    sock = await crowd.connect(engine(crowd))
    await crowd.say(sock, Secure(crowd, sock).hello())
    await crowd.hear(sock)
    crowd.reset(sock)


async def tls_never_finish_the_handshake(crowd: Crowd) -> None:
    with await crowd.connect(engine(crowd)) as sock:
        await crowd.say(sock, Secure(crowd, sock).hello())
        await crowd.hear_end(sock)


async def tls_speak_no_tls(crowd: Crowd) -> None:
    with await crowd.connect(engine(crowd)) as sock:
        await crowd.say(sock, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await crowd.hear_end(sock)


async def tls_distrust_the_certificate(crowd: Crowd) -> None:
    context = ssl.create_default_context()
    try:
        await asyncio.open_connection("127.0.0.1", crowd.where[engine(crowd)], ssl=context)
    except ssl.SSLError:
        pass
    else:
        raise AssertionError("a certificate of nobody was trusted")


async def tls_garbage_after_the_handshake(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"line\n")
        await peer.hear()
        await crowd.say(peer.sock, crowd.random.randbytes(500))
        await crowd.hear_end(peer.sock)


async def tls_never_answer_a_goodbye(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"goodbye\n")
        await crowd.hear_end(peer.sock)


async def tls_never_answer_and_never_read(crowd: Crowd) -> None:
    """Let the service have more to say than fits anywhere, and its idle timeout as well."""
    with await connect(crowd) as peer:
        await peer.say(b"flood\n")
        await asyncio.sleep(1.5 * PATIENCE_S)


async def tls_goodbye_and_silence(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say_goodbye()
        await crowd.hear_end(peer.sock)


async def tls_leave_without_goodbye(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"line\n")


async def tls_reset_in_a_flood(crowd: Crowd) -> None:
    peer = await connect(crowd)
    await peer.say(b"flood\n")
    await peer.hear()
    peer.reset()


async def tls_reset_while_it_thinks(crowd: Crowd) -> None:
    peer = await connect(crowd)
    await peer.say(b"think\n")
    peer.reset()


async def tls_crash_the_handler(crowd: Crowd) -> None:
    with await connect(crowd) as peer:
        await peer.say(b"crash\n")
        await peer.hear_end()


GOOD = [tls_talk, tls_be_told_goodbye, tls_swallow_a_flood, tls_ask_for_thought]
BAD = [
    tls_never_say_hello,
    tls_break_off_the_hello,
    tls_break_off_the_handshake,
    tls_never_finish_the_handshake,
    tls_speak_no_tls,
    tls_distrust_the_certificate,
    tls_garbage_after_the_handshake,
    tls_never_answer_a_goodbye,
    tls_never_answer_and_never_read,
    tls_goodbye_and_silence,
    tls_leave_without_goodbye,
    tls_reset_in_a_flood,
    tls_reset_while_it_thinks,
    tls_crash_the_handler,
]
