import os
import subprocess
import sys

import pytest

from adapters.system.processes import ProcessNames

NAMES = ProcessNames()


def test_a_process_that_runs_is_not_dead():
    assert not NAMES.is_dead(NAMES.own())
    assert NAMES.own() == ProcessNames().own()


def test_a_process_that_ended_is_dead():
    script = "from adapters.system.processes import ProcessNames as P; print(P().own())"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    name = ended.stdout.strip()
    assert name != NAMES.own()
    assert NAMES.is_dead(name)


def test_a_process_that_nobody_waited_for_is_dead():
    script = "from adapters.system.processes import ProcessNames as P; print(P().own())"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as child:
        name = child.stdout.read().strip()  # its end closes the pipe; it is a zombie until then
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert NAMES.is_dead(name)


def test_a_pid_that_came_back_is_another_process():
    machine, pid, start = NAMES.own().split(":")
    assert NAMES.is_dead(f"{machine}:{pid}:{int(start) - 1}")


@pytest.mark.parametrize("name", ["", "x", "other.machine:1:2", ":::", "other:-1:2"])
def test_nothing_is_known_of_other_machines_and_bad_names(name):
    assert not NAMES.is_dead(name)


def test_a_bad_pid_of_this_machine_is_not_dead():
    machine = NAMES.own().partition(":")[0]
    assert not NAMES.is_dead(f"{machine}:abc:1")
    assert NAMES.is_dead(f"{machine}:999999999:1")
