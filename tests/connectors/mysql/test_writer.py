"""The MySQL writer: its modes, keys and columns, and that what is refused leaves the target as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Run
from tests.connectors.mysql.target import Target, in_pieces, new_run

pytestmark = pytest.mark.server
PEOPLE = pa.table({"id": [1, 2, 3, 1], "name": ["a", "b", None, "d"]})
Runs = Callable[[], Run]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sole", "durable"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Makes runs in which the writer is alone in its flow, or stages durably."""
    return lambda: new_run(sole=request.param)


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["insert", "load"])
def sending(target: Target, request: pytest.FixtureRequest) -> Target:
    """Sends rows by INSERT, or by LOAD DATA LOCAL."""
    return target.over(local_infile=request.param)


def test_append_makes_the_table_and_then_adds_to_it(target: Target, run: Runs) -> None:
    part, written = target.write(PEOPLE, run=run())
    assert (part.rows, part.superseded, written.rows) == (4, 0, 4)
    target.write(PEOPLE.slice(0, 1), run=run())
    assert target.rows() == [(1, "a"), (1, "a"), (1, "d"), (2, "b"), (3, None)]
    assert target.tables() == {"t", "_osiris_commits", "_osiris_state"}


def test_rows_keep_their_order(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (place INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    target.write(pa.table({"n": [5, 3, 9, 1, 7, 2]}), run=run())
    assert [n for (n,) in target.rows(columns="n", order="place")] == [5, 3, 9, 1, 7, 2]


def test_replace_leaves_exactly_these_rows_and_keeps_what_belongs_to_the_table(target: Target, run: Runs) -> None:
    target.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR(20) DEFAULT 'nobody' CHECK (name <> 'x'), "
        "KEY by_name (name)) COMMENT = 'AUTO_INCREMENT=3 '",
        "INSERT INTO t VALUES (1, 'old'), (9, 'old')",
        "CREATE VIEW v AS SELECT id FROM t",
    )
    before = target.sql("SHOW CREATE TABLE t")
    _, written = target.write(PEOPLE.slice(0, 3), run=run(), write_mode="replace")
    assert written.notes == ()
    assert target.rows() == [(1, "a"), (2, "b"), (3, None)]
    assert target.rows("v", order="1") == [(1,), (2,), (3,)]
    assert target.sql("SHOW CREATE TABLE t") == before
    assert target.staging() == set()


def test_replace_keeps_grants_and_the_next_auto_increment_and_defaults_of_columns_that_do_not_come(
    target: Target, run: Runs
) -> None:
    name = target.database.name
    target.sql(
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20), at DATE DEFAULT '2020-01-02', "
        "n INT AS (CHAR_LENGTH(name)) STORED) AUTO_INCREMENT = 500",
        f"CREATE USER IF NOT EXISTS 'guest_{name}'@'%'",
        f"GRANT SELECT ON t TO 'guest_{name}'@'%'",
    )
    _, written = target.write(pa.table({"name": ["ab", "c"]}), run=run(), write_mode="replace")
    assert written.notes == ()
    assert target.rows(columns="id, name, CAST(at AS CHAR), n") == [
        (500, "ab", "2020-01-02", 2),
        (501, "c", "2020-01-02", 1),
    ]
    assert "AUTO_INCREMENT=502" in target.sql("SHOW CREATE TABLE t")[0][1]
    assert f"`{name}`.`t`" in target.sql(f"SHOW GRANTS FOR 'guest_{name}'@'%'")[-1][0]
    target.sql(f"DROP USER 'guest_{name}'@'%'")


def test_replace_by_other_columns_makes_the_table_anew_and_says_so(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id VARCHAR(9), gone INT NOT NULL)", "INSERT INTO t VALUES ('x', 1)")
    _, written = target.write(PEOPLE, run=run(), write_mode="replace")
    assert "made anew" in written.warnings[0]
    assert [row[:2] for row in target.sql("DESCRIBE t")] == [("id", "bigint(20)"), ("name", "longtext")]
    assert len(target.rows()) == 4


