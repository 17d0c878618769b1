"""`CsvFiles`: CSV files of one shape, the types of their columns, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any, Literal

import pyarrow as pa

from osiris.connectors.base import Options
from osiris.connectors.filesystem.csv_body import Body, Heading, open_body
from osiris.connectors.filesystem.csv_columns import Column, Columns
from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.csv_infer import Guess
from osiris.connectors.filesystem.csv_kinds import Words, kind_of
from osiris.connectors.filesystem.csv_reader import Rows
from osiris.connectors.filesystem.csv_rejects import Rejects
from osiris.connectors.filesystem.csv_values import Formatted, read_base64, read_decimal, read_json, type_of_formats
from osiris.connectors.filesystem.paths import File
from osiris.connectors.filesystem.sources import Reading, Source
from osiris.errors import ConfigError, DataError, did_you_mean
from osiris.stream.types import JSON, parse

SUFFIXES = (".csv", ".tsv", ".psv")
_READINGS = {pa.binary(): read_base64, JSON: read_json}
_DELIMITERS = {".tsv": "\t", ".psv": "|"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a step's options say about its files and columns."""

    dialect: Dialect = field(default_factory=Dialect)
    heading: Heading = field(default_factory=Heading)
    reading: Reading = field(default_factory=Reading)
    max_record_bytes: int = 128 << 20
    columns: tuple[str, ...] = ()
    declared: Mapping[str, Column] = field(default_factory=dict)
    infer: Literal["sample", "full", "none"] = "sample"
    sample_rows: int = 10_000
    dates: bool = True

    @classmethod
    def of(cls, options: Options, name: str) -> Layout:
        """`name` is that of a file, whose suffix gives the delimiter unless one is set. Raises ConfigError."""
        return cls(
            dialect=Dialect.of(options, delimiter_of(options.get("delimiter"), name)),
            heading=Heading.of(options),
            reading=Reading(options["compression"], options["encoding"], options["allow_nul"]),
            max_record_bytes=options["max_record_mb"] << 20,
            columns=tuple(options.get("columns") or ()),
            declared=_declared(options),
            infer=options["infer"],
            sample_rows=options["sample_rows"],
            dates=options["parse_dates"] is not False,
        )

    def column(self, name: str, wanted: pa.DataType | None) -> Column:
        """How to read a column: as declared, else as `wanted`, which was guessed; None is text."""
        if name in self.declared:
            return self.declared[name]
        if wanted is None or wanted == pa.string():
            return Column(name, pa.string(), guessed=wanted is not None)
        words = Words(self.dialect.true_values, self.dialect.false_values)
        return Column(name, wanted, kind_of(wanted, words, self.dialect.decimal_point).convert, guessed=True)


