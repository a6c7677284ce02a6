"""Import, listen, run one turn, end: what starting a TCP service costs. Runs on Twisted and on Selvage."""

import json
import resource

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
reactor.callWhenRunning(reactor.stop)
reactor.run()
with open("/proc/self/status") as status:
    resident_kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_ms": (used.ru_utime + used.ru_stime) * 1e3, "resident_mib": resident_kib / 1024}))
