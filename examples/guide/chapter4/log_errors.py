# Guide 4.1.2. Mended: `logging.basicConfig` does not reach `twisted.python.log`, nothing was ever logged, and an error is logged by `log.err`, not `log.msg`.
"""Write messages and errors to a log file.  Argument: the file, server.log by default."""

import sys

from twisted.internet import reactor
from twisted.python import log


def myLogMessage(message):
    log.msg(f"Server error: {message}")


def work():
    myLogMessage("the disk is nearly full")
    try:
        {}["load"]
    except KeyError:
        log.err(None, "While looking up the load")
    reactor.stop()


if __name__ == "__main__":
    with open(sys.argv[1] if len(sys.argv) > 1 else "server.log", "w") as file:
        log.startLogging(file)
        reactor.callWhenRunning(work)
        reactor.run()
