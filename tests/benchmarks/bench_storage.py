"""A film in a bucket through our node, against nginx's proxy_pass and boto3 in a Flask view.

The store is nginx on the other core, which serves files at a bucket's addresses and checks no
signature: what is measured is what lies in front of it.
"""

import sys
from collections.abc import Iterator

from tests.benchmarks.harness import (
    MIB,
    Row,
    Server,
    free_port,
    large_file,
    load,
    median,
    memory_kib,
    nginx,
    ratio,
    rounds,
)
from tests.benchmarks.node import bucket_node

SIZE = 1024 * MIB
RANGES = {"c": 8, "S": SIZE, "L": MIB}


def run() -> Iterator[Row]:
    """Yield the section's rows."""
    with large_file(SIZE) as film:
        bucket = f"location /bucket/ {{ alias {film.parent}/; }}"
        with nginx(bucket, core=1) as store, bucket_node(film, _url(store)) as node:
            http = f"upstream store {{ server 127.0.0.1:{store.port}; keepalive 64; }}"
            site = """location / { proxy_pass http://store/bucket/; proxy_http_version 1.1;
              proxy_set_header Connection ""; proxy_set_header Range $http_range;
              proxy_buffering off; proxy_buffer_size 256k; proxy_buffers 8 256k;
              proxy_busy_buffers_size 512k; }"""
            with (
                node.serving() as ours,
                nginx(site, http) as reference,
                _naive(_url(store)) as naive,
            ):
                found = rounds(
                    {
                        "nginx": lambda: load(reference, f"/{film.name}", c=1, n=1),
                        "ours": lambda: load(ours, node.signed_path, c=1, n=1),
                    }
                )
                cpu_ratio = ratio(found["ours"], found["nginx"], "cpu_s_per_gb")
                yield Row(
                    "Whole film through the node: CPU s/GB",
                    f"{median(found['ours'], 'cpu_s_per_gb'):.3g}",
                    f"nginx {median(found['nginx'], 'cpu_s_per_gb'):.3g}",
                    cpu_ratio,
                    at_most=0.35,
                )
                found = rounds(
                    {
                        "boto3": lambda: load(naive, "/bucket", n=150, **RANGES),
                        "nginx": lambda: load(reference, f"/{film.name}", n=400, **RANGES),
                        "ours": lambda: load(ours, node.signed_path, n=400, **RANGES),
                    }
                )
                speed = f"{median(found['ours'], 'per_s'):.0f}"
                yield Row(
                    "1 MiB ranges through the node, 8 viewers: per second",
                    speed,
                    f"boto3 get_object {median(found['boto3'], 'per_s'):.0f}",
                    ratio(found["ours"], found["boto3"], "per_s"),
                    at_least=3,
                )
                yield Row(
                    "1 MiB ranges through the node, 8 viewers: per second",
                    speed,
                    f"nginx {median(found['nginx'], 'per_s'):.0f}",
                    ratio(found["ours"], found["nginx"], "per_s"),
                )
                found = rounds(
                    {
                        "hello": lambda: load(naive, "/hello", c=8, n=4000),
                        "ours": lambda: load(ours, node.api_path, headers=node.bearer, c=8, n=3000),
                    }
                )
                yield Row(
                    "Apps sent to the bucket: per second",
                    f"{median(found['ours'], 'per_s'):.0f}",
                    f"a Flask view that says hello {median(found['hello'], 'per_s'):.0f}",
                    ratio(found["ours"], found["hello"], "per_s"),
                    at_least=0.40,
                )
                load(ours, node.signed_path, c=1, n=2, S=SIZE, L=64 * MIB)
                before = memory_kib(ours.pid)
                load(ours, node.signed_path, c=1, n=2)
                grown = (memory_kib(ours.pid) - before) / 1024
                yield Row(
                    "Memory growth from 64 MiB to 1 GiB: MiB", f"{grown:.1f}", "", grown, at_most=2
                )


def _url(store: Server) -> str:
    return f"http://127.0.0.1:{store.port}"


def _naive(store_url: str) -> Server:
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "tests.benchmarks.naive_app:app", "-k", "gthread"),
        *("--threads", "8", "-b", f"127.0.0.1:{port}", "--no-control-socket"),
    ]
    return Server(command, port, env={"NAIVE_STORE": store_url})
