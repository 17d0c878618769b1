"""The MySQL extractor: tables, queries, selections, snapshots, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Split
from tests.connectors.mysql.source import Source
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server

ORDERS = """
CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(10) NOT NULL, state ENUM ('open', 'done', 'bad'),
    share FLOAT NOT NULL)
    SELECT seq AS id, CONCAT('c', seq % 3) AS customer, ELT(1 + seq % 3, 'open', 'done', 'bad') AS state,
    seq / 10 AS share FROM seq_0_to_9
"""


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Source:
    return Source(database, tmp_path, {})


@pytest.fixture
def orders(source: Source) -> Source:
    source.sql(ORDERS)
    return source


def ids(rows: pa.Table) -> list[Any]:
    return list(rows["id"].to_pylist())


def test_a_table_is_read_whole_and_says_so(orders: Source) -> None:
    rows, end = orders.read(table="orders")
    assert ids(rows) == list(range(10))
    assert (end.rows, end.stop_reason, end.counts) == (10, "exhausted", {})


def test_a_table_can_be_named_without_a_query(orders: Source) -> None:
    """LESSONS 13: `table` passed validation, then the run failed: "'query' is required"."""
    name = orders.database.name
    forms: list[dict[str, Any]] = [{"table": f"{name}.orders"}, {"table": "orders", "schema": name}]
    for options in (*forms, {"table": f"`{name}`.`orders`"}):
        assert orders.read(columns=["id"], **options)[0].num_rows == 10


def test_columns_where_order_limit_and_offset(orders: Source) -> None:
    rows, end = orders.read(
        table="orders", columns=["STATE", "id"], where="id > 2", order_by=["state", "id desc"], limit=4, offset=1
    )
    assert rows.to_pydict() == {"state": ["open", "open", "done", "done"], "id": [6, 3, 7, 4]}
    assert end.stop_reason == "limit"
    assert ids(orders.read(table="orders", offset=8)[0]) == [8, 9]


def test_a_limit_that_cuts_nothing_is_no_stop_reason(orders: Source) -> None:
    assert orders.read(table="orders", limit=11)[1].stop_reason == "exhausted"
    assert orders.read(table="orders", limit=0)[0].num_rows == 0


def test_float_is_read_exactly(orders: Source) -> None:
    """The server writes 16777215 as 16777200 in the text protocol."""
    values = [16777215.0, 0.1, 1.17549435e-38, 3.4028234e38, -1e-45, 0.0]
    orders.sql("DELETE FROM orders")
    for number, value in enumerate(values):
        orders.sql(f"INSERT INTO orders VALUES ({number}, 'x', 'open', {value!r})")
    expected = pa.array(values, pa.float32())
    forms: list[dict[str, Any]] = [
        {"table": "orders"},
        {"table": "orders", "read_mode": "keyset"},
        {"query": "SELECT id, share FROM orders"},
        {"query": "SELECT * FROM orders", "where": "id < 100"},
        {"query": "SELECT id, MAX(share) AS share FROM orders GROUP BY id ORDER BY id"},
        {"query": "SELECT id, IF(id < 100, share, NULL) AS share FROM orders", "columns": ["share"]},
    ]
    for options in forms:
        rows, _ = orders.read(**options)
        found = rows["share"]
        assert found.cast(pa.float32()).combine_chunks().equals(expected), options


def test_fields_tell_type_key_and_nullability(orders: Source) -> None:
    schema = orders.read(table="orders")[0].schema
    assert schema.field("id").metadata == {
        b"osiris.type": b"int(11)",
        b"osiris.nullable": b"false",
        b"osiris.primary_key": b"true",
    }
    assert schema.field("share").type == pa.float32()
    assert schema.field("share").metadata[b"osiris.nullable"] == b"false"
    assert schema.field("state").metadata[b"osiris.type"] == b"enum('open','done','bad')"


def test_the_read_is_a_snapshot(orders: Source) -> None:
    options = {"query": "SELECT o.* FROM orders AS o, seq_1_to_200000"}
    with orders.client() as client:
        extractor = orders.extractor(client, options)
        stream = iter(Batches(extractor.schema(), extractor.read(Split(0))))
        rows = next(stream).num_rows
        orders.sql("DELETE FROM orders WHERE id > 0")
        rows += sum(batch.num_rows for batch in stream)
    assert rows == 2_000_000
    assert orders.read(table="orders")[0].num_rows == 1


def test_a_query_keeps_its_order_and_its_duplicate_names(orders: Source) -> None:
    rows, _ = orders.read(query="SELECT id, customer AS id FROM orders ORDER BY 1 DESC -- by id\n;", limit=3, offset=1)
    assert rows.column(0).to_pylist() == [8, 7, 6]
    assert rows.schema.names == ["id", "id"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("WITH x AS (SELECT id FROM orders) SELECT * FROM x ORDER BY id DESC", [9, 8]),
        ("(SELECT id FROM orders WHERE id < 2) UNION ALL (SELECT id FROM orders WHERE id = 9)", [0, 1]),
        ("SELECT id FROM orders WHERE id < 1 UNION SELECT 7 AS id ORDER BY id DESC", [7, 0]),
        ("(SELECT id FROM orders ORDER BY id DESC)", [9, 8]),
    ],
)
def test_a_limit_goes_behind_any_query(orders: Source, query: str, expected: list[int]) -> None:
    rows, end = orders.read(query=query, limit=2)
    assert (ids(rows), end.stop_reason) == (expected, "limit")


def test_a_selection_stands_around_a_query(orders: Source) -> None:
    query = "SELECT id, id * 2 AS twice, customer FROM orders ORDER BY id LIMIT 8"
    rows, _ = orders.read(query=query, columns=["Twice", "id"], where="id > 3", order_by=["customer", "id desc"])
    assert rows.to_pydict() == {"twice": [12, 14, 8, 10], "id": [6, 7, 4, 5]}
    rows, _ = orders.read(query="SELECT id FROM orders ORDER BY id", order_by=["id desc"], limit=2)
    assert ids(rows) == [9, 8]


@pytest.mark.parametrize("read_mode", ["snapshot", "keyset"])
def test_names_are_quoted_whatever_is_in_them(source: Source, read_mode: str) -> None:
    """LESSONS 17: identifiers were not quoted (`x); DROP TABLE y;--`)."""
    for number, nasty in enumerate(
        (
            "x); DROP TABLE keep;-- \"'",
            "a`b``",
            "select",
            "ta ble",
            "日本 語",
            "n" * 64,
            "50%s %(x)s",
            "a.b",
            "{x}\\",
            "_osiris",
        )
    ):
        quoted = "`" + nasty.replace("`", "``") + "`"
        source.sql(
            f"CREATE TABLE {quoted} ({quoted} INT PRIMARY KEY, x FLOAT)", f"INSERT INTO {quoted} VALUES ({number}, 0.5)"
        )
        more = {"order_by": [f"{nasty} desc"]} if read_mode == "snapshot" else {"split_by": [nasty]}
        options: dict[str, Any] = {"table": quoted, "columns": [nasty, "x"], "where": f"{quoted} >= 0", **more}
        rows, _ = source.read(**options, read_mode=read_mode)
        assert rows.to_pylist() == [{nasty: number, "x": 0.5}]
    assert len(source.sql("SHOW TABLES")) == 10


def test_a_view_is_read_like_a_table(orders: Source) -> None:
    orders.sql("CREATE VIEW done AS SELECT id, share FROM orders WHERE state = 'done'")
    rows, _ = orders.read(table="done", where="id > 1")
    assert ids(rows) == [4, 7]
    assert rows.schema.field("share").type == pa.float32()
    assert rows.schema.field("id").metadata[b"osiris.primary_key"] == b"false"


@pytest.mark.parametrize(
    "table",
    [
        "(id INT PRIMARY KEY) ENGINE=MyISAM",
        "(id INT PRIMARY KEY) ENGINE=Aria",
        "(id INT PRIMARY KEY) ENGINE=MEMORY",
        "(id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3",
        "(id INT PRIMARY KEY) PARTITION BY LIST (id % 2) (PARTITION a VALUES IN (0), PARTITION b VALUES IN (1))",
        "(id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
        "(half INT AS (id DIV 2) VIRTUAL, id INT PRIMARY KEY, twice INT AS (id * 2) STORED)",
        "(id INT PRIMARY KEY, hidden INT INVISIBLE DEFAULT 7)",
    ],
)
def test_every_kind_of_table_is_read(source: Source, table: str) -> None:
    source.sql(f"CREATE TABLE t {table}", "INSERT INTO t (id) SELECT seq FROM seq_1_to_100")
    both: list[dict[str, Any]] = [{}, {"read_mode": "keyset", "page_rows": 30}]
    for options in both:
        rows, end = source.read(3, table="t", **options)
        assert sorted(ids(rows)) == list(range(1, 101))
        assert end.rows == 100
        assert "hidden" not in rows.schema.names
        assert "row_start" not in rows.schema.names
        if "twice" in rows.schema.names:
            assert rows["twice"].to_pylist() == [2 * n for n in ids(rows)]


def test_an_invisible_column_can_be_named(source: Source) -> None:
    source.sql("CREATE TABLE t (id INT, hidden INT INVISIBLE DEFAULT 7)", "INSERT INTO t (id) VALUES (1)")
    assert source.read(table="t", columns=["hidden"])[0].to_pylist() == [{"hidden": 7}]


def test_a_table_without_snapshots_is_warned_of(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.sql("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=MyISAM")
    source.plan(table="t")
    assert "has no snapshots (MyISAM)" in caplog.text


@pytest.mark.parametrize("read_mode", ["snapshot", "keyset"])
def test_an_empty_table_has_a_schema(source: Source, read_mode: str) -> None:
    source.sql("CREATE TABLE t (id INT PRIMARY KEY, x DECIMAL(50,2))")
    rows, end = source.read(4, table="t", read_mode=read_mode)
    assert (end.rows, end.stop_reason) == (0, "exhausted")
    assert rows.schema.field("x").type == pa.decimal256(50, 2)
    source.sql("INSERT INTO t VALUES (1, 2)")
    assert source.read(table="t", read_mode=read_mode, where="id > 1")[0].num_rows == 0


def test_the_server_s_own_tables_are_read_too(source: Source) -> None:
    source.sql("CREATE TABLE t (id INT)")
    rows, _ = source.read(table="information_schema.TABLES", where=f"TABLE_SCHEMA = '{source.database.name}'")
    assert rows["TABLE_NAME"].to_pylist() == ["t"]


def test_a_result_of_4000_columns(source: Source) -> None:
    """A table of MariaDB's ends at about 2,500, a result at 4,096."""
    names = [f"c{number}" for number in range(4000)]
    for number in range(2):
        columns = names[number * 2000 : number * 2000 + 2000]
        source.sql(f"CREATE TABLE t{number} ({', '.join(f'{name} TINYINT' for name in columns)}) ENGINE=MyISAM")
        source.sql(f"INSERT INTO t{number} VALUES ({', '.join(str(place % 100) for place in range(2000))})")
    rows, _ = source.read(query="SELECT * FROM t0, t1")
    assert rows.schema.names == names
    assert list(rows.to_pylist()[0].values()) == [number % 100 for number in range(4000)]
    assert source.read(table="t1", columns=names[:1999:-1])[0].schema.names == names[:1999:-1]


