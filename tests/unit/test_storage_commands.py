"""The commands ``flask storage`` and ``flask library``, on the adapters in memory."""

import json

import click
import pytest
from click.testing import CliRunner

from app.cli import library, storage
from app.usecases.library.locations import (
    AddLocation,
    CreateLibrary,
    RemoveLibrary,
    RemoveLocation,
)
from app.usecases.library.locations import (
    TestLocation as AskLocation,
)
from app.usecases.library.removal import RefuseRemoval
from app.usecases.library.scanning import ApproveRemoval, RequestScan, ScanLocation
from domain.jobs import JobState
from tests.unit.scan_node import make_tools


class Doorbell:
    def __init__(self):
        self.rung = []

    def ring(self, job_id):
        self.rung.append(job_id)


class Context:
    job_id = None

    def progress(self, **figures):
        """Nobody watches."""


@pytest.fixture
def queue():
    return Doorbell()


@pytest.fixture
def run_job(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, queue):
    tools = make_tools(
        unit_of_work, read_only, clock, new_id, probe, assets, names, batch=5, parallel=1
    )
    scan = ScanLocation(tools, storages, queue, {})

    def run(job_id):
        with unit_of_work() as tx:
            job = tx.jobs.get(job_id)
            job.lease("test", now=clock.now())
            tx.jobs.save(job)
            tx.commit()
        result = scan(Context(), job.arguments)
        with unit_of_work() as tx:
            job = tx.jobs.get(job_id)
            job.finish("test", result, now=clock.now())
            tx.jobs.save(job)
            tx.commit()
        return job

    return run


@pytest.fixture
def parts(unit_of_work, read_only, clock, new_id, storages, secret_box, catalogue, queue, run_job):
    request = RequestScan(unit_of_work, clock, new_id, queue)
    return {
        "create_library": lambda: CreateLibrary(unit_of_work, clock, new_id),
        "remove_library": lambda: RemoveLibrary(unit_of_work, clock),
        "catalogue": lambda: catalogue,
        "read_only": read_only,
        "add_location": lambda: AddLocation(unit_of_work, clock, new_id, storages, secret_box),
        "remove_location": lambda: RemoveLocation(unit_of_work, clock, storages),
        "test_location": lambda: AskLocation(read_only, storages),
        "request_scan": lambda: request,
        "approve_removal": lambda: ApproveRemoval(unit_of_work, clock, new_id, queue),
        "refuse_removal": lambda: RefuseRemoval(unit_of_work, clock),
        "run_job_here": lambda: run_job,
    }


@pytest.fixture
def flask(parts):
    """Run a command; returns (exit code, stdout, stderr)."""
    of_library = ("create_library", "remove_library", "catalogue", "read_only")
    of_storage = set(parts) - {"create_library", "remove_library"}
    root = click.Group(
        commands={
            "library": library.group(**{name: parts[name] for name in of_library}),
            "storage": storage.group(**{name: parts[name] for name in of_storage}),
        }
    )

    def run(*arguments, **more):
        done = CliRunner().invoke(root, arguments, **more)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def disk(flask, storages):
    assert flask("library", "create", "Films")[0] == 0
    added = flask(
        "storage", "add", "Disk", "--type", "local", "--library", "Films", "--option", "path=d"
    )
    assert added[0] == 0
    return storages.at("d")


def test_a_library_is_made_listed_and_removed(flask):
    code, out, _ = flask("library", "create", "Films", "--description", "All", "--json")
    made = json.loads(out)
    assert (code, made["name"], made["description"]) == (0, "Films", "All")
    items = json.loads(flask("library", "list", "--json")[1])["items"]
    assert items == [made]
    assert flask("library", "remove", made["id"])[0] == 0
    assert json.loads(flask("library", "list", "--json")[1]) == {"items": []}


def test_a_taken_name_is_an_error_on_stderr(flask):
    flask("library", "create", "Films")
    code, out, err = flask("library", "create", "Films", "--json")
    assert (code, out) == (1, "")
    assert "exists" in err


