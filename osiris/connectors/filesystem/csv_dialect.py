"""`Dialect`: how a CSV file is spelled, as pyarrow's options and as a pattern that finds where a record ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from osiris.connectors.base import Options
from osiris.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a record: its text, and whether it stood in quotes."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Dialect:
    """The spelling of a file. `skip_blank_lines` None: unless the file has one column, where an empty line is a row."""

    delimiter: str = ","
    quotechar: str | None = '"'
    escapechar: str | None = None
    doublequote: bool = True
    comment: str | None = None
    skip_blank_lines: bool | None = None
    null_values: tuple[str, ...] = ("",)
    quoted_nulls: bool = False
    true_values: tuple[str, ...] = ("true", "True", "TRUE", "1")
    false_values: tuple[str, ...] = ("false", "False", "FALSE", "0")
    decimal_point: str = "."
    _record: re.Pattern[bytes] = field(init=False, repr=False, compare=False)
    _field: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        record, one_field = _patterns(self)
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_field", one_field)

    @classmethod
    def of(cls, options: Options, delimiter: str) -> Dialect:
        """Raises ConfigError when two of the characters are the same."""
        empty = ("",) if options["empty_as_null"] else ()
        dialect = cls(
            delimiter=delimiter,
            quotechar=options.get("quotechar") or None,
            escapechar=options.get("escapechar"),
            doublequote=options["doublequote"],
            comment=options.get("comment"),
            skip_blank_lines=options.get("skip_blank_lines"),
            null_values=(*empty, *options["null_values"]),
            quoted_nulls=options["quoted_nulls"],
            true_values=tuple(options["true_values"]),
            false_values=tuple(options["false_values"]),
            decimal_point=options["decimal_point"],
        )
        special = [dialect.delimiter, dialect.quotechar, dialect.escapechar, dialect.comment]
        given = [character for character in special if character]
        if len(set(given)) < len(given):
            raise ConfigError(
                f"delimiter, quotechar, escapechar and comment must differ, they are {special}", code="csv.dialect"
            )
        return dialect

    def skips_blank(self, columns: int) -> bool:
        return columns > 1 if self.skip_blank_lines is None else self.skip_blank_lines

    def record_end(self, data: bytes, start: int) -> int | None:
        """Where the record (or comment line) that begins at `start` ends, its line end included; None when `data` stops
        before that. Follows pyarrow's parser: a quote inside an unquoted field is an ordinary character."""
        found = self._record.match(data, start)
        return found.end() if found else None

    def is_comment(self, data: bytes, start: int) -> bool:
        return self.comment is not None and data.startswith(self.comment.encode(), start)

    def cells(self, record: bytes) -> Iterator[Cell]:
        """The fields of one record. Raises UnicodeDecodeError for what is not UTF-8."""
        record = record.rstrip(b"\r\n")
        position = 0
        while True:
            found = self._field.match(record, position)
            assert found is not None, "the pattern matches an empty field"
            quoted, rest = found["quoted"], found["rest"]
            text = self._unescape(rest)
            if quoted is not None:
                text = self._unquote(quoted) + text
            yield Cell(text.decode(), quoted is not None)
            if found.end() >= len(record):
                return
            position = found.end() + 1

    def parse_options(self, columns: int, on_bad_row: Callable[[Any], str] | None) -> pacsv.ParseOptions:
        return pacsv.ParseOptions(
            delimiter=self.delimiter,
            quote_char=self.quotechar or False,
            double_quote=self.doublequote,
            escape_char=self.escapechar or False,
            newlines_in_values=self.quotechar is not None or self.escapechar is not None,
            ignore_empty_lines=self.skips_blank(columns),
            invalid_row_handler=on_bad_row,
        )

    def convert_options(self, types: dict[str, pa.DataType]) -> pacsv.ConvertOptions:
        """Read the columns of `types`, in their order, and no others."""
        return pacsv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=list(self.null_values),
            strings_can_be_null=True,
            quoted_strings_can_be_null=self.quoted_nulls,
            true_values=list(self.true_values),
            false_values=list(self.false_values),
            decimal_point=self.decimal_point,
        )

    def _unquote(self, quoted: bytes) -> bytes:
        mark = self.quotechar.encode() if self.quotechar else b""
        inner = quoted[1:-1]
        return self._unescape(inner.replace(mark * 2, mark) if self.doublequote else inner)

    def _unescape(self, text: bytes) -> bytes:
        if self.escapechar is None:
            return text
        return re.sub(re.escape(self.escapechar.encode()) + rb"(.)", rb"\1", text, flags=re.DOTALL)


def _patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """(a whole record with its line end, one field). Possessive: a match takes time in proportion to its length."""

    def spelled(character: str | None) -> bytes:
        return re.escape(character.encode()) if character else b""

    delimiter, quote, escape = spelled(dialect.delimiter), spelled(dialect.quotechar), spelled(dialect.escapechar)
    escaped = b"|" + escape + b"." if escape else b""
    plain = b"(?:[^%s%s\r\n]++%s)*+" % (delimiter, escape, escaped)
    one_field = b"(?P<quoted>(?!))?(?P<rest>%s)" % plain
    any_field = plain
    if quote:
        doubled = b"|" + quote + quote if dialect.doublequote else b""
        quoted = b"%s(?:[^%s%s]++%s%s)*+%s" % (quote, quote, escape, doubled, escaped, quote)
        one_field = b"(?P<quoted>%s)?+(?P<rest>%s)" % (quoted, plain)
        any_field = b"(?:%s%s|(?!%s)%s)" % (quoted, plain, quote, plain)
    record = b"%s(?:%s%s)*+(?:\r\n|\n|\r(?!\\Z))" % (any_field, delimiter, any_field)
    if dialect.comment:
        record = b"%s[^\r\n]*+(?:\r\n|\n|\r(?!\\Z))|%s" % (spelled(dialect.comment), record)
    return re.compile(record, re.DOTALL), re.compile(one_field, re.DOTALL)
