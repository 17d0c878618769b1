"""Reading and writing Parquet files: types, row groups, splits, many files, appending."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.connectors.base import Batches
from osiris.errors import ConfigError, DataError, NotFound, SourceError
from tests.connectors.filesystem.steps import RUN, Read, client, csv, instance, read_parquet, write_parquet

TYPES: dict[str, pa.Array] = {
    "u64": pa.array([2**64 - 1, None], pa.uint64()),
    "i8": pa.array([-128, None], pa.int8()),
    "decimal": pa.array([Decimal("1.10"), None], pa.decimal128(38, 2)),
    "large decimal": pa.array([Decimal("1" * 50), None], pa.decimal256(60, 2)),
    "text": pa.array(["00123", None]),
    "empty": pa.array(["", None]),
    "date": pa.array([date(2026, 1, 31), None]),
    "us": pa.array([1, None], pa.timestamp("us")),
    "ns": pa.array([1, None], pa.timestamp("ns")),
    "zone": pa.array([1, None], pa.timestamp("us", "Europe/Prague")),
    "time": pa.array([1, None], pa.time64("us")),
    "bytes": pa.array([b"\x00", None]),
    "bool": pa.array([True, None]),
    "json": pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["{}", None])),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(int=1).bytes, None], pa.binary(16))),
    "list": pa.array([[1], None]),
    "struct": pa.array([{"a": 1}, None]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    "nothing": pa.nulls(2),
    "a.b": pa.array([1, None]),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_comes_back_as_it_went(tmp_path: Path, name: str) -> None:
    """LESSONS 9."""
    table = pa.table({"k": [1, 2], name: TYPES[name]})
    write_parquet(tmp_path, table)
    assert read_parquet(tmp_path).table.equals(table)
    assert read_parquet(tmp_path, columns=[name]).table.equals(table.select([name]))


def test_a_dictionary_is_given_as_its_values(tmp_path: Path) -> None:
    write_parquet(tmp_path, pa.table({"a": pa.array(["x", None, "x"]).dictionary_encode()}))
    read = read_parquet(tmp_path)
    assert read.schema.types == [pa.string()]
    assert read.table.column("a").to_pylist() == ["x", None, "x"]


def test_old_timestamps_are_not_wrapped(tmp_path: Path) -> None:
    """INT96 in nanoseconds ends in 2262, and pyarrow would wrap the year 9999 to 1816."""
    far = datetime(9999, 12, 31)  # noqa: DTZ001 - local time is what is meant
    table = pa.table({"a": pa.array([far], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    assert read_parquet(tmp_path).rows == [{"a": far}]


@pytest.mark.parametrize("type_", [pa.month_day_nano_interval(), pa.struct([])])
def test_a_type_that_parquet_cannot_hold_is_refused_before_anything_is_written(
    tmp_path: Path, type_: pa.DataType
) -> None:
    lead = instance("filesystem.parquet_writer", client(tmp_path), {"path": "a.parquet"})
    with pytest.raises(ConfigError, match="cannot hold"):
        lead.token(pa.schema([("a", type_)]), RUN)


@pytest.mark.parametrize("schema", [pa.schema([]), pa.schema([("a", pa.int8()), ("a", pa.int8())])])
def test_columns_need_different_names(tmp_path: Path, schema: pa.Schema) -> None:
    with pytest.raises(ConfigError, match="different names"):
        instance("filesystem.parquet_writer", client(tmp_path), {"path": "a.parquet"}).token(schema, RUN)


def numbers(count: int, first: int = 0) -> pa.Table:
    return pa.table({"n": pa.array(range(first, first + count), pa.int64()), "t": ["x"] * count})


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "lz4", "brotli", "none"])
def test_pages_are_packed_as_asked(tmp_path: Path, compression: str) -> None:
    write_parquet(tmp_path, numbers(10), compression=compression)
    found = pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0).compression
    assert found == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_row_groups_end_by_rows_or_by_size(tmp_path: Path) -> None:
    write_parquet(tmp_path, numbers(10), row_group_rows=4)
    metadata = pq.read_metadata(tmp_path / "a.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [4, 4, 2]
    wide = pa.table({"t": ["x" * 100_000] * 30})
    lead = client(tmp_path)
    batches = Batches.of(wide.schema, wide.to_batches(max_chunksize=3))
    writer = instance("filesystem.parquet_writer", lead, {"path": "b.parquet", "row_group_mb": 1})
    token = writer.token(wide.schema, RUN)
    writer.begin(token, wide.schema)
    writer.commit(token, [writer.write(token, batches)], None)
    assert pq.read_metadata(tmp_path / "b.parquet").num_row_groups == 4
    assert read_parquet(tmp_path, "b.parquet").table.equals(wide)


def test_no_rows_carry_a_schema(tmp_path: Path) -> None:
    write_parquet(tmp_path, numbers(0))
    read = read_parquet(tmp_path)
    assert (read.schema, read.rows, read.end.stop_reason) == (numbers(0).schema, [], "exhausted")


def test_columns_come_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    """LESSONS 10."""
    write_parquet(tmp_path, pa.table({"b": [1], "a": [2], "c": [3]}))
    assert read_parquet(tmp_path).schema.names == ["b", "a", "c"]
    assert read_parquet(tmp_path, columns=["c", "b"]).rows == [{"c": 3, "b": 1}]
    with pytest.raises(ConfigError, match="no column 'd'"):
        read_parquet(tmp_path, columns=["d"])


def test_row_groups_and_files_split_into_runs_that_stay_in_order(tmp_path: Path) -> None:
    for place in range(3):
        write_parquet(tmp_path, numbers(100, place * 100), f"{place}.parquet", row_group_rows=10)
    owner = client(tmp_path)
    read = Read("filesystem.parquet_extractor", owner, {"path": "*.parquet", "filename_column": "file"}, wanted=4)
    owner.close()
    assert len(read.plan.splits) == 4
    assert (read.plan.ordered, read.plan.estimated_rows) == (True, 300)
    assert read.table.column("n").to_pylist() == list(range(300))
    assert read.rows[150] == {"n": 150, "t": "x", "file": "1.parquet"}
    assert sorted(end.rows for end in read.ends) == [70, 70, 80, 80]


def test_limit_and_batches(tmp_path: Path) -> None:
    write_parquet(tmp_path, numbers(25), row_group_rows=10)
    read = read_parquet(tmp_path, limit=12, batch_rows=5)
    assert [batch.num_rows for batch in read.batches] == [5, 5, 2]
    assert (read.end.stop_reason, read.plan.why_one_split) == ("limit", "limit counts over all rows")


def test_large_rows_leave_in_small_batches(tmp_path: Path) -> None:
    wide = pa.table({"t": [bytes([n % 256]) * 1_000_000 for n in range(40)]})
    write_parquet(tmp_path, wide, compression="none")
    read = read_parquet(tmp_path)
    assert max(batch.num_rows for batch in read.batches) <= 20
    assert read.table.equals(wide)


@pytest.mark.parametrize(
    "other", [pa.table({"n": [1]}), pa.table({"n": ["1"], "t": ["x"]}), pa.table({"t": ["x"], "n": [1]})]
)
def test_a_file_of_another_schema_is_an_error_that_names_it(tmp_path: Path, other: pa.Table) -> None:
    write_parquet(tmp_path, numbers(3), "1.parquet")
    write_parquet(tmp_path, other, "2.parquet")
    with pytest.raises(DataError, match=r"differ from those of 1\.parquet") as caught:
        read_parquet(tmp_path, "*.parquet")
    assert caught.value.file == "2.parquet"


BROKEN = {"empty": 0.0, "cut in half": 0.5, "without its end": 0.99}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, case: str) -> None:
    write_parquet(tmp_path, numbers(1000))
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: int(len(whole) * BROKEN[case])])
    with pytest.raises(DataError, match="cannot be read as Parquet") as caught:
        read_parquet(tmp_path)
    assert caught.value.file == "a.parquet"


def test_damaged_pages_are_an_error(tmp_path: Path) -> None:
    write_parquet(tmp_path, numbers(100_000), compression="zstd")
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    whole[100:4000] = b"\xff" * 3900
    (tmp_path / "a.parquet").write_bytes(whole)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_parquet(tmp_path)


def test_a_csv_and_a_missing_file_are_no_parquet(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_parquet(tmp_path, "a.csv")
    with pytest.raises(NotFound):
        read_parquet(tmp_path, "b.parquet")


def test_a_file_that_changes_between_plan_and_end_is_an_error(tmp_path: Path) -> None:
    write_parquet(tmp_path, numbers(1000), row_group_rows=10)
    owner = client(tmp_path)
    given: dict[str, Any] = {"path": "a.parquet"}
    plan = instance("filesystem.parquet_extractor", owner, given).plan(1, None)
    stream = instance("filesystem.parquet_extractor", owner, given).read(plan.splits[0])
    next(stream)
    write_parquet(tmp_path, numbers(10))
    with pytest.raises(SourceError, match="replaced or changed"):
        for _ in stream:
            pass
    with pytest.raises(SourceError, match="replaced or changed"):
        next(instance("filesystem.parquet_extractor", owner, given).read(plan.splits[0]))
    owner.close()


def test_rows_are_appended_to_equal_columns_only(tmp_path: Path) -> None:
    write_parquet(tmp_path, numbers(25), write_mode="append", row_group_rows=10)
    write_parquet(tmp_path, numbers(5, 25), write_mode="append", row_group_rows=10)
    assert read_parquet(tmp_path).table.equals(numbers(30))
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 4
    with pytest.raises(ConfigError, match=r"do not fit a\.parquet"):
        write_parquet(tmp_path, pa.table({"n": ["1"], "t": ["x"]}), write_mode="append")
    assert read_parquet(tmp_path).table.equals(numbers(30))


def test_what_parquet_stores_in_another_unit_can_be_appended_too(tmp_path: Path) -> None:
    table = pa.table({"s": pa.array([1, 2], pa.timestamp("s")), "d": pa.array(["x", "y"]).dictionary_encode()})
    write_parquet(tmp_path, table, write_mode="append")
    write_parquet(tmp_path, table, write_mode="append")
    assert (
        read_parquet(tmp_path).table.column("s").cast(pa.timestamp("s")).to_pylist()
        == table.column("s").to_pylist() * 2
    )
