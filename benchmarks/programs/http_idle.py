"""Connections that ask once and then stay: opened, counted, held until standard input ends.

usage: http_idle.py PORT CONNECTIONS

Prints connections per second, their number, and 0.
"""

import re
import socket
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
#: Connections from one address of this machine; those of the next come from another one, as ports are not that many.
FROM_ONE_ADDRESS = 4096


#: Asked at once, so that a busy machine need not come back to the server for each.
AT_ONCE = 128


def begun(port, number):
    connection = socket.create_connection(
        ("127.0.0.1", port), timeout=30, source_address=(f"127.0.0.{1 + number // FROM_ONE_ADDRESS}", 0)
    )
    connection.sendall(REQUEST)
    return connection


def take_answer(connection):
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < int(LENGTH.search(answer)[1]):
        piece = connection.recv(65536)
        assert piece, f"a connection was closed after {answer!r}"
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def opened(port, count):
    held = []
    while len(held) < count:
        batch = [begun(port, number) for number in range(len(held), min(len(held) + AT_ONCE, count))]
        for connection in batch:
            take_answer(connection)
        held += batch
    return held


def still_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


if __name__ == "__main__":
    port, count = map(int, sys.argv[1:])
    start = time.monotonic()
    held = opened(port, count)
    print(f"{count / (time.monotonic() - start):.1f} {count} 0", flush=True)
    sys.stdin.read()
    gone = sum(not still_open(connection) for connection in held)
    assert not gone, f"{gone} of {count} connections did not last"
