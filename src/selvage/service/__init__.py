"""Services: what is started with a program and stopped with it.  Floor 5.

    monitor = ProcessMonitor()
    monitor.addProcess("worker", ["/usr/bin/worker", "--queue=mail"], env=None)
    monitor.startService()
    reactor.addSystemEventTrigger("before", "shutdown", monitor.stopService)

Twisted: `twisted.application.service.Service`, `twisted.runner.procmon`.
"""

from selvage._publish import publish
from selvage.service._process_monitor import ProcessMonitor as ProcessMonitor
from selvage.service._process_output import LineLogger as LineLogger, LoggingProtocol as LoggingProtocol
from selvage.service._service import Service as Service

__all__ = ["LineLogger", "LoggingProtocol", "ProcessMonitor", "Service"]

publish(globals())
