"""Real stores that speak S3, each in a process of its own: SeaweedFS, or JuiceFS's gateway.

``TEST_S3=juicefs`` chooses the second one; its S3 side is another program's code (MinIO's).
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

START_S = 60.0
KEY, SECRET = "velourtests", "velour-tests-secret"


@dataclass
class Store:
    """A store that runs. ``client`` is boto3's, with the keys of its owner."""

    endpoint: str
    client: Any

    def options(self, bucket: str, **more: Any) -> dict[str, Any]:
        """Return the options of a location in a bucket of this store."""
        return {
            "endpoint_url": self.endpoint,
            "bucket": bucket,
            "access_key_id": KEY,
            "secret_access_key": SECRET,
            **more,
        }

    def new_bucket(self) -> str:
        """Make an empty bucket."""
        name = f"films-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with all that is in it; one that is not there is no error."""
        with contextlib.suppress(self.client.exceptions.NoSuchBucket):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=name)
            for key in [one["Key"] for page in pages for one in page.get("Contents", ())]:
                self.client.delete_object(Bucket=name, Key=key)
            self.client.delete_bucket(Bucket=name)


@contextlib.contextmanager
def running_store(folder: Path) -> Iterator[Store]:
    """Run a store with its data below ``folder``; raises FileNotFoundError where none is."""
    start = _start_juicefs if os.environ.get("TEST_S3") == "juicefs" else _start_seaweedfs
    port = _free_port()
    with (folder / "log").open("wb") as log:
        process = start(folder, port, lambda *command, **more: _run(command, log, folder, **more))
        try:
            store = Store(f"http://127.0.0.1:{port}", _client(port))
            with contextlib.closing(store.client):
                _wait(store, process)
                yield store
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


Run = Callable[..., subprocess.Popen[bytes]]


def _start_seaweedfs(folder: Path, port: int, run: Run) -> subprocess.Popen[bytes]:
    ports = [
        f"-{name}={_free_port()}"
        for name in ("master.port", "volume.port", "filer.port", "admin.port")
    ]
    return run(
        _program("weed"),
        *(f"-logdir={folder}", "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(*ports, f"-s3.port={port}", "-webdav=false", "-admin.ui=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        env={**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
    )


def _start_juicefs(folder: Path, port: int, run: Run) -> subprocess.Popen[bytes]:
    juicefs, meta = _program("juicefs"), f"sqlite3://{folder}/meta.db"
    formatting = ("format", "--storage", "file", "--bucket", f"{folder}/data/", meta, "films")
    done = run(juicefs, *formatting)
    if done.wait(START_S) != 0:
        raise RuntimeError((folder / "log").read_text())
    return run(
        *(juicefs, "gateway", "--multi-buckets", "--keep-etag", "--object-meta", "--object-tag"),
        *("--no-usage-report", "--cache-dir", f"{folder}/cache", meta, f"127.0.0.1:{port}"),
        env={**os.environ, "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET},
    )


def _run(command: tuple[str, ...], log: Any, folder: Path, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdout=log, stderr=log, cwd=folder, start_new_session=True, **more
    )


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no program {name}")
    return found


def _client(port: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=30
        ),
    )


def _wait(store: Store, process: subprocess.Popen[bytes]) -> None:
    """Return when a bucket can be written to: listening comes before that."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            bucket = store.new_bucket()
            store.client.put_object(Bucket=bucket, Key="a", Body=b"a")
            store.remove_bucket(bucket)
        except Exception:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.2)
        else:
            return


def _free_port() -> int:
    """Return a port that is free, as the one 10,000 above is: SeaweedFS takes both."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            with socket.create_server(("127.0.0.1", port + 10_000)):
                return port
