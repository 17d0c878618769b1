"""CSV to PostgreSQL: `osiris run`, append, replace and upsert, beside the same by hand with `psql`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.lineitem import DTYPES
from bench.measure import Contender, at_most, pipeline_run, show, take_turns
from bench.postgres.moving import MAX_PEAK_MB
from bench.postgres.sample import CHANGED, KEY, Sample

COPY = "\\copy {table} from '{file}' with (format csv, header true)"
STAGE = "CREATE TEMPORARY TABLE staging (LIKE {table}) ON COMMIT DROP;"
SETS = ", ".join(f"{name} = excluded.{name}" for name in DTYPES if name not in KEY)
HOW = {
    "append": (COPY.format(table="target", file="lineitem.csv"),),
    "replace": (
        STAGE.format(table="target"),
        COPY.format(table="staging", file="lineitem.csv"),
        "TRUNCATE target;",
        "INSERT INTO target SELECT * FROM staging;",
    ),
    "upsert": (
        STAGE.format(table="target"),
        COPY.format(table="staging", file=CHANGED),
        f"INSERT INTO target SELECT * FROM staging ON CONFLICT ({KEY}) DO UPDATE SET {SETS};",
    ),
}
MAX_TIME = {"append": 1.0, "replace": 1.1, "upsert": 1.3}
EMPTY = ("DROP TABLE IF EXISTS target", "CREATE TABLE target (LIKE lineitem)")
FULL = (
    "DROP TABLE IF EXISTS target",
    f"CREATE TABLE target (LIKE lineitem, PRIMARY KEY ({KEY}))",
    "INSERT INTO target SELECT * FROM lineitem",
    "VACUUM ANALYZE target",
    "CHECKPOINT",
)


def compare(sample: Sample, how: str, rounds: int) -> bool:
    """The target is empty before each turn, and for upsert full."""
    script = sample.folder / f"{how}.sql"
    script.write_text("\n".join(HOW[how]) + "\n", encoding="utf-8")
    psql: list[str | Path] = ["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", script, sample.url]
    hand = contender(sample, how, "psql by hand", psql)
    ours = contender(sample, how, f"osiris run, {how}", pipeline(sample, how))
    take_turns([hand, ours], rounds)
    show(f"CSV to PostgreSQL, {how}", [hand, ours])
    if hand.fault or ours.fault:
        return False
    time = at_most(f"{ours.name} / by hand", ours.wall / hand.wall, MAX_TIME[how])
    return at_most("MB", ours.peak_mb, MAX_PEAK_MB) and time


def pipeline(sample: Sample, how: str) -> list[str | Path]:
    file = CHANGED if how == "upsert" else "lineitem.csv"
    key = {"primary_key": KEY.split(", ")} if how == "upsert" else {}
    steps: list[dict[str, object]] = [
        {"id": "read", "component": "filesystem.csv_extractor", "config": {"path": file, "dtypes": DTYPES}},
        {"id": "write", "component": "postgres.writer"}
        | {"config": {"connection": "@postgres.plain", "table": "target", "write_mode": how, **key}},
    ]
    return pipeline_run(sample.folder, how, steps)


def contender(sample: Sample, how: str, name: str, command: list[str | Path]) -> Contender:
    like = "expected" if how == "upsert" else "lineitem"
    return Contender(
        name,
        command,
        sample.folder,
        partial(sample.is_in_table, "target", like),
        lambda: sample.database.sql(*(FULL if how == "upsert" else EMPTY)),
    )
