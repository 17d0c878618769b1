"""`Source`: one file's text as UTF-8 bytes, decompressed and decoded while it is read forward."""

from __future__ import annotations

import codecs
import threading
from dataclasses import dataclass, replace

from osiris.connectors.filesystem.compression import Readable, broken, codec_for, open_raw, open_reader, stream_faults
from osiris.connectors.filesystem.encodings import UTF8, UTF8_MARKED, UTF16, codec_of, decoder
from osiris.connectors.filesystem.paths import File
from osiris.errors import Cancelled, DataError

CHUNK_BYTES = 1 << 19
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF8: UTF8}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file's bytes become text: `compression` and `encoding` as the options name them."""

    compression: str = "auto"
    encoding: str = UTF8
    allow_nul: bool = False


class Source:
    """Reads one file from its start to its end, without a byte order mark.

    Raises SourceError when the file is changed meanwhile, DataError for a broken stream, text that is not in the
    declared encoding, or NUL bytes; Cancelled once `stop` is set.
    """

    closed = False

    def __init__(self, file: File, reading: Reading, stop: threading.Event) -> None:
        self.file = file
        self._reading = reading
        self._stop = stop
        file.verify()
        self._codec = codec_for(file.name, reading.compression)
        if self._codec != "none" and not file.size_bytes:
            raise broken(self._codec, file.name, "the file is empty")
        self._text = _Text(reading.encoding)
        self._lock = threading.Lock()
        self._ended = False
        self._given = 0
        self._waiting = b""
        self._raw = open_raw(file.path, self._codec)
        try:
            self._plain: Readable = open_reader(self._raw, self._codec, file.name)
        except DataError:
            self._raw.close()
            raise

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        """Exactly `size` bytes, fewer only at the end of the file, where it is verified that it did not change."""
        with self._lock:
            data, self._waiting = self._waiting, b""
            while len(data) < size and not self._ended:
                more = self._next(size - len(data))
                data = data + more if data else more
            if len(data) > size:
                data, self._waiting = data[:size], data[size:]
            return data

    def close(self) -> None:
        """Waits for a read that is under way in another thread: pyarrow reads ahead, and a descriptor that is closed
        meanwhile may already belong to another file, from which it would take bytes away."""
        with self._lock:
            self._ended = self.closed = True
            self._waiting = b""
            self._plain.close()
            self._raw.close()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def _next(self, size: int) -> bytes:
        """The text of the next stretch of the file, of about `size` bytes; empty text does not mean the end."""
        if self._stop.is_set():
            raise Cancelled("reading was stopped")
        with stream_faults(self._codec, self.file.name):
            data = self._plain.read(size)
        if not data:
            self._ended = True
            self.file.verify()
        try:
            text = self._text.decode(data)
        except UnicodeError as error:
            raise self._undecodable(error) from error
        if not self._reading.allow_nul and b"\0" in text:
            raise self._nul(text)
        self._given += len(text)
        self._text.count(text)
        return text

    def _lines_before(self) -> int:
        """How many lines end in the text that was given. UTF-8 is read again for it: only an error wants to know."""
        if self._text.lines is not None:
            return self._text.lines
        again = Source(self.file, replace(self._reading, allow_nul=True), self._stop)
        try:
            lines, left = 0, self._given
            while left:
                text = again.read(min(left, CHUNK_BYTES))
                lines, left = lines + text.count(b"\n"), left - len(text)
            return lines
        finally:
            again.close()

    def _undecodable(self, error: UnicodeError) -> DataError:
        line = 1 + self._lines_before() + self._text.lines_before(error)
        bad = error.object[error.start : error.start + 1].hex(" ") if isinstance(error, UnicodeDecodeError) else ""
        return DataError(
            f"the byte 0x{bad} is not {self._reading.encoding} text" if bad else str(error),
            code="file.encoding",
            file=self.file.name,
            line=line,
            hint="set encoding to that of the file, for example windows-1252",
        )

    def _nul(self, text: bytes) -> DataError:
        line = 1 + self._lines_before() + text.count(b"\n", 0, text.index(b"\0"))
        return DataError(
            "there is a NUL byte, so this looks like binary data or UTF-16, not like a text file",
            code="file.binary",
            file=self.file.name,
            line=line,
            hint="set encoding: utf-16 if it is, or allow_nul: true to keep NUL characters in text",
        )


class _Text:
    """Turns the bytes of an encoding into UTF-8; drops the byte order mark. `lines` counts those of decoded text."""

    def __init__(self, encoding: str) -> None:
        codec = codec_of(encoding)
        self._codec = UTF8 if codec == UTF8_MARKED else codec
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._started = False
        self.lines: int | None = None

    def count(self, text: bytes) -> None:
        """Take note of text that was given; there is no need to where the file itself is UTF-8."""
        if self.lines is not None:
            self.lines += text.count(b"\n")

    def decode(self, data: bytes) -> bytes:
        """Empty `data` says that nothing follows. Raises UnicodeError; UTF-8 itself is checked where it is parsed."""
        if not self._started:
            self._head += data
            if data and len(self._head) < len(codecs.BOM_UTF8):
                return b""
            data, self._head = self._start(self._head), b""
        return data if self._decoder is None else self._decoder.decode(data, not data).encode()

    def lines_before(self, error: UnicodeError) -> int:
        """How many lines end between the start of the failed stretch and the bad byte."""
        if not isinstance(error, UnicodeDecodeError) or self._decoder is None:
            return 0
        self._decoder.reset()
        return self._decoder.decode(error.object[: error.start]).count("\n")

    def _start(self, head: bytes) -> bytes:
        self._started = True
        if self._codec == UTF16:
            self._codec = "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
        if self._codec != UTF8:
            self._decoder = decoder(self._codec)
            self.lines = 0
        mark = next((mark for mark in _MARKS if head.startswith(mark)), None)
        if mark is None or self._codec.startswith("utf-32"):
            return head
        if self._codec != _MARKS[mark]:
            raise UnicodeError(f"the file begins with the mark of {_MARKS[mark]}, not with text in {self._codec}")
        return head[len(mark) :]
