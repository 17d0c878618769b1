"""`Body`: an opened CSV file behind its header, with the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osiris.connectors.base import Options
from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_records import First, Records
from osiris.connectors.filesystem.sources import Source
from osiris.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Heading:
    """Where the names come from: the `header` behind `skip_lines` lines, or `names`, which also replace a header."""

    header: bool = True
    skip_lines: int = 0
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Options) -> Heading:
        """`header: 2` means a header behind two more lines."""
        header = options["header"]
        more = 0 if isinstance(header, bool) else header
        return cls(header is not False, options["skip_rows"] + more, tuple(options.get("names") or ()))


@dataclass(frozen=True, slots=True)
class Body:
    """The records of one file, from the first data row on."""

    records: Records
    names: tuple[str, ...]

    @property
    def source(self) -> Source:
        return self.records.source


def open_body(source: Source, dialect: Dialect, heading: Heading, max_record_bytes: int) -> Body:
    """Skip what stands before the header and read it.

    Raises DataError for a file without a header, with a name twice or without one, or with another count than `names`.
    """
    records = Records(source, dialect, max_record_bytes)
    records.skip_lines(heading.skip_lines)
    first = records.first_record()
    if first is None and not heading.names:
        raise DataError(
            "the file is empty: it has no header" if heading.header else "the file is empty",
            code="csv.empty",
            file=source.file.name,
            hint="give names (and header: false) if a file without rows is to be expected",
        )
    names = heading.names
    if first is not None:
        cells = _cells(source, dialect, first)
        if heading.header:
            records.drop_through(first)
            names = names or tuple(cells)
            _check(source, names, cells, first.line)
        names = names or tuple(f"column_{n}" for n in range(1, len(cells) + 1))
    return Body(records, names)


def _cells(source: Source, dialect: Dialect, first: First) -> list[str]:
    try:
        return [cell.text for cell in dialect.cells(first.record)]
    except UnicodeDecodeError as error:
        raise DataError(
            f"the byte 0x{error.object[error.start]:02x} is not utf-8 text",
            code="file.encoding",
            file=source.file.name,
            line=first.line,
            hint="set encoding to that of the file, for example windows-1252",
        ) from error


def _check(source: Source, names: Sequence[str], cells: Sequence[str], line: int) -> None:
    if len(names) != len(cells):
        raise ConfigError(
            f"{source.file.name}, line {line}: {len(names)} names are given, but the file has {len(cells)} columns",
            code="csv.names",
            hint=f"the first row has: {', '.join(cells[:20])}",
        )
    for place, name in enumerate(names):
        if not name:
            problem = f"column {place + 1} has no name"
        elif name in names[:place]:
            problem = f"columns {list(names).index(name) + 1} and {place + 1} are both called {name!r}"
        else:
            continue
        hint = "correct the header, or give all names with the option names"
        raise DataError(problem, code="csv.header", file=source.file.name, line=line, data_column=name, hint=hint)
