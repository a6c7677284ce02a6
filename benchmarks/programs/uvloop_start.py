"""The work of twisted_start.py on a bare uvloop."""

import asyncio
import json
import resource

import uvloop


async def main():
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    server.close()


uvloop.run(main())
with open("/proc/self/status") as status:
    resident_kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_ms": (used.ru_utime + used.ru_stime) * 1e3, "resident_mib": resident_kib / 1024}))
