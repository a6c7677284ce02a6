"""For servers that open their socket themselves: a port for them, and its number printed when they listen."""

import socket
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
