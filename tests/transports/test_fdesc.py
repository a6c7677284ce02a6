"""Raw descriptors without waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from selvage.errors import CONNECTION_DONE, CONNECTION_LOST
from selvage.transports import _fdesc


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    for end in ends:
        _fdesc.setNonBlocking(end)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


def test_blocking_is_switched(pipe):
    assert not os.get_blocking(pipe[0])
    _fdesc.setBlocking(pipe[0])
    assert os.get_blocking(pipe[0])


def test_inheritance_is_switched(pipe):
    _fdesc._unsetCloseOnExec(pipe[0])
    assert os.get_inheritable(pipe[0])
    _fdesc._setCloseOnExec(pipe[0])
    assert not os.get_inheritable(pipe[0])


def test_what_is_written_is_read(pipe):
    seen: list[bytes] = []
    assert _fdesc.readFromFD(pipe[0], seen.append) is None
    assert seen == []
    assert _fdesc.writeToFD(pipe[1], b"hello") == 5
    assert _fdesc.readFromFD(pipe[0], seen.append) is None
    assert seen == [b"hello"]


def test_a_full_pipe_takes_nothing(pipe):
    while _fdesc.writeToFD(pipe[1], b"x" * 65536):
        pass
    assert _fdesc.writeToFD(pipe[1], b"x") == 0


def test_ends(pipe):
    os.close(pipe[1])
    assert _fdesc.readFromFD(pipe[0], print) is CONNECTION_DONE
    assert _fdesc.writeToFD(pipe[1], b"x") is CONNECTION_LOST
    os.close(pipe[0])
    assert _fdesc.readFromFD(pipe[0], print) is CONNECTION_LOST
    assert _fdesc.writeToFD(pipe[0], b"x") is CONNECTION_LOST
