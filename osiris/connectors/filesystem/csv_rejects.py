"""`Rejects`: the file beside a run's output that keeps the rows which were set aside."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from osiris.connectors.filesystem.csv_faults import BadRow
from osiris.connectors.filesystem.csv_records import Block

COLUMNS = ("file", "line", "column", "reason", "raw")


class Rejects:
    """Appends to `path`, which is made anew with the first row, and counts. Keeps nothing open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0

    def add(self, file: str, block: Block, rows: Sequence[BadRow]) -> None:
        """Keep rows with their place, the reason and the text as it stood."""
        if not rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a" if self.rows else "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            if not self.rows:
                writer.writerow(COLUMNS)
            for row in rows:
                raw = block.record(row.number).decode("utf-8", "backslashreplace").rstrip("\r\n")
                writer.writerow([file, row.line, row.column, row.reason, raw])
        self.rows += len(rows)
