"""Compares CSV to Parquet and back with pyarrow doing only that, and the memory of 10 M rows with that of 1 M."""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

ROWS = 1_000_000
ROUNDS = 5
MIN_SPEED = 0.75
MAX_MEMORY = 1.2
DTYPES = {
    "id": "int64",
    "customer": "int64",
    "name": "string",
    "email": "string",
    "city": "string",
    "note": "string",
    "amount": "decimal(12,2)",
    "quantity": "int32",
    "price": "float64",
    "ratio": "float64",
    "created": "timestamp",
    "updated": "timestamp",
    "day": "date",
    "active": "bool",
    "code": "string",
    "score": "int64",
}


def main() -> int:
    """Print the ratios; 1 when one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where to keep the data between runs; a temporary folder unless given")
    parser.add_argument("--speed-only", action="store_true", help="leave out the 10 M rows")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given.folder or temporary).resolve()
        prepare(folder)
        fine = [compare(folder, *case) for case in CASES]
        if not given.speed_only:
            fine += [weigh(folder, source, target) for source, target in (("csv", "parquet"), ("parquet", "csv"))]
    return int(not all(fine))


def csv_to_parquet(folder: Path) -> None:
    """The fastest that pyarrow has: the whole file in memory, parsed by all cores."""
    convert = pacsv.ConvertOptions(
        column_types=pq.read_schema(folder / "1" / "0.parquet"),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pacsv.ParseOptions(newlines_in_values=True)
    table = pacsv.read_csv(folder / "1" / "0.csv", parse_options=parse, convert_options=convert)
    pq.write_table(table, folder / "pyarrow.parquet")


def parquet_to_csv(folder: Path) -> None:
    """Batch by batch, which is faster here than the whole file at once."""
    file = pq.ParquetFile(folder / "1" / "0.parquet")
    with pacsv.CSVWriter(folder / "pyarrow.csv", file.schema_arrow) as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch)


CASES: list[tuple[str, str, Callable[[Path], None]]] = [
    ("csv", "parquet", csv_to_parquet),
    ("parquet", "csv", parquet_to_csv),
]


def compare(folder: Path, source: str, target: str, alone: Callable[[Path], None]) -> bool:
    """Osiris and pyarrow in turns, so that a busy moment hits both; the best round of each, and the medians."""
    from osiris.project import Project

    pipeline = write_pipeline(folder, 1, source, target)
    project = Project(folder)
    theirs, ours = list[float](), list[float]()
    for _ in range(ROUNDS):
        theirs.append(timed(lambda: alone(folder)))
        ours.append(timed(lambda: assert_success(project.run(pipeline).status)))
    ratio = min(theirs) / min(ours)
    middle = statistics.median(theirs) / statistics.median(ours)
    print(
        f"{source} -> {target}, {ROWS:,} rows x {len(DTYPES)}: pyarrow {min(theirs):.2f} s, osiris {min(ours):.2f} s, "
        f"speed {ratio:.2f} (medians {middle:.2f}), limit {MIN_SPEED} {'ok' if ratio >= MIN_SPEED else 'UNDER'}"
    )
    return ratio >= MIN_SPEED


def weigh(folder: Path, source: str, target: str) -> bool:
    """Peak memory of a process that runs the pipeline over one file, and over ten."""
    peaks_mb: list[float] = []
    for count in (1, 10):
        command = [
            str(Path(sys.executable).parent / "osiris"),
            "run",
            "--json",
            write_pipeline(folder, count, source, target),
        ]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)
        assert report["steps"][1]["rows_written"] == count * ROWS, report
        peaks_mb.append(report["peak_memory_mb"])
    ratio: float = peaks_mb[1] / peaks_mb[0]
    fine = ratio <= MAX_MEMORY
    print(
        f"{source} -> {target}: {peaks_mb[0]:.0f} MB for 1 M rows, {peaks_mb[1]:.0f} MB for 10 M: "
        f"x {ratio:.2f}, limit {MAX_MEMORY} {'ok' if fine else 'OVER'}"
    )
    return fine


def write_pipeline(folder: Path, count: int, source: str, target: str) -> str:
    """Reads the `count` files of a kind and writes one of the other."""
    dtypes = f", dtypes: {json.dumps(DTYPES)}" if source == "csv" else ""
    name = f"{source}-{target}-{count}"
    steps = (
        ("read", f"filesystem.{source}_extractor", f'path: "{count}/*.{source}"{dtypes}'),
        ("write", f"filesystem.{target}_writer", f"path: osiris.{target}"),
    )
    lines = [
        f"  - {{id: {mode}, component: {part}, mode: {mode}, config: {{{config}}}}}" for mode, part, config in steps
    ]
    text = "\n".join(['oml_version: "0.1.0"', f"name: {name}", "steps:", *lines, ""])
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return f"{name}.yaml"


def prepare(folder: Path) -> None:
    """`1/` with one file of a million rows as CSV and as Parquet, `10/` with one of ten million: one split each."""
    rows = make_rows(10_000)
    many = pa.concat_tables([rows] * 10)
    for name in ("1", "10"):
        if (folder / name / "0.parquet").exists():
            continue
        (folder / name).mkdir(parents=True, exist_ok=True)
        with (
            pacsv.CSVWriter(folder / name / "0.csv", rows.schema) as csv,
            pq.ParquetWriter(folder / name / "0.parquet", rows.schema) as parquet,
        ):
            for _ in range(int(name) * ROWS // many.num_rows):
                csv.write_table(many)
                parquet.write_table(many)


def make_rows(count: int) -> pa.Table:
    """Rows of a plain business table: some texts need quotes, some values are missing."""
    dice = random.Random(1)
    start = datetime(2020, 1, 1)  # noqa: DTZ001 - local time is what such tables hold
    rows = [
        (
            number,
            dice.randrange(10**9),
            f"Name {dice.randrange(10**6)}",
            f"user{dice.randrange(10**6)}@example.com",
            dice.choice(["Prague", "Brno", "New York, NY", "Ústí"]),
            dice.choice(['a "quoted" word', "plain text here", "x" * 30, None]),
            Decimal(dice.randrange(10**7)).scaleb(-2),
            dice.randrange(100),
            dice.random() * 100,
            dice.random(),
            start + timedelta(seconds=dice.randrange(10**8)),
            start + timedelta(seconds=dice.randrange(10**8)),
            date(2020, 1, 1) + timedelta(days=dice.randrange(1000)),
            dice.random() < 0.5,
            f"{dice.randrange(10**5):05d}",
            dice.randrange(10**4) if dice.random() < 0.9 else None,
        )
        for number in range(count)
    ]
    from osiris.stream.types import parse

    arrays = [
        pa.array(column, parse(name)) for column, name in zip(zip(*rows, strict=True), DTYPES.values(), strict=True)
    ]
    return pa.table(arrays, names=list(DTYPES))


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def assert_success(status: str) -> None:
    assert status == "success", status


if __name__ == "__main__":
    sys.exit(main())
