"""What the standard `logging` costs for the work of twisted_log.py."""

import logging
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from timing import measure

log = logging.getLogger(__name__)


def passes(count):
    for number in range(count):
        log.info("sold %s of %s", number, "something")


def disabled(count):
    for number in range(count):
        log.debug("sold %s of %s", number, "something")


if __name__ == "__main__":
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        logging.basicConfig(
            stream=file, level=logging.INFO, format="%(asctime)s [%(name)s#%(levelname)s] %(message)s"
        )
        measure({"log event to a file": passes, "log event, disabled": disabled})
