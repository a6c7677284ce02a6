"""Scrapy, unmodified, on Selvage's `Agent`: a spider and the site that it crawls, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_twisted,
    pytest.mark.skipif(find_spec("scrapy") is None, reason="scrapy is not installed (pip install scrapy)"),
]

PROGRAM = """
import scrapy
from scrapy.crawler import CrawlerProcess

got = []

class Spider(scrapy.Spider):
    name = "spider"

    async def start(self):
        yield scrapy.Request(U + "/moved")
        yield scrapy.Request(U + "/echo?a", method="POST", body=b"x" * 100000)
        yield scrapy.Request(U + "/gone")
        yield scrapy.Request(U + "/never", errback=self.failed, meta={"download_timeout": 0.5})
        yield scrapy.Request(U + "/large", errback=self.failed, meta={"download_maxsize": 1000})
        yield scrapy.Request("http://other.test/echo?b", meta={"proxy": U})
        yield scrapy.Request("https://other.test/echo?c", errback=self.failed, meta={"proxy": U})

    def parse(self, response):
        got.append((response.url.removeprefix(U), response.status, len(response.body)))

    def failed(self, failure):
        got.append((failure.request.url.removeprefix(U), failure.type.__name__))

process = CrawlerProcess({
    "LOG_LEVEL": "CRITICAL", "RETRY_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "HTTPERROR_ALLOW_ALL": True,
})
process.crawl(Spider)

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

class Pages(Resource):
    isLeaf = True

    def render(self, request):
        path = request.path.rpartition(b"/")[2]
        if path == b"moved":
            request.redirect(b"/echo")
            request.addCookie(b"k", b"v")
            return b""
        if path == b"never":
            return NOT_DONE_YET
        if path == b"large":
            return bytes(10_000)
        request.setResponseCode(200 if path == b"echo" else 404)
        return request.content.read() + (request.getCookie(b"k") or b"")

port = reactor.listenTCP(0, Site(Pages()), interface="127.0.0.1")
U = f"http://127.0.0.1:{port.getHost().port}"
process.start()
import twisted.web.client
print(twisted.web.client.Agent.__module__)
for each in sorted(got, key=str):
    print(*each)
"""

EXPECTED = """\
selvage.web.client
/echo 200 1
/echo?a 200 100000
/gone 404 0
/large DownloadCancelledError
/never DownloadTimeoutError
http://other.test/echo?b 200 0
https://other.test/echo?c TunnelError
"""


def test_a_spider_crawls(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-W", "ignore", "-m", "selvage", "twisted", str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.stdout == EXPECTED, done.stderr
