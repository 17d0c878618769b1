"""Times the DuckDB connector beside DuckDB doing only that, and its peak memory at one and at ten million rows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from osiris.connectors.base import Batches, Connection, Options, Run, Split, Workspace
from osiris.connectors.duckdb.client import Client
from osiris.connectors.duckdb.extractor import Extractor
from osiris.connectors.duckdb.processor import Processor
from osiris.connectors.duckdb.writer import Writer

ROWS = 1_000_000
ROUNDS = 3
BATCH_ROWS = 65536
MIN_SPEED = 0.5
ENGINE_MB = 512
QUERY = "SELECT i, upper(s) AS s, d * 2 AS d FROM t WHERE i % 2 = 0"
TEXTS = pa.array([f"row {n} of a batch" for n in range(BATCH_ROWS)])
SCHEMA = pa.schema([("i", pa.int64()), ("s", pa.string()), ("d", pa.float64())])


def main() -> int:
    """Each case runs in a process of its own, in turns with the bare one; prints medians, ratios and peaks.

    Returns 1 when one is slower than half the speed, or takes for ten million rows more memory than for one by more
    than the engine is allowed.
    """
    over = False
    print(f"{'':10} {'osiris s':>9} {'bare s':>7} {'speed':>6} {'MB at 1 M':>10} {'MB at 10 M':>11}")
    for name in CASES:
        ours, bare = [], []
        for _ in range(ROUNDS):
            ours.append(run(name, "osiris", ROWS))
            bare.append(run(name, "bare", ROWS))
        ours_s, bare_s = (statistics.median(result["s"] for result in results) for results in (ours, bare))
        peak_mb = max(result["mb"] for result in ours)
        large_mb = run(name, "osiris", 10 * ROWS)["mb"]
        fits = bare_s / ours_s >= MIN_SPEED and large_mb <= peak_mb + ENGINE_MB
        over |= not fits
        verdict = "ok" if fits else "OVER"
        print(
            f"{name:10} {ours_s:9.2f} {bare_s:7.2f} {bare_s / ours_s:6.2f} {peak_mb:10.0f} {large_mb:11.0f} {verdict}"
        )
    return int(over)


def run(name: str, who: str, rows: int) -> dict[str, float]:
    command = [sys.executable, __file__, name, who, str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def batches(rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, BATCH_ROWS):
        count = min(BATCH_ROWS, rows - start)
        numbers = pa.array(range(start, start + count))
        yield pa.RecordBatch.from_arrays([numbers, TEXTS.slice(0, count), numbers.cast(pa.float64())], schema=SCHEMA)


def append(folder: Path, who: str, rows: int) -> None:
    if who == "bare":
        with duckdb.connect(str(folder / "x.duckdb")) as con:
            con.execute("CREATE TABLE t (i BIGINT, s VARCHAR, d DOUBLE)")
            con.register("source", pa.RecordBatchReader.from_batches(SCHEMA, batches(rows)))
            con.execute("INSERT INTO t FROM source")
        return
    client = opened(folder)
    writer = Writer(client, Options({"table": "t"}), Workspace(folder, folder))
    token = writer.token(SCHEMA, Run("bench", "bench", "load", 1))
    writer.begin(token, SCHEMA)
    part = writer.write(token, Batches.of(SCHEMA, batches(rows)))
    writer.commit(token, [part], None)
    client.close()


def read(folder: Path, who: str, rows: int) -> None:
    if who == "bare":
        with duckdb.connect(str(folder / "x.duckdb")) as con:
            reader = con.sql("FROM t").to_arrow_reader(BATCH_ROWS)
            assert reader is not None
            count = sum(batch.num_rows for batch in reader)
    else:
        client = opened(folder)
        extractor = Extractor(client, Options({"table": "t"}), Workspace(folder, folder))
        count = sum(batch.num_rows for batch in Batches(extractor.schema(), extractor.read(Split(0))))
        client.close()
    assert count == rows, count


def transform(folder: Path, who: str, rows: int) -> None:
    if who == "bare":
        with duckdb.connect() as con:
            con.register("t", pa.RecordBatchReader.from_batches(SCHEMA, batches(rows)))
            reader = con.sql(QUERY).to_arrow_reader(BATCH_ROWS)
            assert reader is not None
            count = sum(batch.num_rows for batch in reader)
    else:
        processor = Processor(Options({"query": QUERY}), Workspace(folder, folder))
        output = processor.run({"t": Batches.of(SCHEMA, batches(rows))})
        count = sum(batch.num_rows for batch in output)
        output.close()
    assert count == rows // 2, count


def opened(folder: Path) -> Client:
    client = Client(Connection("duckdb", "x", folder, {"path": "x.duckdb"}))
    client.open()
    return client


def measure(name: str, who: str, rows: int) -> dict[str, float]:
    """Seconds of the case alone, and the process's peak in MB."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if name == "read":
            command = [sys.executable, __file__, "prepare", place, str(rows)]
            subprocess.run(command, check=True, capture_output=True)
        started = time.perf_counter()
        CASES[name](folder, who, rows)
        took_s = time.perf_counter() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {"s": took_s, "mb": int(status.split("VmHWM:")[1].split()[0]) / 1024}


CASES: dict[str, Callable[[Path, str, int], None]] = {"append": append, "read": read, "transform": transform}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    if sys.argv[1] == "prepare":
        append(Path(sys.argv[2]), "bare", int(sys.argv[3]))
    else:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
