"""PostgreSQL to Parquet: `osiris run` beside connectorx with pyarrow and DuckDB's extension, as whole processes."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Contender, at_least, at_most, pipeline_run, show, take_turns
from bench.postgres.moving import BY_HAND, MAX_PEAK_MB
from bench.postgres.sample import Sample

PEERS = {"connectorx": ("parquet", "connectorx, pyarrow by hand"), "duckdb": ("duckdb", "DuckDB's extension")}
MIN_SPEEDUP = {"connectorx": 1.0, "duckdb": 0.8}


def compare(sample: Sample, places: dict[str, Path], rounds: int) -> bool:
    osiris = Contender("osiris run", pipeline(sample), sample.folder, lambda: sample.source.is_in("osiris.parquet"))
    peers = {name: peer(sample, name, places[name]) for name in PEERS if name in places}
    take_turns([osiris, *peers.values()], rounds)
    show("PostgreSQL to Parquet, whole processes", [osiris, *peers.values()])
    fine = [not osiris.fault, at_most("MB", osiris.peak_mb, MAX_PEAK_MB)]
    for name, one in peers.items():
        if not one.fault:
            print(f"  CPU of {one.name} / osiris: {one.cpu / osiris.cpu:.2f}")
            fine.append(at_least(f"speed / {one.name}'s", one.wall / osiris.wall, MIN_SPEEDUP[name]))
    return all(fine)


def pipeline(sample: Sample) -> list[str | Path]:
    steps: list[dict[str, object]] = [
        {"id": "read", "component": "postgres.extractor"}
        | {"config": {"connection": "@postgres.plain", "table": "lineitem"}},
        {"id": "write", "component": "filesystem.parquet_writer", "config": {"path": "osiris.parquet"}},
    ]
    return pipeline_run(sample.folder, "to-parquet", steps)


def peer(sample: Sample, name: str, place: Path) -> Contender:
    what, title = PEERS[name]
    command = [place / "bin/python", BY_HAND, what, sample.url, f"{name}.parquet"]
    return Contender(title, command, sample.folder, lambda: sample.source.is_in(f"{name}.parquet"))
