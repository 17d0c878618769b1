"""Compares MySQL to Arrow, CSV and Parquet, and CSV to MySQL, with the best that does the same; checks values."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # for what benches share, and the servers of the tests

from bench import peers
from bench.measure import load
from bench.mysql import exporting, importing, reading
from bench.mysql.sample import Sample

ROWS = 1_000_000
ROUNDS = 3
PEERS = ("connectorx", "dlt", "ingestr", "sling")
PARTS = ("read", "memory", "csv", "parquet", "load", "insert")


def main() -> int:
    """Print the tables; 1 when a ratio is beyond its limit, or an answer of ours is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each, of which the median counts")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--peers", type=Path, default=peers.CACHE, help="where the peers are installed, and kept")
    given = parser.parse_args()
    places = {name: place for name in PEERS if (place := peers.installed(given.peers, name))}
    print(f"{given.rows:,} rows x 16, {os.cpu_count()} cores, load {load()}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        sample = Sample.make(Path(temporary), given.rows)
        try:
            fine = [part(sample, name, places, given.rounds) for name in given.only]
        finally:
            sample.server.stop()
    print(f"\nload at the end: {load()}")
    return int(not all(fine))


def part(sample: Sample, name: str, places: dict[str, Path], rounds: int) -> bool:
    if name == "read":
        return reading.compare(sample, places.get("connectorx"), rounds)
    if name == "memory":
        return reading.weigh(sample)
    if name in importing.HOW:
        return importing.compare(sample, name, rounds)
    return exporting.compare(sample, name, places, rounds)


if __name__ == "__main__":
    sys.exit(main())
