"""A film of another node through ours, against nginx's proxy_pass to the same node.

Both fetch from the same origin, a real node, with its key. Of nginx's two good settings the better
one is the reference each time: unbuffered for ranges, buffered for whole films.
"""

from collections.abc import Iterator, Mapping, Sequence

from tests.benchmarks.harness import (
    MIB,
    Row,
    large_file,
    load,
    median,
    memory_kib,
    nginx,
    ratio,
    rounds,
)
from tests.benchmarks.node import film_node, learner_of

SIZE = 1024 * MIB

Results = Mapping[str, Sequence[dict[str, float]]]


def run() -> Iterator[Row]:
    """Yield the section's rows."""
    with (
        large_file(SIZE) as film,
        film_node(film, key_kind="peer") as origin,
        origin.serving(core=1) as upstream,
        learner_of(origin, f"http://127.0.0.1:{upstream.port}") as learner,
        learner.serving() as ours,
    ):
        shared = (
            f"proxy_pass http://origin{origin.api_path}; proxy_http_version 1.1; "
            'proxy_set_header Connection ""; proxy_set_header Range $http_range; '
            f'proxy_set_header Authorization "Bearer {origin.key}"; '
        )
        site = f"""
            location /unbuffered {{ {shared} proxy_buffering off; proxy_buffer_size 256k;
              proxy_buffers 8 256k; proxy_busy_buffers_size 512k; }}
            location /buffered {{ {shared} proxy_buffers 16 256k; proxy_busy_buffers_size 1m;
              proxy_buffer_size 256k; proxy_max_temp_file_size 0; }}"""
        http = f"upstream origin {{ server 127.0.0.1:{upstream.port}; keepalive 64; }}"
        with nginx(site, http) as reference:

            def compare(count: int, **options: int) -> Results:
                return rounds(
                    {
                        "unbuffered": lambda: load(reference, "/unbuffered", **options),
                        "buffered": lambda: load(reference, "/buffered", **options),
                        "ours": lambda: load(ours, learner.signed_path, **options),
                    },
                    count,
                )

            found = compare(3, c=1, n=1)
            yield _row("Whole film: CPU s/GB", found, "cpu_s_per_gb", at_most=0.40)
            yield _row("Whole film: MB/s", found, "mb_per_s", at_least=1.20)
            found = compare(3, c=8, n=150, S=SIZE, L=MIB)
            yield _row("1 MiB ranges, 8 viewers: MB/s", found, "mb_per_s", at_least=0.50)
            found = compare(2, c=1, n=100, S=SIZE, L=MIB)
            first = median(found["ours"], "first_p50_ms")
            theirs = median(found["unbuffered"], "first_p50_ms")
            # Most of both is the origin's own time, so the difference counts.
            yield Row(
                "First byte of a range: p50 ms, ratio = ms added to nginx's",
                f"{first:.2f}",
                f"nginx unbuffered {theirs:.2f}",
                first - theirs,
                at_most=0.5,
            )
        load(ours, learner.signed_path, c=1, n=2, S=SIZE, L=64 * MIB)
        before = memory_kib(ours.pid)
        load(ours, learner.signed_path, c=1, n=2)
        grown = (memory_kib(ours.pid) - before) / 1024
        yield Row("Memory growth from 64 MiB to 1 GiB: MiB", f"{grown:.1f}", "", grown, at_most=2)


def _row(label: str, found: Results, key: str, **limits: float) -> Row:
    pick = min if key == "cpu_s_per_gb" else max
    best = pick(("unbuffered", "buffered"), key=lambda name: median(found[name], key))
    return Row(
        label,
        f"{median(found['ours'], key):.3g}",
        f"nginx {best} {median(found[best], key):.3g}",
        ratio(found["ours"], found[best], key),
        **limits,
    )