def test_replace_adds_columns_to_the_table_that_is_there_where_it_may(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id BIGINT, KEY (id))")
    _, written = target.write(PEOPLE, run=run(), write_mode="replace", on_schema_change="add_columns")
    assert written.notes == ("added_columns: name",)
    assert "KEY `id`" in target.sql("SHOW CREATE TABLE t")[0][1]


def test_replace_is_never_seen_empty(target: Target, run: Runs) -> None:
    """LESSONS 14: replace was DELETE, commit, insert: a failure in between left an empty table."""
    target.sql("CREATE TABLE t (id BIGINT, name TEXT)", "INSERT INTO t VALUES (0, 'old')")
    seen: list[object] = []

    def give() -> Iterator[pa.RecordBatch]:
        for batch in PEOPLE.to_batches(max_chunksize=1):
            seen.extend(target.sql("SELECT COUNT(*) FROM t"))
            yield batch

    with target.client() as client:
        writer = target.writer(client, write_mode="replace")
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        part = writer.write(token, Batches.of(PEOPLE.schema, give()))
        assert target.sql("SELECT name FROM t") == [("old",)]
        writer.commit(token, [part], None)
    assert set(seen) == {(1,)}
    assert len(target.rows()) == 4


def test_upsert_updates_inserts_and_lets_the_last_of_equal_keys_win(sending: Target, run: Runs) -> None:
    sending.sql(
        "CREATE TABLE t (note VARCHAR(9), name TEXT, id INT PRIMARY KEY)", "INSERT INTO t VALUES ('kept', 'old', 1)"
    )
    rows = PEOPLE.set_column(0, "ID", PEOPLE["id"].cast(pa.int32()))
    part, written = sending.write(rows, run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded, written.rows) == (3, 1, 3)
    assert sending.rows(order="id") == [("kept", "d", 1), (None, "b", 2), (None, None, 3)]


def test_an_identical_row_is_superseded_too(target: Target, run: Runs) -> None:
    part, _ = target.write(pa.table({"id": [1, 1, 1]}), run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded) == (1, 2)
    part, _ = target.write(pa.table({"id": [1, 1, 2]}), run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded) == (2, 1)
    assert target.rows(order="1") == [(1,), (2,)]


def test_upsert_needs_no_index_and_works_with_one(target: Target, run: Runs) -> None:
    rows = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": ["eins", "zwei", "drei"]})
    for key in ("", ", PRIMARY KEY (a, b)", ", UNIQUE (b, a)"):
        target.sql(
            f"CREATE OR REPLACE TABLE t (a BIGINT, b VARCHAR(5), v VARCHAR(9), w INT DEFAULT 7{key})",
            "INSERT INTO t VALUES (1, 'x', 'one', 1), (1, 'y', 'two', 2)",
        )
        for _ in range(2):
            target.write(rows, run=run(), write_mode="upsert", primary_key=["a", "b"])
            assert target.rows() == [(1, "x", "eins", 1), (1, "y", "zwei", 2), (2, "x", "drei", 7)]


def test_upsert_never_changes_a_row_of_another_key(target: Target, run: Runs) -> None:
    """ON DUPLICATE KEY UPDATE would change row 1, since it has the mail that comes with row 2."""
    target.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, mail VARCHAR(9) UNIQUE)", "INSERT INTO t VALUES (1, 'a@x')")
    with pytest.raises(osiris.DataError, match="Duplicate entry 'a@x' for key 'mail'"):
        target.write(pa.table({"id": [2], "mail": ["a@x"]}), run=run(), write_mode="upsert", primary_key="id")
    assert target.rows() == [(1, "a@x")]
    assert target.staging() == set()


@pytest.mark.parametrize("mails", [["b@x", "a@x"], ["c@x", "c@x"]])
def test_a_row_that_meets_another_in_some_unique_index_is_named_by_its_key(
    target: Target, run: Runs, mails: list[str]
) -> None:
    target.sql("CREATE TABLE t (a INT, b INT, mail VARCHAR(9) UNIQUE, PRIMARY KEY (a, b))")
    target.sql("INSERT INTO t VALUES (1, 1, 'a@x')")
    rows = pa.table({"a": pa.array([2, 2], pa.int32()), "b": pa.array([1, 2], pa.int32()), "mail": mails})
    with pytest.raises(osiris.DataError, match=r"t, the row of a = 2, b = [12]: Duplicate entry '[ac]@x'") as caught:
        target.write(rows, run=run(), write_mode="upsert", primary_key=["a", "b"])
    assert "by primary_key alone" in str(caught.value.hint)
    assert target.rows() == [(1, 1, "a@x")]


