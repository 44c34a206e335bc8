"""The parts of serving that need no server: options, restarts, the command."""

import sys
import time

import click
import pytest
from click.testing import CliRunner

from adapters.server.patience import request_is_here
from adapters.server.supervisor import Child, StartFailed, Supervisor, open_listener, web_address
from app.cli.serve import serve_command
from app.settings import Server


@pytest.mark.parametrize(
    ("held", "here"),
    [
        (b"", False), (b"GET / HTTP/1.1\r\nHost: x\r\n", False), (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", False), (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", True),
        (b"POST / HTTP/1.1\r\ncontent-length:  3 \r\n\r\nab", False), (b"POST / HTTP/1.1\r\nContent-Length: 999999\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n", True), (b"x" * 65536, True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", True), (b"GET / HTTP/1.1\r\n\r\nContent-Length: 9\r\n", True),
    ],
)  # fmt: skip
def test_a_request_goes_to_a_thread_once_it_is_here(held, here):
    assert request_is_here(held) is here


def test_a_process_that_fails_at_once_is_restarted_later_each_time():
    child = Child("x", ["true"], started_at=100.0)
    assert [child.plan_restart(101.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_process_that_lived_is_restarted_at_once():
    child = Child("x", ["true"], started_at=100.0, delay_s=30.0)
    assert child.plan_restart(200.0) == 0.5


def test_the_address_shown_is_the_one_listened_on():
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert web_address(listener, "127.0.0.1") == f"http://127.0.0.1:{port}"
        assert web_address(listener, "::1") == f"http://[::1]:{port}"


def test_a_taken_address_is_an_error_after_a_moment(monkeypatch):
    monkeypatch.setattr("adapters.server.supervisor._PORT_S", 0.2)
    with open_listener("127.0.0.1", 0) as listener:
        begun = time.monotonic()
        with pytest.raises(OSError):
            open_listener("127.0.0.1", listener.getsockname()[1])
        assert time.monotonic() - begun < 2


def test_a_server_that_cannot_start_is_said_to_be_so(capfd):
    options = {
        "application": "no_such_module:app", "workers": 1, "threads": 1, "max_streams": 1,
        "stall_timeout_s": 1.0, "graceful_timeout_s": 1.0, "send_buffer_bytes": 0, "trusted_proxies": (),
    }  # fmt: skip
    supervisor = Supervisor(
        host="127.0.0.1", port=0, web=options, job_command=None, say=print, stop_timeout_s=5
    )
    with pytest.raises(StartFailed):
        supervisor.run()
    assert "no_such_module" in capfd.readouterr().err


def test_a_job_worker_runs_beside_and_ends_with_the_rest():
    marker = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = Child("job worker", marker)
    child.start()
    assert child.is_running()
    child.process.terminate()
    child.process.wait()
    assert not child.is_running()


@pytest.fixture
def serve():
    """Run the command with a server that only takes notes."""

    def invoke(*arguments, error=None, code=0):
        calls = []

        def run(**options):
            calls.append(options)
            if error:
                raise error
            options["say"]("Velour is at http://x")
            return code

        command = serve_command(
            run=run, defaults=Server(), prepare=lambda: calls.append("prepared")
        )
        return CliRunner().invoke(command, arguments), calls

    return invoke


def test_the_command_prepares_and_then_runs_what_the_settings_say(serve):
    result, calls = serve()
    assert result.exit_code == 0
    assert "Velour is at" in result.output
    assert calls[0] == "prepared"
    assert {k: v for k, v in calls[1].items() if k != "say"} == {
        "host": "127.0.0.1", "port": 8080, "workers": 1, "threads": 8, "with_jobs": True,
    }  # fmt: skip


def test_options_win_over_the_settings(serve):
    _, calls = serve(
        "--host", "::1", "--port", "0", "--workers", "3", "--threads", "4", "--no-jobs"
    )
    assert calls[1]["host"] == "::1"
    assert (calls[1]["port"], calls[1]["workers"], calls[1]["threads"]) == (0, 3, 4)
    assert calls[1]["with_jobs"] is False


def test_the_exit_code_is_the_server_s(serve):
    assert serve(code=1)[0].exit_code == 1


@pytest.mark.parametrize(
    "error", [OSError(98, "Address already in use"), StartFailed("it did not start")]
)
def test_what_keeps_it_from_starting_is_said_in_words(serve, error):
    result, _ = serve(error=error)
    assert result.exit_code == 1
    assert "Velour does not start" in result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit | click.ClickException)
