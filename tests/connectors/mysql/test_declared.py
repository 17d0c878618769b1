"""Types as information_schema writes them, taken apart and put together again; nothing else gets into SQL."""

from __future__ import annotations

import pytest

from osiris.connectors.mysql.declared import BOOLEAN, Declared, literal


@pytest.mark.parametrize(
    ("text", "declared", "sql"),
    [
        ("int(11)", Declared("int", (11,)), "INT"),
        ("bigint(20) unsigned", Declared("bigint", (20,), unsigned=True), "BIGINT UNSIGNED"),
        ("bigint unsigned", Declared("bigint", unsigned=True), "BIGINT UNSIGNED"),
        ("int(5) unsigned zerofill", Declared("int", (5,), unsigned=True), "INT UNSIGNED"),
        ("tinyint(1)", BOOLEAN, "TINYINT(1)"),
        ("tinyint(1) unsigned", Declared("tinyint", (1,), unsigned=True), "TINYINT UNSIGNED"),
        ("decimal(65,30)", Declared("decimal", (65, 30)), "DECIMAL(65,30)"),
        ("float(10,2)", Declared("float", (10, 2)), "FLOAT"),
        ("datetime(6)", Declared("datetime", (6,)), "DATETIME(6)"),
        ("timestamp", Declared("timestamp"), "TIMESTAMP"),
        ("datetime /* mariadb-5.3 */", Declared("datetime"), "DATETIME"),
        ("varchar(50)", Declared("varchar", (50,)), "VARCHAR(50)"),
        ("longtext", Declared("longtext"), "LONGTEXT"),
        ("enum('a','b')", Declared("enum", members=("a", "b")), "ENUM('a','b')"),
        ("set('')", Declared("set", members=("",)), "SET('')"),
        ("enum('it''s','a,b',')')", Declared("enum", members=("it's", "a,b", ")")), "ENUM('it''s','a,b',')')"),
        (r"enum('a\\b','\n')", Declared("enum", members=("a\\b", "\n")), "ENUM('a\\\\b','\n')"),
        ("geometry", Declared("geometry"), "GEOMETRY"),
    ],
)
def test_a_type_is_understood_and_written_again(text: str, declared: Declared, sql: str) -> None:
    assert Declared.of(text) == declared
    assert declared.sql == sql


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FLOAT",
        "INT",
        "text[]",
        "numeric(10,2)",
        "int(11); DROP TABLE t",
        "int(x)",
        "decimal(1,2,3)",
        "enum(a)",
        "enum('a'",
        "enum('a'),('b')",
        "varchar('a')",
        "enum(5)",
        "set('a','b') NOT NULL",
        "varchar(10) DEFAULT 'x'",
    ],
)
def test_what_is_no_type_is_not_understood(text: str) -> None:
    assert Declared.of(text) is None


@pytest.mark.parametrize(
    ("text", "length", "scale"),
    [
        ("char", 1, 0),
        ("char(7)", 7, 0),
        ("bit", 1, 0),
        ("binary", 1, 0),
        ("decimal", 10, 0),
        ("decimal(9,2)", 9, 2),
        ("tinytext", 255, 0),
        ("text", 65_535, 0),
        ("mediumblob", 16_777_215, 0),
        ("longtext", 4_294_967_295, 0),
        ("datetime", 0, 0),
        ("time(3)", 3, 0),
    ],
)
def test_lengths_that_are_not_said_are_known(text: str, length: int, scale: int) -> None:
    declared = Declared.of(text)
    assert declared is not None
    assert (declared.length, declared.scale) == (length, scale)


def test_a_literal_ends_where_it_should() -> None:
    assert literal("it's \\' ok") == "'it''s \\\\'' ok'"
