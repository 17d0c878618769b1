"""Rows as the text of statements, made column by column: `Inserts` for INSERT … VALUES, `Loads` for LOAD DATA LOCAL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pymysql

from osiris.connectors.mysql.channel import Channel
from osiris.connectors.mysql.fits import Form
from osiris.connectors.mysql.layout import Landing
from osiris.connectors.mysql.link import Sent
from osiris.connectors.mysql.names import listed, quoted
from osiris.connectors.mysql.spelling import TEXT, hexadecimal, raw_of
from osiris.errors import DataError

Verb = Literal["INSERT", "REPLACE"]
"""REPLACE: a row takes the place of one that has its key."""
INSERT_BYTES: Final = 2**20
LOAD_BYTES: Final = 8 * 2**20
"""What a statement has at least, if there are so many rows: more is not faster."""
MARGIN_BYTES: Final = 1024
BENIGN: Final = (1287, 1592, 1681, 3719)
"""Warnings about the statement, not about a value: what is deprecated, or unsafe for a replica."""


class Statements(Protocol):
    """One way to send rows. `size_bytes` of row texts make a good statement, `largest_row_bytes` a row at most."""

    size_bytes: int
    largest_row_bytes: int

    def rows(self, texts: Sequence[pa.Array]) -> pa.Array:
        """One text for each row, a large_binary, from one of its texts for each column."""
        ...

    def send(self, rows: bytes) -> Sent:
        """Run a statement with the texts of rows, one after the other."""
        ...


class Inserts:
    """Multi-row INSERT, within the server's max_allowed_packet."""

    def __init__(self, client: Channel, table: str, columns: Sequence[Landing], verb: Verb) -> None:
        self._client = client
        self._forms = [column.way.form for column in columns]
        self._head = f"{verb} INTO {table} ({listed(column.name for column in columns)}) VALUES ".encode()
        self.largest_row_bytes = packet_bytes(client) - len(self._head) - MARGIN_BYTES
        self.size_bytes = min(INSERT_BYTES, self.largest_row_bytes)

    def rows(self, texts: Sequence[pa.Array]) -> pa.Array:
        parts, between = [], b"("
        for form, text in zip(self._forms, texts, strict=True):
            before, after = _MARKS[form]
            value = _escaped(text, _IN_QUOTES) if form in ("text", "bytes") else text
            if before and value.null_count:  # a null has no quotes
                value = pc.binary_join_element_wise(_constant(before), value, _constant(after), _constant(b""))
                before = after = b""
            parts += [_constant(between + before), value]
            between = after + b","
        return _joined([*parts, _constant(between[:-1] + b"),")], b"NULL")

    def send(self, rows: bytes) -> Sent:
        return self._client.send(self._head + rows[:-1])


class Loads:
    """LOAD DATA LOCAL of tab-separated lines. Strict mode does not hold here: what does not fit is a warning."""

    def __init__(self, client: Channel, table: str, columns: Sequence[Landing], verb: Verb) -> None:
        self._client = client
        self._forms = [column.way.form for column in columns]
        names = [quoted(column.name) for column in columns]
        fields = [
            f"@v{place}" if form in _SETS else name
            for place, (name, form) in enumerate(zip(names, self._forms, strict=True))
        ]
        sets = [
            f"{name} = {_SETS[form]}(@v{place}{' AS UNSIGNED' if form == 'bits' else ''})"
            for place, (name, form) in enumerate(zip(names, self._forms, strict=True))
            if form in _SETS
        ]
        self._sql = (
            f"LOAD DATA LOCAL INFILE 'rows' {'REPLACE ' if verb == 'REPLACE' else ''}INTO TABLE {table} "
            r"CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' "
            f"({', '.join(fields)}){' SET ' + ', '.join(sets) if sets else ''}"
        )
        self._chunk_bytes = min(2**19, packet_bytes(client) // 2)
        self.largest_row_bytes = 2**32
        self.size_bytes = LOAD_BYTES

    def rows(self, texts: Sequence[pa.Array]) -> pa.Array:
        parts = []
        for form, text in zip(self._forms, texts, strict=True):
            value = _escaped(text, _IN_LINES) if form == "text" else text
            parts += [hexadecimal(value) if form == "bytes" else value, _constant(b"\t")]
        return _joined([*parts[:-1], _constant(b"\n")], rb"\N")

    def send(self, rows: bytes) -> Sent:
        return self._client.load_local(self._sql, self._chunks(rows))

    def _chunks(self, rows: bytes) -> Iterator[bytes]:
        for start in range(0, len(rows), self._chunk_bytes):
            yield rows[start : start + self._chunk_bytes]


def packet_bytes(client: Channel) -> int:
    """What the server takes in one packet, and so in one INSERT."""
    return int(client.rows("SELECT @@max_allowed_packet")[0][0])


def exactly(client: Channel, sent: Sent) -> Sent:
    """`sent`, if the server took all values as they are: a warning is a value that was bent, or a row left out.

    Raises the warning that says why as PyMySQL's DataError, as if it had been an error.
    """
    if sent.warnings:
        found = [row for row in client.rows("SHOW WARNINGS") if row[1] not in BENIGN]
        errors = [pymysql.err.DataError(int(number), str(text)) for _, number, text in found]
        about_values = [error for error in errors if isinstance(client.classify(error), DataError)]
        if errors:
            raise [*about_values, *errors][0]
    return sent


def can_load(client: Channel) -> bool:
    """Whether the connection and the server both allow LOAD DATA LOCAL."""
    return bool(client.connection.get("local_infile", False) and client.rows("SELECT @@GLOBAL.local_infile")[0][0])


def _escaped(array: pa.Array, escapes: Sequence[tuple[bytes, bytes]]) -> pa.Array:
    """Each of a large_binary with these bytes replaced; nothing is copied where none is."""
    for byte, escape in escapes:
        if (raw_of(array)[1] == byte[0]).any():
            array = pc.replace_substring(array, byte, escape)
    return array


def _joined(parts: Sequence[pa.Array], null: bytes) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _constant(b""), null_handling="replace", null_replacement=null)


def _constant(text: bytes) -> pa.Scalar:
    return pa.scalar(text, TEXT)


_IN_QUOTES: Final = ((b"\\", b"\\\\"), (b"'", b"''"))
_IN_LINES: Final = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"))
_MARKS: Final[dict[Form, tuple[bytes, bytes]]] = {
    "number": (b"", b""),
    "bits": (b"", b""),
    "plain": (b"'", b"'"),
    "text": (b"'", b"'"),
    "bytes": (b"_binary'", b"'"),
}
_SETS: Final[dict[Form, str]] = {"bytes": "UNHEX", "bits": "CAST"}
"""What has to be made of the text of a field first."""
