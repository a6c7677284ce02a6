"""nginx and HAProxy, as they are put in front of a site: their configurations, and how they are started and ended."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selvage.reactor import deferToThread
from tests.foreign import PATIENCE_S, free_ports, program, wait_until_listening
from tests.transports.certificates import authority, certificate

NGINX = """
{user}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 200; }}
http {{
    log_format asked "$status $upstream_status";
    access_log {folder}/access.log asked;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    client_max_body_size 100m;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    upstream site {{ server 127.0.0.1:{site}; keepalive 4; }}
    proxy_pass_header Server;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{secure} ssl http2;
        ssl_certificate {certificate}; ssl_certificate_key {certificate};
        location / {{ proxy_pass http://site; }}
    }}
    server {{
        listen 127.0.0.1:{unbuffered};
        proxy_request_buffering off; proxy_buffering off;
        location / {{ proxy_pass http://site; }}
    }}
}}
"""

HAPROXY = """
global
    maxconn 200
    log {log} len 4096 format raw local0
    ca-base {folder}
defaults
    mode http
    log global
    log-format "%ST %tsc"
    option forwardfor
    timeout connect {patience}s
    timeout client {patience}s
    timeout server {patience}s
    timeout tunnel {patience}s
    http-reuse always
frontend front
    bind 127.0.0.1:{plain}
    bind 127.0.0.1:{unbuffered}
    bind 127.0.0.1:{secure} ssl crt {certificate} alpn h2,http/1.1
    default_backend site
backend site
    server site 127.0.0.1:{site} {server}
"""


@dataclass
class Front:
    """A proxy that runs; the URLs of its faces, and what it has written about each request."""

    plain: str
    secure: str
    #: Takes bodies of requests and answers piece by piece; for HAProxy the same as `plain`.
    unbuffered: str
    process: subprocess.Popen[bytes]
    log: Path

    def statuses(self) -> list[str]:
        """What was answered to each request, and for nginx also by whom: several numbers are several attempts."""
        return self.log.read_text().splitlines()


def _pem(folder: Path) -> Path:
    path = folder / "front.pem"
    path.write_bytes(certificate().private_key_and_cert_chain_pem.bytes())
    return path


@asynccontextmanager
async def in_front(kind: str, folder: Path, site: int, server: str = "") -> Any:
    """Run nginx or HAProxy before a site while the block runs.

    Args:
        kind: "nginx" or "haproxy".
        folder: an empty one, for its configuration and what it writes.
        site: the port of the site.
        server: what HAProxy is told of the site, such as "send-proxy".
    """
    command = program(kind)
    plain, secure, unbuffered = free_ports(3)
    (folder / "authority.pem").write_bytes(authority().cert_pem.bytes())
    configuration = folder / f"{kind}.conf"
    configuration.write_text(
        {"nginx": NGINX, "haproxy": HAPROXY}[kind].format(
            # Started by root it would give its rights up, and could not write to the folder of this test.
            user="" if os.geteuid() else "user root;",
            folder=folder,
            site=site,
            plain=plain,
            secure=secure,
            unbuffered=unbuffered,
            certificate=_pem(folder),
            log="stdout",
            patience=PATIENCE_S,
            server=server,
        )
    )
    log = folder / "access.log"
    arguments = {"nginx": ["-p", folder, "-c", configuration], "haproxy": ["-db", "-f", configuration]}[kind]
    with (
        open(log, "ab") as access,
        open(folder / "said", "wb") as said,
        subprocess.Popen([command, *map(str, arguments)], stdout=access, stderr=said) as process,
    ):
        try:
            for port in (plain, secure, unbuffered):
                await deferToThread(wait_until_listening, port, process)
            yield Front(
                f"http://127.0.0.1:{plain}",
                f"https://localhost:{secure}",
                f"http://127.0.0.1:{unbuffered}",
                process,
                log,
            )
        finally:
            process.terminate()
            await deferToThread(process.wait, PATIENCE_S)


def attempts(line: str) -> list[str]:
    """The statuses of the attempts that nginx made for one request."""
    return re.findall(r"\d{3}", line)[1:]
