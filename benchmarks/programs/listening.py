"""For servers that open their socket themselves: a port for them, and its number printed when they listen."""

import random
import socket
import threading
import time

# Below those from which systems take the ports of clients: one of many connections would sit on it.
PORTS = range(20_000, 32_000)


def free_port():
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.choice(PORTS)))
                return probe.getsockname()[1]
            except OSError:
                pass  # taken


def say_when_listening(port):
    """Print the port as soon as somebody listens there, and go on meanwhile."""

    def wait():
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.01)
        print(port, flush=True)

    threading.Thread(target=wait, daemon=True).start()
