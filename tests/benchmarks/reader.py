"""``python -m tests.benchmarks.reader DATABASE_URL SECONDS``: somebody who turns pages of the library.

Reads the first grid page, the newest films and one search in turn, a hundred times a second at
most, and prints how long they took: ``p50 p99`` in milliseconds.
"""

import statistics
import sys
import time

from adapters.sql.database import make_engine
from adapters.sql.queries.catalogue import SqlCatalogue
from ports.library.catalogue import EVERYTHING

PAUSE_S = 0.01


def main(url: str, seconds: float) -> None:
    """Read for so long."""
    catalogue = SqlCatalogue(make_engine(url))
    reads = (
        lambda: catalogue.cards(EVERYTHING, viewer=None, after=None, limit=60),
        lambda: catalogue.cards(EVERYTHING, viewer=None, after=None, limit=12, sort="-created_at"),
        lambda: catalogue.cards(EVERYTHING, viewer=None, after=None, limit=60, query="film 042"),
    )
    for read in reads:
        read()
    taken: list[float] = []
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        for read in reads:
            began = time.perf_counter()
            read()
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_S)
    print(statistics.median(taken), statistics.quantiles(taken, n=100)[98])


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
