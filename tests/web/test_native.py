"""All of HTTP and of logins works where no Twisted can be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """
import importlib, pkgutil, sys
sys.modules["twisted"] = None  # whoever imports it gets an ImportError
from base64 import b64encode
import selvage.auth, selvage.web

# Every module, private ones included.
for package in (selvage.auth, selvage.web):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

from selvage.auth import InMemoryUsernamePasswordDatabaseDontUse, Portal, makeChecker
from selvage.web.guard import BasicCredentialFactory, DigestCredentialFactory, HTTPAuthSessionWrapper
from selvage.web.static import Data
from tests.web.serving import Server, body, status

class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        page = Data(b"for " + avatarId, "text/plain")
        page.isLeaf = True
        return interfaces[0], page, lambda: None

portal = Portal(Realm(), [makeChecker("memory:ann:secret")])
ways = [BasicCredentialFactory("r"), DigestCredentialFactory(b"md5", b"r")]
server = Server(HTTPAuthSessionWrapper(portal, ways))
ask = b"GET / HTTP/1.1\\r\\nHost: h\\r\\n%b\\r\\n"
assert status(server.send(ask % b"")) == 401
answer = server.send(ask % (b"Authorization: Basic %b\\r\\n" % b64encode(b"ann:secret")))
assert body(answer) == b"for ann", answer
assert sys.modules["twisted"] is None and not any(name.startswith("twisted.") for name in sys.modules)
"""


def test_no_twisted_is_needed():
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
