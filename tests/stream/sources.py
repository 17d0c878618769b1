"""Sources for prefetch that tests hold, release and break."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable

import pyarrow as pa

from osiris.errors import InternalError, OsirisError, SourceError
from osiris.stream import End

SCHEMA = pa.schema([pa.field("n", pa.int64(), metadata={"osiris.type": "int"})])
LIMIT_S = 20.0


def batch(*numbers: int | None) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.int64())], schema=SCHEMA)


def numbers(batches: Iterable[pa.RecordBatch]) -> list[int]:
    return [n for one in batches for n in one.column(0).to_pylist()]


class Numbers:
    """Gives `batches` of `size` numbers from `first` on; before each it waits for `gate`, if there is one."""

    def __init__(self, first: int, batches: int = 3, size: int = 2, *, gate: threading.Event | None = None) -> None:
        self.name = f"from {first}"
        self.first, self.batches, self.size, self.gate = first, batches, size, gate
        self.interrupted = threading.Event()
        self.closed = threading.Event()
        self.fails: BaseException | None = None
        self.fails_opening: BaseException | None = None

    def open(self) -> Generator[pa.RecordBatch, None, End]:
        if self.fails_opening is not None:
            raise self.fails_opening
        return self._give()

    def close(self) -> None:
        self.closed.set()

    def interrupt(self) -> None:
        self.interrupted.set()
        if self.gate is not None:
            self.gate.set()

    def classify(self, error: Exception) -> OsirisError:
        return error if isinstance(error, OsirisError) else SourceError(f"{self.name}: {error}")

    def _give(self) -> Generator[pa.RecordBatch, None, End]:
        for number in range(self.batches):
            if self.gate is not None and not self.gate.wait(LIMIT_S):
                raise InternalError("nobody opened the gate")
            start = self.first + number * self.size
            yield batch(*range(start, start + self.size))
            if self.fails is not None:
                raise self.fails
        return End(self.batches * self.size, counts={"batches": self.batches})
