"""Descriptors that run out are spoken of once a period, and once when there are some again."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from selvage.transports import _scarcity
from selvage.transports._scarcity import LOOK_EVERY, Scarcity

LIMIT = 1000


class Loop:
    """The part of a loop that is asked: time, and calls later."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, Any]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, function: Any) -> None:
        self.calls.append((self.now + delay, function))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.calls and min(self.calls)[0] <= end:
            self.now, function = min(self.calls, key=lambda call: call[0])
            self.calls.remove((self.now, function))
            function()
        self.now = end


class Port:
    def __init__(self) -> None:
        self.mentioned: list[str] = []

    def _mention(self, text: str, level: str) -> None:
        assert level == "warn"
        self.mentioned.append(text)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many descriptors are left."""
    number: list[float] = [LIMIT]
    monkeypatch.setattr(_scarcity, "_left", lambda: number[0])
    monkeypatch.setattr(_scarcity, "descriptor_limit", lambda: LIMIT)
    return number


def test_enough_is_no_news(left):
    loop = Loop()
    Scarcity(loop).look(Port())
    assert not loop.calls


def test_once_a_period_and_once_when_it_is_over(left):
    loop, port = Loop(), Port()
    scarcity = Scarcity(loop)
    left[0] = LOOK_EVERY - 1
    for _ in range(1000):
        scarcity.look(port)
        scarcity.turned_away(port)
    assert len(port.mentioned) == 1
    assert "used up its 1000 descriptors" in port.mentioned[0]
    loop.advance(59)
    scarcity.turned_away(port)
    assert len(port.mentioned) == 1
    loop.advance(2)
    scarcity.turned_away(port)
    assert len(port.mentioned) == 2
    left[0] = 500
    loop.advance(1)
    assert port.mentioned[2:] == [
        "There are descriptors again, after 62 s; 1002 connections were turned away"
    ]
    assert not loop.calls
    loop.advance(1000)
    left[0] = 0
    scarcity.look(port)
    assert len(port.mentioned) == 4
    left[0] = 500
    loop.advance(1)
    assert port.mentioned[4:] == ["There are descriptors again, after 1 s"]


def test_what_is_left(monkeypatch):
    monkeypatch.setattr(_scarcity, "descriptor_limit", lambda: LIMIT)
    lowest = os.dup(0)
    os.close(lowest)
    assert _scarcity._left() == LIMIT - lowest

    def fail(*args: Any) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", fail)
    assert _scarcity._left() == 0
    monkeypatch.setattr(_scarcity, "descriptor_limit", lambda: None)
    assert _scarcity._left() == float("inf")


def test_the_limit_is_the_system_s():
    resource = pytest.importorskip("resource")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert _scarcity.descriptor_limit() == (None if limit == resource.RLIM_INFINITY else limit)