def test_what_a_replaced_table_demands_is_told_by_its_own_name(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id INT CHECK (id < 3))", "INSERT INTO t VALUES (1)")
    with pytest.raises(osiris.DataError, match="row 3: ") as caught:
        target.write(pa.table({"id": pa.array([0, 1, 9], pa.int32())}), run=run(), write_mode="replace")
    assert "_osiris" not in str(caught.value)
    assert target.rows(order="1") == [(1,)]


def test_keys_are_equal_as_the_table_takes_them(target: Target, run: Runs) -> None:
    target.sql(
        "CREATE TABLE t (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)", "INSERT INTO t VALUES ('A', 0)"
    )
    part, _ = target.write(
        pa.table({"k": ["a", "b", "B"], "v": pa.array([1, 2, 3], pa.int32())}),
        run=run(),
        write_mode="upsert",
        primary_key="k",
    )
    assert (part.rows, part.superseded) == (2, 1)
    assert target.rows() == [("a", 1), ("B", 3)], "a key is spelled as it came last"


def test_the_key_of_a_row_that_others_refer_to_stays_as_it_is_spelled(target: Target, run: Runs) -> None:
    text = "VARCHAR(9) COLLATE utf8mb4_general_ci"
    target.sql(
        f"CREATE TABLE t (k {text} PRIMARY KEY, v INT)",
        f"CREATE TABLE child (k {text}, FOREIGN KEY (k) REFERENCES t (k))",
        "INSERT INTO t VALUES ('A', 0)",
        "INSERT INTO child VALUES ('A')",
    )
    target.write(
        pa.table({"k": ["a"], "v": pa.array([1], pa.int32())}), run=run(), write_mode="upsert", primary_key="k"
    )
    assert target.rows() == [("A", 1)]


