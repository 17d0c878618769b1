"""`Records`: a CSV text cut into blocks that end where a record ends, each with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from osiris.connectors.filesystem.csv_dialect import Dialect
from osiris.connectors.filesystem.sources import CHUNK_BYTES, Source
from osiris.errors import DataError

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records. `spans` are their places in `data`, comment lines and blank ones left out; `line` is the number of
    the first line in the file, from 1."""

    data: bytes
    spans: list[tuple[int, int]]
    line: int

    def record(self, number: int) -> bytes:
        start, end = self.spans[number]
        return self.data[start:end]

    def line_of(self, number: int) -> int:
        """Where the record begins, as an editor counts lines."""
        return self.line + _line_ends(self.data[: self.spans[number][0]])

    def text(self, numbers: range | list[int]) -> bytes:
        """Those records as one CSV text."""
        if isinstance(numbers, range) and numbers:
            start, end = self.spans[numbers[0]][0], self.spans[numbers[-1]][1]
            if sum(self.spans[n][1] - self.spans[n][0] for n in numbers) == end - start:
                return self.data[start:end]
        return b"".join(self.record(number) for number in numbers)


@dataclass(frozen=True, slots=True)
class First:
    """A record that was looked at; `line` is where it begins in the file, `end` where it ends in what was read."""

    record: bytes
    line: int
    end: int


class Records:
    """Reads `source` forward: lines to skip, single records (a header), then blocks. Keeps what it read too far.

    Raises DataError for a quoted field that is never closed and for a record of more than `max_record_bytes`.
    """

    def __init__(self, source: Source, dialect: Dialect, max_record_bytes: int) -> None:
        self.source = source
        self.line = 1
        self._dialect = dialect
        self._max_bytes = max_record_bytes
        self._data = b""
        self._ended = False

    def skip_lines(self, count: int) -> None:
        """Drop `count` lines as they stand, quotes unheeded; fewer when the file ends."""
        for _ in range(count):
            while (found := _LINE_END.search(self._data)) is None and self._more():
                pass
            self._drop(found.end() if found else len(self._data))

    def first_record(self) -> First | None:
        """The next record that is neither blank nor a comment, left in place. None at the end."""
        position = 0
        while True:
            end = self._dialect.record_end(self._data, position)
            if end is None:
                if self._more():
                    continue
                if position < len(self._data):
                    raise self._unclosed()
                return None
            record = self._data[position:end]
            if record.strip(b"\r\n") and not self._dialect.is_comment(record, 0):
                return First(record, self.line + _line_ends(self._data[:position]), end)
            position = end

    def drop_through(self, first: First) -> None:
        """Take away the record that `first_record` gave, and what stands before it."""
        self._drop(first.end)

    def take_rest(self) -> bytes:
        """What was read too far; from here on the caller reads `source` itself."""
        data, self._data = self._data, b""
        return data

    def blocks(self, skips_blank: bool) -> Iterator[Block]:
        """Everything that is left, in blocks of about a megabyte, larger only to hold one record."""
        while True:
            spans, end = self._spans(skips_blank)
            if end:
                yield Block(self._data, spans, self.line)
                self._drop(end)
            elif not self._more():
                if self._data:
                    raise self._unclosed()
                return

    def _spans(self, skips_blank: bool) -> tuple[list[tuple[int, int]], int]:
        spans: list[tuple[int, int]] = []
        data, dialect, position = self._data, self._dialect, 0
        while (end := dialect.record_end(data, position)) is not None:
            if end - position > self._max_bytes:
                raise self._too_long()
            blank = skips_blank and data[position : position + 1] in (b"\r", b"\n")
            if not blank and not dialect.is_comment(data, position):
                spans.append((position, end))
            position = end
        return spans, position

    def _more(self) -> bool:
        """Read on, doubling what is at hand: a huge record is looked through a few times only. False at the end."""
        if self._ended:
            return False
        if len(self._data) > self._max_bytes:
            raise self._too_long()
        new = self.source.read(max(CHUNK_BYTES, len(self._data)))
        if not new:
            self._ended = True
            new = b"" if not self._data or self._data.endswith(b"\n") else b"\n"
        self._data += new
        return bool(new)

    def _drop(self, size: int) -> None:
        dropped, self._data = self._data[:size], self._data[size:]
        self.line += _line_ends(dropped)

    def _unclosed(self) -> DataError:
        return self._fault("a quoted field that begins here or below is never closed", "csv.unclosed")

    def _too_long(self) -> DataError:
        return self._fault(f"a record is longer than {self._max_bytes >> 20} MB", "csv.record_too_long")

    def _fault(self, message: str, code: str) -> DataError:
        return DataError(
            message,
            code=code,
            file=self.source.file.name,
            line=self.line,
            hint="close the quote, set quotechar or escapechar to what the file uses, or raise max_record_mb",
        )


def _line_ends(text: bytes) -> int:
    """How many lines end in `text`, whose last byte is followed by something that is no line feed."""
    if b"\r" not in text:
        return text.count(b"\n")
    return len(_LINE_END.findall(text + b" "))
