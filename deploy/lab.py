"""Federated nodes on this machine, to play with. `make lab` calls this.

Node 1 has 250 works in the library "Shared" and three in "Private"; every other node reads what
node 1 shares. All data is thrown away and made anew at each start, below var/lab.
"""

import argparse
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "deploy"))

from demo_film import draw_film  # noqa: E402 - the path had to be set first
from nodes import Node, copy_film  # noqa: E402

LAB = ROOT / "var" / "lab"


def fill(folder: Path, names: list[str], film: Path) -> Path:
    """Fill a folder with films of those names; no two are the same file."""
    folder.mkdir(parents=True)
    for name in names:
        copy_film(film, folder / f"{name}.mp4", mark=name.encode())
    return folder


def build(count: int) -> tuple[list[Node], str]:
    """Make, start and connect the nodes; return them with their admins' password."""
    shutil.rmtree(LAB, ignore_errors=True)
    LAB.mkdir(parents=True)
    password = secrets.token_urlsafe(9)
    film = LAB / "film.mp4"
    print("Drawing a film …", flush=True)
    draw_film(film, 12)
    nodes = [
        Node(LAB / f"node-{n}", {"VELOUR__NODE__NAME": f"Node {n}"}) for n in range(1, count + 1)
    ]
    for node in nodes:
        node.data_dir.mkdir()
        node.add_admin(password)
    origin = nodes[0]
    print("Filling node 1: 250 shared works, 3 private ones …", flush=True)
    shared = [f"Film {n:03} ({1970 + n % 50})" for n in range(1, 251)]
    origin.add_library("Shared", fill(LAB / "films" / "shared", shared, film))
    private = [f"Private {n} (2001)" for n in range(1, 4)]
    origin.add_library("Private", fill(LAB / "films" / "private", private, film))
    for node in nodes:
        node.start()
    for number, node in enumerate(nodes[1:], start=2):
        key = origin.grant(f"node {number}", "Shared", "read", "stream", "metadata")
        result = node.connect("north", origin, key)
        print(f"Node {number} reads from node 1: {result['message']}", flush=True)
    return nodes, password


def main() -> None:
    """Run the lab until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=2, help="how many nodes (2 to 8)")
    count = min(max(parser.parse_args().nodes, 2), 8)
    nodes: list[Node] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        nodes, password = build(count)
        print()
        for number, node in enumerate(nodes, start=1):
            print(f"  Node {number}   {node.url}/   sign in: admin   {password}")
        print("\n  Stop with Ctrl-C.\n", flush=True)
        while all(node.process is not None and node.process.poll() is None for node in nodes):
            time.sleep(1)
        sys.exit("A node ended; its log is in var/lab.")
    finally:
        for node in nodes:
            node.stop()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
