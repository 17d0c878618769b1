"""MySQL to PostgreSQL: `osiris run` beside connectorx with ADBC by hand, dlt, ingestr and sling, as whole processes."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench.measure import Contender, at_least, at_most, pipeline_run, show, take_turns
from bench.peers import QUIET, sling
from bench.postgres.sample import Sample

MIN_SPEEDUP = 3.0
MAX_PEAK_MB = 200
BY_HAND = Path(__file__).with_name("by_hand.py")
TOOLS = ("dlt", "ingestr", "sling")


def compare(sample: Sample, places: dict[str, Path], rounds: int) -> bool:
    """Each tool has one turn, and the fastest of those whose table is right as many as we have. Each turn makes a new
    table of its own."""
    osiris = contender(sample, "osiris run", pipeline(sample), "moved")
    hand = [by_hand(sample, places["adbc"])] if "adbc" in places else []
    tools = [tool(sample, name, places[name]) for name in TOOLS if name in places]
    take_turns([osiris, *hand, *tools], 1)
    best = min((one for one in tools if not one.fault), key=lambda one: one.wall, default=None)
    take_turns([osiris, *hand, *filter(None, [best])], rounds - 1)
    show("MySQL to PostgreSQL, whole processes", [osiris, *hand, *tools])
    fine = [not osiris.fault, at_most("MB", osiris.peak_mb, MAX_PEAK_MB)]
    fine += [at_least(f"speed / {one.name}'s", one.wall / osiris.wall, 1.0) for one in hand if not one.fault]
    if best is not None:
        print(f"  CPU of {best.name} / osiris: {best.cpu / osiris.cpu:.2f}")
        fine.append(at_least(f"speed / {best.name}'s", best.wall / osiris.wall, MIN_SPEEDUP))
    return all(fine)


def pipeline(sample: Sample) -> list[str | Path]:
    steps: list[dict[str, object]] = [
        {"id": "read", "component": "mysql.extractor", "config": {"connection": "@mysql.plain", "table": "lineitem"}},
        {"id": "write", "component": "postgres.writer"}
        | {"config": {"connection": "@postgres.plain", "table": "moved", "write_mode": "replace"}},
    ]
    return pipeline_run(sample.folder, "moving", steps)


def by_hand(sample: Sample, place: Path) -> Contender:
    command = [place / "bin/python", BY_HAND, "postgres", sample.source.url, sample.url, "by_hand"]
    return contender(sample, "connectorx, ADBC by hand", command, "by_hand")


def tool(sample: Sample, name: str, place: Path) -> Contender:
    source, table = sample.source.url, f"{sample.source.database.name}.lineitem"
    if name == "dlt":
        script, folder = Path(__file__).with_name("with_dlt.py"), sample.folder / "dlt"
        return contender(
            sample, name, [place / "bin/python", script, source, sample.url, "by_dlt", folder], "by_dlt.lineitem"
        )
    if name == "ingestr":
        command = [place / "bin/ingestr", "ingest", "--yes", "--progress", "log", "--source-uri", source]
        command += ["--source-table", table, "--dest-uri", sample.url, "--dest-table", "by_ingestr.lineitem"]
        return contender(sample, name, command, "by_ingestr.lineitem")
    command = [sling(place), "run", "--src-conn", source, "--src-stream", table]
    command += ["--tgt-conn", f"{sample.url}?sslmode=disable", "--tgt-object", "public.by_sling"]
    return contender(sample, name, command, "by_sling")


def contender(sample: Sample, name: str, command: list[str | Path], table: str) -> Contender:
    return Contender(
        name,
        command,
        sample.folder,
        partial(sample.is_in_table, table),
        partial(sample.database.sql, f"DROP TABLE IF EXISTS {table}")
        if "." not in table
        else partial(sample.database.sql, f"DROP SCHEMA IF EXISTS {table.partition('.')[0]} CASCADE"),
        environment={**QUIET, "HOME": str(sample.folder), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
    )
