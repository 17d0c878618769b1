"""Bytes of results as a server sends them, made by the protocol's description, and PyMySQL as their second reader."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from pymysql.connections import Connection, MySQLResult

from osiris.connectors.mysql.columns import Column, Policy
from osiris.connectors.mysql.decode import Decoder

EOF = b"\xfe\0\0\x02\0"
OK_AS_EOF = b"\xfe\0\0\x02\0\0\0"
FULL = 0xFFFFFF
FIRST = 7
"""The number of the first packet after the column definitions, in these tests."""


def text_row(*values: str | bytes | None) -> bytes:
    return b"".join(b"\xfb" if value is None else counted(_bytes(value)) for value in values)


def binary_row(*values: bytes | None) -> bytes:
    """`values` are as they are in the row: those of no fixed size with their lengths."""
    bits = sum(1 << (place + 2) for place, value in enumerate(values) if value is None)
    return b"\0" + bits.to_bytes((len(values) + 9) // 8, "little") + b"".join(value or b"" for value in values)


def counted(value: bytes) -> bytes:
    """Bytes after their length."""
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    mark, width = (b"\xfc", 2) if size < 2**16 else (b"\xfd", 3) if size < 2**24 else (b"\xfe", 8)
    return mark + size.to_bytes(width, "little") + value


def error(number: int, message: str) -> bytes:
    return b"\xff" + struct.pack("<H", number) + b"#HY000" + message.encode()


def stream(payloads: Iterable[bytes], first: int = FIRST) -> bytes:
    """Payloads as packets, those of 16 MiB and more in several."""
    out = bytearray()
    number = first
    for payload in payloads:
        for begin in range(0, len(payload) + 1, FULL):
            part = payload[begin : begin + FULL]
            out += len(part).to_bytes(3, "little") + bytes([number & 0xFF]) + part
            number += 1
    return bytes(out)


def received(decoder: Decoder, data: bytes, piece: int | None = None) -> list[pa.RecordBatch]:
    """What a decoder makes of `data`, given at most `piece` bytes at a time; then the server hangs up, if not ended."""
    batches: list[pa.RecordBatch] = []
    rest = memoryview(data)
    while not decoder.finished:
        space = decoder.space()
        count = min(len(space), len(rest), piece or len(rest))
        space[:count] = rest[:count]
        rest = rest[count:]
        batches += decoder.received(count)
    assert not rest, "the decoder stopped before the end"
    for batch in batches:
        batch.validate(full=True)
    return batches


def decoded(
    columns: Sequence[Column],
    data: bytes,
    policy: Policy | None = None,
    *,
    binary: bool = False,
    piece: int | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of `data` by our decoder."""
    decoder = Decoder(columns, policy or Policy(zero_dates="null"), 4096, binary=binary, sequence=FIRST)
    batches = received(decoder, data, piece)
    return [row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


def read_by_pymysql(columns: Sequence[Column], data: bytes) -> list[tuple[Any, ...]]:
    """The rows of `data` by PyMySQL, typed. Whatever it raises says that it cannot read them."""
    head = stream([bytes([len(columns)]), *map(_definition, columns), EOF], FIRST - len(columns) - 2)
    connection: Any = Connection(defer_connect=True, charset="utf8mb4")
    connection._rfile = io.BytesIO(head + data)
    connection._sock = io.BytesIO()
    connection._next_seq_id = FIRST - len(columns) - 2 & 0xFF
    connection._read_timeout = connection._current_timeout = None
    result = MySQLResult(connection)
    result.read()
    assert not connection._rfile.read(), "bytes after the end"
    return list(result.rows or ())


def _definition(column: Column) -> bytes:
    names = b"".join(counted(name) for name in (b"def", b"", b"", b"", column.name.encode(), b""))
    facts = struct.pack(
        "<BHIBHBH", 12, column.charset, column.length, column.type_code, column.flags, column.decimals, 0
    )
    return names + facts


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
