"""Spilling a stream to disk, so that several steps, or one step several times, can read it."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from osiris.errors import InternalError, WriteFailed
from osiris.stream.batches import Batches, End, FirstError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

log = logging.getLogger(__name__)
COMPRESSION = "lz4"


class SpillSpace:
    """How much disk all spills of a run may take together."""

    def __init__(self, limit_bytes: int | None = None) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def take(self, size_bytes: int) -> None:
        """Count `size_bytes` more; WriteFailed, and nothing counted, when that is over the limit."""
        with self._lock:
            if self.limit_bytes is not None and self.used_bytes + size_bytes > self.limit_bytes:
                raise WriteFailed(
                    f"the run's temporary files grew over the limit of {self.limit_bytes} bytes",
                    code="spill.limit",
                    hint="raise spill_limit in osiris.yaml, or give the step fewer rows",
                )
            self.used_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        with self._lock:
            self.used_bytes -= size_bytes


class Spill:
    """A whole stream in one Arrow IPC file (lz4), with the `End` of its source. `close` removes the file."""

    def __init__(self, path: Path, space: SpillSpace | None = None) -> None:
        self.path = path
        self._space = space or SpillSpace()
        self._taken_bytes = 0
        self._schema: pa.Schema | None = None
        self._end: End | None = None

    def fill(self, batches: Batches) -> None:
        """Write the whole stream, keeping its schema and `End`. Raises WriteFailed when the disk is full."""
        import pyarrow as pa

        schema, options = batches.schema, pa.ipc.IpcWriteOptions(compression=COMPRESSION)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with pa.OSFile(str(self.path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    self._grow(sink.tell())
        except OSError as error:
            batches.first_error.raise_if_any()
            folder = next(folder for folder in self.path.parents if folder.exists())
            hint = f"{shutil.disk_usage(folder).free // 2**20} MB are free there"
            raise WriteFailed(f"cannot spill to {self.path.parent}: {error}", code="spill.disk", hint=hint) from error
        if batches.end is None:
            raise InternalError(f"{batches.name} was spilled without its End", code="stream.no_end")
        self._schema, self._end = schema, batches.end

    def _grow(self, size_bytes: int) -> None:
        self._space.take(size_bytes - self._taken_bytes)
        self._taken_bytes = size_bytes

    def read(self, name: str, first_error: FirstError) -> Batches:
        """A fresh stream over all that was spilled; it also has a `dataset()` that can be scanned again and again."""
        if self._schema is None or self._end is None:
            raise InternalError(f"{self.path} was read before it was filled")
        return _Spilled(self.path, self._schema, self._end, name, first_error)

    def close(self) -> None:
        """Remove the file; what cannot be removed yet (Windows, while it is read) goes with the scratch folder."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.debug("%s stays for now: %s", self.path, error)
        self._space.give_back(self._taken_bytes)
        self._taken_bytes = 0


class _Spilled(Batches):
    def __init__(self, path: Path, schema: pa.Schema, end: End, name: str, first_error: FirstError) -> None:
        self._path = path
        self._whole = end
        super().__init__(schema, self._give(end), name=name, first_error=first_error)

    def _give(self, end: End) -> Generator[pa.RecordBatch, None, End]:
        import pyarrow as pa

        with pa.OSFile(str(self._path), "rb") as file:
            stored = pa.ipc.open_file(file)
            for number in range(stored.num_record_batches):
                yield stored.get_batch(number)
        return end

    def dataset(self) -> ds.Dataset:
        """What is scanned of it cannot be counted, so it counts as read whole, once."""
        import pyarrow.dataset as ds

        self.rows, self.end = self._whole.rows, self._whole
        return ds.dataset(str(self._path), format="ipc", schema=self.schema)
