"""What the standard library's logging costs for the work of twisted_logging.py."""

import logging
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from timing import measure

log = logging.getLogger("benchmark")


def to_a_file(count):
    for number in range(count):
        log.info("%s asked for %s and got %s bytes", "10.0.0.1", "/index", number)


def disabled(count):
    for number in range(count):
        log.debug("%s asked for %s and got %s bytes", "10.0.0.1", "/index", number)


if __name__ == "__main__":
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter("%(asctime)s [%(name)s#%(levelname)s] %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        measure({"log event to a file": to_a_file, "disabled log event": disabled})