def test_what_only_information_schema_knows_is_found_for_queries_too(source: Source) -> None:
    """UUID, INET6 and MariaDB's JSON look like texts on the wire."""
    source.sql(
        "CREATE TABLE t (u UUID PRIMARY KEY, j JSON, i INET6, plain LONGTEXT)",
        "INSERT INTO t VALUES ('12345678-1234-4234-8234-123456789abc', '{}', '::1', '{}')",
        "CREATE TABLE `view` (u VARCHAR(36), j LONGTEXT)",
        "INSERT INTO `view` VALUES ('no uuid', 'no json')",
        "CREATE VIEW v AS SELECT u, j FROM `view`",
    )
    whole = source.read(table="t")[0].schema
    assert (whole.field("u").type, whole.field("j").type, whole.field("plain").type) == (
        pa.uuid(),
        pa.json_(),
        pa.string(),
    )
    for query in ("SELECT * FROM t", "SELECT x.* FROM t AS x", "SELECT u, j, i, plain FROM t JOIN (SELECT 1) AS one"):
        assert source.read(query=query)[0].schema.types == whole.types
        assert source.read(query=query, columns=["j", "u"])[0].schema.types == [pa.json_(), pa.uuid()]
    assert source.read(query="SELECT UPPER(u) AS u FROM t")[0].schema.types == [pa.string()]
    assert source.read(query="SELECT * FROM v AS t")[0].to_pylist() == [{"u": "no uuid", "j": "no json"}]


