"""Keeping the processes of a node alive, and ending them together."""

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.server.process import prepare_child
from adapters.server.web import WebOptions

PROJECT = Path(__file__).resolve().parents[2]
_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_FIRST_DELAY_S, _LAST_DELAY_S = 0.5, 30.0
_PROVEN_S = 30.0  # a process that lived so long is restarted at once
_BOOT_S = 90.0
_PORT_S = 3.0
_STOP_GRACE_S = 15.0  # for the processes, beyond what running streams are given


class StartFailed(OSError):
    """A process of the node ended before it was ready; its own output says why."""


@dataclass(slots=True)
class Child:
    """A process to keep: how it is started, and how that went so far."""

    name: str
    command: Sequence[str]
    pass_fds: Sequence[int] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_at: float = 0.0
    delay_s: float = field(default=_FIRST_DELAY_S)

    def start(self) -> None:
        """Start it, in the group of this process: who kills the group kills the node."""
        path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            pass_fds=tuple(self.pass_fds),
            env={**os.environ, "PYTHONPATH": path},
            preexec_fn=prepare_child,  # noqa: PLW1509 - the supervisor has one thread
        )

    def is_running(self) -> bool:
        """Tell whether it runs; reap it if it does not."""
        return self.process is not None and self.process.poll() is None

    def plan_restart(self, now: float) -> float:
        """Return in how many seconds to start it again: later each time it fails at once."""
        if now - self.started_at > _PROVEN_S:
            self.delay_s = _FIRST_DELAY_S
        delay = self.delay_s
        self.delay_s = min(self.delay_s * 2, _LAST_DELAY_S)
        self.process, self.start_at = None, now + delay
        return delay

    def send(self, sent: signal.Signals) -> None:
        """Send a signal if it runs."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(sent)


def open_listener(host: str, port: int) -> socket.socket:
    """Bind the node's address; port 0 takes a free one. Raises OSError.

    A node that was killed a moment ago may still be letting go of the port: that is waited for.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + _PORT_S
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=2048)
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def web_address(listener: socket.socket, host: str) -> str:
    """Return the URL to show."""
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Supervisor:
    """Starts the web process and, if wanted, the job worker; restarts what dies; stops both.

    Args:
        host, port: where to listen.
        web: options of the web process by name, without the descriptors.
        job_command: how to start the job worker; None for none.
        say: takes each line for the person who started the node.
        stop_timeout_s: how long processes may take to stop before they are killed.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        web: Mapping[str, object],
        job_command: Sequence[str] | None,
        say: Callable[[str], None],
        stop_timeout_s: float,
    ) -> None:
        self._host, self._port, self._web_options = host, port, dict(web)
        self._job_command, self._say, self._stop_timeout_s = job_command, say, stop_timeout_s

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code.

        Raises:
            OSError: the address cannot be had.
            StartFailed: the web process ended before it was ready.
        """
        listener = open_listener(self._host, self._port)
        ready_read, ready_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        children = [self._web_child(listener, ready_write)]
        if self._job_command is not None:
            children.append(Child("job worker", self._job_command))
        try:
            for child in children:
                child.start()
            if self._wait_ready(children[0], ready_read):
                self._say(f"Velour is at {web_address(listener, self._host)}")
                self._watch(children)
            listener.close()
            return self._stop(children)
        finally:
            for child in children:
                child.send(signal.SIGKILL)
            listener.close()
            os.close(ready_read)
            os.close(ready_write)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _web_child(self, listener: socket.socket, ready_fd: int) -> Child:
        options = WebOptions(
            **self._web_options,  # type: ignore[arg-type]  # names and types as WebOptions has them
            listener_fd=listener.fileno(),
            ready_fd=ready_fd,
        )
        command = [sys.executable, "-m", "adapters.server.web", options.to_json()]
        return Child("web server", command, pass_fds=(listener.fileno(), ready_fd))

    def _wait_ready(self, web: Child, ready_fd: int) -> bool:
        """Wait for the first worker; False where a signal to stop came first."""
        deadline = time.monotonic() + _BOOT_S
        while time.monotonic() < deadline:
            if select.select([ready_fd], [], [], 0.05)[0]:
                return True
            if not web.is_running():
                break
            if _next_signal(0) in {signal.SIGTERM, signal.SIGINT}:
                return False
        raise StartFailed("The web server did not start; see the messages above.")

    def _watch(self, children: Sequence[Child]) -> None:
        """Restart what dies, until told to stop."""
        while True:
            now = time.monotonic()
            for child in children:
                if child.process is None and now >= child.start_at:
                    child.start()
                elif child.process is not None and not child.is_running():
                    code = child.process.returncode
                    delay = child.plan_restart(now)
                    self._say(f"The {child.name} ended ({code}); starting it again in {delay:g} s.")
            got = _next_signal(0.5)
            if got in {signal.SIGTERM, signal.SIGINT}:
                return
            if got == signal.SIGHUP:
                children[0].send(signal.SIGHUP)

    def _stop(self, children: Sequence[Child]) -> int:
        """Ask all to stop, wait, and kill what stays; a second request to stop kills at once."""
        deadline = time.monotonic() + self._stop_timeout_s
        for child in children:
            child.send(signal.SIGTERM)
        while time.monotonic() < deadline and any(child.is_running() for child in children):
            if _next_signal(0.2) in {signal.SIGTERM, signal.SIGINT}:
                break
        late = [child for child in children if child.is_running()]
        for child in late:
            child.send(signal.SIGKILL)
            self._say(f"The {child.name} did not stop in time and was killed.")
        return 1 if late else 0


def _next_signal(timeout_s: float) -> signal.Signals | None:
    got = signal.sigtimedwait(_WATCHED, timeout_s)
    return None if got is None else signal.Signals(got.si_signo)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeServer:
    """Runs a node: what the settings say of the server, without what the command says."""

    max_streams: int
    stall_timeout_s: float
    graceful_timeout_s: float
    send_buffer_bytes: int
    trusted_proxies: tuple[str, ...]
    application: str = "wsgi:app"
    job_command: Sequence[str] = (sys.executable, "-m", "flask", "--app", "wsgi", "worker")

    def __call__(
        self,
        *,
        host: str,
        port: int,
        workers: int,
        threads: int,
        with_jobs: bool,
        say: Callable[[str], None],
    ) -> int:
        """Serve until told to stop; return the exit code. Raises OSError, StartFailed."""
        return Supervisor(
            host=host,
            port=port,
            web={
                "application": self.application,
                "workers": workers,
                "threads": threads,
                "max_streams": self.max_streams,
                "stall_timeout_s": self.stall_timeout_s,
                "graceful_timeout_s": self.graceful_timeout_s,
                "send_buffer_bytes": self.send_buffer_bytes,
                "trusted_proxies": self.trusted_proxies,
            },
            job_command=self.job_command if with_jobs else None,
            say=say,
            stop_timeout_s=self.graceful_timeout_s + _STOP_GRACE_S,
        ).run()