def test_a_location_is_listed_with_what_is_known_of_it(flask, disk):
    (item,) = json.loads(flask("storage", "list", "--json")[1])["items"]
    assert item["name"] == "Disk"
    assert item["type"] == "local"
    assert item["library"] == "Films"
    assert item["options"] == {"path": "d"}
    assert item["enabled"] is True
    assert item["reachable"] is None
    assert item["last_scan"] is None


def test_secrets_come_by_standard_input_and_are_not_listed(flask):
    flask("library", "create", "Films")
    arguments = ("--type", "local", "--library", "Films", "--option", "path=d", "--options-stdin")
    assert flask("storage", "add", "Disk", *arguments, input="\n  password=s=cret \n")[0] == 0
    text = flask("storage", "list", "--json")[1]
    assert json.loads(text)["items"][0]["options"] == {"path": "d"}
    assert "s=cret" not in text


@pytest.mark.parametrize("text", ["s3cret", "=s3cret", "path=s3cret"])
def test_what_is_wrong_on_standard_input_is_not_shown(flask, text):
    flask("library", "create", "Films")
    arguments = ("--type", "local", "--library", "Films", "--option", "path=d", "--options-stdin")
    code, out, err = flask("storage", "add", "Disk", *arguments, input=text)
    assert (code, out) == (1, "")
    assert "option" in err
    assert "s3cret" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--type", "local", "--library", "Films"),
        ("--type", "local", "--library", "Films", "--option", "path"),
        ("--type", "local", "--library", "Films", "--option", "=x"),
        ("--type", "local", "--library", "Films", "--option", "path=a", "--option", "path=b"),
        ("--type", "local", "--library", "Films", "--option", "path=a", "--option", "x=y"),
        ("--type", "tape", "--library", "Films", "--option", "path=a"),
        ("--type", "velour", "--library", "Films", "--option", "path=a"),
        ("--type", "local", "--library", "Other", "--option", "path=a"),
    ],
)
def test_a_wrong_location_is_refused_in_one_line(flask, disk, arguments):
    code, out, err = flask("storage", "add", "New", *arguments, "--json")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert len(json.loads(flask("storage", "list", "--json")[1])["items"]) == 1


def test_a_scan_prints_its_result_as_one_object(flask, disk, queue):
    disk.objects["a film.mp4"] = b"film"
    code, out, _ = flask("storage", "scan", "Disk", "--wait", "--json")
    assert code == 0
    assert json.loads(out) == {
        "success": True,
        "message": "Disk: 1 video found, 1 added",
        "counts": {"found": 1, "added": 1, "updated": 0, "missing": 0, "removed": 0, "failed": 0},
        "errors": [],
    }
    assert queue.rung == []


def test_a_scan_with_errors_of_items_is_a_success(flask, disk, probe):
    disk.objects["broken.mp4"] = b"x"
    probe.broken["broken.mp4"] = "it ends too early"
    code, out, err = flask("storage", "scan", "Disk", "--wait")
    assert (code, out) == (0, "Disk: 1 video found, 1 failed\n")
    assert "broken.mp4: it ends too early" in err


def test_a_scan_that_cannot_be_done_is_an_error_with_its_reason(flask, disk):
    disk.unreachable = "the folder does not exist"
    code, out, err = flask("storage", "scan", "Disk", "--wait", "--json")
    assert code == 1
    assert "does not exist" in err
    assert json.loads(out)["success"] is False
    assert "unreachable" in json.loads(out)["message"]
    code, out, err = flask("storage", "scan", "Disk", "--wait")
    assert (code, out) == (1, "")
    assert "does not exist" in err


def test_a_scan_that_nobody_waits_for_is_left_to_a_worker(flask, disk, queue):
    code, out, _ = flask("storage", "scan", "Disk", "--json")
    assert code == 0
    assert [str(job_id) for job_id in queue.rung] == [json.loads(out)["job_id"]]


def test_a_cancelled_scan_is_no_success(flask, disk, parts, run_job):
    def cancelled(job_id):
        job = run_job(job_id)
        job.state, job.result = JobState.CANCELLED, {}
        return job

    parts["run_job_here"] = lambda: cancelled
    group = storage.group(
        **{
            name: part
            for name, part in parts.items()
            if name not in {"create_library", "remove_library"}
        }
    )
    done = CliRunner().invoke(group, ["scan", "Disk", "--wait", "--json"])
    assert done.exit_code == 1
    assert "cancelled" in json.loads(done.stdout)["message"]


