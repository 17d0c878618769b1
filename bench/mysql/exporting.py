"""MySQL to CSV and to Parquet: `osiris run` beside dlt, ingestr and sling, each as a whole process, and our reader."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.measure import Contender, at_least, pipeline_run, show, take_turns
from bench.mysql import exports
from bench.mysql.reading import ours
from bench.mysql.sample import Sample
from bench.peers import QUIET

MIN_SPEEDUP = 3.0
MIN_OF_READER = 0.65


def compare(sample: Sample, kind: str, places: dict[str, Path], rounds: int) -> bool:
    """Each peer has one turn; the fastest of those whose file is right has as many as we have.

    Nobody who reads over one connection can be faster than the process that only takes what the server sends.
    """
    least = Contender("rows received, nothing else", by_hand(sample, "receive"), sample.folder, lambda: True)
    reader = Contender("the reader alone", ours(sample, {"table": "lineitem"}), sample.folder, lambda: True)
    osiris = pipeline(sample, kind)
    theirs = [exporter(sample, kind, name, places[name]) for name in exports.EXPORTERS[kind] if name in places]
    take_turns([least, reader, osiris, *theirs], 1)
    best = min((peer for peer in theirs if not peer.fault), key=lambda peer: peer.wall, default=None)
    take_turns([least, reader, osiris, *filter(None, [best])], rounds - 1)
    show(f"MySQL to {kind}, whole processes", [least, reader, osiris, *theirs])
    fine = [not osiris.fault, at_least("speed / the reader's alone", reader.wall / osiris.wall, MIN_OF_READER)]
    if best is not None:
        print(f"  CPU of {best.name} / osiris: {best.cpu / osiris.cpu:.2f}")
        print(f"  speed of only receiving / {best.name}'s: {best.wall / least.wall:.2f}")
        fine.append(at_least(f"speed / {best.name}'s", best.wall / osiris.wall, MIN_SPEEDUP))
    return all(fine)


def pipeline(sample: Sample, kind: str) -> Contender:
    steps = [
        {"id": "read", "component": "mysql.extractor", "mode": "read"}
        | {"config": {"connection": "@mysql.plain", "table": "lineitem"}},
        {
            "id": "write",
            "component": f"filesystem.{kind}_writer",
            "mode": "write",
            "config": {"path": f"osiris.{kind}"},
        },
    ]
    return Contender(
        "osiris run",
        pipeline_run(sample.folder, f"to-{kind}", steps),
        sample.folder,
        lambda: sample.is_in(f"osiris.{kind}"),
    )


def by_hand(sample: Sample, what: str) -> list[str | Path]:
    """The command of by_hand.py."""
    fields = json.dumps(sample.database.fields(unix_socket="", ssl_disabled=True))
    return [sys.executable, Path(__file__).with_name("by_hand.py"), what, fields, "lineitem.csv"]


def exporter(sample: Sample, kind: str, name: str, place: Path) -> Contender:
    command, pattern = exports.export(name, place, sample.url, sample.folder / f"{name}.{kind}")
    environment = {**QUIET, "HOME": str(sample.folder)}
    return Contender(name, command, sample.folder, lambda: sample.is_in(pattern), environment=environment)