def test_texts_of_any_character_set_come_as_utf8(source: Source) -> None:
    source.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET latin1, b VARCHAR(9) CHARACTER SET utf16, "
        "c VARBINARY(9), d VARCHAR(9) CHARACTER SET ascii)",
        "INSERT INTO t VALUES (1, X'E9818D', _utf16 X'65E5', X'E981', NULL)",
        "SET sql_mode = ''",
        "INSERT IGNORE INTO t (id, d) VALUES (2, X'41E942')",
    )
    rows = source.read(table="t")[0].to_pylist()
    # what MySQL calls latin1 is windows-1252, its five gaps filled with control characters
    assert rows[0] == {"id": 1, "a": "é\x81\x8d", "b": "日", "c": b"\xe9\x81", "d": None}
    assert rows[1]["d"] == "A?B"


def test_zero_dates_by_policy(source: Source) -> None:
    source.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, d DATE, t DATETIME NOT NULL)",
        "SET sql_mode = ''",
    )
    with source.database.server.connect(source.database.name) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute(
            "INSERT INTO t VALUES (1, '2024-02-29', '2024-01-01'), (2, '0000-00-00', '2022-11-00'), (3, NULL, 0)"
        )
    with pytest.raises(osiris.DataError, match="row 2") as caught:
        source.read(table="t")
    assert caught.value.data_column == "d"
    both: list[dict[str, Any]] = [{}, {"read_mode": "keyset", "page_rows": 1}]
    for options in both:
        rows, end = source.read(table="t", zero_dates=None, **options)
        assert rows["d"].null_count == 2
        assert end.counts == {"zero_dates": 3}
    rows, end = source.read(query="SELECT * FROM t", zero_dates="string")
    assert rows["d"].to_pylist() == ["2024-02-29", "0000-00-00", None]
    assert end.counts == {}


