"""Reading by the key: pages, splits, and going on after a lost connection; no row lost, none doubled."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.connectors.mysql.source import Source
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server

WORDS = (
    "a",
    "A",
    "b",
    "ä",
    "Ä",
    "e",
    "é",
    "z",
    "Z",
    "ß",
    "ss",
    "0",
    "9",
    " ",
    "-",
    "_",
    "'",
    '"',
    "\\",
    "日",
    "😀",
    "%",
)


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Source:
    return Source(database, tmp_path, {})


def text(dice: random.Random, most: int) -> str:
    return "".join(dice.choice(WORDS) for _ in range(dice.randrange(most + 1)))


def moment(dice: random.Random, first: int, last: int) -> str:
    """A moment of the years from `first` on and before `last`, with an hour that no clock of any zone leaves out."""
    year, month, day = dice.randrange(first, last), dice.randrange(1, 13), dice.randrange(1, 29)
    return f"{year}-{month:02}-{day:02} {dice.randrange(24):02}:00:00.{dice.randrange(10**6):06}"


def fill(source: Source, columns: str, key: str, rows: Sequence[Sequence[Any]]) -> None:
    """A table `t` with a number `n` for each row; rows whose key is there already are left out."""
    source.sql(f"CREATE TABLE t ({columns}, n INT NOT NULL, {key})")
    with source.database.server.connect(source.database.name) as connection, connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT IGNORE INTO t VALUES ({marks}, %s)", [(*row, n) for n, row in enumerate(rows)])


Made = Callable[[random.Random], tuple[Any, ...]]
UTF8 = "COLLATE utf8mb4_"
KINDS: dict[str, tuple[str, str, Made]] = {
    "int": ("k INT", "k", lambda d: (d.randrange(-(2**31), 2**31),)),
    "dense": ("k INT UNSIGNED ZEROFILL", "k", lambda d: (d.randrange(1000),)),
    "bigint unsigned": ("k BIGINT UNSIGNED", "k", lambda d: (int(2 ** d.uniform(0, 63.99)),)),
    "decimal": ("k DECIMAL(30,10)", "k", lambda d: (f"{d.uniform(-1e6, 1e6):.10f}",)),
    "date": ("k DATE, b INT", "k, b", lambda d: (moment(d, 2025, 2026)[:10], d.randrange(9))),
    "datetime(6)": ("k DATETIME(6)", "k", lambda d: (moment(d, 1000, 9999),)),
    "datetime": ("k DATETIME", "k", lambda d: (moment(d, 2020, 2021)[:19],)),
    "timestamp": ("k TIMESTAMP(2)", "k", lambda d: (moment(d, 1971, 2037),)),
    "text": (f"k VARCHAR(8) {UTF8}unicode_ci", "k", lambda d: (text(d, 8),)),
    "text without padding": (f"k VARCHAR(8) {UTF8}unicode_nopad_ci", "k", lambda d: (text(d, 4),)),
    "text by code point": (f"k VARCHAR(8) {UTF8}bin", "k", lambda d: (text(d, 8),)),
    "char": (f"k CHAR(4) {UTF8}general_ci", "k", lambda d: (text(d, 4),)),
    "latin1": ("k VARCHAR(8) COLLATE latin1_german2_ci", "k", lambda d: (re.sub("[日😀]", "x", text(d, 6)),)),
    "utf16": ("k VARCHAR(8) CHARACTER SET utf16", "k", lambda d: (text(d, 6),)),
    "hex": ("k CHAR(40) CHARACTER SET ascii", "k", lambda d: (f"{d.getrandbits(160):040x}",)),
    "long text": ("k VARCHAR(700)", "k", lambda d: ("é" * 690 + text(d, 8),)),
    "binary": ("k VARBINARY(16)", "k", lambda d: (d.randbytes(d.randrange(4)),)),
    "fixed binary": ("k BINARY(16)", "k", lambda d: (d.randbytes(d.choice((1, 16))),)),
    "uuid": ("k UUID", "k", lambda d: (str(UUID(int=d.getrandbits(128), version=4)),)),
    "two numbers": ("a INT, b INT", "a, b", lambda d: (d.choice((1, 1, 1, 2, 3)), d.randrange(2000))),
    "number and text": ("a SMALLINT, b VARCHAR(5)", "a, b", lambda d: (d.randrange(3), text(d, 5))),
    "text, date, number": (
        "a CHAR(2), b DATE, c INT",
        "a, b, c",
        lambda d: (d.choice(WORDS), moment(d, 2026, 2028)[:10], d.randrange(-20, 20)),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pages_and_splits_give_the_rows_of_a_plain_read(source: Source, kind: str) -> None:
    columns, key, make = KINDS[kind]
    dice = random.Random(kind)
    fill(source, columns, f"PRIMARY KEY ({key})", [make(dice) for _ in range(800)])
    source.sql("ANALYZE TABLE t")
    rows = source.sql("SELECT COUNT(*) FROM t")[0][0]
    assert rows > 100
    plain, _ = source.read(table="t")
    for wanted, page_rows in ((1, 17), (4, 100), (9, 10_000)):
        found, end = source.read(wanted, table="t", read_mode="keyset", page_rows=page_rows)
        assert end.rows == rows
        assert Counter(found["n"].to_pylist()) == Counter(plain["n"].to_pylist())
        assert found.sort_by("n").equals(plain.sort_by("n"))


@pytest.mark.parametrize("kind", KINDS)
def test_splits_have_about_as_many_rows_each(source: Source, kind: str) -> None:
    columns, key, make = KINDS[kind]
    dice = random.Random(kind)
    fill(source, columns, f"PRIMARY KEY ({key})", [make(dice) for _ in range(800)])
    source.sql("ANALYZE TABLE t")
    options = {"table": "t", "read_mode": "keyset"}
    plan = source.plan(4, table="t", read_mode="keyset")
    parts = [source.split(split, plan.schema, options) for split in plan.splits]
    sizes = [end.rows for _, end in parts]
    assert len(sizes) == 4, sizes
    assert max(sizes) < 0.4 * sum(sizes), sizes
