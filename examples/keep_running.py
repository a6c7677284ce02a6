"""Keep programs running, each given as a command line, until Ctrl-C; their lines and their ends go to the log.

    python examples/keep_running.py "python -u worker.py" "tail -F /var/log/syslog"

Written with Selvage's own names; a Twisted program imports the same from `twisted.runner.procmon`.
"""

import os
import shlex
import shutil
import sys

from selvage.logger import configure
from selvage.reactor import get_reactor
from selvage.service import ProcessMonitor


def main() -> None:
    if not sys.argv[1:]:
        sys.exit(__doc__)
    configure()
    reactor = get_reactor()
    monitor = ProcessMonitor()
    for number, line in enumerate(sys.argv[1:], 1):
        program, *arguments = shlex.split(line)
        path = shutil.which(program)
        if path is None:
            sys.exit(f"there is no program {program!r}")
        name = f"{number} {os.path.basename(program)}"
        monitor.addProcess(name, [path, *arguments], env=None)
    reactor.callWhenRunning(monitor.startService)
    # The reactor waits until the last one has ended, by force if need be.
    reactor.addSystemEventTrigger("before", "shutdown", monitor.stopService)
    reactor.run()


main()
