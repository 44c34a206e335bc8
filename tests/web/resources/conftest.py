"""A whole node with resources, and people with devices who use it as the loader does."""

import base64
import hashlib
import io
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from dependency_injector import providers

from adapters.crypto.key_wrap import X25519KeyWrap
from adapters.crypto.vlr1_cryptography import CryptographyCiphers
from adapters.crypto.vlr1_stream import Vlr1Sealer
from adapters.memory.crypto import MemoryPasswordHasher
from app import create_app
from app.settings import load_settings
from domain.federation.audit import CLI
from domain.resources.manifest import Manifest
from domain.resources.vlr1 import Header, chunk_count, sealed_size, split_at
from ports.resources.sealing import WrapPurpose

API = "/resource-api"
PASSWORD = "correct horse battery"
WRAP, SEALER = X25519KeyWrap(), Vlr1Sealer(CryptographyCiphers(), lanes=1)


class MovableClock:
    """The time, put forward at will."""

    ahead = timedelta(0)

    def now(self):
        return datetime.now(UTC) + self.ahead


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data_of(said):
    return base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))


def hardware(seed="a"):
    names = ("machine_id", "cpu", "memory", "root_disk_serial", "board_serial")
    return {name: hashlib.sha256(f"{seed}{name}".encode()).hexdigest() for name in names}


