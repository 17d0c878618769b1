"""Reading by the key: pages, splits, and going on after a lost connection; no row lost, none doubled."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from osiris.errors import ConfigError, DataError
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
    "spellings": ("a CHAR(1), b INT", "a, b", lambda d: (d.choice("aAäÄÅbB"), d.randrange(2000))),
    "zeros": ("a INT ZEROFILL, b INT ZEROFILL", "a, b", lambda d: (d.choice((1, 1, 2, 3)), d.randrange(2000))),
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


def test_gaps_and_clusters_do_not_make_uneven_splits(source: Source) -> None:
    """All but a hundred rows are in a thousandth of the key's range."""
    source.sql(
        "CREATE TABLE t (k BIGINT PRIMARY KEY)",
        "INSERT INTO t SELECT 500000000000 + seq FROM seq_1_to_4000 UNION SELECT seq * 10000000000 FROM seq_1_to_100",
        "ANALYZE TABLE t",
    )
    plan = source.plan(4, table="t", read_mode="keyset")
    sizes = [source.split(split, plan.schema, {"table": "t", "read_mode": "keyset"})[1].rows for split in plan.splits]
    assert (len(sizes), sum(sizes)) == (4, 4100)
    assert max(sizes) < 0.4 * sum(sizes), sizes


def test_columns_where_and_limit_hold_for_pages(source: Source) -> None:
    source.sql(
        "CREATE TABLE t (a INT, b INT, x INT, PRIMARY KEY (a, b))",
        "INSERT INTO t SELECT seq % 3, seq, -seq FROM seq_1_to_500",
    )
    options: dict[str, Any] = {"table": "t", "read_mode": "keyset", "page_rows": 40, "where": "x < -100 OR a = 0"}
    plain, _ = source.read(table="t", where="x < -100 OR a = 0", order_by=["a", "b"], columns=["x"])
    found, end = source.read(3, **options, columns=["x"])
    assert sorted(found["x"].to_pylist()) == sorted(plain["x"].to_pylist())
    assert found.schema == plain.schema
    for limit in (0, 1, 40, 85, 400, 500):
        found, end = source.read(3, **options, columns=["x"], limit=limit)
        assert found["x"].to_pylist() == plain["x"].to_pylist()[:limit]
        assert end.stop_reason == ("limit" if limit < 500 and limit <= plain.num_rows else "exhausted")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"table": "t", "read_mode": "keyset", "limit": 5}, "limit counts over all rows"),
        ({"table": "t", "read_mode": "keyset", "splits": 1}, "one was wanted"),
        ({"table": "one", "read_mode": "keyset"}, "cannot be cut any further"),
        ({"table": "none", "read_mode": "keyset"}, "cannot be cut any further"),
        ({"table": "t"}, "a snapshot belongs to one connection"),
        ({"query": "SELECT 1"}, "a query is read in one piece"),
    ],
)
def test_one_split_has_a_reason(source: Source, options: dict[str, Any], reason: str) -> None:
    source.sql("CREATE TABLE t (k INT PRIMARY KEY)", "INSERT INTO t SELECT seq FROM seq_1_to_1000")
    source.sql("CREATE TABLE one (k INT PRIMARY KEY)", "INSERT INTO one VALUES (7)", "CREATE TABLE none LIKE one")
    plan = source.plan(4, **options)
    assert len(plan.splits) == 1
    assert plan.why_one_split
    assert reason in plan.why_one_split


def test_no_more_splits_than_wanted(source: Source) -> None:
    source.sql("CREATE TABLE t (k INT PRIMARY KEY)", "INSERT INTO t SELECT seq FROM seq_1_to_1000")
    plan = source.plan(8, table="t", read_mode="keyset", splits=2)
    assert len(plan.splits) == 2
    assert plan.why_one_split is None


