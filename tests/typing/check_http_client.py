"""What type checkers make of the client of HTTP.

Each `type: ignore` marks a mistake that has to be noticed.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from typing import assert_type

from selvage.defer import Deferred
from selvage.web import Headers
from selvage.web.client import (
    Auth,
    Client,
    ClientResponse,
    DigestAuth,
    RequestOptions,
    Retries,
    Timeouts,
    readBody,
)


class Token(Auth):
    def authorization(self, method: str, url: str) -> str:
        return "Bearer t"


async def pieces() -> AsyncIterator[bytes]:
    yield b""


async def tell(client: Client, query: Mapping[str, int], options: RequestOptions) -> None:
    await client.get("/", **options)
    await client.get("/", params=query, headers={"a": "b"}, auth=("u", "p"))
    await client.get("/", params={"a": [1, 2]}, headers={b"x": [b"y"]}, auth="Bearer t")
    await client.get("/", params=[("a", 1)], headers=[("a", "b")], auth=DigestAuth("u", "p"))
    await client.get("/", headers=Headers({"a": ["b"]}), auth=Token(), timeout=None)
    await client.post("/", data=pieces(), expect_continue=True)
    await client.post("/", data={"a": "b"}, files={"f": ("n", b"x", "text/plain"), "g": BytesIO()})
    await client.get("/", auth=5)  # type: ignore
    await client.get("/", timeout="5")  # type: ignore
    await client.get("/", params=5)  # type: ignore
    await client.get("/", headers={"a": 5})  # type: ignore
    await client.get("/", retries="2")  # type: ignore
    (await client.get("/")).status_code  # type: ignore


async def ask(client: Client) -> None:
    response = await client.get("http://h/", params={"a": 1}, timeout=Timeouts(total=3), retries=Retries(2))
    assert_type(response, ClientResponse)
    assert_type(response.status, int)
    assert_type(response.content, bytes)
    assert_type(response.text, str)
    assert_type(client.post("http://h/", json={}), Deferred[ClientResponse])
    await client.get("http://h/", parms={"a": 1})  # type: ignore
    await client.get(b"http://h/")  # type: ignore
    async with client.stream("GET", "http://h/") as streamed:
        async for piece in streamed.chunks():
            assert_type(piece, bytes)
        async for line in streamed.lines():
            assert_type(line, str)


def read(response: object) -> None:
    assert_type(readBody(response), Deferred[bytes])
