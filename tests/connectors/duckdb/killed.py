"""A process that writes through the DuckDB writer and kills itself at a named moment; run with `python -m`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from osiris.connectors.base import Batches, Options, Run, State
from osiris.connectors.base import to_json as plain
from osiris.connectors.duckdb.writer import Writer
from tests.connectors.duckdb.place import Place

ROWS = 60000
BATCH = 3000


def batches() -> Iterator[pa.RecordBatch]:
    """Keys from 0 to 39999, of which the first 20000 come twice."""
    for start in range(0, ROWS, BATCH):
        numbers = range(start, start + BATCH)
        keys = [number % 40000 for number in numbers]
        yield pa.record_batch({"id": keys, "place": list(numbers), "text": [f"row {n}" for n in numbers]})


def schema() -> pa.Schema:
    return next(batches()).schema


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(root: Path, options: dict[str, object], sole: bool, moment: str) -> None:
    """Write up to `moment`; the token and part that a ledger would hold go to `part.json` once all is staged."""
    place = Place(root)
    with place.client() as client:
        writer = Writer(client, Options(options), place.workspace)
        token = writer.token(schema(), Run("r1", "p", "load", 1, key="k", sole=sole))
        (root / "token.json").write_text(json.dumps(plain(token)))
        writer.begin(token, schema())

        def give() -> Iterator[pa.RecordBatch]:
            for number, batch in enumerate(batches()):
                if moment == "mid-write" and number == 10:
                    die()
                yield batch

        part = writer.write(token, Batches.of(schema(), give()))
        (root / "part.json").write_text(json.dumps(plain(part)))
        if moment == "before commit":
            die()
        writer.commit(token, [part], State(1, {"high": 9}))
        if moment == "after commit":
            die()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3] == "sole", sys.argv[4])
