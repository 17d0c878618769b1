"""`Staged`: the rows of a write on the disk, in bodies of requests, and a journal of which of them were sent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import Final

from osiris.errors import WriteFailed

ALL: Final = "all"
"""What the journal ends with once every row was sent."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that go into one request, each a JSON object. `first` is the 1-based place of the first in the write."""

    first: int
    rows: Sequence[bytes] = field(repr=False)

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def body(self) -> bytes:
        return b"[" + b",".join(self.rows) + b"]"

    def halves(self) -> tuple[Frame, Frame]:
        middle = len(self.rows) // 2
        return Frame(self.first, self.rows[:middle]), Frame(self.first + middle, self.rows[middle:])


class Staged:
    """Two files of one name: frames, and the journal, which is brought to the disk line by line."""

    def __init__(self, folder: Path, name: str) -> None:
        self._frames = folder / f"{name}.rows"
        self._journal = folder / f"{name}.sent"

    def create(self) -> BufferedWriter:
        """A new file for `add`, that only its owner may read."""
        self.remove()
        self._frames.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._frames, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return os.fdopen(handle, "wb")

    @staticmethod
    def add(file: BufferedWriter, frame: Frame) -> int:
        """Returns the size of its rows."""
        head = {"first": frame.first, "sizes": [len(row) for row in frame.rows]}
        body = b"".join(frame.rows)
        file.write(json.dumps(head).encode() + b"\n" + body)
        return len(body)

    @staticmethod
    def finish(file: BufferedWriter) -> None:
        """Bring it safely to the disk."""
        file.flush()
        os.fsync(file.fileno())

    def check(self, rows: int) -> None:
        """Raises WriteFailed unless just so many are there: a crash may have taken the end of the file."""
        found = sum(len(frame.rows) for frame in self.frames())
        if found != rows:
            raise WriteFailed(f"{found} of {rows} staged rows are left in {self._frames}", code="write.no_staging")

    def frames(self) -> Iterator[Frame]:
        """In order. Raises WriteFailed when there are none, or one is not whole."""
        try:
            file = self._frames.open("rb")
        except FileNotFoundError as error:
            raise WriteFailed(f"what was staged is gone: {self._frames}", code="write.no_staging") from error
        with file:
            while head := file.readline():
                told = json.loads(head)
                rows = [file.read(size) for size in told["sizes"]]
                if sum(map(len, rows)) != sum(told["sizes"]):
                    raise WriteFailed(f"what was staged is not whole: {self._frames}", code="write.no_staging")
                yield Frame(told["first"], rows)

    def note(self, what: str, last: int = 0) -> None:
        """`sending` or `done` up to a row, or ALL."""
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(f"{what} {last}\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def is_all_sent(self) -> bool:
        return ALL in (what for what, _ in self._noted())

    @property
    def done(self) -> int:
        """How many rows, from the first on, were surely written."""
        return max((last for what, last in self._noted() if what == "done"), default=0)

    @property
    def tried(self) -> int:
        """Up to which row they may have been."""
        return max((last for _, last in self._noted()), default=0)

    def remove(self) -> None:
        """Idempotent."""
        for path in (self._frames, self._journal):
            with suppress(FileNotFoundError):
                path.unlink()

    def _noted(self) -> list[tuple[str, int]]:
        """The journal; a line that a crash cut short does not count."""
        try:
            lines = self._journal.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []
        words = [line.split() for line in lines if line.endswith("\n")]
        return [(what, int(last)) for what, last in words]