@dataclass(frozen=True, slots=True)
class CsvFiles:
    """`files` that all have the columns of the first one; `open_source` opens one."""

    layout: Layout
    files: Sequence[File]
    open_source: Callable[[File], Source]

    def columns(self) -> tuple[Column, ...]:
        """The columns to give, their types declared or guessed from the rows. Raises ConfigError for names that no
        column has."""
        body = self._open(self.files[0])
        body.source.close()
        _check_known(self.layout, body.names)
        names = self.layout.columns or body.names
        open_names = [name for name in names if name not in self.layout.declared]
        guessed: dict[str, pa.DataType] = {}
        if open_names and self.layout.infer != "none":
            guessed = self._guess(open_names)
        return tuple(self.layout.column(name, guessed.get(name)) for name in names)

    def read(self, file: File, columns: Sequence[Column], rejects: Rejects | None) -> Generator[pa.RecordBatch]:
        """The rows of one file. Raises DataError when it has other columns than the first file, or for a bad row."""
        expected = set(self.layout.columns or (column.name for column in columns))

        def columns_for(body: Body) -> Columns:
            self._check_same(body, expected)
            return Columns(body.names, columns, self.layout.dialect)

        return Rows(partial(self._open, file), columns_for, rejects).read()

    def _guess(self, names: Sequence[str]) -> dict[str, pa.DataType]:
        guesses = {name: Guess(self.layout.dialect, self.layout.dates) for name in names}
        text = [Column(name, pa.string()) for name in names]
        seen = 0
        for file in self.files:
            for batch in self._leniently(file, text):
                wanted = batch if self.layout.infer == "full" else batch.slice(0, self.layout.sample_rows - seen)
                for name, guess in guesses.items():
                    guess.update(wanted.column(name))
                seen += wanted.num_rows
                if self.layout.infer == "sample" and seen >= self.layout.sample_rows:
                    return {name: guess.type() for name, guess in guesses.items()}
        return {name: guess.type() for name, guess in guesses.items()}

    def _leniently(self, file: File, columns: Sequence[Column]) -> Generator[pa.RecordBatch]:
        """The rows up to the first bad one: it is the read that will complain of it or set it aside."""

        def columns_for(body: Body) -> Columns:
            return Columns(body.names, columns, self.layout.dialect)

        try:
            if {column.name for column in columns} <= set(self._open(file).names):
                yield from Rows(partial(self._open, file), columns_for).read()
        except DataError:
            return

    def _open(self, file: File) -> Body:
        layout = self.layout
        return open_body(self.open_source(file), layout.dialect, layout.heading, layout.max_record_bytes)

    def _check_same(self, body: Body, expected: set[str]) -> None:
        names = set(body.names)
        if expected <= names and (self.layout.columns or names == expected):
            return
        missing, more = sorted(expected - names), sorted(names - expected)
        texts = [f"lacks {', '.join(missing)}"] if missing else []
        texts += [f"has {', '.join(more)} besides"] if more and not self.layout.columns else []
        raise DataError(
            f"its columns differ from those of {self.files[0].name}: it {' and '.join(texts)}",
            code="csv.columns_differ",
            file=body.source.file.name,
            hint="read files of different shape in steps of their own, or name the common ones in columns",
        )


def delimiter_of(option: str | None, name: str) -> str:
    """The option, or what the suffix says: a tab for .tsv, a bar for .psv, else a comma."""
    if option is not None:
        return option
    known = [suffix for suffix in PurePath(name.lower()).suffixes if suffix in SUFFIXES]
    return _DELIMITERS.get(known[-1], ",") if known else ","


def _declared(options: Options) -> dict[str, Column]:
    formats = {name: _texts(value) for name, value in (options.get("date_formats") or {}).items()}
    found: dict[str, Column] = {}
    for name, written in (options.get("dtypes") or {}).items():
        found[name] = _column(name, written, formats.get(name))
    for name, texts in formats.items():
        found.setdefault(name, Column(name, (wanted := type_of_formats(texts)), Formatted(wanted, texts)))
    for name in options["parse_dates"] if isinstance(options["parse_dates"], list) else ():
        found.setdefault(name, Column(name, pa.timestamp("us")))
    return found


def _column(name: str, written: str, formats: tuple[str, ...] | None) -> Column:
    try:
        wanted = parse(written)
    except ConfigError as error:
        raise ConfigError(f"dtypes: {name}: {error.message}", code=error.code, hint=error.hint) from error
    if formats and not pa.types.is_temporal(wanted):
        raise ConfigError(f"date_formats: {name!r} is declared as {written}, which is no date", code="csv.date_format")
    if formats:
        return Column(name, wanted, Formatted(wanted, formats))
    reading = partial(read_decimal, wanted) if pa.types.is_decimal256(wanted) else _READINGS.get(wanted)
    return Column(name, wanted, reading)


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_known(layout: Layout, names: Sequence[str]) -> None:
    for option, given in (("columns", layout.columns), ("dtypes, date_formats or parse_dates", layout.declared)):
        for name in given:
            if name not in names:
                hint = did_you_mean(name, list(names)) or f"columns of the file: {', '.join(names[:30])}"
                raise ConfigError(f"{option}: the file has no column {name!r}", code="columns.unknown", hint=hint)