KEYS = """
CREATE TABLE t (id INT, u INT UNIQUE, v INT NOT NULL, w VARCHAR(30) NOT NULL, e ENUM ('b', 'a') NOT NULL,
    f FLOAT NOT NULL, UNIQUE KEY pair (v, w), UNIQUE KEY start (w(5)), UNIQUE KEY kind (e, v), UNIQUE KEY part (f),
    KEY plain (id))
    SELECT seq AS id, NULLIF(seq % 50, 0) * seq AS u, seq % 7 AS v, CONCAT(seq, '.') AS w, 1 + (seq > 7) AS e, seq AS f
    FROM seq_1_to_14
"""


def test_a_unique_key_will_do_where_there_is_no_primary_one(source: Source) -> None:
    source.sql(KEYS)
    for options in ({}, {"split_by": ["W", "v"]}):
        found, _ = source.read(3, table="t", read_mode="keyset", page_rows=4, **options)
        assert sorted(found["id"].to_pylist()) == list(range(1, 15))


@pytest.mark.parametrize(
    ("split_by", "text"),
    [
        (["id"], "no unique key of just id"),
        (["v"], "no unique key of just v"),
        (["u"], "'u' .* may be NULL"),
        (["w"], "only the first characters"),
        (["e", "v"], "'e' .* of the type enum.*, which makes no pages"),
        (["f"], "'f' .* of the type float, which makes no pages"),
        (["nope"], "no column 'nope'"),
    ],
)
def test_what_is_no_key_for_pages_is_refused(source: Source, split_by: list[str], text: str) -> None:
    source.sql(KEYS)
    with pytest.raises(ConfigError, match=text) as caught:
        source.read(table="t", read_mode="keyset", split_by=split_by)
    assert caught.value.hint


@pytest.mark.parametrize("made", ["TABLE t (id INT, KEY (id))", "VIEW t AS SELECT 1 AS id"])
def test_without_a_key_there_are_no_pages(source: Source, made: str) -> None:
    source.sql(f"CREATE {made}")
    with pytest.raises(ConfigError, match="has no primary or unique key") as caught:
        source.read(table="t", read_mode="keyset")
    assert caught.value.hint
    assert "read_mode: snapshot" in caught.value.hint


def test_a_key_that_no_calendar_has_is_refused(source: Source) -> None:
    source.sql("CREATE TABLE t (d DATE PRIMARY KEY)")
    with source.database.server.connect(source.database.name) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute("INSERT INTO t VALUES ('2022-11-00'), ('2022-11-01'), ('2022-11-02')")
    with pytest.raises(DataError, match="2022-11-00") as caught:
        source.read(table="t", read_mode="keyset", page_rows=1, zero_dates="null")
    assert caught.value.data_column == "d"


def test_what_comes_behind_the_last_key_is_left_for_the_next_read(source: Source) -> None:
    source.sql("CREATE TABLE t (k INT PRIMARY KEY)", "INSERT INTO t SELECT seq FROM seq_1_to_100")
    options = {"table": "t", "read_mode": "keyset"}
    for wanted in (1, 3):
        plan = source.plan(wanted, **options)
        source.sql("INSERT INTO t SELECT MAX(k) + 1 FROM t")
        rows = sum(source.split(split, plan.schema, options)[1].rows for split in plan.splits)
        assert rows == source.sql("SELECT COUNT(*) FROM t")[0][0] - 1


def test_rows_that_stay_are_read_once_while_others_come_and_go(source: Source) -> None:
    """Half of the rows are deleted and inserted again, again and again, while all of them are read."""
    source.sql("CREATE TABLE t (k INT PRIMARY KEY, stays BOOL)", "INSERT INTO t SELECT seq, seq % 2 FROM seq_1_to_3000")
    ended = threading.Event()

    def stir() -> None:
        with source.database.server.connect(source.database.name) as connection, connection.cursor() as cursor:
            while not ended.is_set():
                cursor.execute("DELETE FROM t WHERE NOT stays")
                cursor.execute("INSERT INTO t SELECT seq * 2, 0 FROM seq_1_to_1500")

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(5):
            found, _ = source.read(3, table="t", read_mode="keyset", page_rows=50)
            counts = Counter(found["k"].to_pylist())
            assert max(counts.values()) == 1
            assert [k for k in range(1, 3001, 2) if k not in counts] == []
    finally:
        ended.set()
        thread.join()
