"""The gate where the system's errors become Selvage's."""

from __future__ import annotations

import errno
import socket

import pytest

from selvage.errors import (
    ConnectError,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    NoRouteError,
    TCPTimedOutError,
    UnknownHostError,
)
from selvage.transports import getConnectError
from selvage.transports._errors import connect_error, lost_failure, os_connect_error


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ECONNREFUSED, ConnectionRefusedError),
        (errno.ENETUNREACH, NoRouteError),
        (errno.EHOSTUNREACH, NoRouteError),
        (errno.ETIMEDOUT, TCPTimedOutError),
        (errno.EPERM, ConnectError),
    ],
)
def test_numbers_become_classes(number, expected):
    for given in (OSError(number, "text"), (number, "text")):
        error = getConnectError(given)
        assert type(error) is expected
        assert (error.osError, error.args) == (number, ("text",))
    assert type(os_connect_error(number)) is expected


def test_what_has_no_number_is_kept_whole():
    for odd in (ValueError("odd"), OSError("odd"), OSError(), 7):
        error = getConnectError(odd)
        assert type(error) is ConnectError
        assert error.args == (odd,)


def test_unknown_hosts():
    assert type(getConnectError(socket.gaierror(socket.EAI_NONAME, "no such name"))) is UnknownHostError


def test_the_original_is_the_cause():
    original = OSError(errno.ECONNREFUSED, "refused")
    assert connect_error(original).__cause__ is original
    already = ConnectionRefusedError(1, "x")
    assert connect_error(already) is already


def test_ends_of_connections():
    assert type(lost_failure(None).value) is ConnectionDone
    original = ConnectionResetError(errno.ECONNRESET, "reset by peer")
    lost = lost_failure(original).value
    assert type(lost) is ConnectionLost
    assert lost.__cause__ is original
    assert "reset by peer" in str(lost)
    assert type(lost_failure(MemoryError()).value) is ConnectionLost
