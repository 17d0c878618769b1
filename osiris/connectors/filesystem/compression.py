"""Compressed files: which codec a name or an option means, and streams that compress and decompress."""

from __future__ import annotations

import lzma
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, Protocol, cast

import pyarrow as pa

from osiris.errors import DataError

SUFFIXES = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz", ".zip": "zip"}
AUTO = ("auto", "infer")


class Readable(Protocol):
    """What can be read forward; closing it does not close what it was opened on."""

    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...


class Writable(Protocol):
    """What can be written forward."""

    def write(self, data: Any, /) -> Any: ...
    def close(self) -> None: ...


def codec_for(name: str, option: str) -> str:
    """`none`, `gzip`, `bz2`, `zstd`, `xz` or `zip`: what `option` says; for `auto` what the suffix of `name` says."""
    return SUFFIXES.get(PurePath(name).suffix.lower(), "none") if option in AUTO else option


def all_suffixes(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Each suffix alone and with each compression's behind it."""
    return plain + tuple(f"{suffix}{packed}" for suffix in plain for packed in SUFFIXES)


def open_raw(path: str, codec: str) -> Any:
    """The file as it lies on the disk: by Arrow, which reads without Python's lock; by Python for Python's codecs."""
    return Path(path).open("rb") if codec in ("xz", "zip") else pa.OSFile(path, "r")


def open_reader(raw: Any, codec: str, name: str) -> Readable:
    """The plain bytes of a file. Joined streams are read one after the other, as the tools do.

    Raises DataError, here or while reading, for a stream that is broken or cut off. A zip must hold exactly one file.
    """
    with stream_faults(codec, name):
        if codec == "none":
            return cast(Readable, raw)
        if codec == "xz":
            return lzma.LZMAFile(raw)
        if codec == "zip":
            return _open_zip(raw, name)
        return cast(Readable, pa.CompressedInputStream(raw, codec))


def open_writer(sink: Any, codec: str, name: str) -> Writable:
    """A stream that compresses into `sink`; close it before the sink. The same bytes in give the same bytes out."""
    if codec == "none":
        return cast(Writable, sink)
    if codec == "xz":
        return lzma.LZMAFile(sink, "wb")
    if codec == "zip":
        return _ZipWriter(sink, PurePath(name).stem)
    return cast(Writable, pa.CompressedOutputStream(pa.PythonFile(sink, "w"), codec))


@contextmanager
def stream_faults(codec: str, name: str) -> Generator[None]:
    """Turn the codecs' own errors into a DataError that names the file; the system's errors pass through."""
    try:
        yield
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise broken(codec, name, error) from error
    except OSError as error:
        if codec == "none" or error.errno is not None:
            raise
        raise broken(codec, name, error) from error


def broken(codec: str, name: str, reason: object) -> DataError:
    return DataError(
        f"the {codec} stream is broken or cut off: {reason}",
        code="file.compression",
        file=name,
        hint="get the file again, or set compression if it is packed in another way",
    )


def _open_zip(raw: Any, name: str) -> Readable:
    archive = zipfile.ZipFile(raw)
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise _unfit_zip(f"the zip holds {len(members)} files, one is wanted", name)
    if members[0].flag_bits & 0x1:
        raise _unfit_zip("the zip is encrypted", name)
    return cast(Readable, archive.open(members[0]))


def _unfit_zip(message: str, name: str) -> DataError:
    return DataError(message, code="file.zip", file=name, hint="unpack it first")


class _ZipWriter:
    """A zip with one member of a fixed date, so that the same content gives the same bytes."""

    def __init__(self, sink: Any, member: str) -> None:
        self._archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
        info = zipfile.ZipInfo(member)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        self._member = self._archive.open(info, "w", force_zip64=True)

    def write(self, data: Any) -> None:
        self._member.write(data)

    def close(self) -> None:
        self._member.close()
        self._archive.close()