def test_a_held_removal_is_approved_by_a_flag(flask, disk):
    disk.objects |= {f"{n} film.mp4": b"%d" % n for n in range(60)}
    flask("storage", "scan", "Disk", "--wait")
    for n in range(40):
        del disk.objects[f"{n} film.mp4"]
    assert json.loads(flask("storage", "scan", "Disk", "--wait", "--json")[1])["held"] is True
    code, out, _ = flask("storage", "scan", "Disk", "--wait", "--approve-removal", "--json")
    assert (code, json.loads(out)["counts"]["removed"]) == (0, 40)


@pytest.fixture
def held(flask, disk):
    """A location whose scan held 40 of its 60 videos back."""
    disk.objects |= {f"{n} film.mp4": b"%d" % n for n in range(60)}
    flask("storage", "scan", "Disk", "--wait")
    for n in range(40):
        del disk.objects[f"{n} film.mp4"]
    flask("storage", "scan", "Disk", "--wait")


def test_what_is_missing_is_listed_and_kept_when_refused(flask, held):
    listed = json.loads(flask("storage", "removal", "Disk", "--json")[1])
    assert (listed["waiting"], listed["refused_at"], len(listed["items"])) == (40, None, 40)
    assert set(listed["items"][0]) == {
        "video_id", "work_id", "work_title", "name", "file_size", "missing_since",
    }  # fmt: skip
    code, out, err = flask("storage", "removal", "Disk")
    assert (code, len(out.splitlines())) == (0, 40)
    assert "40 wait for --approve or --refuse" in err

    assert json.loads(flask("storage", "removal", "Disk", "--refuse", "--json")[1]) == {
        "refused": 40
    }
    later = json.loads(flask("storage", "removal", "Disk", "--json")[1])
    assert (later["waiting"], len(later["items"])) == (0, 40)
    assert later["refused_at"]
    assert flask("storage", "removal", "Disk", "--refuse")[0] == 1


def test_a_removal_is_approved_by_its_own_command(flask, held, queue):
    code, out, _ = flask("storage", "removal", "Disk", "--approve", "--json")
    assert code == 0
    assert str(queue.rung[-1]) == json.loads(out)["job_id"]


def test_a_removal_is_not_approved_and_refused_at_once(flask, held):
    code, _, err = flask("storage", "removal", "Disk", "--approve", "--refuse")
    assert code == 1
    assert "not both" in err


def test_where_nothing_is_missing_nothing_is_listed(flask, disk):
    assert json.loads(flask("storage", "removal", "Disk", "--json")[1])["items"] == []
    assert flask("storage", "removal", "Disk", "--refuse")[0] == 1


def test_a_schedule_is_given_when_a_location_is_added(flask, disk):
    flask(
        "storage", "add", "Attic", "--type", "local", "--library", "Films", "--option", "path=/films",
        "--scan-every-hours", "12", "--watch",
    )  # fmt: skip
    items = json.loads(flask("storage", "list", "--json")[1])["items"]
    (attic,) = [item for item in items if item["name"] == "Attic"]
    assert (attic["scan_every_hours"], attic["watch"]) == (12, True)


def test_a_location_is_tested_and_removed(flask, disk):
    assert flask("storage", "test", "Disk")[0] == 0
    disk.unreachable = "the folder does not exist"
    code, _, err = flask("storage", "test", "Disk", "--json")
    assert code == 1
    assert "does not exist" in err
    assert flask("storage", "remove", "Disk")[0] == 0
    assert flask("storage", "test", "Disk")[0] == 1


def test_an_unknown_name_is_an_error(flask, disk):
    for command in (("scan", "Nope", "--wait", "--json"), ("test", "Nope"), ("remove", "Nope")):
        code, out, err = flask("storage", *command)
        assert (code, out) == (1, "")
        assert "Nope" in err
