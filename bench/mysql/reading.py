"""MySQL to Arrow: Osiris and connectorx in turns, imports left out; and the memory of ten times as many rows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.measure import at_most
from bench.mysql.sample import Sample

MAX_WALL = 0.95
MAX_CPU = 1.0
MAX_GROWTH = 1.2
MAX_PEAK_MB = 150
MEASURE = """
import json, resource, sys, time
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
def count(batches):
    if len(sys.argv) < 4:
        return sum(batch.num_rows for batch in batches)
    import pyarrow.parquet
    first = next(batches)
    with pyarrow.parquet.ParquetWriter(sys.argv[3], first.schema) as writer:
        for batch in (first, *batches):
            writer.write_batch(batch)
def tell(before, rows):
    after = used()
    print(json.dumps({"rows": rows, "wall": after[0] - before[0], "cpu": after[1] - before[1], "peak": after[2]}))
"""
OURS = (
    MEASURE
    + """
import osiris.connectors.mysql.extractor
from osiris.project import Project
before = used()
with Project(sys.argv[1]).connect("@mysql.plain") as db:
    rows = count(iter(db.read(**json.loads(sys.argv[2]))))
tell(before, rows)
"""
)
THEIRS = (
    MEASURE
    + """
import connectorx, pyarrow
before = used()
reader = connectorx.read_sql(sys.argv[1], sys.argv[2], return_type="arrow_stream", batch_size=65536)
tell(before, count(iter(reader)))
"""
)


def ours(sample: Sample, options: dict[str, str]) -> list[str | Path]:
    """The command that reads and counts, and tells in JSON what that took; one more word is a file to write to."""
    return [sys.executable, "-c", OURS, str(sample.folder), json.dumps(options)]


def compare(sample: Sample, connectorx: Path | None, rounds: int) -> bool:
    """Wall and CPU time, by medians."""
    commands = {"osiris": ours(sample, {"table": "lineitem"})}
    if connectorx is not None:
        commands["connectorx"] = [connectorx / "bin/python", "-c", THEIRS, sample.url, "SELECT * FROM lineitem"]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(measured(command))
    assert {each["rows"] for times in found.values() for each in times} == {sample.rows}
    print(f"\n{'MySQL to Arrow, rows only counted':38} {'wall s':>7} {'CPU s':>7} {'peak MB':>8} {'runs':>5}  values")
    medians, right = {}, True
    for name, times in found.items():
        middle = medians[name] = {what: statistics.median(each[what] for each in times) for what in times[0]}
        subprocess.run([*commands[name], f"{name}.parquet"], cwd=sample.folder, check=True, stdout=subprocess.DEVNULL)
        fine = sample.is_in(f"{name}.parquet")
        right &= fine or name != "osiris"
        row = f"  {name:36} {middle['wall']:7.2f} {middle['cpu']:7.2f} {middle['peak']:8.0f} {len(times):5}"
        print(f"{row}  {'right' if fine else 'WRONG VALUES'}", flush=True)
    if connectorx is None:
        return right
    wall, cpu = (medians["osiris"][what] / medians["connectorx"][what] for what in ("wall", "cpu"))
    return all((right, at_most("wall / connectorx", wall, MAX_WALL), at_most("CPU / connectorx", cpu, MAX_CPU)))


def weigh(sample: Sample) -> bool:
    """Peak memory of a process that reads the table, and of one that reads it ten times over."""
    print(f"\nmemory of reading {sample.rows:,} rows and ten times as many")
    peaks_mb = []
    for times in (1, 10):
        query = f"SELECT l.* FROM lineitem AS l CROSS JOIN seq_1_to_{times} AS s"
        found = measured(ours(sample, {"query": query}))
        assert found["rows"] == sample.rows * times, found
        peaks_mb.append(found["peak"])
    growth = at_most(f"{peaks_mb[1]:.0f} MB / {peaks_mb[0]:.0f} MB", peaks_mb[1] / peaks_mb[0], MAX_GROWTH)
    return at_most("MB", peaks_mb[1], MAX_PEAK_MB) and growth


def measured(command: list[str | Path]) -> dict[str, Any]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