class Person:
    """Somebody with a device, signed in."""

    def __init__(self, node, name, *, seed=None, http=None):
        self.node, self.name, self.http = node, name, http or node.app.test_client()
        self.token, self.private_key = "", WRAP.new_private_key()
        self.hardware, self.device_id, self.server_key = hardware(seed or name), None, b""

    def login(self, password=PASSWORD):
        answer = self.http.post(
            f"{API}/login", json={"email": f"{self.name}@example.org", "password": password}
        )
        if answer.status_code == 200:
            self.token = answer.get_json()["token"]
        return answer

    def ask(self, method, path, **options):
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.http.open(f"{API}{path}", method=method, headers=headers, **options)

    def check(self, **changes):
        device = {
            "public_key": text(WRAP.public_key(self.private_key)), "fingerprint": self.hardware,
        }  # fmt: skip
        answer = self.ask("POST", "/resources/check", json={"device": device | changes})
        if answer.status_code == 200:
            self.device_id = UUID(answer.get_json()["device_id"])
            self.server_key = data_of(answer.get_json()["server_public_key"])
        return answer

    @property
    def user_id(self):
        return self.node.person(self.name).id

    def plan(self, folder, name, length, **more):
        query = {"folder": folder, "name": name, "purpose": "write", "length": length, **more}
        return self.ask("GET", "/resources/cdn", query_string=query)

    def seal(self, content, plan, folder, name):
        sealed = sealed_size(len(content))
        header = Header(
            resource_id=UUID(plan["resource_id"]), version=plan["version"], key_id=plan["key_id"],
            plaintext_length=len(content), salt=os.urandom(32),
        )  # fmt: skip
        data_key, out = os.urandom(32), bytearray()
        small_size = split_at(sealed, plan["small_size_kb"])
        figures = SEALER.seal(
            io.BytesIO(content), header, data_key, out.extend, small_size=small_size
        )
        now = datetime.now(UTC).replace(microsecond=0)
        manifest = Manifest(
            resource_id=header.resource_id, folder=folder, name=name, version=header.version,
            plaintext_size=len(content), small_size=figures.small_size, big_size=figures.big_size,
            small_sha256=figures.small_sha256, big_sha256=figures.big_sha256,
            chunk_count=chunk_count(len(content)), key_id=header.key_id, created_at=now,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip
        return Sealed(manifest, bytes(out[:small_size]), bytes(out[small_size:]), data_key)

    def wrapped(self, sealed):
        return WRAP.wrap(
            sealed.data_key, shared_secret=WRAP.agree(self.private_key, self.server_key),
            user_id=self.user_id, device_id=self.device_id,
            resource_id=sealed.manifest.resource_id, version=sealed.manifest.version,
            purpose=WrapPurpose.UPLOAD,
        )  # fmt: skip

    def store(self, plan, big):
        path = "/" + plan["url"].partition("://")[2].partition("/")[2]
        return self.http.open(path, method=plan["method"], data=big, headers=plan["headers"])

    def publish(self, folder, sealed, **changes):
        form = {
            "manifest": json.dumps(sealed.manifest.fields()),
            "small": (io.BytesIO(sealed.small), "small"),
            "data_key": text(self.wrapped(sealed)),
            "device": str(self.device_id),
        } | changes
        form = {name: value for name, value in form.items() if value is not None}
        return self.ask("POST", f"/resources/{folder}", data=form)

    def upload(self, folder, name, content, **more):
        length = sealed_size(len(content))
        length -= split_at(length, self.node.small_size_kb)
        plan = self.plan(folder, name, length, **more).get_json()
        sealed = self.seal(content, plan, folder, name)
        assert self.store(plan, sealed.big).status_code == 201
        answer = self.publish(folder, sealed)
        assert answer.status_code == 200, answer.text
        return sealed

    def deliver(self, folder, name, **more):
        body = {"fileName": name, "device": str(self.device_id), **more}
        return self.ask("POST", f"/resources/get/{folder}", json=body)

    def address(self, folder, name, **more):
        query = {"folder": folder, "name": name, **more}
        return self.ask("GET", "/resources/cdn", query_string=query)

    def load(self, folder, name):
        """Read a file as a reader does: verified, opened; raises where something does not fit."""
        said = self.deliver(folder, name).get_json()
        manifest, small = Manifest.parse(said["manifest"]), data_of(said["small"])
        signature = data_of(said["signature"])
        assert self.node.container.identity().verify(manifest.signed_bytes(), signature)
        address = self.address(folder, name, version=manifest.version).get_json()
        big = self.fetch(address["url"]).data
        manifest.require_small(len(small), hashlib.sha256(small).digest())
        manifest.require_big(len(big), hashlib.sha256(big).digest())
        data_key = WRAP.unwrap(
            data_of(said["wrapped_key"]),
            shared_secret=WRAP.agree(self.private_key, self.server_key), user_id=self.user_id,
            device_id=self.device_id, resource_id=manifest.resource_id, version=manifest.version,
        )  # fmt: skip
        out = bytearray()
        SEALER.open_stream(io.BytesIO(small + big), manifest.binding, data_key, out.extend)
        return bytes(out)

    def fetch(self, url, **headers):
        return self.http.get("/" + url.partition("://")[2].partition("/")[2], headers=headers)


class Sealed:
    """A file that is ready to be published."""

    def __init__(self, manifest, small, big, data_key):
        self.manifest, self.small, self.big, self.data_key = manifest, small, big, data_key


class ResourceNode:
    """A node with resources and one folder, ``Models``."""

    small_size_kb = 1

    def __init__(self, data_dir, override=None, **environ):
        self.clock = MovableClock()

        def replaced(container):
            container.hasher.override(providers.Object(MemoryPasswordHasher()))
            container.clock.override(providers.Object(self.clock))
            if override is not None:
                override(container)

        self.app = create_app(
            load_settings(
                {
                    "VELOUR_DATA_DIR": str(data_dir),
                    "RESOURCES_ENABLED": "true",
                    "VELOUR__RESOURCES__SMALL_SIZE_KB": str(self.small_size_kb),
                    "VELOUR__LIMITS__ENABLED": "false",
                    **environ,
                }
            ),
            override=replaced,
        )
        self.container, self.data_dir = self.app.extensions["velour"], data_dir

    def make_folder(self, name="Models"):
        return self.container.create_folder()(name=name, actor=CLI)

    def make_user(self, name):
        self.container.create_user()(
            username=name, email=f"{name}@example.org", password=PASSWORD, actor=CLI
        )

    def grant(self, name, role="", folder="Models"):
        with self.container.read_only() as tx:
            folder_id, user_id = tx.folders.find_by_name(folder).id, tx.users.find(name).id
        return self.container.grant_folder()(
            folder_id=folder_id, user_id=user_id, role=role, actor=CLI
        )

    def person(self, name):
        with self.container.read_only() as tx:
            return tx.users.find(name)

    def signed_in(self, name, role=None, *, seed=None, check=True):
        """Return somebody with that role in ``Models``, signed in, with a bound device."""
        if self.person(name) is None:
            self.make_user(name)
        if role is not None:
            self.grant(name, role)
        person = Person(self, name, seed=seed)
        assert person.login().status_code == 200
        if check:
            assert person.check().status_code == 200
        return person

    def actions(self, limit=20):
        """Return the newest actions of the audit trail, the last first."""
        rows = self.container.audit_reader().page(before=None, limit=limit)
        return [row.entry.action for row in rows]

    def collect(self):
        job = self.container.request_collection()()
        return self.container.run_job_here()(job.id).result

    def close(self):
        self.container.media().close()
        self.container.engine().dispose()


@pytest.fixture(scope="session")
def empty_node(tmp_path_factory):
    """A data directory with an admin and a folder, to copy."""
    data = tmp_path_factory.mktemp("resources") / "data"
    node = ResourceNode(data)
    node.make_user("root")
    node.make_folder()
    node.close()
    return data


@pytest.fixture
def make_node(empty_node, tmp_path):
    made = []

    def make(**options):
        data = tmp_path / "data"
        if not data.exists():
            shutil.copytree(empty_node, data)
        made.append(ResourceNode(data, **options))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node):
    return make_node()
