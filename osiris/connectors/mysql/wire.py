"""Packets out of the bytes of a result: framing in one buffer that is used again and again, and how a result ends.

Sans-I/O. <https://mariadb.com/kb/en/0-packet/>, <https://mariadb.com/kb/en/result-set-packets/>: each packet is 3
bytes of length, 1 of sequence and its payload; one of 0xffffff bytes goes on in the next.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pymysql import err
from pymysql.constants import CR, SERVER_STATUS

from osiris.errors import InternalError, SourceError

PAD: Final = 32
"""Bytes before and after the data, so that a value can be loaded by whole words, wherever it stands."""
SMALLEST_READ: Final = 65536
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
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Packets:
    """The rest of a result after its column definitions. `sequence` is that of its first packet, None: unknown."""

    def __init__(self, chunk_bytes: int, sequence: int | None = None) -> None:
        self.finished = False
        self._chunk_bytes = max(chunk_bytes, SMALLEST_READ)
        self._raw = bytearray(self._chunk_bytes + 2 * PAD)
        self._filled = PAD
        self._next = PAD
        """Where the next packet begins; all before it is in `_starts`, or is the row that is being joined."""
        self._sequence = sequence
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._joining: tuple[int, int] | None = None

    @property
    def is_full(self) -> bool:
        """Whether the rows must be taken before there is space again."""
        return bool(self._starts) and self._capacity - self._filled < min(SMALLEST_READ, self._chunk_bytes // 8)

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
        self._frame()
        if self.finished and self._next != self._filled:
            raise broken(f"{self._filled - self._next} bytes follow its end")

    def rows(self) -> Rows:
        return Rows(self._raw, np.array(self._starts, np.int64), np.array(self._ends, np.int64))

    def discard(self) -> None:
        """Forget the rows that there are; the buffer goes back to its size after a large one."""
        self._starts, self._ends = [], []
        begin = self._joining[0] if self._joining else self._next
        kept = self._filled - begin
        old = self._raw
        if len(old) > self._chunk_bytes + 2 * PAD and kept < self._chunk_bytes:
            self._raw = bytearray(self._chunk_bytes + 2 * PAD)
        self._raw[PAD : PAD + kept] = memoryview(old)[begin : self._filled]
        self._moved(PAD - begin)

    @property
    def _capacity(self) -> int:
        return len(self._raw) - PAD

    def _moved(self, by: int) -> None:
        self._filled += by
        self._next += by
        if self._joining:
            self._joining = self._joining[0] + by, self._joining[1] + by

    def _grow(self) -> None:
        """Room for the row that does not fit: for its packet, or a quarter more than there is if it has many."""
        if self._starts:
            raise InternalError("the buffer is full of rows that were not taken")
        needed = self._next + _HEADER
        if needed <= self._filled:
            needed += _header(self._raw, self._next)[0] & _FULL
        if needed > MAX_ROW:
            raise broken("a row is larger than 2 GiB")
        raw = bytearray(max(needed, self._filled * 5 // 4, self._chunk_bytes) + PAD)
        raw[: self._filled] = memoryview(self._raw)[: self._filled]
        self._raw = raw

    def _frame(self) -> None:
        raw, filled, at = self._raw, self._filled, self._next
        while at + _HEADER <= filled and not self.finished:
            header = _header(raw, at)[0]
            length = header & _FULL
            begin = at + _HEADER
            if begin + length > filled:
                break
            self._check_sequence(header >> 24)
            at = begin + length
            if self._joining or length == _FULL:
                self._join(begin, at)
            else:
                self._packet(begin, at)
            self._next = at

    def _check_sequence(self, sequence: int) -> None:
        if self._sequence is not None and sequence != self._sequence:
            raise broken(f"packet {sequence} came where {self._sequence} was due")
        self._sequence = sequence + 1 & 0xFF

    def _packet(self, begin: int, end: int) -> None:
        if begin == end:
            raise broken("a packet is empty")
        first = self._raw[begin]
        if first == _ERROR:
            raise_error(bytes(self._raw[begin:end]))
        if first == _END:
            check_end(bytes(self._raw[begin:end]))
            self.finished = True
        else:
            self._starts.append(begin)
            self._ends.append(end)

    def _join(self, begin: int, end: int) -> None:
        """Moves a packet to the end of those before it, over its header."""
        start, middle = self._joining or (begin, begin)
        raw = memoryview(self._raw)
        raw[middle : middle + end - begin] = raw[begin:end]
        self._joining = start, middle + end - begin
        if end - begin < _FULL:
            self._starts.append(start)
            self._ends.append(self._joining[1])
            self._joining = None


def check_end(packet: bytes) -> None:
    """The last packet is an EOF packet, or an OK packet that begins like one. Raises SourceError for anything else."""
    if len(packet) == 5 or (len(packet) >= 7 and packet[1:3] == b"\0\0"):
        (status,) = struct.unpack_from("<xxxH", packet)
    else:
        raise broken("its last packet is damaged")
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
