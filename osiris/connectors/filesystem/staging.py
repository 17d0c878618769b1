"""`StagedFile`: a file written beside its target, hashed on the way, and put in the target's place by a rename."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris import canonical
from osiris.connectors.base import Run
from osiris.errors import PermissionDenied, WriteFailed

NAME_BYTES = 100
FLUSH_BYTES = 32 << 20
_NO_SPACE = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))


@dataclass(frozen=True, slots=True)
class Content:
    """What was staged: enough to know it again."""

    sha256: str
    size_bytes: int


class StagedFile:
    """A new file to write forward into. Only `finish` closes it: the libraries that write close whatever they get."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._flusher = ThreadPoolExecutor(1, "osiris-flush")
        self._flush: Future[None] | None = None
        self._flush_at = FLUSH_BYTES

    def write(self, data: Any, /) -> int:
        """All of `data`, a bytes-like object. Raises OSError."""
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self._size_bytes += view.nbytes
        size = view.nbytes
        while view.nbytes:
            view = view[self._file.write(view) :]
        if self._size_bytes >= self._flush_at:
            self._begin_flush()
        return size

    def tell(self) -> int:
        return self._size_bytes

    def flush(self) -> None:
        return

    def close(self) -> None:
        return

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def finish(self) -> Content:
        """Bring it safely to the disk."""
        self._flusher.shutdown()
        self._check_flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Content(self._hash.hexdigest(), self._size_bytes)

    def drop(self) -> None:
        """Let go of the file without a promise about its content."""
        self._flusher.shutdown()
        self._file.close()

    def _begin_flush(self) -> None:
        """Bring what is there to the disk while more is made, so that there is little to wait for at the end."""
        self._flush_at = self._size_bytes + FLUSH_BYTES
        if self._flush is None or self._flush.done():
            self._check_flush()
            self._flush = self._flusher.submit(os.fsync, self._file.fileno())

    def _check_flush(self) -> None:
        """The system tells of a disk that fails once only: whoever is told must say so."""
        if self._flush is not None:
            self._flush.result()


def staged_path(target: Path, run: Run) -> Path:
    """A hidden name in the target's folder: the same for the same run, step and attempt, another for any other."""
    stem = target.name.encode()[:NAME_BYTES].decode(errors="ignore")
    return target.with_name(f".{stem}.osiris-{_short(run.id, str(target))}-{_short(run.step)}-{run.attempt}.tmp")


def rivals(staged: Path) -> list[str]:
    """What other steps of the same run stage for the same target."""
    shared, step, _ = staged.name.rsplit("-", 2)
    found = [entry.name for entry in staged.parent.iterdir() if entry.name.startswith(f"{shared}-")]
    return [name for name in found if name.rsplit("-", 2)[1] != step]


def content_of(path: Path) -> Content | None:
    """The content of a file at rest, None when there is none."""
    with suppress(FileNotFoundError, IsADirectoryError), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Content(digest.hexdigest(), file.tell())
    return None


def put_in_place(staged: Path, target: Path) -> None:
    """Rename over the target, keeping its permissions, and bring the folder's entry safely to the disk."""
    with suppress(FileNotFoundError):
        staged.chmod(target.stat().st_mode & 0o7777)
    staged.replace(target)
    with suppress(OSError):  # a folder cannot be opened on Windows, nor flushed on some network file systems
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def write_faults(target: Path) -> Generator[None]:
    """Turn a full disk and the like into WriteFailed that names the target."""
    try:
        yield
    except PermissionError as error:
        hint = f"let this user write in {_nearest_folder(target)}, or write elsewhere"
        raise PermissionDenied(f"not allowed to write {target}", code="file.permission", hint=hint) from error
    except OSError as error:
        full = error.errno in _NO_SPACE
        raise WriteFailed(
            f"{target} could not be written: {error.strerror or error}",
            code="file.no_space" if full else "file.write",
            hint="make space on that disk, then run again; the file that was there is untouched" if full else None,
        ) from error


def check_writable(target: Path) -> None:
    """Raise PermissionError when the folder of `target`, or the nearest above it that is there, takes no new files."""
    there = _nearest_folder(target)
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


def _nearest_folder(target: Path) -> Path:
    """The folder of `target`, or the nearest above it that this user can see."""
    return next(folder for folder in target.parents if os.path.isdir(folder))  # noqa: PTH112 - Path.is_dir raises where one may not look


def _short(*parts: str) -> str:
    return canonical.digest(list(parts)).removeprefix("sha256:")[:12]
