"""How values are spelled in CSV files, and what a CSV file cannot hold."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.errors import ConfigError, DataError
from tests.connectors.filesystem.steps import RUN, client, instance, read_csv, write_csv

DAY = datetime(2026, 1, 31, 10, 0, 0, 5)  # noqa: DTZ001 - local time is what is meant
SPELLED: dict[str, tuple[pa.Array, str]] = {
    "int": (pa.array([-1], pa.int8()), "-1"),
    "uint64": (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
    "float": (pa.array([0.1]), "0.1"),
    "long float": (pa.array([0.1 + 0.2]), "0.30000000000000004"),
    "large float": (pa.array([1e22]), "1e+22"),
    "float32": (pa.array([0.1], pa.float32()), "0.1"),
    "half": (pa.array([1.5], pa.float16()), "1.5"),
    "nan": (pa.array([float("nan")]), "nan"),
    "decimal": (pa.array([Decimal("1.10")], pa.decimal128(12, 2)), "1.10"),
    "small decimal": (pa.array([Decimal("0.0000000001")], pa.decimal128(20, 10)), "0.0000000001"),
    "zero decimal": (pa.array([Decimal(0)], pa.decimal128(20, 10)), "0.0000000000"),
    "large decimal": (pa.array([Decimal(100)], pa.decimal128(5, -2)), "100"),
    "decimal256": (pa.array([Decimal("1" * 50)], pa.decimal256(60, 2)), "1" * 50 + ".00"),
    "bool": (pa.array([True]), "true"),
    "date": (pa.array([date(2026, 1, 31)]), "2026-01-31"),
    "time": (pa.array([time(10, 1)], pa.time64("us")), "10:01:00.000000"),
    "timestamp": (pa.array([DAY], pa.timestamp("us")), "2026-01-31 10:00:00.000005"),
    "seconds": (pa.array([0], pa.timestamp("s")), "1970-01-01 00:00:00"),
    "zone": (
        pa.array([datetime(2026, 1, 31, 9, tzinfo=UTC)], pa.timestamp("s", "Europe/Prague")),
        "2026-01-31 09:00:00Z",
    ),
    "bytes": (pa.array([b"\x00\xff"]), "AP8="),
    "fixed bytes": (pa.array([b"ab"], pa.binary(2)), "YWI="),
    "large text": (pa.array(["x"], pa.large_string()), "x"),
    "text view": (pa.array(["x"], pa.string_view()), "x"),
    "dictionary": (pa.array(["x,y"]).dictionary_encode(), '"x,y"'),
    "list": (pa.array([[1, None]]), '"[1,null]"'),
    "struct": (pa.array([{"a": "ž", "b": Decimal("1.50")}]), '"{""a"":""ž"",""b"":""1.50""}"'),
    "json": (pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["[1]"])), "[1]"),
    "uuid": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(int=1).bytes], pa.binary(16))),
        str(uuid.UUID(int=1)),
    ),
    "nothing": (pa.nulls(1), ""),
}


@pytest.mark.parametrize("kind", SPELLED)
def test_each_type_has_one_spelling(tmp_path: Path, kind: str) -> None:
    """LESSONS 9: nothing becomes a float on the way."""
    array, wanted = SPELLED[kind]
    table = pa.table({"k": ["1"] * 2, "v": pa.concat_arrays([array, pa.nulls(1, array.type)])})
    write_csv(tmp_path, table)
    assert (tmp_path / "a.csv").read_text() == f"k,v\n1,{wanted}\n1,\n"


@pytest.mark.parametrize(
    "type_", [pa.duration("s"), pa.month_day_nano_interval(), pa.dense_union([pa.field("x", pa.int8())])]
)
def test_a_type_without_a_spelling_is_refused_before_anything_is_written(tmp_path: Path, type_: pa.DataType) -> None:
    with pytest.raises(ConfigError, match="cannot hold wait"):
        instance("filesystem.csv_writer", client(tmp_path), {"path": "a.csv"}).token(pa.schema([("wait", type_)]), RUN)


@pytest.mark.parametrize("schema", [pa.schema([]), pa.schema([("a", pa.int8()), ("a", pa.int8())])])
def test_columns_that_no_header_could_name_are_refused(tmp_path: Path, schema: pa.Schema) -> None:
    with pytest.raises(ConfigError):
        instance("filesystem.csv_writer", client(tmp_path), {"path": "a.csv"}).token(schema, RUN)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([0, 10**12], pa.timestamp("s")),
        pa.array([0, -(10**18)], pa.timestamp("us")),
        pa.array([0, 10**7], pa.date32()),
    ],
)
def test_a_date_that_text_cannot_hold_is_an_error_that_names_the_row(tmp_path: Path, array: pa.Array) -> None:
    """pyarrow would write "<value out of range>"."""
    with pytest.raises(DataError, match="column 'at', row 2"):
        write_csv(tmp_path, pa.table({"at": array}), batch_rows=1)
    assert not (tmp_path / "a.csv").exists()


TABLE = pa.table(
    {
        "n": pa.array([1, None], pa.int64()),
        "t": pa.array(["a;b", ""]),
        "d": pa.array([date(2026, 1, 31), None]),
    }
)
SHAPES: list[tuple[dict[str, Any], str]] = [
    ({}, 'n,t,d\n1,a;b,2026-01-31\n,"",\n'),
    ({"delimiter": ";"}, 'n;t;d\n1;"a;b";2026-01-31\n;"";\n'),
    ({"delimiter": "-"}, 'n-t-d\n1-a;b-"2026-01-31"\n-""-\n'),
    ({"quoting": "all"}, '"n","t","d"\n"1","a;b","2026-01-31"\n,"",\n'),
    ({"quoting": "nonnumeric"}, '"n","t","d"\n1,"a;b","2026-01-31"\n,"",\n'),
    ({"newline": "crlf", "header": False}, '1,a;b,2026-01-31\r\n,"",\r\n'),
    ({"quotechar": "'"}, "n,t,d\n1,a;b,2026-01-31\n,'',\n"),
    ({"null_value": "NULL"}, 'n,t,d\n1,a;b,2026-01-31\nNULL,"",NULL\n'),
    ({"null_value": "1"}, 'n,t,d\n"1",a;b,2026-01-31\n1,"",1\n'),
    ({"path": "a.tsv"}, 'n\tt\td\n1\ta;b\t2026-01-31\n\t""\t\n'),
]


@pytest.mark.parametrize(("given", "wanted"), SHAPES)
def test_a_file_is_written_as_asked(tmp_path: Path, given: dict[str, Any], wanted: str) -> None:
    """LESSONS 10: columns stay in their order."""
    path = given.get("path", "a.csv")
    write_csv(tmp_path, TABLE, **{"path": path, **given})
    assert (tmp_path / path).read_bytes().decode() == wanted


def test_a_slice_of_a_batch_is_written_alone(tmp_path: Path) -> None:
    whole = pa.table({"a": ["x", 'y"', None, "z,", "", "w"], "b": [1, 2, None, 4, 5, 6]})
    write_csv(tmp_path, whole.slice(1, 4))
    assert (tmp_path / "a.csv").read_text() == 'a,b\n"y""",2\n,\n"z,",4\n"",5\n'


