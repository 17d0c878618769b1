"""Where files are: `Place`, the folder that paths count from and may be confined to, and `File`, what a path means."""

from __future__ import annotations

import glob
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osiris.connectors.base import Connection
from osiris.connectors.filesystem.globs import matches
from osiris.errors import ConfigError, NotFound, PermissionDenied, SourceError, did_you_mean


@dataclass(frozen=True, slots=True)
class File:
    """A regular file as it was when looked up. `name` is what messages call it, relative to the place if inside."""

    path: str
    name: str
    size_bytes: int
    modified_ns: int
    inode: int

    def verify(self) -> None:
        """Raise SourceError unless the path still shows the same unchanged file."""
        try:
            now = Path(self.path).stat()
        except FileNotFoundError:
            now = None
        if now is None or (now.st_size, now.st_mtime_ns, now.st_ino) != (self.size_bytes, self.modified_ns, self.inode):
            raise SourceError(
                f"{self.name} was {'replaced or changed' if now else 'removed'} while it was read",
                code="file.changed",
                file=self.name,
                hint="run again once nobody writes to it; writers should rename finished files into place",
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> File:
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Place:
    """The folder `base`, links resolved. When `confined`, no path leads out of it, by `..`, by a link or absolute."""

    base: Path
    confined: bool

    @classmethod
    def of(cls, connection: Connection) -> Place:
        """A connection confines to its `base_dir`, or to the project's folder; without any connection nothing does."""
        base_dir = connection.get("base_dir")
        base = connection.root / _sane(base_dir or ".")
        return cls(base.resolve(), confined=bool(base_dir) or connection.alias is not None)

    def resolve(self, given: str) -> Path:
        """The absolute path without links that `given` means. Raises ConfigError when it leaves the place."""
        try:
            found = (self.base / _sane(given)).resolve()
        except RuntimeError as error:  # what Python 3.11 raises for links in a circle
            hint = "point the link to a file"
            raise NotFound(f"{given!r} is a link that leads back to itself", code="file.missing", hint=hint) from error
        if self.confined and not found.is_relative_to(self.base):
            raise ConfigError(
                f"the path {given!r} leads out of base_dir {self.base}",
                code="path.outside",
                hint="paths count from base_dir; put the file there, or use a connection with another base_dir",
            )
        return found

    def name_of(self, path: Path) -> str:
        return path.relative_to(self.base).as_posix() if path.is_relative_to(self.base) else path.as_posix()

    def find(self, given: str | Sequence[str], suffixes: Sequence[str]) -> tuple[File, ...]:
        """The files that a path, a glob, a folder (its files with one of `suffixes`) or a list of these means: each
        once, those of a glob or folder sorted by name. Raises NotFound when one means no file."""
        found: dict[str, File] = {}
        for each in [given] if isinstance(given, str) else given:
            for path in self._paths(each, suffixes):
                found.setdefault(str(path), self.file(path))
        return tuple(found.values())

    def file(self, path: Path) -> File:
        """Look at one resolved path. Raises NotFound, PermissionDenied, or ConfigError for what is no regular file."""
        name = self.name_of(path)
        try:
            seen = path.stat()
        except FileNotFoundError as error:
            raise self._missing(path) from error
        except NotADirectoryError as error:
            raise NotFound(f"{name}: a part of this path is a file, not a folder", code="file.missing") from error
        except PermissionError as error:
            raise PermissionDenied(f"{name}: not allowed to look into its folder", code="file.permission") from error
        if not stat.S_ISREG(seen.st_mode):
            hint = "folders, pipes and devices cannot be read"
            raise ConfigError(f"{name} is not a regular file", code="file.kind", hint=hint)
        return File(str(path), name, seen.st_size, seen.st_mtime_ns, seen.st_ino)

    def walk(self, suffixes: Sequence[str]) -> Iterator[File]:
        """All files with one of `suffixes` below the folder, sorted by name; hidden ones and links that lead out are
        left out."""
        for match in sorted(glob.glob("**/*", root_dir=self.base, recursive=True)):  # noqa: PTH207 - Path.glob gives hidden files too
            path = (self.base / match).resolve()
            inside = path.is_relative_to(self.base) or not self.confined
            if inside and path.name.lower().endswith(tuple(suffixes)) and path.is_file():
                yield self.file(path)

    def _paths(self, given: str, suffixes: Sequence[str]) -> list[Path]:
        path = self.resolve(given)
        if path.is_dir():
            found = matches(path, "*")
            found = [each for each in found if each.name.lower().endswith(tuple(suffixes))]
            what = f"the folder {given!r} has no file that ends in {', '.join(suffixes)}"
        elif glob.has_magic(given) and not path.exists():
            found = matches(self.base, given)
            what = f"no file matches {given!r} in {self.base}"
        else:
            return [path]
        found = [path for path in (self.resolve(str(each)) for each in found) if not path.is_dir()]
        if not found:
            raise NotFound(what, code="file.missing")
        return found

    def _missing(self, path: Path) -> NotFound:
        folder = path.parent
        if not folder.is_dir():
            wrong = "the path" if self.base.is_dir() else "base_dir"
            text = f"{self.name_of(path)}: its folder {folder} is not there"
            return NotFound(text, code="file.missing", hint=f"create it, or correct {wrong}")
        try:
            near = did_you_mean(path.name, sorted(entry.name for entry in folder.iterdir()))
        except PermissionError:
            near = ""
        hint = near or f"looked in {folder}"
        return NotFound(f"there is no file {self.name_of(path)}", code="file.missing", hint=hint)


def _sane(given: str) -> str:
    if "\0" in given or not given.strip():
        raise ConfigError(f"{given!r} is no path", code="path.invalid")
    if "://" in given:
        raise ConfigError(f"{given!r}: only paths of this machine can be read", code="path.scheme")
    return given
