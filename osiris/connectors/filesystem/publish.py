"""`FileWriter`: what all writers of a file share. Stage beside the target, then show the whole file by one rename."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import pyarrow as pa

from osiris.connectors.base import Batches, Dataset, Options, Part, Run, State, Token, Workspace, Writer, Written
from osiris.connectors.filesystem.client import Client
from osiris.connectors.filesystem.paths import File
from osiris.connectors.filesystem.staging import (
    Content,
    StagedFile,
    check_writable,
    content_of,
    put_in_place,
    rivals,
    staged_path,
    write_faults,
)
from osiris.errors import ConfigError, WriteFailed


class FileWriter(Writer[Client]):
    """Writes one file, replacing it or appending to it. Appending copies the old rows first, so it is as atomic.

    What is staged is durable once written: any later process can commit or abort it from the token and the parts alone.
    """

    def __init__(self, client: Client, options: Options, workspace: Workspace) -> None:
        super().__init__(client, options, workspace)
        self._schema: pa.Schema | None = None

    @abstractmethod
    def check(self, schema: pa.Schema) -> None:
        """Raise ConfigError for a schema that the format cannot hold; no I/O."""

    @abstractmethod
    def check_appending(self, old: File, schema: pa.Schema) -> None:
        """Raise ConfigError when rows of `schema` cannot follow those of the file that is there."""

    @abstractmethod
    def encode(self, sink: StagedFile, batches: Batches, old: File | None) -> int:
        """Write the rows of `old` and then those of the stream; return the count of the latter."""

    def token(self, schema: pa.Schema, run: Run) -> Token:
        self.check(schema)
        target = self.client.place.resolve(self.options["path"])
        return Token(
            run.id, run.step, Dataset("file", str(target)), durable=True, data={"staged": str(staged_path(target, run))}
        )

    def foresee(self, token: Token, schema: pa.Schema) -> tuple[str, ...]:
        target, _ = _paths(token)
        with write_faults(target):
            self._check_place(target)
            check_writable(target)
        if (old := self._old(target)) is not None:
            self.check_appending(old, schema)
        return () if target.exists() else ("the file is not there yet: it is made",)

    def begin(self, token: Token, schema: pa.Schema) -> None:
        """Raises ConfigError when another step of the run writes the same file, or there is no place for it."""
        target, staged = _paths(token)
        self._schema = schema
        with write_faults(target):
            self._check_place(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.touch()
        if rivals(staged):
            staged.unlink()
            hint = "give each its own path, or join the rows in one step before the writer"
            raise ConfigError(f"another step of this run writes {target} too", code="file.two_writers", hint=hint)
        if (old := self._old(target)) is not None:
            self.check_appending(old, schema)

    def write(self, token: Token, batches: Batches) -> Part:
        target, staged = _paths(token)
        old = self._old(target)
        with self._staging(target, staged) as sink:
            rows = self.encode(sink, batches, old)
            content = sink.finish()
        if old is not None:
            old.verify()
        data = {**asdict(content), "old": old.to_json() if old else None}
        return Part(rows, size_bytes=content.size_bytes, data=data)

    def commit(self, token: Token, parts: Sequence[Part], state: State | None) -> Written:
        if state is not None:
            raise ConfigError("a file cannot keep the state of an incremental read", code="state.unsupported")
        target, staged = _paths(token)
        if not parts and self._schema is not None:
            parts = [self.write(token, Batches.of(self._schema, ()))]
        if not staged.exists():
            if self.settle(token, parts) == "committed":
                return Written(sum(part.rows for part in parts))
            raise WriteFailed(f"what was staged for {target} is gone", code="file.staging_lost", hint="run again")
        if not parts or staged.stat().st_size != parts[0].data["size_bytes"]:
            raise WriteFailed(f"what was staged for {target} is not what was written", code="file.staging_changed")
        if (old := parts[0].data["old"]) is not None:
            File.from_json(old).verify()
        with write_faults(target):
            put_in_place(staged, target)
        return Written(sum(part.rows for part in parts))

    def settle(self, token: Token, parts: Sequence[Part]) -> Literal["committed", "not_committed", "unknown"]:
        """The rename takes the staged file away, so it tells; after that the target's content does."""
        target, staged = _paths(token)
        if staged.exists():
            return "not_committed"
        if not parts:
            return "unknown"
        wanted = Content(parts[0].data["sha256"], parts[0].data["size_bytes"])
        return "committed" if content_of(target) == wanted else "unknown"

    def abort(self, token: Token) -> None:
        _paths(token)[1].unlink(missing_ok=True)

    def finish(self, token: Token) -> None:
        _paths(token)[1].unlink(missing_ok=True)

    def watched(self, batches: Batches) -> Generator[pa.RecordBatch]:
        """The batches, until the client is interrupted."""
        for batch in batches:
            self.client.check_stop()
            yield batch

    @contextmanager
    def _staging(self, target: Path, staged: Path) -> Generator[StagedFile]:
        """A staged file that gives its space back at once when writing fails."""
        with write_faults(target):
            sink = StagedFile(staged)
            try:
                yield sink
            except BaseException:
                sink.drop()
                staged.unlink(missing_ok=True)
                raise

    def _old(self, target: Path) -> File | None:
        """The file to append to, None where there is none or it is replaced."""
        if self.options["write_mode"] != "append" or not target.exists() or not target.stat().st_size:
            return None
        return self.client.place.file(target)

    def _check_place(self, target: Path) -> None:
        if target.is_dir():
            raise ConfigError(f"{target} is a folder", code="file.kind", hint="name a file in it")
        if target.exists():
            self.client.place.file(target)
        if target.parent.is_dir():
            return
        if not self.options["create_dirs"]:
            hint = "create it, or set create_dirs: true"
            raise ConfigError(f"there is no folder {target.parent}", code="folder.missing", hint=hint)
        there = next(folder for folder in target.parents if folder.exists())
        if not there.is_dir():
            hint = "remove it, or choose another path"
            raise WriteFailed(f"{target} could not be written: {there} is a file", code="file.write", hint=hint)


def _paths(token: Token) -> tuple[Path, Path]:
    return Path(token.target.name), Path(str(token.data["staged"]))
