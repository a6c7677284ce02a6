"""nginx, one worker, with two of the answers of twisted_web.py: the limit.

usage: nginx_web.py NGINX hello|file PATH
"""

import os
import subprocess
import sys
import tempfile

from listening import free_port, say_when_listening

CONFIGURATION = """
{user}
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type text/html;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = / {{ {answer} }}
    }}
}}
"""


def answer(what, path=""):
    if what == "hello":
        return 'return 200 "Hello, world!";'
    folder, name = os.path.split(path)
    return f"root {folder}; try_files /{name} =404;"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        configuration = os.path.join(folder, "nginx.conf")
        with open(configuration, "w") as file:
            file.write(
                CONFIGURATION.format(
                    # Started by root its worker would give its rights up, and could not read the file.
                    user="" if os.geteuid() else "user root;",
                    folder=folder,
                    port=port,
                    answer=answer(*sys.argv[2:]),
                )
            )
        say_when_listening(port)
        subprocess.run(
            [sys.argv[1], "-p", folder, "-c", configuration], stderr=subprocess.DEVNULL, check=True
        )
