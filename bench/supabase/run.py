"""Compares reading and writing over REST with PostgREST's own Python client in a loop, against the tests' stand-in."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # for what benches share, and the servers of the tests

import pyarrow.parquet as pq

from bench.measure import Contender, at_least, load, pipeline_run, show, take_turns
from tests.servers.postgres import PostgreSQL
from tests.servers.postgrest.server import Rest

ROWS, ROUNDS = 100_000, 3
FASTER = 3
PARTS = ("read", "write")
COLUMNS = """
id bigint PRIMARY KEY, partkey integer, quantity numeric(15,2), price numeric(15,2), flag text,
shipped date, seen timestamptz, comment text
"""
MADE = """
SELECT g, g * 7919 % 200000, g % 50, g * 1.01, chr(65 + (g % 26)::int), '1992-01-01'::date + (g % 2500)::int,
  '2026-01-01Z'::timestamptz + g * interval '1 second', md5(g::text) || ' carefully final requests' FROM generate_series
"""


@dataclass(frozen=True, slots=True)
class Sample:
    rest: Rest
    folder: Path
    rows: int

    @classmethod
    def make(cls, server: PostgreSQL, folder: Path, rows: int) -> Sample:
        rest = Rest.start(server.database())
        rest.database.sql(
            f"CREATE TABLE source ({COLUMNS})",
            f"INSERT INTO source {MADE.strip()}(1, {rows}) AS g",
            "CREATE TABLE target (LIKE source INCLUDING ALL)",
            "ANALYZE",
        )
        fields = {"url": rest.url, "key": rest.service_key}
        connections = {"version": 1, "connections": {"supabase": {"web": fields}}}
        (folder / "osiris_connections.yaml").write_text(json.dumps(connections))
        return cls(rest, folder, rows)

    def contenders(self, what: str) -> list[Contender]:
        ours = pipeline_run(self.folder, what, self.steps(what))
        script = Path(__file__).with_name("official.py")
        theirs = [sys.executable, script, what, self.rest.url, self.rest.service_key]
        return [
            Contender("osiris run", ours, self.folder, lambda: self.is_right(what, "ours"), self.empty),
            Contender(
                "postgrest (Python) in a loop",
                [*theirs, "theirs.parquet" if what == "read" else "ours.parquet"],
                self.folder,
                lambda: self.is_right(what, "theirs"),
                self.empty,
            ),
        ]

    def steps(self, what: str) -> list[dict[str, object]]:
        """The read leaves the file that is written afterwards."""
        connection = {"connection": "@supabase.web"}
        rest = {"component": "supabase.extractor", "config": {**connection, "table": "source"}}
        upsert = {"table": "target", "write_mode": "upsert", "primary_key": "id"}
        if what == "read":
            file = {"component": "filesystem.parquet_writer", "config": {"path": "ours.parquet"}}
            return [{"id": "r", "mode": "read", **rest}, {"id": "w", "mode": "write", **file}]
        file = {"component": "filesystem.parquet_extractor", "config": {"path": "ours.parquet"}}
        into = {"component": "supabase.writer", "config": {**connection, **upsert}}
        return [{"id": "r", "mode": "read", **file}, {"id": "w", "mode": "write", **into}]

    def empty(self) -> None:
        self.rest.database.sql("TRUNCATE target")

    def is_right(self, what: str, whose: str) -> bool:
        if what == "read":
            return bool(pq.read_metadata(self.folder / f"{whose}.parquet").num_rows == self.rows)
        both = "SELECT count(*) FROM (SELECT * FROM source INTERSECT SELECT * FROM target) AS same"
        return self.rest.database.sql(both) == [(self.rows,)]


def main() -> int:
    """Print the tables; 1 when a ratio is under its limit, or rows are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each, of which the median counts")
    parser.add_argument("--max-rows", type=int, default=1000, help="the most that the server gives at once")
    given = parser.parse_args()
    print(f"{given.rows:,} rows x 8, {given.max_rows:,} at once, {os.cpu_count()} cores, load {load()}", flush=True)
    server, fine = PostgreSQL.start(), []
    with tempfile.TemporaryDirectory() as temporary:
        sample = Sample.make(server, Path(temporary), given.rows)
        sample.rest.settings.max_rows = given.max_rows
        try:
            for what in PARTS:
                ours, theirs = sample.contenders(what)
                take_turns([ours, theirs], given.rounds)
                show(f"{what} over REST", [ours, theirs])
                ratio = at_least("theirs / osiris run", theirs.wall / ours.wall, FASTER)
                fine.append(ratio and not ours.fault and not theirs.fault)
        finally:
            sample.rest.stop()
            server.stop()
    print(f"\nload at the end: {load()}")
    return int(not all(fine))


if __name__ == "__main__":
    sys.exit(main())
