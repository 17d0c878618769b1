"""CSV to MySQL: `osiris run`, append and replace, beside LOAD DATA by way of a staging table, and beside INSERT."""

from __future__ import annotations

from pathlib import Path

from bench.lineitem import DTYPES
from bench.measure import Contender, at_most, pipeline_run, show, take_turns
from bench.mysql.exporting import by_hand
from bench.mysql.sample import Sample

MAX_TIME = 1.3
HOW = {"load": ("local", "LOAD DATA LOCAL, INSERT … SELECT"), "insert": ("plain", "multi-row INSERT")}


def compare(sample: Sample, how: str, rounds: int) -> bool:
    """With the statement that the connection allows, and the same by hand; the target is empty before each turn."""
    connection, title = HOW[how]
    hand = contender(sample, title, by_hand(sample, how))
    ours = [contender(sample, f"osiris run, {mode}", pipeline(sample, connection, mode)) for mode in MODES]
    take_turns([hand, *ours], rounds)
    show(f"CSV to MySQL by {how.upper()}", [hand, *ours])
    if hand.fault:
        return False
    times = [at_most(f"{one.name} / by hand", one.wall / hand.wall, MAX_TIME) for one in ours]
    return all((*times, *(not one.fault for one in ours)))


def pipeline(sample: Sample, connection: str, mode: str) -> list[str | Path]:
    steps: list[dict[str, object]] = [
        {"id": "read", "component": "filesystem.csv_extractor", "mode": "read"}
        | {"config": {"path": "lineitem.csv", "dtypes": DTYPES}},
        {"id": "write", "component": "mysql.writer", "mode": "write"}
        | {"config": {"connection": f"@mysql.{connection}", "table": "target", "write_mode": mode}},
    ]
    return pipeline_run(sample.folder, f"{connection}-{mode}", steps)


def contender(sample: Sample, name: str, command: list[str | Path]) -> Contender:
    return Contender(
        name,
        command,
        sample.folder,
        lambda: sample.is_in_table("target"),
        lambda: sample.database.sql("TRUNCATE target"),
    )


MODES = ("append", "replace")
