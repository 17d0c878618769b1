"""`Answer`: what a server sends for a COPY … TO STDOUT, its messages framed in one buffer that is used again. Sans-I/O.

<https://www.postgresql.org/docs/current/protocol-message-formats.html>: each message is a letter, four bytes of length,
which counts itself, and what it says. A row is one message.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from osiris.connectors._shared.buffers import Ints
from osiris.errors import InternalError, SourceError

PAD: Final = 24
"""So many bytes, of any value, are behind the last row: see `Block.heads`."""
SMALLEST_CHUNK: Final = 4096
MOST_ROW_BYTES: Final = 2**31 - 1024
MOST_OTHER_BYTES: Final = 2**24


@dataclass(frozen=True, slots=True)
class Rows:
    """Row i is `raw[starts[i]:ends[i]]`. Valid until the next ones are asked for."""

    raw: bytes | bytearray
    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, rows: Sequence[bytes | memoryview]) -> Rows:
        """A copy of them."""
        ends: Ints = np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), dtype=np.int64)
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))[: len(rows)]
        return cls(b"".join((*rows, bytes(PAD))), starts, ends)

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[bytes]:
        view = memoryview(self.raw)
        return (bytes(view[start:end]) for start, end in zip(self.starts, self.ends, strict=True))

    def part(self, begin: int, end: int | None = None) -> Rows:
        return Rows(self.raw, self.starts[begin:end], self.ends[begin:end])


class Answer:
    """`finished` once the server waits for the next statement; `error` has the fields of the error that it told, by
    their letters: <https://www.postgresql.org/docs/current/protocol-error-fields.html>."""

    def __init__(self, chunk_bytes: int) -> None:
        self.error: Mapping[int, bytes] | None = None
        self._chunk_bytes = max(chunk_bytes, SMALLEST_CHUNK)
        self._raw = bytearray(self._chunk_bytes + PAD)
        self._filled = 0
        self._next = 0
        """Where the first message begins that is not whole. Before it are the rows in `_framed`."""
        self._framed: list[tuple[Ints, Ints]] = []
        self._state = "asked"
        self._all_short = True

    @property
    def finished(self) -> bool:
        return self._state == "over" and self._next == self._filled

    @property
    def is_full(self) -> bool:
        """Whether the rows must be taken before there is space again."""
        return bool(self._framed) and self._capacity - self._filled < self._chunk_bytes // 16

    def space(self) -> memoryview:
        """Where the next bytes go, at least one."""
        if self._filled == self._capacity:
            self._grow()
        return memoryview(self._raw)[self._filled : self._capacity]

    def received(self, count: int) -> None:
        """`count` bytes are in `space()`. Raises SourceError for what is no answer to a COPY."""
        self._filled += count
        starts, ends = self._messages()
        kinds = np.frombuffer(self._raw, np.uint8)[starts]
        begin = 0
        for place in (*np.flatnonzero(kinds != _ROW), len(starts)):
            if place > begin:
                self._add(starts[begin:place] + _HEADER, ends[begin:place])
            if place < len(starts):
                said = memoryview(self._raw)[starts[place] + _HEADER : ends[place]]
                self._special(chr(kinds[place]), bytes(said))
            begin = place + 1
        self._next = int(ends[-1]) if len(ends) else self._next

    def rows(self) -> Rows:
        """Those that are whole."""
        none = np.zeros(0, np.int64)
        starts, ends = zip(*self._framed, strict=True) if self._framed else ((), ())
        return Rows(self._raw, np.concatenate([none, *starts]), np.concatenate([none, *ends]))

    def discard(self) -> None:
        """Forget the rows that are whole. The buffer goes back to its size after a large one."""
        self._framed = []
        old, kept = self._raw, self._filled - self._next
        if len(old) > self._chunk_bytes + PAD and kept < self._chunk_bytes:
            self._raw = bytearray(self._chunk_bytes + PAD)
        self._raw[:kept] = memoryview(old)[self._next : self._filled]
        self._filled, self._next = kept, 0

    @property
    def _capacity(self) -> int:
        return len(self._raw) - PAD

    def _grow(self) -> None:
        """Room for the message that does not fit."""
        if self._framed:
            raise InternalError("the buffer is full of rows that were not taken")
        needed = self._next + 1 + _length(self._raw, self._next + 1)[0]
        raw = bytearray(needed + PAD)
        raw[: self._filled] = memoryview(self._raw)[: self._filled]
        self._raw = raw

    def _messages(self) -> tuple[Ints, Ints]:
        """Where each message begins that is whole, and where it ends."""
        data, last = np.frombuffer(self._raw, np.uint8), self._filled - _HEADER
        walk = _walk_short if self._all_short else _walk
        starts = np.fromiter(walk(self._raw, self._next, last), np.int64)
        if self._all_short and any(data[starts + place].any() for place in (1, 2, 3)):
            self._all_short = False  # a message is longer than that way to walk can see
            starts = np.fromiter(_walk(self._raw, self._next, last), np.int64)
        if not len(starts):
            return starts, starts
        ends = np.append(starts[1:], starts[-1] + 1 + _length(self._raw, int(starts[-1]) + 1)[0])
        if (ends - starts < _HEADER).any():
            raise broken("a message has no length")
        if ends[-1] - starts[-1] > (MOST_ROW_BYTES if data[starts[-1]] == _ROW else MOST_OTHER_BYTES):
            raise broken("a message is larger than any that a server sends")
        whole = len(starts) - int(ends[-1] > self._filled)
        return starts[:whole], ends[:whole]

    def _add(self, starts: Ints, ends: Ints) -> None:
        if self._state != "rows":
            raise broken("rows come where there are none")
        self._framed.append((starts, ends))

    def _special(self, kind: str, said: bytes) -> None:
        """A message that is no row."""
        if kind in _ANY_TIME:
            return
        if kind == "E":
            self.error = _fields(said)
            self._state = "failed" if self._state != "over" else "over"
            return
        found = _NEXT.get((self._state, kind))
        if found is None:
            raise broken(f"a message {kind!r} comes where there is none")
        self._state = found


def broken(reason: str) -> SourceError:
    """It may pass: a pooler whose server is lost tells so in the middle of a row."""
    made = SourceError(
        f"the server's answer cannot be read: {reason}",
        code="source.protocol",
        hint="run again; if it happens each time, look for a proxy between here and the server",
    )
    made.retryable = True
    return made


def _walk_short(raw: bytearray, at: int, last: int) -> Iterator[int]:
    """Where each message begins, up to `last`, if none is longer than 255 bytes: twice as fast as `_walk`."""
    while at <= last:
        yield at
        at += raw[at + 4] + 1


def _walk(raw: bytearray, at: int, last: int) -> Iterator[int]:
    while at <= last:
        yield at
        at += _length(raw, at + 1)[0] + 1


def _fields(said: bytes) -> Mapping[int, bytes]:
    return {field[0]: field[1:] for field in said.split(b"\0") if field}


_HEADER: Final = 5
_ROW: Final = ord("d")
_ANY_TIME: Final = "NSA"
"""A notice, a parameter that changed, a notification."""
_NEXT: Final = {
    ("asked", "H"): "rows",
    ("rows", "c"): "ended",
    ("ended", "C"): "told",
    ("told", "Z"): "over",
    ("failed", "Z"): "over",
}
"""By state and letter, in the order of the protocol: <https://www.postgresql.org/docs/current/protocol-flow.html>."""
_length = struct.Struct(">I").unpack_from
