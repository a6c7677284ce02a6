"""What type checkers make of the client of HTTP.

Each `type: ignore` marks a mistake that has to be noticed.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

from selvage.defer import Deferred
from selvage.web.client import Client, ClientResponse, Retries, Timeouts, readBody


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


def read(response: object) -> None:
    assert_type(readBody(response), Deferred[bytes])
