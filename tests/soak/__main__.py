"""Soak the reactor: connections come and go, half of them misbehave; at the end all is as at the beginning.

`make soak` runs it for two minutes on uvloop; `python -m tests.soak --loop asyncio --seconds 600 --seed 7 --kinds tls,http2` as
one likes.
The exit status is 1 when something was left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.soak import peers
from tests.soak.crowd import Crowd
from tests.soak.peers import bad_servers

ROOT = Path(__file__).parent.parent.parent
#: Peers that come at once.
PEERS = 60
#: Rounds before the first count: caches, thread pool, allocator's arenas are filled by then.
WARM_UP_ROUNDS = 3
#: How much more memory may be resident at the end: arenas are not given back whole. In KiB.
GROWTH_KIB = 8 * 1024
#: How often it is looked whether the last connections have gone, and how many seconds between.
LOOKS, LOOK_INTERVAL_S = 100, 0.1


class Service:
    """The service in its own process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.where: dict[str, Any] = {}

    @classmethod
    async def start(cls, loop: str, folder: str) -> Service:
        """Start it and wait until it listens."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.soak.service", loop, folder),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self = cls(process)
        self.where = await self._line()
        return self

    async def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())

    async def count(self) -> dict[str, Any]:
        """Ask what there is."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"count\n")
        counted: dict[str, Any] = await self._line()
        return counted

    async def settle(self, before: dict[str, Any] | None = None, ports: int = 0) -> dict[str, Any]:
        """Count when the last connections have gone, or when they should have.

        Args:
            before: the count that there should be again; without one it is waited until nothing changes.
            ports: how much is open without any connection.
        """
        counted = await self.count()
        for _ in range(LOOKS):
            if before is not None and not differences(before, counted):
                break
            await asyncio.sleep(LOOK_INTERVAL_S)
            later = await self.count()
            if before is None and steady(counted) == steady(later) and later["open"] <= ports:
                return later
            counted = later
        return counted

    async def stop(self) -> int:
        """Close its input, which ends it; returns its status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self._process.wait()


def steady(counted: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same at the end, by name."""
    return {name: counted[name] for name in ("descriptors", "timers", "open", "readers")} | counted["objects"]


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say what was left behind."""
    then, now = steady(before), steady(after)
    found = [f"{name}: {then[name]} before, {now[name]} after" for name in then if now[name] > then[name]]
    grown = after["resident_kib"] - before["resident_kib"]
    if grown > GROWTH_KIB:
        found.append(f"memory: {grown} KiB more than before")
    happened = after["happened"]
    expected = happened.get("crash", 0) + happened.get("forget", 0)
    # And one for the first datagram that was cut.
    cut = min(happened.get("datagrams cut", 0), 1)
    if happened.get("reported", 0) != expected + cut:
        found.append(
            f"failures: {expected} made and {cut} datagram cut, {happened.get('reported', 0)} reported"
        )
    connected, lost = happened.get("connected", 0), happened.get("lost", 0)
    if connected != lost:
        found.append(f"connections: {connected} made, {lost} lost")
    return found


async def soak(
    loop: str,
    seed: int,
    enough: Callable[[int], bool],
    say: Callable[[str], object],
    kinds: Sequence[str] = peers.KINDS,
) -> tuple[list[str], dict[str, Any]]:
    """Run rounds until there are enough.

    Args:
        kinds: which peers come.
        enough: told how many rounds there were.

    Returns: what was left behind, in words; and the last count.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        service = await Service.start(loop, folder)
        bad_server = await bad_servers.serve()
        where = service.where | {"bad server": bad_server.sockets[0].getsockname()[1]}
        empty = await service.count()
        crowd = Crowd(where, seed, *peers.of(kinds))
        for _ in range(WARM_UP_ROUNDS):
            await crowd.everybody()
            await crowd.round(PEERS)
        before = await service.settle(ports=empty["open"])
        say(f"empty:  {there(empty)}, {empty['resident_kib']} KiB")
        say(f"before: {there(before)}, {before['resident_kib']} KiB")
        rounds = 0
        while not enough(rounds):
            await crowd.round(PEERS)
            rounds += 1
        after = await service.settle(before)
        say(f"after:  {there(after)}, {after['resident_kib']} KiB")
        say(f"{rounds} rounds of {PEERS} peers: {dict(crowd.did)}")
        say(f"the service: {after['happened']}")
        left = differences(before, after)
        bad_server.close()
        status = await service.stop()
        if status:
            left.append(f"the service ended with status {status}")
        return left, after


def lasting(seconds: float) -> Callable[[int], bool]:
    """Return what says that there are enough rounds when so many seconds have gone by since it was first asked."""
    end: list[float] = []

    def enough(rounds: int) -> bool:
        if not end:
            end.append(time.monotonic() + seconds)
        return time.monotonic() > end[0]

    return enough


def there(counted: dict[str, Any]) -> dict[str, Any]:
    """What there is of all that is counted, for people."""
    return {name: number for name, number in steady(counted).items() if number}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long peers keep coming (120)")
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000, help="chooses who comes when")
    parser.add_argument(
        "--kinds",
        default=",".join(peers.KINDS),
        help="who comes: kinds, or single ones by name (%(default)s)",
    )
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    if not all(peers.of(kinds)):
        parser.error(
            f"{options.kinds}: there have to be some who behave and some who do not, of {', '.join(peers.KINDS)}"
        )
    print(f"seed {options.seed}, {options.loop}, {options.seconds:g} s, {options.kinds}")
    left, _ = asyncio.run(soak(options.loop, options.seed, lasting(options.seconds), print, kinds))
    for each in left:
        print("LEFT BEHIND", each)
    print("nothing was left behind" if not left else f"{len(left)} things were left behind")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