def test_tinyint1_is_a_number_unless_it_is_wanted_as_a_boolean(source: Source) -> None:
    source.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, b TINYINT(1), n TINYINT)", "INSERT INTO t VALUES (1, 1, 1), (2, 0, 5)"
    )
    assert source.read(table="t")[0]["b"].to_pylist() == [1, 0]
    assert source.read(table="t", tinyint1_as_bool=True)[0]["b"].to_pylist() == [True, False]
    source.sql("INSERT INTO t VALUES (3, 127, 1)")
    with pytest.raises(osiris.DataError, match="'b'"):
        source.read(table="t", tinyint1_as_bool=True)


def test_batches_are_as_small_as_wanted(source: Source) -> None:
    source.sql("CREATE TABLE t AS SELECT seq AS id, REPEAT('x', 1000) AS text FROM seq_1_to_1000")
    rows, _ = source.read(table="t", batch_rows=300)
    assert [len(chunk) for chunk in rows["id"].chunks] == [300, 300, 300, 100]


@pytest.mark.parametrize("memory_bytes", [1, 2**20, 2**28])
def test_any_budget_of_memory_will_do(database: Database, tmp_path: Path, memory_bytes: int) -> None:
    source = Source(database, tmp_path, {}, memory_bytes=memory_bytes)
    source.sql("CREATE TABLE t AS SELECT seq AS id, REPEAT('x', seq) AS text FROM seq_1_to_2000")
    rows, _ = source.read(table="t")
    assert [len(text) for text in rows["text"].to_pylist()] == ids(rows) == list(range(1, 2001))
    assert (rows["id"].num_chunks > 10) == (memory_bytes < 2**28)


