"""Rows of COPY BINARY, byte by byte, and decimals of every width read back from them."""

from __future__ import annotations

import struct
from decimal import Context, Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.connectors._shared.misfits import Misfit
from osiris.connectors._shared.postgres import encode, encode_rows
from osiris.connectors._shared.postgres.encode_lists import lists
from osiris.connectors._shared.postgres.encode_rows import Fixed

EXACT = Context(prec=100)


def test_a_row_is_its_fields_each_with_its_length() -> None:
    numbers = encode.integers(pa.array([1, None, -2]), 4)
    words = encode.texts(pa.array(["a", None, "ř"]))
    empty = encode.texts(pa.array(["", "x", None]))
    found = encode_rows.rows([numbers], [words, empty], 3)
    assert bytes(found) == (
        b"\0\3\0\0\0\4\0\0\0\1\0\0\0\1a\0\0\0\0"
        b"\0\3\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1x"
        b"\0\3\0\0\0\4\xff\xff\xff\xfe\0\0\0\2\xc5\x99\xff\xff\xff\xff"
    )  # fmt: skip


def test_rows_of_one_width_need_no_joining() -> None:
    found = encode_rows.rows([encode.bools(pa.array([True, False])), encode.nulls(pa.nulls(2))], [], 2)
    assert bytes(found) == b"\0\2\0\0\0\1\1\xff\xff\xff\xff\0\2\0\0\0\1\0\xff\xff\xff\xff"


def test_no_rows_are_no_bytes() -> None:
    nothing = pa.array([], pa.string())
    assert bytes(encode_rows.rows([encode.integers(pa.array([], pa.int64()), 8)], [encode.texts(nothing)], 0)) == b""


def test_a_slice_is_read_from_its_own_beginning() -> None:
    for array, width in ((pa.array([1, 2, 3]), 8), (pa.array([Decimal(1), None, Decimal(3)]), 10)):
        made = encode.integers(array, 8) if width == 8 else encode.numerics(array)
        cut = encode.integers(array.slice(2), 8) if width == 8 else encode.numerics(array.slice(2))
        assert isinstance(made, Fixed)
        assert isinstance(cut, Fixed)
        assert bytes(cut.cells) == bytes(made.cells[2:])


@st.composite
def decimals(draw: st.DrawFn) -> pa.Array:
    """Some numbers of one type, its ends among them."""
    precision = draw(st.integers(1, 76))
    scale = draw(st.integers(0, precision))
    limit = 10**precision - 1
    numbers = draw(st.lists(st.none() | st.integers(-limit, limit), max_size=8))
    values = [None if number is None else Decimal(number) for number in [*numbers, limit, -limit, 0]]
    kind = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    return pa.array([None if value is None else value.scaleb(-scale, EXACT) for value in values], kind)


@given(decimals())
def test_every_decimal_is_the_same_number_in_postgres(array: pa.Array) -> None:
    made = encode.numerics(array)
    assert isinstance(made, Fixed)
    nulls = [False] * len(array) if made.nulls is None else made.nulls.tolist()
    found = [None if null else numeric(bytes(cell)) for cell, null in zip(made.cells, nulls, strict=True)]
    assert found == [None if value is None else (value, array.type.scale) for value in array.to_pylist()]


def numeric(data: bytes) -> tuple[Decimal, int]:
    """The number of PostgreSQL's binary form, and how many digits after the point it shows."""
    count, weight, sign, scale = struct.unpack_from(">hhHh", data)
    digits = struct.unpack_from(f">{count}h", data, 8)
    assert len(data) == 8 + 2 * count
    assert all(0 <= digit < 10_000 for digit in digits)
    with localcontext(EXACT):
        total = sum((Decimal(digit).scaleb(4 * (weight - place)) for place, digit in enumerate(digits)), Decimal(0))
        return (-total if sign else total, scale)


@given(st.lists(st.none() | st.lists(st.none() | st.text(max_size=3), max_size=4), max_size=6))
def test_every_list_is_an_array(values: list[list[str | None] | None]) -> None:
    found = lists(pa.array(values, pa.list_(pa.string())), encode.texts, 25)
    assert [None if value is None else elements(value) for value in found.to_pylist()] == values


def elements(data: bytes) -> list[str | None]:
    """The texts of an array in PostgreSQL's binary form."""
    dimensions, _, oid = struct.unpack_from(">iii", data)
    assert oid == 25
    if not dimensions:
        assert len(data) == 12
        return []
    count, lowest = struct.unpack_from(">ii", data, 12)
    assert (dimensions, lowest) == (1, 1)
    found: list[str | None] = []
    place = 20
    for _ in range(count):
        (size,) = struct.unpack_from(">i", data, place)
        found.append(None if size < 0 else data[place + 4 : place + 4 + size].decode())
        place += 4 + max(size, 0)
    assert place == len(data)
    return found


def test_an_element_that_does_not_fit_is_found_in_its_row() -> None:
    array = pa.array([[1], [], None, [2, 70_000]])
    with pytest.raises(Misfit, match="element") as caught:
        lists(array, lambda values: encode.integers(values, 2), 21)
    assert caught.value.place == 3


def test_a_value_over_a_gigabyte_is_refused_before_it_is_sent() -> None:
    """Its length alone is looked at: no memory is taken for bytes that are never touched."""
    offsets = pa.py_buffer(np.array([0, 1, 2**30 + 1], np.int64))
    array = pa.Array.from_buffers(pa.large_binary(), 2, [None, offsets, pa.py_buffer(np.zeros(2**30 + 1, np.uint8))])
    with pytest.raises(Misfit, match="1 GB") as caught:
        encode_rows.bounded(array)
    assert caught.value.place == 1
