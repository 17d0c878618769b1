"""`CsvFormat`: record batches as the lines of a CSV file, column by column in Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors.base import Options
from osiris.connectors.filesystem import csv_text
from osiris.errors import ConfigError

_BEHIND_ALL = 2**31 - 1
_MARK = "\ufeff".encode()
_NO_LENGTH = pa.scalar(0, pa.int32())  # made once: pyarrow looks for pandas each time that it makes a scalar
_PLAIN_CHARACTERS = frozenset("0123456789+-.: eEtrufalsniTZ")
_NEWLINES = {"lf": "\n", "crlf": "\r\n"}


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """A spelling in which null and the empty text differ: null is `null_value` without quotes, `""` has quotes."""

    delimiter: str = ","
    quotechar: str = '"'
    quoting: Literal["minimal", "nonnumeric", "all"] = "minimal"
    newline: str = "\n"
    null_value: str = ""

    @classmethod
    def of(cls, options: Options, delimiter: str) -> CsvFormat:
        """Raises ConfigError for characters that cannot be told apart."""
        newline = _NEWLINES[options["newline"]]
        found = cls(delimiter, options["quotechar"], options["quoting"], newline, options["null_value"])
        if found.delimiter == found.quotechar:
            raise ConfigError(f"delimiter and quotechar must differ, both are {delimiter!r}", code="csv.dialect")
        if any(character in found.null_value for character in found._special):
            raise ConfigError("null_value must not hold the delimiter, the quote or a line end", code="csv.dialect")
        return found

    @property
    def _special(self) -> tuple[str, ...]:
        return (self.delimiter, self.quotechar, "\n", "\r")

    def header(self, names: Sequence[str]) -> bytes:
        column = [pa.array([name], pa.string()) for name in names]
        quoted = [self._quote_all(c) if self.quoting != "minimal" else self._quote_needed(c) for c in column]
        return _bytes_of(self._join(quoted))

    def lines(self, batch: pa.RecordBatch, first_row: int) -> bytes:
        """The rows, each with its line end, as UTF-8. `first_row` counts those before, for messages."""
        if not batch.num_rows:
            return b""
        names = batch.schema.names
        texts = [csv_text.text_of(column, name, first_row) for column, name in zip(batch.columns, names, strict=True)]
        cells = [self._cells(text, column.type) for text, column in zip(texts, batch.columns, strict=True)]
        return _bytes_of(self._join(cells))

    def _cells(self, text: pa.Array, type_: pa.DataType) -> pa.Array:
        if self.quoting == "all" or (self.quoting == "nonnumeric" and not csv_text.is_numeric(type_)):
            text = self._quote_all(text)
        elif csv_text.is_free_text(type_) or self._may_clash:
            text = self._quote_needed(text)
        return text

    @property
    def _may_clash(self) -> bool:
        """Whether numbers and dates can hold the delimiter or the quote, or look like the null value."""
        null_is_plain = bool(self.null_value) and _PLAIN_CHARACTERS.issuperset(self.null_value)
        return null_is_plain or not _PLAIN_CHARACTERS.isdisjoint({self.delimiter, self.quotechar})

    def _quote_all(self, text: pa.Array) -> pa.Array:
        if self.quotechar.encode() in _bytes_of(text):
            text = pc.replace_substring(text, self.quotechar, self.quotechar * 2)
        opened = pc.binary_replace_slice(text, 0, 0, self.quotechar)
        return pc.binary_replace_slice(opened, _BEHIND_ALL, _BEHIND_ALL, self.quotechar)

    def _quote_needed(self, text: pa.Array) -> pa.Array:
        """Quotes around what would otherwise be read as something else."""
        content = _bytes_of(text)
        needs = [pc.match_substring(text, sign) for sign in self._special if sign.encode() in content]
        if _MARK[:1] in content and _MARK in content:  # one byte is looked for much faster than three
            needs.append(pc.starts_with(text, "\ufeff"))
        needs.append(pc.equal(pc.binary_length(text), _NO_LENGTH))
        if self.null_value:
            needs.append(pc.equal(text, pa.scalar(self.null_value)))
        need = reduce(pc.or_, needs)
        return pc.if_else(need, self._quote_all(text), text) if pc.any(need).as_py() else text

    def _join(self, cells: list[pa.Array]) -> pa.Array:
        """The cells of each row behind one another, nulls filled in."""
        last = pc.fill_null(cells[-1], pa.scalar(self.null_value)) if cells[-1].null_count else cells[-1]
        last = pc.binary_replace_slice(last, _BEHIND_ALL, _BEHIND_ALL, self.newline)
        if len(cells) == 1:
            return last
        nulls = pc.JoinOptions(null_handling="replace", null_replacement=self.null_value)
        return pc.binary_join_element_wise(*cells[:-1], last, pa.scalar(self.delimiter), options=nulls)


def _bytes_of(text: pa.Array) -> bytes:
    """The characters of all values behind one another."""
    _, offsets, data = text.buffers()
    if data is None:
        return b""
    places = memoryview(offsets).cast("i")
    start, end = places[text.offset], places[text.offset + len(text)]
    return bytes(data.slice(start, end - start).to_pybytes())
