"""A table in a file of JSON lines: a header with columns, commits and states, then a list of values for each row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from osiris import sdk


@dataclass(slots=True)
class Header:
    columns: list[tuple[str, str]]
    commits: dict[str, int] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """One file; `replace` writes it anew beside the old one and puts it in its place."""

    path: Path

    def exists(self) -> bool:
        return self.path.exists()

    def header(self) -> Header:
        with self.open() as file:
            return self.read_header(file)

    def open(self) -> IO[str]:
        if not self.exists():
            raise sdk.NotFound(f"there is no table {self.path.stem}")
        return self.path.open(encoding="utf-8")

    def read_header(self, file: IO[str]) -> Header:
        found = json.loads(file.readline())
        return Header([(name, kind) for name, kind in found["columns"]], found["commits"], found["states"])

    def rows(self, file: IO[str], first: int = 0, count: int | None = None) -> Iterator[list[Any]]:
        """Rows of an open file behind its header; DataError for a line that is none."""
        for number, line in enumerate(islice(file, first, None if count is None else first + count), first + 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise sdk.DataError(f"{self.path.name}, row {number} is broken", row=number) from error

    def all_rows(self) -> list[list[Any]]:
        with self.open() as file:
            self.read_header(file)
            return list(self.rows(file))

    def replace(self, header: Header, rows: Iterable[list[Any]]) -> None:
        beside = self.path.with_name(f".{self.path.name}.new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(header)) + "\n")
            file.writelines(json.dumps(row) + "\n" for row in rows)
        beside.replace(self.path)
