"""A proxy that treats the connections to a live service badly: `selvage chaos`.

selvage chaos --listen tcp:9000 --to tcp:localhost:8000 --cut 0.01 --delay 50ms..2s --seed 7
"""

from selvage._publish import publish
from selvage.testing.chaos._command import command
from selvage.testing.chaos._options import OPTIONS, faults_from
from selvage.testing.chaos._run import chaos

__all__ = ["OPTIONS", "chaos", "command", "faults_from"]

publish(globals())
