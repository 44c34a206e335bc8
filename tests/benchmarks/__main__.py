"""``python -m tests.benchmarks [ONLY=name,name]``: every target with its reference and ratio.

A section is a module ``bench_<name>`` with ``run()``, which yields ``Row``s and may raise
``Skipped``. Exit code 1 where a target was missed or a section failed.
"""

import importlib
import os
import sys
import time
import traceback
from pathlib import Path

from tests.benchmarks.harness import Skipped


def main(arguments: list[str]) -> int:
    """Run the wanted sections and print their rows."""
    wanted = os.environ.get("ONLY", "")
    for argument in arguments:
        wanted = argument.removeprefix("ONLY=")
    names = sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    chosen = [name for name in names if not wanted or name in wanted.split(",")]
    if not chosen:
        print(f"There is no section {wanted}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    print("name | figure | reference | ratio | target | ok?")
    missed = 0
    for name in chosen:
        begun = time.monotonic()
        print(f"# {name}", flush=True)
        try:
            for row in importlib.import_module(f"tests.benchmarks.bench_{name}").run():
                print(row, flush=True)
                missed += row.ok is False
        except Skipped as exc:
            print(f"skipped: {exc}")
        except Exception:
            traceback.print_exc()
            missed += 1
        print(f"# {name}: {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
