"""Which Arrow types go into which columns of MySQL, in which form, and what of their values would be bent."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pyarrow as pa
import pytest

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.misfits import Misfit
from osiris.connectors.mysql.arrivals import kind_of
from osiris.connectors.mysql.declared import WORDS, Declared
from osiris.connectors.mysql.fits import Way, way


def the_way(arrow: pa.DataType, column: str) -> Way | None:
    declared = Declared.of(column)
    assert declared is not None, column
    return way(kind_of(arrow, "x"), arrow, declared)


NUMBERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"}
TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}
BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
SHAPES = {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
SHAPES |= {"geometrycollection", "geomcollection", "vector"}
TAKEN: list[tuple[pa.DataType, set[str]]] = [
    (pa.bool_(), NUMBERS | {"bit"}),
    (pa.int32(), NUMBERS | {"bit", "float", "double", "year"}),
    (pa.uint64(), NUMBERS | {"bit", "float", "double", "year"}),
    (pa.decimal128(9, 2), NUMBERS),
    (pa.float32(), {"float", "double"}),
    (pa.float64(), {"float", "double"}),
    (pa.string(), TEXTS | {"enum", "set", "json", "uuid", "inet4", "inet6"}),
    (pa.binary(), BYTES | SHAPES),
    (pa.date32(), {"date", "datetime"}),
    (pa.timestamp("us"), {"datetime"}),
    (pa.timestamp("us", "UTC"), {"datetime", "timestamp"}),
    (pa.time64("us"), {"time"}),
    (pa.duration("us"), {"time"}),
    (pa.json_(), TEXTS | {"json"}),
    (pa.list_(pa.int64()), (TEXTS | {"json"}) - {"char", "varchar"}),
    (pa.null(), set(WORDS)),
]


@pytest.mark.parametrize(("arrow", "words"), TAKEN, ids=[str(arrow) for arrow, _ in TAKEN])
def test_a_type_goes_into_these_columns_and_no_others(arrow: pa.DataType, words: set[str]) -> None:
    """LESSONS 2 and 9: what a column cannot always hold is refused, never guessed at."""
    columns = {word: Declared(word, members=("a",) if word in ("enum", "set") else ()) for word in WORDS}
    assert {word for word, column in columns.items() if way(kind_of(arrow, "x"), arrow, column)} == words


@pytest.mark.parametrize(
    ("column", "fits"),
    [
        ("binary(16)", True),
        ("binary(17)", False),
        ("varbinary(16)", True),
        ("varbinary(20)", True),
        ("varbinary(15)", False),
        ("char(36)", True),
        ("char(35)", False),
        ("varchar(36)", True),
        ("longtext", True),
        ("uuid", True),
        ("blob", False),
    ],
)
def test_a_uuid_needs_room(column: str, fits: bool) -> None:
    found = the_way(pa.uuid(), column)
    assert (found is not None) is fits
    if found is not None:
        one = uuid.UUID(int=7)
        (value,) = found.spell(bare(pa.array([one.bytes], pa.uuid()))).to_pylist()
        assert value == (one.bytes if found.form == "bytes" else str(one).encode())


@pytest.mark.parametrize(
    ("arrow", "column", "form"),
    [
        (pa.int8(), "bigint(20)", "number"),
        (pa.bool_(), "tinyint(1)", "number"),
        (pa.bool_(), "bit(1)", "bits"),
        (pa.uint64(), "bit(64)", "bits"),
        (pa.int16(), "year(4)", "number"),
        (pa.decimal128(9, 2), "decimal(9,2)", "plain"),
        (pa.float64(), "double", "plain"),
        (pa.string(), "varchar(9)", "text"),
        (pa.string(), "enum('a')", "text"),
        (pa.binary(), "blob", "bytes"),
        (pa.binary(), "point", "bytes"),
        (pa.date32(), "date", "plain"),
        (pa.duration("us"), "time(6)", "plain"),
        (pa.list_(pa.string()), "json", "text"),
    ],
)
def test_the_form_says_what_has_to_be_quoted(arrow: pa.DataType, column: str, form: str) -> None:
    found = the_way(arrow, column)
    assert found is not None
    assert found.form == form


MISFITS: list[tuple[pa.Array, str, str]] = [
    (pa.array([Decimal("1.0"), Decimal("1.5")], pa.decimal128(3, 1)), "int(11)", "more than 0 digits"),
    (pa.array([Decimal("1.230"), Decimal("1.239")], pa.decimal128(9, 3)), "decimal(5,2)", "more than 2 digits"),
    (pa.array([0.5, 0.1]), "float", "more digits than a FLOAT"),
    (pa.array([1.5, 1.125]), "float(10,2)", "more digits than a FLOAT"),
    (pa.array([1.5, 1.25]), "double(10,1)", "more digits than a DOUBLE"),
    (pa.array([2**53, 2**53 + 1]), "double", "more digits than a DOUBLE"),
    (pa.array([-(2**53), -(2**53) - 1]), "double", "more digits than a DOUBLE"),
    (pa.array([2**24, 2**24 + 1], pa.uint64()), "float", "more digits than a FLOAT"),
    (pa.array([7, -1]), "bit(64)", "is negative"),
    (pa.array([1901, 1900]), "year(4)", "is no YEAR"),
    (pa.array([0, 26]), "year(4)", "is no YEAR"),
    (pa.array(["abc", "abc "]), "varchar(3)", "longer than the 3"),
    (pa.array(["éé", "ééé"]), "varchar(2)", "longer than the 2"),
    (pa.array(["ab", "ab "]), "char(5)", "ends with a space"),
    (pa.array(["x" * 255, "x" * 256]), "tinytext", "longer than the 255"),
    (pa.array(["a", "A"]), "enum('a','b')", "members of the ENUM"),
    (pa.array(["a", "1"]), "enum('a','b')", "members of the ENUM"),
    (pa.array(["a,b", "b,a"]), "set('a','b')", "members of the SET"),
    (pa.array(["", "a,a"]), "set('a','b')", "members of the SET"),
    (pa.array([b"abc", b"ab"]), "binary(3)", "not 3 bytes long"),
    (pa.array([b"abc", b"abcd"]), "varbinary(3)", "longer than the 3 bytes"),
    (pa.array([10**6, 10**6 + 1], pa.timestamp("us")), "datetime", "more than 0 digits after the second"),
    (pa.array([1000, 1001], pa.timestamp("us", "UTC")), "timestamp(3)", "more than 3 digits after the second"),
    (pa.array([10**6, -1], pa.duration("us")), "time", "more than 0 digits after the second"),
    (pa.array([[1.0], [float("nan")]]), "json", "cannot be JSON"),
]


@pytest.mark.parametrize(
    ("values", "column", "reason"), MISFITS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_value_that_the_server_would_bend_is_found_before_it_is_sent(
    values: pa.Array, column: str, reason: str
) -> None:
    found = the_way(values.type, column)
    assert found is not None
    assert found.spell(values.slice(0, 1)).null_count == 0
    padded = pa.concat_arrays([values.slice(0, 1), pa.nulls(1, values.type), values.slice(1)])
    with pytest.raises(Misfit, match=reason) as caught:
        found.spell(padded)
    assert caught.value.place == 2


def test_what_is_written_into_a_wider_column_is_exact() -> None:
    for values, column, text in (
        (pa.array([Decimal("1.25")], pa.decimal128(9, 2)), "decimal(20,4)", b"1.25"),
        (pa.array([Decimal("7.00")], pa.decimal128(9, 2)), "int(11)", b"7"),
        (pa.array([0.5], pa.float32()), "double", b"0.5"),
        (pa.array([26], pa.date32()), "datetime(6)", b"1970-01-27"),
        (pa.array([1999], pa.int64()), "year(4)", b"1999"),
        (pa.array([0], pa.int64()), "year(4)", b"0000"),
    ):
        found = the_way(values.type, column)
        assert found is not None
        assert found.spell(values).to_pylist() == [text]
