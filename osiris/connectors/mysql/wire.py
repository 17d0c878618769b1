"""Packets out of the bytes of a result: framing in one buffer that is used again and again, and how a result ends.

Sans-I/O. <https://mariadb.com/kb/en/0-packet/>, <https://mariadb.com/kb/en/result-set-packets/>: each packet is 3
bytes of length, 1 of sequence and its payload; one of 0xffffff bytes goes on in the next.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pymysql import err
from pymysql.constants import CR, SERVER_STATUS

from osiris.errors import InternalError, SourceError

Ints = NDArray[np.int64]
PAD: Final = 64
"""Bytes before and after the data, so that a value can be loaded by whole words, wherever it stands."""
SMALLEST_CHUNK: Final = 4096
MAX_ROW: Final = 2**31 - 1024
_HEADER: Final = 4
_FULL: Final = 0xFFFFFF
_END: Final = 0xFE
_ERROR: Final = 0xFF
_header = struct.Struct("<I").unpack_from


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows in the buffer: the payload of row i is `raw[starts[i]:ends[i]]`. Valid until `Packets.discard`."""

    raw: bytearray
    starts: Ints
    ends: Ints


class Packets:
    """The rest of a result after its column definitions. `sequence` is that of its first packet, None: unknown."""

    def __init__(self, chunk_bytes: int, sequence: int | None = None) -> None:
        self.finished = False
        self._chunk_bytes = max(chunk_bytes, SMALLEST_CHUNK)
        self._raw = bytearray(self._chunk_bytes + 2 * PAD)
        self._filled = PAD
        self._next = PAD
        """Where the next packet begins. Before it are the rows in `_framed`, and the one in `_joining`."""
        self._sequence = sequence
        self._framed: list[tuple[Ints, Ints]] = []
        self._joining: tuple[int, int] | None = None
        """Begin and end of a row of which more packets follow."""
        self._walk = 0

    @property
    def is_full(self) -> bool:
        """Whether the rows must be taken before there is space again."""
        return bool(self._framed) and self._capacity - self._filled < self._chunk_bytes // 16

    def space(self) -> memoryview:
        """Where the next bytes go, at least one."""
        if self.finished:
            raise InternalError("the result has ended: there is nothing left to receive")
        if self._filled == self._capacity:
            self._grow()
        return memoryview(self._raw)[self._filled : self._capacity]

    def received(self, count: int) -> None:
        """`count` bytes are in `space()`. Raises the server's error, and SourceError for what is no result."""
        if count == 0:
            raise err.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        self._filled += count
        while self._frame() and not self.finished:
            pass
        if self.finished and self._next != self._filled:
            raise broken(f"{self._filled - self._next} bytes follow its end")

    def rows(self) -> Rows:
        """The rows that are whole."""
        starts, ends = zip(*self._framed, strict=True) if self._framed else ((), ())
        none = np.empty(0, np.int64)
        return Rows(self._raw, np.concatenate([none, *starts]), np.concatenate([none, *ends]))

    def discard(self) -> None:
        """Forget the rows that are whole. The buffer goes back to its size after a large one."""
        self._framed = []
        begin = self._joining[0] if self._joining else self._next
        old, kept = self._raw, self._filled - begin
        if len(old) > self._chunk_bytes + 2 * PAD and kept < self._chunk_bytes:
            self._raw = bytearray(self._chunk_bytes + 2 * PAD)
        self._raw[PAD : PAD + kept] = memoryview(old)[begin : self._filled]
        by = PAD - begin
        self._filled += by
        self._next += by
        if self._joining:
            self._joining = self._joining[0] + by, self._joining[1] + by

    @property
    def _capacity(self) -> int:
        return len(self._raw) - PAD

    def _grow(self) -> None:
        """Room for the packet that does not fit; for a row of many packets at least a quarter more than there is."""
        if self._framed:
            raise InternalError("the buffer is full of rows that were not taken")
        needed = self._next + _HEADER
        if needed <= self._filled:
            needed += _header(self._raw, self._next)[0] & _FULL
        needed = max(needed, self._filled * 5 // 4 if self._joining else 0)
        if needed > MAX_ROW:
            raise broken("a row is larger than 2 GiB")
        raw = bytearray(needed + PAD)
        raw[: self._filled] = memoryview(self._raw)[: self._filled]
        self._raw = raw

    def _frame(self) -> bool:
        """Frames packets that are whole, up to the first that is more than a row; then true, as more may follow it."""
        starts, after = self._headers()
        if not len(starts):
            return False
        data = np.frombuffer(self._raw, np.uint8)
        begins = starts + _HEADER
        ends = np.append(starts[1:], after)
        lengths = ends - begins
        special = (data[begins] >= _END) | (lengths == _FULL) | (lengths == 0)
        special[0] |= self._joining is not None
        rows = int(np.argmax(special)) if special.any() else len(starts)
        self._check_sequence(data[starts[:rows] + 3])
        if rows:
            self._framed.append((begins[:rows], ends[:rows]))
            self._next = int(ends[rows - 1])
        if rows == len(starts):
            return False
        self._next = int(ends[rows])
        self._special(int(begins[rows]), self._next, data[starts[rows] + 3])
        return True

    def _headers(self) -> tuple[Ints, int]:
        """Where the packets begin that are whole, and where the last of them ends."""
        data = np.frombuffer(self._raw, np.uint8)
        while True:
            walk = _WALKS[self._walk](self._raw, self._next, self._filled - _HEADER)
            starts = np.fromiter(walk, np.int64)
            if not any(data[starts + place].any() for place in range(self._walk + 1, 3)):
                break
            self._walk += 1  # a packet is longer than this way to walk can see
        if not len(starts):
            return starts, self._next
        last = int(starts[-1])
        after = last + _HEADER + (_header(self._raw, last)[0] & _FULL)
        return (starts[:-1], last) if after > self._filled else (starts, after)

    def _check_sequence(self, found: NDArray[np.uint8]) -> None:
        if not len(found):
            return
        first = int(found[0]) if self._sequence is None else self._sequence
        if (found != np.arange(first, first + len(found)).astype(np.uint8)).any():
            raise broken("packets are missing or out of order")
        self._sequence = first + len(found) & 0xFF

    def _special(self, begin: int, end: int, sequence: np.uint8) -> None:
        """A packet that is no row, or not a whole one."""
        is_error = not self._joining and begin < end and self._raw[begin] == _ERROR
        if not (is_error and sequence == 0):  # a server that shuts down, or is told to end the session, starts anew
            self._check_sequence(np.array([sequence]))
        if self._joining or end - begin == _FULL:
            self._join(begin, end)
            return
        packet = bytes(memoryview(self._raw)[begin:end])
        if not packet:
            raise broken("a packet is empty")
        if is_error:
            raise_error(packet)
        check_end(packet)
        self.finished = True

    def _join(self, begin: int, end: int) -> None:
        """Moves a packet to the end of those before it, over its header."""
        start, middle = self._joining or (begin, begin)
        raw = memoryview(self._raw)
        raw[middle : middle + end - begin] = raw[begin:end]
        self._joining = start, middle + end - begin
        if end - begin < _FULL:
            self._framed.append((np.array([start]), np.array([self._joining[1]])))
            self._joining = None


def _walk_short(raw: bytearray, at: int, last: int) -> Iterator[int]:
    """Where each packet begins that begins before `last`, if none has 256 bytes or more."""
    while at <= last:
        yield at
        at += raw[at] + _HEADER


def _walk_middle(raw: bytearray, at: int, last: int) -> Iterator[int]:
    """The same for packets of less than 64 KiB."""
    while at <= last:
        yield at
        at += raw[at] + (raw[at + 1] << 8) + _HEADER


def _walk_long(raw: bytearray, at: int, last: int) -> Iterator[int]:
    while at <= last:
        yield at
        at += (_header(raw, at)[0] & _FULL) + _HEADER


_WALKS: Final = (_walk_short, _walk_middle, _walk_long)
"""The only step that is not taken for all rows at once is where each begins: so it is as short as it can be."""


def check_end(packet: bytes) -> None:
    """The last packet is an EOF packet, or an OK packet that begins like one. Raises SourceError for anything else."""
    is_ok = len(packet) in (7, 8) and packet[1:3] == b"\0\0"  # no rows changed, no insert id: it ends a SELECT
    if len(packet) != 5 and not is_ok:
        raise broken("its last packet is damaged")
    (status,) = struct.unpack_from("<xxxH", packet)
    if status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
        raise SourceError(
            "the query gives more than one result", code="query.many_results", hint="give one SELECT, not a CALL"
        )


def raise_error(packet: bytes) -> None:
    """The server's own error, as PyMySQL raises it."""
    if len(packet) < 4 or not packet[3:9].isascii():
        raise broken("an error packet is damaged")
    err.raise_mysql_exception(packet)


def broken(reason: str) -> SourceError:
    return SourceError(
        f"the server's answer cannot be read: {reason}",
        code="source.protocol",
        hint="run again; if it happens each time, look for a proxy between here and the server",
    )