def test_the_server_may_read_quotes_in_other_ways(source: Source) -> None:
    source.sql(ORDERS)
    server = source.database.server
    before = server.sql("SELECT @@GLOBAL.sql_mode")[0][0]
    try:
        server.sql("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'")
        for mode in ("snapshot", "keyset"):
            rows, _ = source.read(table="orders", where="customer = \"c1\" AND 'a\\'b' <> ''", read_mode=mode)
            assert ids(rows) == [1, 4, 7]
        assert source.read(query="SELECT 'a\\'b' AS t")[0].to_pylist() == [{"t": "a'b"}]
    finally:
        server.sql(f"SET GLOBAL sql_mode = '{before}'")


def test_the_dataset_names_server_and_table(orders: Source) -> None:
    with orders.client() as client:
        one = orders.extractor(client, {"table": "orders"}).dataset()
        two = orders.extractor(client, {"query": "SELECT 1"}).dataset()
    assert (one.namespace, one.name) == (
        f"mysql://127.0.0.1:{orders.database.server.port}",
        f"{orders.database.name}.orders",
    )
    assert (two.namespace, two.name) == (one.namespace, "query")


def test_about_how_many_rows_is_known_without_counting_them(orders: Source) -> None:
    orders.sql("ANALYZE TABLE orders", "CREATE VIEW v AS SELECT id FROM orders")
    for options, rows in (
        ({"table": "orders"}, 10),
        ({"table": "orders", "limit": 3}, 3),
        ({"table": "orders", "limit": 3, "offset": 8}, 2),
        ({"table": "orders", "offset": 11}, 0),
        ({"table": "orders", "where": "id < 4"}, 4),
        ({"table": "v", "where": "id < 4"}, None),
        ({"query": "SELECT 1"}, None),
    ):
        assert orders.plan(**options).estimated_rows == rows, options
        with orders.client() as client:
            assert orders.extractor(client, options).estimated_rows() == rows, options
    assert orders.plan(table="orders", read_mode="keyset").estimated_rows == 10


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"table": "order"}, osiris.NotFound, "no table .*order on"),
        ({"table": "nowhere.orders"}, osiris.NotFound, "no database nowhere"),
        ({"table": "orders", "columns": ["custmer"]}, osiris.ConfigError, "no column 'custmer'"),
        ({"table": "orders", "columns": ["id", "ID"]}, osiris.ConfigError, "one name"),
        ({"table": "orders", "where": "nope = 1"}, osiris.ConfigError, "the table .*orders: .*nope"),
        ({"table": "orders", "where": "1 = 1) UNION SELECT (1"}, osiris.ConfigError, "where"),
        ({"table": "orders", "where": "1 = 1); DROP TABLE orders; SELECT (1"}, osiris.ConfigError, "one condition"),
        ({"table": "orders", "order_by": ["nope"]}, osiris.ConfigError, "nope"),
        ({"table": "orders", "order_by": ["id` desc, (SELECT 1)"]}, osiris.ConfigError, "no column"),
        ({"table": "a.b.c"}, osiris.ConfigError, "does not name a table"),
        ({"table": "x.orders", "schema": "main"}, osiris.ConfigError, "disagree"),
        ({}, osiris.ConfigError, "table or query"),
        ({"query": "SELECT id,\n  nope\nFROM orders"}, osiris.ConfigError, "the query: .*nope"),
        ({"query": "SELECT id FROM orders WHERE GROUP BY"}, osiris.ConfigError, "the query, line 1"),
        ({"query": "SELECT 1 FROM (SELECT 1 AS a, 2 AS a) AS x"}, osiris.ConfigError, "the query: .*[Dd]uplicate"),
        ({"query": "SELECT * FROM nowhere"}, osiris.NotFound, "nowhere"),
        (
            {"query": "SELECT id, id AS ID FROM orders", "where": "id > 1"},
            osiris.ConfigError,
            r"one name to MySQL: 'id' \(column 1\) and 'ID' \(column 2\)",
        ),
        ({"query": "SELECT id FROM orders", "columns": ["idd"]}, osiris.ConfigError, "the query has no column 'idd'"),
        ({"query": "SELECT id FROM orders LIMIT 3", "limit": 2}, osiris.ConfigError, "LIMIT of its own"),
        (
            {"query": "SELECT id FROM orders ORDER BY id", "where": "id > 2"},
            osiris.ConfigError,
            "ORDER BY would be lost",
        ),
        ({"query": "SELECT NEXTVAL(ids)"}, osiris.ConfigError, "the query: it writes"),
        ({"query": "SELECT writing()"}, osiris.ConfigError, "the query: it writes"),
        (
            {"query": "SELECT id FROM orders WHERE id = (SELECT 1 UNION SELECT 2)"},
            osiris.ConfigError,
            "more than 1 row",
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_where(
    orders: Source, options: dict[str, Any], error: type[osiris.OsirisError], text: str
) -> None:
    orders.sql(
        "CREATE SEQUENCE ids",
        "CREATE TABLE log (n INT)",
        "CREATE FUNCTION writing() RETURNS INT BEGIN INSERT INTO log VALUES (1); RETURN 1; END",
    )
    with pytest.raises(error, match=text):
        orders.read(**options)
    assert orders.sql("SELECT COUNT(*) FROM log") == [(0,)]
    assert orders.sql("SELECT NEXTVAL(ids)") == [(1,)]


def test_near_names_are_suggested(orders: Source) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"table": "order"}, 'did you mean "orders"?'),
        ({"table": "orders", "columns": ["stat"]}, 'did you mean "state"?'),
        ({"table": "orders", "schema": orders.database.name + "0"}, f'did you mean "{orders.database.name}"?'),
        ({"table": "zzz"}, "run osiris discover to see what there is"),
    ]
    for options, hint in cases:
        with pytest.raises(osiris.OsirisError) as caught:
            orders.read(**options)
        assert caught.value.hint == hint


def test_what_may_not_be_read_is_no_missing_table(orders: Source) -> None:
    name = orders.database.name
    orders.sql(
        "CREATE TABLE closed (id INT PRIMARY KEY, secret INT)",
        f"CREATE USER 'narrow_{name}' IDENTIFIED BY 'pass-word'",
        f"GRANT SELECT ON orders TO 'narrow_{name}'",
        f"GRANT SELECT (id) ON closed TO 'narrow_{name}'",
    )
    source = Source(orders.database, orders.root, {"user": f"narrow_{name}", "password": "pass-word"})
    try:
        assert source.read(table="orders")[0].num_rows == 10
        assert source.read(table="closed", columns=["id"])[0].num_rows == 0
        orders.sql("CREATE TABLE hidden (id INT)")
        cases: list[dict[str, Any]] = [{"table": "hidden"}, {"query": "SELECT * FROM hidden"}, {"table": "closed"}]
        for options in (*cases, {"query": "SELECT secret FROM closed"}):
            with pytest.raises(osiris.PermissionDenied):
                source.read(**options)
    finally:
        orders.sql(f"DROP USER 'narrow_{name}'")
