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


def opened(port, number):
    connection = socket.create_connection(
        ("127.0.0.1", port), timeout=30, source_address=(f"127.0.0.{1 + number // FROM_ONE_ADDRESS}", 0)
    )
    connection.sendall(REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < int(LENGTH.search(answer)[1]):
        piece = connection.recv(65536)
        assert piece, f"connection {number} was closed after {answer!r}"
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return connection


def still_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


if __name__ == "__main__":
    port, count = map(int, sys.argv[1:])
    start = time.monotonic()
    held = [opened(port, number) for number in range(count)]
    print(f"{count / (time.monotonic() - start):.1f} {count} 0", flush=True)
    sys.stdin.read()
    gone = sum(not still_open(connection) for connection in held)
    assert not gone, f"{gone} of {count} connections did not last"