def test_a_key_of_texts_alone_is_spelled_as_it_came_last(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (k VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY)", "INSERT INTO t VALUES ('a '), ('b')")
    target.write(pa.table({"k": ["a", "c"]}), run=run(), write_mode="upsert", primary_key="k")
    assert target.rows(order="1") == [("a",), ("b",), ("c",)]


def test_keys_of_a_table_that_is_made_are_equal_only_when_they_are_the_same(target: Target, run: Runs) -> None:
    rows = pa.table({"k": ["a", "A", "a ", "á"], "v": [1, 2, 3, 4]})
    part, _ = target.write(rows, run=run(), write_mode="upsert", primary_key="k")
    assert (part.rows, part.superseded) == (4, 0)
    assert {k for k, _ in target.rows()} == {"a", "A", "a ", "á"}


def test_the_order_of_a_long_upsert_is_the_order_of_its_rows(sending: Target, run: Runs) -> None:
    keys = random.Random(7).choices(range(5000), k=60000)
    rows = pa.table({"k": keys, "place": list(range(60000))})
    last = {key: place for place, key in enumerate(keys)}
    part, _ = sending.write(rows.combine_chunks(), run=run(), write_mode="upsert", primary_key="k")
    assert (part.rows, part.superseded) == (len(last), 60000 - len(last))
    assert dict(sending.rows()) == last


def test_a_row_without_its_key_is_an_error_that_names_it(target: Target, run: Runs) -> None:
    rows = pa.table({"id": [1, 2, 3, 4, None], "name": list("abcde")})
    with pytest.raises(osiris.DataError, match="row 5: 'id' has no value") as caught:
        target.write(rows, run=run(), write_mode="upsert", primary_key="id")
    assert (caught.value.data_column, caught.value.row) == ("id", 5)
    assert "t" not in target.tables()
    assert target.staging() == set()


def test_a_null_where_the_table_takes_none_is_an_error_that_names_it(target: Target, run: Runs) -> None:
    """A TIMESTAMP or AUTO_INCREMENT would get a value of its own instead."""
    target.sql("CREATE TABLE t (id BIGINT, name TIMESTAMP(6) NOT NULL)")
    rows = PEOPLE.set_column(1, "name", pa.array([10**9, 10**9, None, 10**9], pa.timestamp("us", "UTC")))
    with pytest.raises(osiris.DataError, match="row 3: 'name' has no value"):
        target.write(rows, run=run())
    assert target.rows() == []


def test_no_rows_still_make_or_replace_the_table(target: Target, run: Runs) -> None:
    none = PEOPLE.slice(0, 0)
    for mode in ("append", "replace", "upsert"):
        target.write(none, run=run(), table=f"made_{mode}", write_mode=mode, primary_key="id")
        assert target.rows(f"made_{mode}") == []
    target.write(PEOPLE, run=run())
    target.write(none, run=run(), write_mode="replace")
    assert target.rows() == []


def test_columns_are_matched_by_name(target: Target, run: Runs) -> None:
    """LESSONS 10: columns came out sorted alphabetically."""
    target.sql("CREATE TABLE t (extra INT DEFAULT 7, name TEXT, ID BIGINT)")
    target.write(PEOPLE.slice(0, 1), run=run())
    assert target.rows() == [(7, "a", 1)]
    target.write(pa.table({"z": [1], "a": [2], "m": [3]}), run=run(), table="fresh")
    assert [row[0] for row in target.sql("DESCRIBE fresh")] == ["z", "a", "m"]


def test_a_new_column_fails_unless_it_may_be_added(target: Target, run: Runs) -> None:
    target.write(PEOPLE, run=run())
    wider = PEOPLE.append_column("age", pa.array([1, 2, 3, 4])).slice(0, 1)
    with pytest.raises(osiris.DataError, match="no column 'age'") as caught:
        target.write(wider, run=run())
    assert "add_columns" in str(caught.value.hint)
    _, written = target.write(wider, run=run(), on_schema_change="add_columns")
    assert written.notes == ("added_columns: age",)
    assert target.rows(order="id, name, age")[1] == (1, "a", 1)
    assert target.rows()[-1] == (3, None, None)


@pytest.mark.parametrize(
    ("there", "value", "text"),
    [
        ("INT", pa.array([1.5]), "double"),
        ("INT", pa.array(["7"]), "string"),
        ("DATE", pa.array(["2026-01-01"]), "string"),
        ("VARCHAR(9)", pa.array([7]), "int64"),
        ("TIMESTAMP(6)", pa.array([7], pa.timestamp("us")), "timestamp"),
        ("DOUBLE", pa.array([Decimal("0.1")]), "decimal"),
        ("TEXT", pa.array([b"x"]), "binary"),
        ("BLOB", pa.array(["x"]), "string"),
        ("DATE", pa.array([7], pa.timestamp("us")), "timestamp"),
    ],
)
def test_a_type_of_another_kind_is_refused_before_anything_is_written(
    target: Target, run: Runs, there: str, value: pa.Array, text: str
) -> None:
    """LESSONS 2 and 9: keys of other types, decimals and whole numbers that became floats."""
    target.sql(f"CREATE TABLE t (id BIGINT, x {there})")
    with pytest.raises(osiris.DataError, match=f"'x' is {text}") as caught:
        target.write(pa.table({"id": [1], "x": value}), run=run())
    assert caught.value.data_column == "x"
    assert target.tables() == {"t"}


def test_a_missing_column_that_must_be_there_is_an_error(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id BIGINT, name TEXT, must INT NOT NULL)")
    with pytest.raises(osiris.DataError, match="'must' is missing"):
        target.write(PEOPLE, run=run())


def test_a_generated_column_takes_no_values(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id BIGINT, name TEXT AS (CONCAT('n', id)))")
    with pytest.raises(osiris.DataError, match="'name' is generated"):
        target.write(PEOPLE, run=run())


@pytest.mark.parametrize(
    ("options", "rows", "error", "text"),
    [
        ({"create_if_missing": False}, PEOPLE, osiris.NotFound, "no table .*t"),
        ({"schema": "nowhere"}, PEOPLE, osiris.NotFound, "no database nowhere"),
        ({"write_mode": "upsert"}, PEOPLE, osiris.ConfigError, "primary_key"),
        ({"write_mode": "upsert", "primary_key": "idd"}, PEOPLE, osiris.ConfigError, "no column 'idd'"),
        ({"table": "_osiris_commits"}, PEOPLE, osiris.ConfigError, "own"),
        ({}, pa.table({"a": [1], "A": [2]}), osiris.ConfigError, "one name"),
        ({}, pa.table({"_osiris_row": [1]}), osiris.ConfigError, "reserved"),
        ({}, pa.table({"": [1]}), osiris.ConfigError, "'' cannot be a name"),
        ({}, pa.table({"a ": [1]}), osiris.ConfigError, "space"),
        ({}, pa.table({"x" * 65: [1]}), osiris.ConfigError, "65 characters"),
        ({}, pa.table({"🐘": [1]}), osiris.ConfigError, "emoji"),
        ({}, pa.table({}), osiris.ConfigError, "no column"),
        ({}, pa.table({"x": pa.array([Decimal(1)], pa.decimal256(66, 0))}), osiris.DataError, "65 digits"),
        ({}, pa.table({"x": pa.array([Decimal(1)], pa.decimal128(38, 31))}), osiris.DataError, "30 of them"),
        ({}, pa.table({"x": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}), osiris.DataError, "has months"),
        ({"primary_key": "x"}, pa.table({"x": pa.array(["{}"], pa.json_())}), osiris.ConfigError, "part of a key"),
    ],
)
def test_what_makes_no_sense_is_refused(
    target: Target, options: dict[str, Any], rows: pa.Table, error: type[osiris.OsirisError], text: str
) -> None:
    with pytest.raises(error, match=text):
        target.write(rows, **options)
    assert target.staging() == set()


def test_a_view_or_sequence_cannot_be_written_to(target: Target) -> None:
    target.sql("CREATE VIEW v AS SELECT 1 AS id", "CREATE SEQUENCE s")
    for table in "vs":
        with pytest.raises(osiris.ConfigError, match="only a table"):
            target.write(PEOPLE, table=table)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_table_without_transactions_can_only_be_replaced(target: Target, run: Runs, mode: str) -> None:
    target.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT) ENGINE = MyISAM", "INSERT INTO t VALUES (9, 'old')")
    with pytest.raises(osiris.ConfigError, match="MyISAM, which has no transactions") as caught:
        target.write(PEOPLE, run=run(), write_mode=mode, primary_key="id")
    assert "ENGINE = InnoDB" in str(caught.value.hint)
    with pytest.raises(osiris.DataError, match="Duplicate entry '1'"):
        target.write(PEOPLE, run=run(), write_mode="replace")
    assert target.rows() == [(9, "old")]
    target.write(PEOPLE.slice(1), run=run(), write_mode="replace")
    assert target.rows() == [(1, "d"), (2, "b"), (3, None)]


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        (
            ["CREATE TABLE c (p BIGINT, CONSTRAINT c_p FOREIGN KEY (p) REFERENCES t (id))"],
            "foreign key c_p of .*c refers",
        ),
        (["ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (id) REFERENCES p (id)"], "has the foreign key t_p"),
        (["CREATE TRIGGER noted BEFORE INSERT ON t FOR EACH ROW SET NEW.name = 'x'"], "has the trigger noted"),
        (["ALTER TABLE t ADD SYSTEM VERSIONING"], "keeps its own history"),
    ],
)
def test_what_hangs_on_a_table_prevents_that_it_is_replaced(
    target: Target, run: Runs, statements: list[str], text: str
) -> None:
    target.sql(
        "CREATE TABLE p (id BIGINT PRIMARY KEY)", "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)", *statements
    )
    with pytest.raises(osiris.ConfigError, match=text) as caught:
        target.write(PEOPLE, run=run(), write_mode="replace")
    assert "append" in str(caught.value.hint)
    assert target.staging() == set()


