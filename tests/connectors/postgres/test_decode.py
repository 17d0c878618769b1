"""The decoder over bytes made by hand: forms of the header, rows cut anywhere, and bytes that no server sends."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pytest

from osiris.connectors._shared.postgres.answer import Rows
from osiris.connectors._shared.postgres.block import Block
from osiris.connectors._shared.postgres.columns import Column, Policy
from osiris.connectors._shared.postgres.decode import END, SIGNATURE, Decoder
from osiris.connectors._shared.postgres.kinds import Reading
from osiris.connectors._shared.postgres.types import Type
from osiris.errors import DataError, SourceError
from osiris.testing.rig import raised

HEADER = SIGNATURE + bytes(8)
NUMERIC = 4 + (15 << 16 | 2)
"""The modifier of numeric(15,2)."""
COLUMNS = (
    Column("n", Type(23, "integer", "int4", "pg_catalog", "base")),
    Column("t", Type(25, "text", "text", "pg_catalog", "base")),
    Column("d", Type(1700, "numeric(15,2)", "numeric", "pg_catalog", "base", NUMERIC)),
    Column("j", Type(3802, "jsonb", "jsonb", "pg_catalog", "base")),
)


def row(*values: bytes | None) -> bytes:
    parts = [struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value for value in values]
    return struct.pack(">h", len(values)) + b"".join(parts)


def number(weight: int, *groups: int, sign: int = 0) -> bytes:
    return struct.pack(">HhHH", len(groups), weight, sign, 2) + struct.pack(f">{len(groups)}H", *groups)


ROWS = [
    row(struct.pack(">i", 7), "ž".encode(), number(1, 1, 2345, 6700), b'\x01{"a": 1}'),
    row(None, None, None, None),
    row(struct.pack(">i", -1), b"", number(-1, 100, sign=0x4000), b"\x01null"),
]
VALUES = [("7", "ž", "12345.67", '{"a": 1}'), (None,) * 4, ("-1", "", "-0.01", "null")]


def decoder() -> Decoder:
    kinds = [column.kind(Policy()) for column in COLUMNS]
    return Decoder(pa.schema([column.field(Policy()) for column in COLUMNS]), kinds, Reading())


def decoded(*pieces: Sequence[bytes], most_rows: int = 65536) -> list[tuple[str | None, ...]]:
    """The rows of messages that come in these pieces, as texts."""
    made, found = decoder(), list[tuple[str | None, ...]]()
    for piece in pieces:
        for batch in made.received(Rows.of(piece), most_rows):
            batch.validate(full=True)
            columns = [
                [None if value is None else str(value) for value in column.to_pylist()]
                for column in (array.storage if isinstance(array, pa.ExtensionArray) else array for array in batch)
            ]
            found += zip(*columns, strict=True)
    made.finish()
    return found


def test_the_header_comes_with_the_first_row_or_alone() -> None:
    assert decoded([HEADER + ROWS[0], *ROWS[1:], END]) == VALUES
    assert decoded([HEADER], ROWS, [END]) == VALUES
    assert decoded([SIGNATURE + struct.pack(">II", 0, 3) + b"abc" + ROWS[0], ROWS[1]], [ROWS[2], END]) == VALUES
    assert decoded([HEADER + END]) == []
    assert decoded([HEADER, END]) == []


@pytest.mark.parametrize("most_rows", [1, 2, 3, 7])
def test_batches_of_any_size_are_the_same_rows(most_rows: int) -> None:
    assert decoded([HEADER, *ROWS * 5, END], most_rows=most_rows) == VALUES * 5


BROKEN: dict[str, list[bytes]] = {
    "no end": [HEADER + ROWS[0], *ROWS[1:]],
    "nothing": [HEADER],
    "more behind the end": [HEADER, ROWS[0], END, ROWS[1]],
    "another form": [b"1\tx\n"],
    "flags": [SIGNATURE + struct.pack(">II", 1 << 16, 0) + ROWS[0], END],
    "a long extension": [SIGNATURE + struct.pack(">II", 0, 10**6) + ROWS[0], END],
    "too few columns": [HEADER, row(None, None), END],
    "too many columns": [HEADER, row(*[None] * 5), END],
    "a short integer": [HEADER, row(b"\0\0", None, None, None), END],
    "a long integer": [HEADER, row(bytes(8), None, None, None), END],
    "a value beyond its row": [HEADER, ROWS[0][:10] + struct.pack(">i", 10**9) + ROWS[0][14:], END],
    "a row beyond its values": [HEADER, ROWS[1] + b"\0", END],
    "a number cut short": [HEADER, row(None, None, number(0, 1)[:-1], None), END],
    "a number of too many groups": [HEADER, row(None, None, number(9, *[1] * 9), None), END],
    "a number of too many digits": [HEADER, row(None, None, number(4, 9999, 9999, 9999, 9999, 0), None), END],
    "a number of an unknown sign": [HEADER, row(None, None, number(0, 1, sign=0xC123), None), END],
    "a later jsonb": [HEADER, row(None, None, None, b"\x02{}"), END],
    "an empty jsonb": [HEADER, row(None, None, None, b""), END],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_server_sends_is_an_error(name: str) -> None:
    with pytest.raises(SourceError) as failed:
        decoded(BROKEN[name])
    assert failed.value.code == "source.protocol"


def test_an_error_counts_rows_over_all_batches() -> None:
    with pytest.raises(DataError) as failed:
        decoded([HEADER, *ROWS * 3, row(None, b"\xff", None, None), END], most_rows=2)
    assert (failed.value.row, failed.value.data_column) == (10, "t")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_are_rows_or_an_error_and_nothing_else(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(100):
        messages = [bytearray(message) for message in (HEADER, *ROWS * 2, END)]
        for _ in range(draw.randint(1, 3)):
            message = draw.choice(messages)
            place = draw.randrange(len(message) + 1)
            message[place : place + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 2))
        damaged = [bytes(message) for message in messages]
        error, found = failure(damaged)
        assert isinstance(error, (SourceError, DataError)) or len(found) == 2 * len(ROWS), repr(error)


def failure(messages: list[bytes]) -> tuple[Exception | None, list[object]]:
    found = list[object]()
    return raised(lambda: found.extend(decoded(messages))), found


ARRAY = struct.pack(">iiIii", 1, 0, 23, 2, 1) + 2 * (struct.pack(">i", 4) + b"\0\0\0\7")


@pytest.mark.parametrize("seed", range(10))
def test_damaged_arrays_are_lists_or_an_error_and_nothing_else(seed: int) -> None:
    draw, policy = random.Random(seed), Policy(lists=True)
    element = Type(23, "integer", "int4", "pg_catalog", "base")
    column = Column("x", Type(1007, "integer[]", "_int4", "pg_catalog", "base", element=element))
    for _ in range(200):
        damaged = bytearray(ARRAY)
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        cut = bytes(damaged[: draw.choice((len(damaged), len(damaged), draw.randrange(len(damaged))))])
        made, found = (
            Decoder(pa.schema([column.field(policy)]), [column.kind(policy)], Reading()),
            list[pa.RecordBatch](),
        )
        messages = Rows.of([HEADER, row(ARRAY), row(cut), row(None), END])
        error = raised(partial(read_into, found, made, messages))
        assert isinstance(error, (SourceError, DataError)) or len(found) == 1, repr(error)


def read_into(found: list[pa.RecordBatch], made: Decoder, rows: Rows) -> None:
    for batch in made.received(rows):
        batch.validate(full=True)
        found.append(batch)


def test_a_block_of_no_rows() -> None:
    assert [len(values) for values in Block(Rows.of([]), 0).columns(["a", "b"])] == [0, 0]
