"""Nodes as real processes on this machine, for the lab and for the tests that need them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0


class CommandFailed(Exception):
    """A command of a node ended with an exit code other than 0."""

    def __init__(self, arguments: tuple[str, ...], code: int, message: str) -> None:
        super().__init__(f"flask {' '.join(arguments)}: exit {code}: {message.strip()}")
        self.code, self.message = code, message


@dataclass
class Node:
    """One installation with its own data directory, and its server once it is started."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()

    @property
    def url(self) -> str:
        """The address of the node's server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the node's processes: none of the caller's settings leak in."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VELOUR", "FEDERATION"))}
        lab = {
            "VELOUR_DATA_DIR": str(self.data_dir),
            "FEDERATION_REQUIRE_HTTPS": "false",
            "FEDERATION_ALLOWED_NETWORKS": "127.0.0.0/8",
            "VELOUR__LIBRARY__GROWING_SECONDS": "0",
        }
        return kept | lab | self.settings

    def command(self, *arguments: str) -> list[str]:
        """Return the argument list of one of the node's commands."""
        return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]

    def run(
        self, *arguments: str, stdin: str = "", timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit code."""
        return subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def flask(self, *arguments: str, stdin: str = "") -> str:
        """Run a command; return what it prints or raise CommandFailed with what it says."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode:
            raise CommandFailed(arguments, done.returncode, done.stderr)
        return done.stdout

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with ``--json`` and return what it prints."""
        return json.loads(self.flask(*arguments, "--json", stdin=stdin))

    def start(self, *arguments: str) -> None:
        """Start the server and wait until it answers."""
        log = (self.data_dir / "serve.log").open("ab") if self.data_dir.is_dir() else None
        with log or contextlib.nullcontext():
            self.process = subprocess.Popen(
                self.command("serve", "--port", str(self.port), *arguments),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log or subprocess.DEVNULL,
                stderr=log or subprocess.DEVNULL,
                start_new_session=True,
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return once the server answers; raise if it ended or takes too long."""
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            with (
                contextlib.suppress(OSError, urllib.error.URLError),
                urllib.request.urlopen(f"{self.url}/health/live", timeout=2),  # noqa: S310 - ours
            ):
                return
            time.sleep(0.1)
        raise TimeoutError(f"{self.url} does not answer")

    def stop(self) -> int | None:
        """Stop the server as a service manager does; return its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None
        return code

    def kill(self) -> None:
        """Kill every process of the server at once, as a power cut does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    # -- what an admin does first

    def add_admin(self, password: str) -> None:
        """Make the user ``admin``."""
        self.flask("db", "upgrade")
        self.flask(
            *("user", "create", "admin@example.org", "--username", "admin"),
            *("--password-stdin", "--admin"),
            stdin=password,
        )

    def add_library(self, name: str, folder: Path) -> dict[str, Any]:
        """Make a library with one local location of the same name and scan it."""
        self.flask("library", "create", name)
        self.flask(
            *("storage", "add", name, "--type", "local", "--library", name),
            *("--option", f"path={folder}"),
        )
        result: dict[str, Any] = self.json("storage", "scan", name, "--wait")
        return result

    def grant(self, name: str, library: str, *scopes: str) -> str:
        """Make a peer key for a library and return its text."""
        scope_options = [part for scope in scopes for part in ("--scope", scope)]
        made = self.json("key", "create", name, *scope_options, "--library", library)
        return str(made["key"])

    def connect(self, name: str, peer: "Node", key: str) -> dict[str, Any]:
        """Connect to a peer and read its catalogue."""
        self.flask("connection", "add", name, "--url", peer.url, "--key-stdin", stdin=key)
        result: dict[str, Any] = self.json("storage", "scan", name, "--wait")
        return result


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_film(film: Path, target: Path, *, mark: bytes) -> None:
    """Copy an MP4 and append a free box with ``mark``: another file, the same pictures."""
    shutil.copyfile(film, target)
    with target.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(mark), b"free") + mark)