def test_triggers_and_foreign_keys_hold_for_what_is_appended(target: Target, run: Runs) -> None:
    target.sql(
        "CREATE TABLE p (id BIGINT PRIMARY KEY)",
        "INSERT INTO p VALUES (1), (2)",
        "CREATE TABLE t (id BIGINT, name TEXT, FOREIGN KEY (id) REFERENCES p (id))",
        "CREATE TRIGGER louder BEFORE INSERT ON t FOR EACH ROW SET NEW.name = UPPER(NEW.name)",
    )
    target.write(PEOPLE.slice(0, 2), run=run())
    assert target.rows() == [(1, "A"), (2, "B")]
    with pytest.raises(osiris.DataError, match="foreign key constraint fails"):
        target.write(PEOPLE, run=run())
    assert target.rows() == [(1, "A"), (2, "B")]


NASTY = ["x` INT); DROP TABLE keep; --", 'qu"ote', "it's", "ünï ✓", "select", "a.b", "%s", "\\", "back`tick", "n" * 64]


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_nasty_names_are_quoted(sending: Target, mode: str, name: str) -> None:
    """LESSONS 17: identifiers in CREATE TABLE were not quoted (`x); DROP TABLE y;--`)."""
    sending.sql("CREATE TABLE keep (a INT)")
    quoted = "`" + name.replace("`", "``") + "`"
    rows = pa.table({name: [1, 1], "b": [1, 2], "c": [b"\xff", None]})
    key: dict[str, Any] = {"primary_key": name} if mode == "upsert" else {}
    for _ in range(2):
        sending.write(rows, table=quoted, write_mode=mode, **key)
    both = [(1, 1, b"\xff"), (1, 2, None)]
    assert sending.rows(quoted) == {"append": sorted(both * 2, key=str), "replace": both, "upsert": both[1:]}[mode]
    assert "keep" in sending.tables()


