"""The types of columns that are made: for every Arrow type, as they were in MySQL, in a key, and by the server."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.mysql.columns import Column, Policy, field_of
from osiris.connectors.mysql.ddl import has_type, made
from osiris.connectors.mysql.session import Server, version_of
from osiris.errors import ConfigError, DataError


def server(version: str) -> Server:
    return Server("mariadb" if "MariaDB" in version else "mysql", version_of(version), version, frozenset(), 1, None)


MARIADB, MYSQL = server("10.11.6-MariaDB"), server("8.0.36")


def sql(arrow: pa.DataType, kind: str | None = None, on: Server = MARIADB, key_share: int = 0) -> str:
    """The type of a new column; `kind` is the one that it had where it was read."""
    metadata: Any = {"osiris.type": kind} if kind is not None else None
    return made(pa.field("x", arrow, metadata=metadata), on, key_share).sql


@pytest.mark.parametrize(
    ("arrow", "mariadb", "mysql"),
    [
        (pa.null(), "LONGTEXT", None),
        (pa.bool_(), "TINYINT(1)", None),
        (pa.int8(), "TINYINT", None),
        (pa.int16(), "SMALLINT", None),
        (pa.int32(), "INT", None),
        (pa.int64(), "BIGINT", None),
        (pa.uint8(), "TINYINT UNSIGNED", None),
        (pa.uint64(), "BIGINT UNSIGNED", None),
        (pa.decimal128(12, 2), "DECIMAL(12,2)", None),
        (pa.decimal256(65, 30), "DECIMAL(65,30)", None),
        (pa.decimal128(4, -3), "DECIMAL(7,0)", None),
        (pa.decimal128(2, 5), "DECIMAL(5,5)", None),
        (pa.float16(), "FLOAT", None),
        (pa.float32(), "FLOAT", None),
        (pa.float64(), "DOUBLE", None),
        (pa.string(), "LONGTEXT", None),
        (pa.dictionary(pa.int32(), pa.string()), "LONGTEXT", None),
        (pa.binary(), "LONGBLOB", None),
        (pa.binary(16), "BINARY(16)", None),
        (pa.binary(256), "LONGBLOB", None),
        (pa.date32(), "DATE", None),
        (pa.timestamp("s"), "DATETIME(6)", None),
        (pa.timestamp("ns", "Europe/Prague"), "TIMESTAMP(6)", None),
        (pa.time32("s"), "TIME(6)", None),
        (pa.duration("ms"), "TIME(6)", None),
        (pa.json_(), "JSON", None),
        (pa.list_(pa.int8()), "JSON", None),
        (pa.struct({"a": pa.int8()}), "JSON", None),
        (pa.uuid(), "UUID", "CHAR(36)"),
    ],
)
def test_a_new_column_holds_every_value_of_its_type(arrow: pa.DataType, mariadb: str, mysql: str | None) -> None:
    assert (sql(arrow), sql(arrow, on=MYSQL)) == (mariadb, mysql or mariadb)


@pytest.mark.parametrize(
    ("arrow", "kind", "expected"),
    [
        (pa.int32(), "mediumint(9)", "MEDIUMINT"),
        (pa.int32(), "int(11)", "INT"),
        (pa.int64(), "int(11)", "BIGINT"),
        (pa.uint32(), "int(10) unsigned", "INT UNSIGNED"),
        (pa.int32(), "int(10) unsigned", "INT"),
        (pa.bool_(), "tinyint(1)", "TINYINT(1)"),
        (pa.bool_(), "bit(1)", "BIT(1)"),
        (pa.uint64(), "bit(9)", "BIT(9)"),
        (pa.int16(), "year(4)", "YEAR"),
        (pa.int32(), "year(4)", "INT"),
        (pa.decimal128(9, 2), "decimal(9,2)", "DECIMAL(9,2)"),
        (pa.decimal128(9, 3), "decimal(9,2)", "DECIMAL(9,3)"),
        (pa.float32(), "float(10,2)", "FLOAT"),
        (pa.float64(), "double unsigned", "DOUBLE UNSIGNED"),
        (pa.float64(), "float", "DOUBLE"),
        (pa.string(), "varchar(50)", "VARCHAR(50)"),
        (pa.string(), "varchar(20000)", "LONGTEXT"),
        (pa.string(), "text", "LONGTEXT"),
        (pa.string(), "mediumtext", "MEDIUMTEXT"),
        (pa.string(), "enum('a','b')", "ENUM('a','b')"),
        (pa.string(), "enum('a','A')", "ENUM('a','A') COLLATE utf8mb4_nopad_bin"),
        (pa.string(), "inet6", "INET6"),
        (pa.string(), "character varying(10)", "LONGTEXT"),
        (pa.binary(), "varbinary(10)", "VARBINARY(10)"),
        (pa.binary(), "geomcollection", "GEOMETRYCOLLECTION"),
        (pa.timestamp("us"), "datetime(3)", "DATETIME(3)"),
        (pa.timestamp("us", "UTC"), "timestamp", "TIMESTAMP"),
        (pa.timestamp("us", "UTC"), "datetime(3)", "TIMESTAMP(6)"),
        (pa.duration("us"), "time(2)", "TIME(2)"),
        (pa.time64("us"), "time(2)", "TIME(6)"),
        (pa.string(), "date", "LONGTEXT"),
        (pa.string(), "int) ; DROP TABLE x; --", "LONGTEXT"),
    ],
)
def test_a_column_has_its_type_again_while_its_values_are_those(arrow: pa.DataType, kind: str, expected: str) -> None:
    assert sql(arrow, kind) == expected


@pytest.mark.parametrize(
    ("version", "uuid", "inet6", "inet4"),
    [
        ("8.0.36", False, False, False),
        ("10.5.4-MariaDB", False, True, False),
        ("10.7.1-MariaDB", True, True, False),
        ("10.10.2-MariaDB", True, True, True),
        ("11.4.2-MariaDB", True, True, True),
    ],
)
def test_types_that_not_all_servers_have(version: str, uuid: bool, inet6: bool, inet4: bool) -> None:
    on = server(version)
    assert [has_type(word, on) for word in ("uuid", "inet6", "inet4", "json")] == [uuid, inet6, inet4, True]
    assert sql(pa.string(), "inet4", on) == ("INET4" if inet4 else "LONGTEXT")
    assert sql(pa.uuid(), "uuid", on) == ("UUID" if uuid else "CHAR(36)")


@pytest.mark.parametrize(
    ("arrow", "kind", "share", "expected"),
    [
        (pa.string(), None, 1, "VARCHAR(255) COLLATE utf8mb4_nopad_bin"),
        (pa.string(), None, 4, "VARCHAR(192) COLLATE utf8mb4_nopad_bin"),
        (pa.string(), "varchar(700)", 1, "VARCHAR(700) COLLATE utf8mb4_nopad_bin"),
        (pa.string(), "varchar(700)", 2, "VARCHAR(255) COLLATE utf8mb4_nopad_bin"),
        (pa.binary(), None, 1, "VARBINARY(255)"),
        (pa.binary(16), None, 1, "BINARY(16)"),
        (pa.timestamp("us", "UTC"), None, 1, "DATETIME(6)"),
        (pa.timestamp("us", "UTC"), "timestamp(3)", 1, "DATETIME(3)"),
        (pa.int64(), None, 1, "BIGINT"),
        (pa.uuid(), None, 1, "UUID"),
    ],
)
def test_a_part_of_a_key_is_one_that_an_index_takes(
    arrow: pa.DataType, kind: str | None, share: int, expected: str
) -> None:
    assert sql(arrow, kind, key_share=share) == expected


@pytest.mark.parametrize(
    ("version", "collation"),
    [
        ("8.0.36", "utf8mb4_0900_bin"),
        ("8.4.3", "utf8mb4_0900_bin"),
        ("8.0.16", "utf8mb4_bin"),
        ("5.7.44-log", "utf8mb4_bin"),
        ("10.6.1-MariaDB", "utf8mb4_nopad_bin"),
    ],
)
def test_keys_are_equal_only_when_they_are_the_same_on_every_server(version: str, collation: str) -> None:
    assert sql(pa.string(), on=server(version), key_share=1) == f"VARCHAR(255) COLLATE {collation}"


@pytest.mark.parametrize(
    ("arrow", "share", "error", "text"),
    [
        (pa.decimal256(66, 0), 0, DataError, "at most 65 digits"),
        (pa.decimal128(38, 31), 0, DataError, "30 of them after the point"),
        (pa.json_(), 1, ConfigError, "cannot be part of a key"),
        (pa.list_(pa.int8()), 2, ConfigError, "cannot be part of a key"),
    ],
)
def test_what_no_column_can_be_is_an_error(arrow: pa.DataType, share: int, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        sql(arrow, key_share=share)


def test_a_type_that_the_reader_names_is_one_that_the_writer_takes() -> None:
    column = Column("x", 3, 0, 63, 11, 0, declared="int(11)")
    field = field_of(column, Policy(tinyint1_as_bool=False, zero_dates="error"))
    assert made(field, MARIADB).sql == "INT"
