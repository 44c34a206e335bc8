"""nginx as a web server that keeps films."""

import subprocess
from pathlib import Path

from tests.benchmarks.harness import NGINX, free_port, wait_for_port
from tests.servers import absent

_WHOLE = """daemon off; master_process off; {user} pid {home}/pid; error_log {home}/error.log;
events {{}}
http {{
  access_log {home}/access.log; client_body_temp_path {home}/t; proxy_temp_path {home}/t;
  fastcgi_temp_path {home}/t; uwsgi_temp_path {home}/t; scgi_temp_path {home}/t;
  {site}
}}
"""


class Nginx:
    """A running nginx.

    Args:
        home: a folder for its own files.
        inside: what stands in its ``server`` block.
        port: 0 for any.
    """

    def __init__(self, home, inside, *, port=0):
        if not Path(NGINX).exists():
            absent("nginx", "not installed")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = home
        home.mkdir(exist_ok=True)
        site = f"server {{ listen 127.0.0.1:{self.port}; charset utf-8; {inside} }}"
        user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
        config = home / "nginx.conf"
        config.write_text(_WHOLE.format(home=home, site=site, user=user))
        self._process = subprocess.Popen([NGINX, "-c", str(config), "-p", str(home)])
        wait_for_port(self.port)

    def requests(self):
        """Return the lines of its log so far: method and path."""
        lines = (self._home / "access.log").read_text().splitlines()
        return [line.split('"')[1].rpartition(" ")[0] for line in lines]

    def close(self):
        self._process.terminate()
        self._process.wait(10)


def films_of(root, *, options="", at="/"):
    """Return a ``location`` that lists a folder."""
    return f'location {at} {{ alias "{root}/"; autoindex on; {options} }}'
