"""Peers that have the service's HTTP clients fetch something, from servers that behave and from others."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from tests.soak.crowd import Crowd
from tests.soak.peers.bad_servers import ANSWERS, CUT
from tests.soak.served.lines import FLOOD_BYTES

__all__ = ["BAD", "GOOD"]

#: What the bad server gets wrong, or leaves out.
WRONG = sorted(
    (ANSWERS.keys() | CUT.keys() | {"hang", "reset", "endless"})
    - {"fine", "redirect", "redirect-hang", "twice", "informational", "close", "until-close", "early"}
)

#: Seconds for what fails by taking too long.
SHORT_S = 0.5


def url(crowd: Crowd, where: str) -> str:
    """Return a URL: of the bad server for a name, of the service's site for a path."""
    if not where.startswith("/"):
        return f"http://127.0.0.1:{crowd.where['bad server']}/{where}"
    return f"http://127.0.0.1:{crowd.where['http']}{where}"


def secure_url(crowd: Crowd, path: str) -> str:
    """Return a URL of the service's site over TLS, which is spoken to by HTTP/2."""
    return f"https://localhost:{crowd.where['https']}{path}"


async def order(crowd: Crowd, sock: socket.socket, how: str, url: str, **more: Any) -> str:
    """Have something fetched; return what is said of it."""
    await crowd.say(sock, json.dumps({"how": how, "url": url, **more}).encode() + b"\n")
    answer = await crowd.hear(sock)
    assert answer.endswith(b"\n"), answer
    return answer.decode().strip()


# --- Those that behave -----------------------------------------------------------------------------------------


async def client_fetch(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for how in ("get", "agent_get"):
            for where in (
                "fine",
                "redirect",
                "twice",
                "informational",
                "close",
                "until-close",
                "/answer/later",
            ):
                answer = await order(crowd, sock, how, url(crowd, where))
                # After an answer too much the connection is no good: whoever is given it may meet that.
                assert answer.startswith(("200", "failed")), (where, answer)


async def client_many_at_once(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in (url(crowd, "/answer/later"), secure_url(crowd, "/answer/later")):
            answer = await order(crowd, sock, "many", where)
            assert answer == "200 12", (where, answer)


async def client_download(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in (url(crowd, "/answer/flood"), secure_url(crowd, "/answer/flood")):
            answer = await order(crowd, sock, "get", where)
            assert answer == f"200 {FLOOD_BYTES}", (where, answer)
        assert await order(crowd, sock, "agent_get", url(crowd, "/files/large")) == f"200 {FLOOD_BYTES}"


async def client_upload(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in (url(crowd, "/upload/all"), secure_url(crowd, "/upload/all")):
            answer = await order(crowd, sock, "post", where, pieces=20)
            assert answer == "200 6" or answer.startswith("408"), (where, answer)


# --- Those that do not -----------------------------------------------------------------------------------------


async def client_of_a_wrong_server(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for how in ("get", "agent_get", "part"):
            answer = await order(
                crowd, sock, how, url(crowd, crowd.random.choice(WRONG)), limit=100_000, patience=SHORT_S
            )
            assert how != "get" or answer.startswith("failed"), answer


async def client_upload_that_is_not_wanted(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in ("early", "reset", "hang", "cut-head", "/upload/none", "/upload/some", "/answer/"):
            await order(crowd, sock, "post", url(crowd, where), pieces=400, patience=SHORT_S)
        for path in ("/upload/none", "/upload/some", "/upload/crash", "/answer/"):
            await order(crowd, sock, "post", secure_url(crowd, path), pieces=400)


async def client_takes_a_part(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in (url(crowd, "slow"), url(crowd, "/answer/flood"), secure_url(crowd, "/answer/flood")):
            assert (await order(crowd, sock, "part", where)).startswith("200")


async def client_cancels(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in (
            url(
                crowd,
                crowd.random.choice(["hang", "slow", "stall", "stall-head", "endless", "redirect-hang"]),
            ),
            url(crowd, crowd.random.choice(["/answer/never", "/answer/flood"])),
            secure_url(crowd, crowd.random.choice(["/answer/never", "/answer/flood"])),
        ):
            await order(crowd, sock, "cancel", where, after=crowd.random.choice([0, 0.001, 0.05]))


async def client_waits_too_long(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for where in (url(crowd, "/answer/never"), secure_url(crowd, "/answer/never")):
            assert (await order(crowd, sock, "get", where, patience=SHORT_S)).startswith(
                "failed RequestTimeout"
            )


async def client_of_a_site_that_fails(crowd: Crowd) -> None:
    with await crowd.connect("fetching") as sock:
        for name in ("crash", "crash_later", "crash_midway", "crash_by_hand"):
            await order(crowd, sock, "get", url(crowd, f"/answer/{name}"))
            await order(crowd, sock, "get", secure_url(crowd, f"/answer/{name}"))


async def client_of_nobody(crowd: Crowd) -> None:
    """Connect to where nobody listens, speak TLS to who does not, and the other way round."""
    with await crowd.connect("fetching") as sock:
        for where in (
            "http://127.0.0.1:9/",
            f"https://127.0.0.1:{crowd.where['bad server']}/",
            f"https://localhost:{crowd.where['http']}/",
            f"http://127.0.0.1:{crowd.where['https']}/",
            f"https://127.0.0.1:{crowd.where['https']}/",  # the certificate is for localhost
        ):
            for how in ("get", "agent_get"):
                assert (await order(crowd, sock, how, where, patience=5)).startswith("failed")


async def client_whose_user_leaves(crowd: Crowd) -> None:
    """Order much, and be gone before it is there."""
    sock = await crowd.connect("fetching")
    for how in ("get", "many", "part", "agent_get"):
        for where in (
            url(crowd, crowd.random.choice(["hang", "slow", "endless", "fine", "round"])),
            secure_url(crowd, crowd.random.choice(["/answer/never", "/answer/flood", "/answer/later"])),
        ):
            await crowd.say(sock, json.dumps({"how": how, "url": where}).encode() + b"\n")
    await asyncio.sleep(crowd.random.choice([0, 0.01, 0.1]))
    crowd.reset(sock)


GOOD = [client_fetch, client_many_at_once, client_download, client_upload]
BAD = [
    client_of_a_wrong_server,
    client_upload_that_is_not_wanted,
    client_takes_a_part,
    client_cancels,
    client_waits_too_long,
    client_of_a_site_that_fails,
    client_of_nobody,
    client_whose_user_leaves,
]
