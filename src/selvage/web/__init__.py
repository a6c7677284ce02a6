"""HTTP: a server and what it serves, and a client.  Floor 4.

`selvage.web.errors` has what goes wrong, `selvage.web.interfaces` the contracts.

Twisted: `twisted.web`.
"""

from selvage._publish import publish
from selvage.web._headers import Headers as Headers, InvalidHeaderName as InvalidHeaderName

__all__ = ["Headers", "InvalidHeaderName"]

publish(globals())