def test_a_value_that_a_constraint_refuses_undoes_all(target: Target) -> None:
    target.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (7, 'old')")
    rows = pa.table({"id": [*range(100, 5000), 7, 8], "name": ["x"] * 4902})
    with pytest.raises(osiris.DataError, match="row 4901: Duplicate entry '7'") as caught:
        target.write(rows)
    assert (caught.value.code, caught.value.row) == ("data.constraint", 4901)
    assert target.rows() == [(7, "old")]


def test_rows_are_staged_in_several_statements_and_one_of_their_own(target: Target) -> None:
    """A row that is larger than the statements that are sent, beside small ones."""
    big = "é" * 2**20
    rows = pa.table({"id": list(range(6)), "text": ["a", big, "b", "c", big, ""]})
    target.write(rows)
    assert target.rows(columns="id, CHAR_LENGTH(text)") == [(0, 1), (1, 2**20), (2, 1), (3, 1), (4, 2**20), (5, 0)]


def test_a_failing_source_undoes_all_and_keeps_its_class(target: Target, run: Runs) -> None:
    def give() -> Iterator[pa.RecordBatch]:
        yield from PEOPLE.to_batches()
        raise osiris.RateLimited("slow down", retry_after_s=3)

    with target.client() as client:
        writer = target.writer(client)
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        with pytest.raises(osiris.RateLimited) as caught:
            writer.write(token, Batches.of(PEOPLE.schema, give()))
        assert caught.value.retry_after_s == 3
        writer.abort(token)
        writer.abort(token)
    assert target.tables() == {"_osiris_commits", "_osiris_state"}


def test_a_table_is_replaced_by_what_is_read_from_it(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id BIGINT PRIMARY KEY) AS SELECT seq AS id FROM seq_1_to_1000")
    rows = target.read(where="id % 2 = 0")
    target.write(rows, run=run(), write_mode="replace")
    assert target.sql("SELECT COUNT(*), MAX(id) FROM t") == [(500, 1000)]


def test_two_writers_make_one_table_together(target: Target) -> None:
    with target.client() as first, target.client() as second:
        writers = [target.writer(client) for client in (first, second)]
        tokens = [writer.token(PEOPLE.schema, new_run(sole=False)) for writer in writers]
        for writer, token in zip(writers, tokens, strict=True):
            writer.begin(token, PEOPLE.schema)
        parts = [writer.write(token, in_pieces(PEOPLE)) for writer, token in zip(writers, tokens, strict=True)]
        for writer, token, part in zip(writers, tokens, parts, strict=True):
            writer.commit(token, [part], None)
            writer.finish(token)
    assert len(target.rows()) == 8
    assert target.staging() == set()
