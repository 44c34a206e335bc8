"""A node or an uploader that dies between any two steps: readers see one whole version, and a
second run completes.
"""

import itertools
from datetime import timedelta

import pytest
from dependency_injector import providers

from adapters.cdn import local
from tests.web.resources.conftest import ResourceNode

OLD, NEW = b"old" * 2000, b"new" * 3000


class Killed(BaseException):
    """The process is gone: nothing after this line runs, and nothing catches it."""


class Tripwire:
    """Kills at the n-th step; what is wrapped steps before and after each call."""

    def __init__(self):
        self.at, self.count, self.steps = None, 0, []

    def step(self, name):
        self.count += 1
        self.steps.append(name)
        if self.count == self.at:
            raise Killed(name)

    def wrap(self, thing, name):
        return Stepping(thing, name, self)

    def call(self, function, name):
        def stepping(*args, **kwargs):
            self.step(f"before {name}")
            found = function(*args, **kwargs)
            self.step(f"after {name}")
            return found

        return stepping


class Stepping:
    """Something whose calls are steps."""

    def __init__(self, thing, name, wire):
        self.__dict__.update(_thing=thing, _name=name, _wire=wire)

    def __getattr__(self, name):
        found = getattr(self._thing, name)
        if not callable(found) or name.startswith("_"):
            return found
        return self._wire.call(found, f"{self._name}.{name}")

    def __enter__(self):
        self._wire.step(f"before {self._name}")
        self._thing.__enter__()
        return self

    def __exit__(self, *exc):
        return self._thing.__exit__(*exc)


def make_stepping(data_dir, wire, monkeypatch):
    def override(container):
        for name in ("cdn", "local_cdn", "secret_box", "key_wrap", "sealer"):
            real = getattr(container, name)()
            getattr(container, name).override(providers.Object(wire.wrap(real, name)))
        unit_of_work = container.unit_of_work
        engine, new_id = container.engine(), container.new_id()
        checkpoints = container.checkpoints()
        real = unit_of_work.cls
        unit_of_work.override(
            providers.Factory(
                lambda: wire.wrap(real(engine, new_id=new_id, checkpoints=checkpoints), "unit of work")
            )
        )  # fmt: skip

    for name in ("link", "fsync"):
        monkeypatch.setattr(local.os, name, wire.call(getattr(local.os, name), f"os.{name}"))
    return ResourceNode(data_dir, override=override)


def signed_in(node, name, keys):
    person = node.signed_in(name, check=False, seed=name)
    person.private_key = keys.setdefault(name, person.private_key)
    assert person.check().status_code == 200
    return person


@pytest.mark.slow
def test_a_node_killed_at_any_step_of_an_upload(make_node, tmp_path, monkeypatch):
    first = make_node()
    keys = {}
    for name, role in (("uma", "ResourceUploader"), ("olaf", "Operator")):
        first.make_user(name)
        first.grant(name, role)
    signed_in(first, "uma", keys).upload("Models", "a.bin", OLD)
    assert signed_in(first, "olaf", keys).load("Models", "a.bin") == OLD
    first.close()

    seen, finished = set(), False
    for at in itertools.count(1):
        wire = Tripwire()
        with monkeypatch.context() as patched:
            node = make_stepping(first.data_dir, wire, patched)
            uma = signed_in(node, "uma", keys)
            wire.at, wire.count = at, 0
            try:
                uma.upload("Models", "a.bin", NEW + str(at).encode())
                finished = True
            except Killed as exc:
                seen.add(str(exc))
            finally:
                node.close()
        if finished:
            break
        after = ResourceNode(first.data_dir)
        try:
            found = signed_in(after, "olaf", keys).load("Models", "a.bin")
            assert found in {OLD, NEW + str(at).encode()}, seen
            signed_in(after, "uma", keys).upload("Models", "a.bin", OLD)
            assert signed_in(after, "olaf", keys).load("Models", "a.bin") == OLD
        finally:
            after.close()

    assert {
        "before local_cdn.put", "after local_cdn.put", "before os.link", "after os.link",
        "after unit of work.commit", "before unit of work.commit", "before cdn.head",
        "after secret_box.seal", "before sealer.open_range",
    } <= seen  # fmt: skip
    assert at > 30


def test_what_killed_uploads_left_is_collected_and_what_counts_stays(make_node):
    node = make_node()
    uma = node.signed_in("uma", "ResourceUploader")
    for content in (b"one" * 999, b"two" * 999):
        uma.upload("Models", "a.bin", content)
    plan = uma.plan("Models", "a.bin", 5).get_json()
    assert uma.store(plan, b"12345").status_code == 201
    half = node.data_dir / "cdn" / ".unfinished" / "half"
    half.write_bytes(b"x")

    assert node.collect() == {"versions": 0, "objects": 0, "unfinished": 0}
    node.clock.ahead += timedelta(hours=25)
    assert node.collect() == {"versions": 1, "objects": 1, "unfinished": 1}
    assert node.collect() == {"versions": 0, "objects": 0, "unfinished": 0}

    assert [one.key.rpartition("/")[2] for one in node.container.cdn().iter_objects()] == ["2.big"]
    uma.login()
    assert uma.load("Models", "a.bin") == b"two" * 999
    assert "resource.expire" in node.actions(10)


def test_a_collector_killed_between_row_and_object_finishes_next_time(make_node, monkeypatch):
    node = make_node()
    uma = node.signed_in("uma", "ResourceUploader")
    for content in (b"one", b"two"):
        uma.upload("Models", "a.bin", content)
    node.clock.ahead += timedelta(hours=25)
    with monkeypatch.context() as patched:

        def die(*_args):
            raise Killed

        patched.setattr(type(node.container.cdn()), "delete", die)
        with pytest.raises(Killed):
            node.collect()
    node.close()

    again = make_node()
    again.clock.ahead = node.clock.ahead
    assert again.collect() == {"versions": 0, "objects": 1, "unfinished": 0}


def test_an_upload_too_old_for_the_collector_is_not_published(make_node):
    node = make_node()
    uma = node.signed_in("uma", "ResourceUploader")
    plan = uma.plan("Models", "a.bin", 1000).get_json()
    sealed = uma.seal(b"x" * 1500, plan, "Models", "a.bin")
    plan = uma.plan("Models", "a.bin", len(sealed.big)).get_json()
    uma.store(plan, sealed.big)
    node.clock.ahead += timedelta(hours=23)
    uma.login()

    answer = uma.publish("Models", sealed)

    assert answer.status_code == 409
    assert answer.get_json()["code"] == "resource.upload-too-old"
    node.clock.ahead += timedelta(hours=2)
    assert node.collect()["objects"] == 1
    node.clock.ahead = timedelta(0)
    uma.login()
    uma.upload("Models", "a.bin", b"x" * 1500)