def test_no_rows_make_a_header(tmp_path: Path) -> None:
    write_csv(tmp_path, TABLE.slice(0, 0))
    assert (tmp_path / "a.csv").read_text() == "n,t,d\n"
    assert read_csv(tmp_path).schema.names == ["n", "t", "d"]


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [
        ("utf-8-sig", b"\xef\xbb\xbfa\n\xc5\xbe\n"),
        ("utf-16", "\ufeffa\nž\n".encode("utf-16-le")),
        ("utf-16be", "a\nž\n".encode("utf-16-be")),
        ("windows-1250", b"a\n\x9e\n"),
    ],
)
def test_a_file_is_written_in_its_encoding(tmp_path: Path, encoding: str, wanted: bytes) -> None:
    write_csv(tmp_path, pa.table({"a": ["ž"]}), encoding=encoding)
    assert (tmp_path / "a.csv").read_bytes() == wanted


def test_a_character_that_the_encoding_lacks_is_an_error_that_names_its_place(tmp_path: Path) -> None:
    table = pa.table({"id": [str(n) for n in range(20)], "name": ["x"] * 17 + ["☃", "y", "☂"]})
    with pytest.raises(DataError) as caught:
        write_csv(tmp_path, table, encoding="latin1", batch_rows=10)
    assert (caught.value.data_column, caught.value.row) == ("name", 18)
    assert "has no '☃'" in caught.value.message
    with pytest.raises(DataError, match="a column name"):
        write_csv(tmp_path, pa.table({"☃": [1]}), encoding="latin1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [{"delimiter": '"'}, {"null_value": "a,b"}, {"null_value": '"'}])
def test_characters_that_cannot_be_told_apart_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        write_csv(tmp_path, TABLE, **given)


@pytest.mark.parametrize("codec", ["gzip", "bz2", "zstd", "xz", "zip"])
def test_the_same_rows_give_the_same_compressed_bytes(tmp_path: Path, codec: str) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        write_csv(tmp_path / name, TABLE, compression=codec)
    assert (tmp_path / "1" / "a.csv").read_bytes() == (tmp_path / "2" / "a.csv").read_bytes()
    assert read_csv(tmp_path / "1", compression=codec).rows == TABLE.to_pylist()
