"""The PostgreSQL writer: its modes, keys and columns, and that what is refused leaves the target as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Run, State
from tests.connectors.postgres.target import Target, in_pieces, new_run

pytestmark = pytest.mark.server
PEOPLE = pa.table({"id": [1, 2, 3, 1], "name": ["a", "b", None, "d"]})
Runs = Callable[[], Run]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sole", "durable"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Makes runs in which the writer is alone in its flow, or stages durably."""
    return lambda: new_run(sole=request.param)


def test_append_makes_the_table_and_then_adds_to_it(target: Target, run: Runs) -> None:
    part, written = target.write(PEOPLE, run=run())
    assert (part.rows, part.superseded, written.rows) == (4, 0, 4)
    target.write(PEOPLE.slice(0, 1), run=run())
    assert target.rows(order="1, 2") == [(1, "a"), (1, "a"), (1, "d"), (2, "b"), (3, None)]
    assert target.types() == {"id": "bigint", "name": "text"}
    assert target.tables() == {"t", "_osiris_commits", "_osiris_state"}


def test_replace_leaves_exactly_these_rows_and_keeps_what_belongs_to_the_table(target: Target, run: Runs) -> None:
    target.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, name varchar(20) DEFAULT 'nobody' CHECK (name <> 'x'), "
        "at date DEFAULT '2020-01-02', n int GENERATED ALWAYS AS (id * 2) STORED)",
        "INSERT INTO t VALUES (1, 'old'), (9, 'old')",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE INDEX by_name ON t (name)",
        "CREATE ROLE reader_of_t",
        "GRANT SELECT ON t TO reader_of_t",
    )
    _, written = target.write(PEOPLE.slice(0, 3), run=run(), write_mode="replace")
    assert written.notes == ()
    assert target.rows(columns="id, name, at::text, n") == [
        (1, "a", "2020-01-02", 2),
        (2, "b", "2020-01-02", 4),
        (3, None, "2020-01-02", 6),
    ]
    assert target.rows("v") == [(1,), (2,), (3,)]
    assert target.sql("SELECT has_table_privilege('reader_of_t', 't', 'SELECT')") == [(True,)]
    assert target.staging() == set()
    target.sql("DROP OWNED BY reader_of_t", "DROP ROLE reader_of_t")


def test_replace_is_never_seen_empty(target: Target, run: Runs) -> None:
    """LESSONS 14: replace was DELETE, commit, insert: a failure in between left an empty table."""
    target.sql("CREATE TABLE t (id bigint, name text)", "INSERT INTO t VALUES (0, 'old')")
    seen: list[object] = []

    def give() -> Iterator[pa.RecordBatch]:
        for batch in PEOPLE.to_batches(max_chunksize=1):
            seen.extend(target.sql("SELECT count(*) FROM t"))
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


def test_upsert_updates_inserts_and_lets_the_last_of_equal_keys_win(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (note text, name text, id int PRIMARY KEY)", "INSERT INTO t VALUES ('kept', 'old', 1)")
    part, written = target.write(PEOPLE, run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded, written.rows) == (3, 1, 3)
    assert target.rows(order="id") == [("kept", "d", 1), (None, "b", 2), (None, None, 3)]


def test_an_identical_row_is_superseded_too(target: Target, run: Runs) -> None:
    part, _ = target.write(pa.table({"id": [1, 1, 1]}), run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded) == (1, 2)
    part, _ = target.write(pa.table({"id": [1, 1, 2]}), run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded) == (2, 1)
    assert target.rows() == [(1,), (2,)]


KEYS = ("", ", PRIMARY KEY (a, b)", ", UNIQUE (b, a)", ", UNIQUE (a, b) DEFERRABLE")


@pytest.mark.parametrize("key", KEYS)
def test_upsert_needs_no_index_and_works_with_one(target: Target, run: Runs, key: str) -> None:
    rows = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": ["eins", "zwei", "drei"]})
    target.sql(
        f"CREATE TABLE t (a bigint, b varchar(5), v text, w int DEFAULT 7{key})",
        "INSERT INTO t VALUES (1, 'x', 'one', 1), (1, 'y', 'two', 2)",
    )
    for _ in range(2):
        target.write(rows, run=run(), write_mode="upsert", primary_key=["a", "b"])
        assert target.rows(order="1, 2") == [(1, "x", "eins", 1), (1, "y", "zwei", 2), (2, "x", "drei", 7)]


def test_upsert_never_changes_a_row_of_another_key(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id bigint PRIMARY KEY, mail text UNIQUE)", "INSERT INTO t VALUES (1, 'a@x')")
    with pytest.raises(osiris.DataError, match="t_mail_key"):
        target.write(pa.table({"id": [2], "mail": ["a@x"]}), run=run(), write_mode="upsert", primary_key="id")
    assert target.rows() == [(1, "a@x")]
    assert target.staging() == set()


def test_a_table_that_is_made_for_an_upsert_has_the_key(target: Target, run: Runs) -> None:
    rows = pa.table({"k": ["a", "A", "a ", "á"], "v": [1, 2, 3, 4]})
    part, _ = target.write(rows, run=run(), write_mode="upsert", primary_key=["k"])
    assert (part.rows, part.superseded) == (4, 0)
    assert target.sql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 't'::regclass") == [
        ("PRIMARY KEY (k)",)
    ]


def test_the_order_of_a_long_upsert_is_the_order_of_its_rows(target: Target, run: Runs) -> None:
    keys = random.Random(7).choices(range(5000), k=60000)
    rows = pa.table({"k": keys, "place": list(range(60000))})
    last = {key: place for place, key in enumerate(keys)}
    part, _ = target.write(rows.combine_chunks(), run=run(), write_mode="upsert", primary_key="k")
    assert (part.rows, part.superseded) == (len(last), 60000 - len(last))
    assert dict(target.rows()) == last


def test_a_row_without_its_key_is_an_error_that_names_it(target: Target, run: Runs) -> None:
    rows = pa.table({"id": [1, 2, 3, 4, None], "name": list("abcde")})
    with pytest.raises(osiris.DataError, match="row 5: 'id' has no value") as caught:
        target.write(rows, run=run(), write_mode="upsert", primary_key="id")
    assert (caught.value.data_column, caught.value.row) == ("id", 5)
    assert "t" not in target.tables()
    assert target.staging() == set()


def test_a_null_where_the_table_takes_none_is_an_error_that_names_it(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id bigint, name text NOT NULL)")
    with pytest.raises(osiris.DataError, match="row 3: 'name' has no value"):
        target.write(PEOPLE, run=run())
    assert target.rows() == []


def test_no_rows_still_make_or_replace_the_table(target: Target, run: Runs) -> None:
    none = PEOPLE.slice(0, 0)
    for mode in ("append", "replace", "upsert"):
        target.write(none, run=run(), table=f"made_{mode}", write_mode=mode, primary_key="id")
        assert target.rows(f"made_{mode}") == []
    target.write(PEOPLE, run=run())
    target.write(none, run=run(), write_mode="replace")
    assert target.rows() == []


def test_columns_are_matched_by_name_and_case_counts(target: Target, run: Runs) -> None:
    """LESSONS 10: columns came out sorted alphabetically."""
    target.sql('CREATE TABLE t (extra int DEFAULT 7, name text, id bigint, "ID" bigint)')
    target.write(PEOPLE.slice(0, 1), run=run())
    assert target.rows() == [(7, "a", 1, None)]
    target.write(pa.table({"z": [1], "A": ["x"], "a": [3]}), run=run(), table="fresh")
    assert list(target.types("fresh")) == ["z", "A", "a"]


def test_a_new_column_fails_unless_it_may_be_added(target: Target, run: Runs) -> None:
    target.write(PEOPLE, run=run())
    wider = PEOPLE.append_column("age", pa.array([1, 2, 3, 4])).slice(0, 1)
    for mode in ("append", "replace"):
        with pytest.raises(osiris.DataError, match="no column 'age'") as caught:
            target.write(wider, run=run(), write_mode=mode)
        assert "add_columns" in str(caught.value.hint)
    _, written = target.write(wider, run=run(), on_schema_change="add_columns")
    assert written.notes == ("added_columns: age",)
    assert target.rows(order="id, name, age")[:2] == [(1, "a", 1), (1, "a", None)]
    assert target.types()["age"] == "bigint"


def test_an_added_column_goes_when_the_write_fails(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id bigint CHECK (id < 3))")
    with pytest.raises(osiris.DataError, match="t_id_check"):
        target.write(PEOPLE, run=run(), on_schema_change="add_columns")
    assert target.types() == {"id": "bigint"}
    assert target.staging() == set()


@pytest.mark.parametrize(
    ("there", "value", "text"),
    [
        ("int", pa.array([1.5]), "double"),
        ("int", pa.array(["7"]), "string"),
        ("date", pa.array(["2026-01-01"]), "string"),
        ("text", pa.array([7]), "int64"),
        ("timestamptz", pa.array([7], pa.timestamp("us")), "timestamp"),
        ("timestamp", pa.array([7], pa.timestamp("us", "UTC")), "timestamp"),
        ("float8", pa.array([Decimal("0.1")]), "decimal"),
        ("numeric", pa.array([0.1]), "double"),
        ("text", pa.array([b"x"]), "binary"),
        ("bytea", pa.array(["x"]), "string"),
        ("date", pa.array([7], pa.timestamp("us")), "timestamp"),
        ("boolean", pa.array([1]), "int64"),
        ("interval day", pa.array([7], pa.duration("us")), "duration"),
        ("text[]", pa.array([[1]]), "list"),
    ],
)
def test_a_type_of_another_kind_is_refused_before_anything_is_written(
    target: Target, there: str, value: pa.Array, text: str
) -> None:
    """LESSONS 2 and 9: keys of other types, decimals and whole numbers that became floats."""
    target.sql(f"CREATE TABLE t (id bigint, x {there})")
    with pytest.raises(osiris.DataError, match=f"'x' is {text}") as caught:
        target.write(pa.table({"id": [1], "x": value}))
    assert caught.value.data_column == "x"
    assert target.tables() == {"t"}


def test_a_missing_column_that_must_be_there_is_an_error(target: Target) -> None:
    target.sql("CREATE TABLE t (id bigint, name text, must int NOT NULL, serial serial NOT NULL)")
    with pytest.raises(osiris.DataError, match="'must' is missing") as caught:
        target.write(PEOPLE)
    assert "serial" not in str(caught.value)


def test_a_generated_column_takes_no_values(target: Target) -> None:
    target.sql("CREATE TABLE t (id bigint, name text GENERATED ALWAYS AS ('n' || id) STORED)")
    with pytest.raises(osiris.DataError, match="'name' is generated"):
        target.write(PEOPLE)


@pytest.mark.parametrize("identity", ["ALWAYS", "BY DEFAULT"])
def test_an_identity_column_gives_values_or_takes_them(target: Target, run: Runs, identity: str) -> None:
    target.sql(f"CREATE TABLE t (id bigint GENERATED {identity} AS IDENTITY PRIMARY KEY, name text)")
    target.write(PEOPLE.select(["name"]), run=run())
    assert target.rows() == [(1, "a"), (2, "b"), (3, None), (4, "d")]
    target.write(pa.table({"id": [4, 7], "name": ["x", "y"]}), run=run(), write_mode="upsert", primary_key="id")
    assert target.rows()[3:] == [(4, "x"), (7, "y")]
    target.write(pa.table({"id": [9], "name": ["z"]}), run=run(), write_mode="replace")
    assert target.rows() == [(9, "z")]


COUNTING = ("bigint GENERATED ALWAYS AS IDENTITY", "int GENERATED BY DEFAULT AS IDENTITY", "serial")


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
@pytest.mark.parametrize("kind", COUNTING)
def test_a_row_that_is_added_by_others_gets_a_number_that_did_not_come(
    target: Target, run: Runs, kind: str, mode: str
) -> None:
    target.sql(f"CREATE TABLE t (id {kind} PRIMARY KEY, name text)", "INSERT INTO t (name) VALUES ('old')")
    came = pa.table({"id": [7, 4, 9], "name": ["x", "y", "z"]})
    target.write(came, run=run(), write_mode=mode, primary_key="id")
    target.sql("INSERT INTO t (name) VALUES ('new')")
    assert target.rows(columns="id, name")[-1] == (10, "new")


def test_a_sequence_is_never_moved_back_and_only_by_numbers_that_came(target: Target, run: Runs) -> None:
    target.sql("CREATE TABLE t (id serial PRIMARY KEY, name text)", "SELECT setval('t_id_seq', 100, false)")
    target.write(pa.table({"id": [5], "name": ["x"]}), run=run())
    target.write(PEOPLE.select(["name"]), run=run())
    assert target.sql("SELECT max(id) FROM t") == [(103,)]
    target.write(pa.table({"id": [104], "name": ["x"]}), run=run())
    target.write(pa.table({"id": [50], "name": ["x"]}), run=run(), write_mode="replace")
    target.sql("INSERT INTO t (name) VALUES ('new')")
    assert target.rows(columns="id, name") == [(50, "x"), (105, "new")]


def test_a_sequence_that_counts_down_is_moved_down(target: Target) -> None:
    target.sql("CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1), name text)")
    target.write(pa.table({"id": [-3, -8], "name": ["x", "y"]}))
    target.sql("INSERT INTO t (name) VALUES ('new')")
    assert target.rows(columns="id, name")[0] == (-9, "new")


def test_a_sequence_stays_at_its_end(target: Target) -> None:
    target.sql("CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 10), name text)")
    target.write(pa.table({"id": [50], "name": ["x"]}))
    with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
        target.sql("INSERT INTO t (name) VALUES ('new')")


def test_a_sequence_that_the_user_may_not_move_is_told(target: Target) -> None:
    target.sql(
        "DROP ROLE IF EXISTS writes_only",
        "CREATE ROLE writes_only LOGIN PASSWORD 's3cret-osiris'",
        'CREATE TABLE t ("Its id" int GENERATED BY DEFAULT AS IDENTITY, name text)',
        "GRANT ALL ON SCHEMA public TO writes_only",
        "GRANT INSERT, SELECT ON t TO writes_only",
    )
    _, written = target.over(user="writes_only").write(pa.table({"Its id": [5], "name": ["x"]}))
    assert [note for note in written.notes if "sequence" in note] == [
        'the sequence of Its id is not moved: GRANT SELECT, UPDATE ON SEQUENCE "t_Its id_seq"'
    ]
    target.sql('GRANT SELECT, UPDATE ON SEQUENCE "t_Its id_seq" TO writes_only')
    _, written = target.over(user="writes_only").write(pa.table({"Its id": [5], "name": ["x"]}))
    assert written.notes == ()
    target.sql("INSERT INTO t (name) VALUES ('new')", "DROP OWNED BY writes_only", "DROP ROLE writes_only")
    assert target.rows(columns='"Its id"')[-1] == (6,)


def test_an_update_cannot_set_an_identity_column(target: Target) -> None:
    target.sql("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY)")
    with pytest.raises(osiris.DataError, match="'id' is GENERATED ALWAYS"):
        target.write(PEOPLE, write_mode="upsert", primary_key="name")


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_partitioned_table_is_written_as_one(target: Target, run: Runs, mode: str) -> None:
    target.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, name text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (2)",
        "CREATE TABLE high PARTITION OF t DEFAULT",
        "INSERT INTO t VALUES (5, 'old')",
    )
    target.write(PEOPLE.slice(0, 3), run=run(), write_mode=mode, primary_key="id")
    old = [] if mode == "replace" else [(5, "old")]
    assert target.rows() == [(1, "a"), (2, "b"), (3, None), *old]
    assert target.rows("low") == [(1, "a")]


@pytest.mark.parametrize(
    ("options", "rows", "error", "text"),
    [
        ({"create_if_missing": False}, PEOPLE, osiris.NotFound, "no table .*t"),
        ({"table": "nowhere.t"}, PEOPLE, osiris.NotFound, "no schema nowhere"),
        ({"write_mode": "upsert"}, PEOPLE, osiris.ConfigError, "primary_key"),
        ({"write_mode": "upsert", "primary_key": "idd"}, PEOPLE, osiris.ConfigError, "no column 'idd'"),
        ({"table": "_osiris_commits"}, PEOPLE, osiris.ConfigError, "own"),
        ({}, pa.table([[1], [2]], ["a", "a"]), osiris.ConfigError, "one name"),
        ({}, pa.table({"_osiris_row": [1]}), osiris.ConfigError, "reserved"),
        ({}, pa.table({"": [1]}), osiris.ConfigError, "'' cannot be a name"),
        ({}, pa.table({"ř" * 32: [1]}), osiris.ConfigError, "64 bytes"),
        ({}, pa.table({"a\0": [1]}), osiris.ConfigError, "NUL"),
        ({}, pa.table({}), osiris.ConfigError, "no column"),
        ({}, pa.table({f"c{n}": [1] for n in range(1601)}), osiris.ConfigError, "1600 columns"),
        ({"primary_key": "x"}, pa.table({"x": pa.array(["{}"], pa.json_())}), osiris.ConfigError, "json"),
    ],
)
def test_what_makes_no_sense_is_refused(
    target: Target, options: dict[str, Any], rows: pa.Table, error: type[osiris.OsirisError], text: str
) -> None:
    with pytest.raises(error, match=text):
        target.write(rows, **options)
    assert target.tables() <= {"_osiris_commits", "_osiris_state"}


def test_what_is_no_table_cannot_be_written_to(target: Target) -> None:
    target.sql("CREATE VIEW v AS SELECT 1 AS id", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS id")
    for table in "vm":
        with pytest.raises(osiris.ConfigError, match="view: only a table"):
            target.write(PEOPLE, table=table)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("CREATE TABLE c (p bigint, CONSTRAINT c_p FOREIGN KEY (p) REFERENCES t (id))", "foreign key c_p of c refers"),
        ("CREATE TABLE c () INHERITS (t)", "table c inherits"),
    ],
)
def test_what_hangs_on_a_table_prevents_that_it_is_emptied(
    target: Target, run: Runs, statement: str, text: str
) -> None:
    target.sql("CREATE TABLE t (id bigint PRIMARY KEY, name text)", "INSERT INTO t VALUES (9, 'old')", statement)
    with pytest.raises(osiris.ConfigError, match=text) as caught:
        target.write(PEOPLE.slice(0, 3), run=run(), write_mode="replace")
    assert "upsert" in str(caught.value.hint)
    assert target.rows("ONLY t") == [(9, "old")]
    target.write(PEOPLE.slice(0, 3), run=run(), write_mode="upsert", primary_key="id")


def test_triggers_and_foreign_keys_hold_for_what_is_appended(target: Target, run: Runs) -> None:
    target.sql(
        "CREATE TABLE p (id bigint PRIMARY KEY)",
        "INSERT INTO p VALUES (1), (2)",
        "CREATE TABLE t (id bigint REFERENCES p, name text)",
        "CREATE FUNCTION louder() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN NEW.name = upper(NEW.name); RETURN NEW; END'",
        "CREATE TRIGGER louder BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION louder()",
    )
    target.write(PEOPLE.slice(0, 2), run=run())
    assert target.rows() == [(1, "A"), (2, "B")]
    with pytest.raises(osiris.DataError, match="foreign key constraint"):
        target.write(PEOPLE, run=run())
    assert target.rows() == [(1, "A"), (2, "B")]


def test_rows_that_a_trigger_swallows_are_missed(target: Target, run: Runs) -> None:
    target.sql(
        "CREATE TABLE t (id bigint, name text)",
        "CREATE FUNCTION less() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN CASE WHEN NEW.id > 1 THEN NEW END; END'",
        "CREATE TRIGGER less BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION less()",
    )
    with pytest.raises(osiris.WriteFailed, match="took 2 of 4 rows"):
        target.write(PEOPLE, run=run())
    assert target.rows() == []


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_policies_hold_for_those_whom_they_bind(target: Target, run: Runs, mode: str) -> None:
    """COPY into such a table is refused by the server, so rows go through staging."""
    name = f"bound_{target.database.name}"
    target.sql(
        f"CREATE ROLE {name} LOGIN PASSWORD 'x'",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {name}",
        "CREATE TABLE t (id bigint PRIMARY KEY, name text)",
        f"GRANT ALL ON t TO {name}",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY low ON t USING (true) WITH CHECK (id < 4)",
    )
    bound = target.over(user=name, password="x")
    bound.write(PEOPLE.slice(0, 3), run=run(), write_mode=mode, primary_key="id")
    assert target.rows() == [(1, "a"), (2, "b"), (3, None)]
    with pytest.raises(osiris.PermissionDenied, match="row-level security"):
        bound.write(pa.table({"id": [4], "name": ["no"]}), run=run(), write_mode=mode, primary_key="id")
    assert len(target.rows()) == 3
    target.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


NASTY = ['x" int); DROP TABLE keep; --', 'qu"ote', "it's", "ünï ✓", "select", "a.b", "%s", "\\", "back`tick", "n" * 63]


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_nasty_names_are_quoted(target: Target, mode: str, name: str) -> None:
    """LESSONS 17: identifiers in CREATE TABLE were not quoted (`x); DROP TABLE y;--`)."""
    target.sql("CREATE TABLE keep (a int)")
    quoted = '"' + name.replace('"', '""') + '"'
    rows = pa.table({name: [1, 1], "b": [1, 2], "c": [b"\xff", None]})
    key: dict[str, Any] = {"primary_key": name} if mode == "upsert" else {}
    for _ in range(2):
        target.write(rows, table=quoted, write_mode=mode, **key)
    both = [(1, 1, b"\xff"), (1, 2, None)]
    found = target.rows(quoted, order="1, 2")
    assert found == {"append": sorted(both * 2, key=str), "replace": both, "upsert": both[1:]}[mode]
    assert "keep" in target.tables()


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_schema_may_have_any_name_too(target: Target, run: Runs, mode: str) -> None:
    """It stands in every statement, those of the ledger among them."""
    for name in ("%s", 'qu"ote', "ünï ✓.x"):
        quoted = '"' + name.replace('"', '""') + '"'
        target.sql(f"DROP SCHEMA IF EXISTS {quoted} CASCADE", f"CREATE SCHEMA {quoted}")
        for _ in range(2):
            options = {"write_mode": mode, **({"primary_key": "id"} if mode == "upsert" else {})}
            target.write(PEOPLE, run=run(), state=State(1, {}), table=f"{quoted}.t", **options)
        assert target.sql(f"SELECT count(*) FROM {quoted}._osiris_commits") == [(2,)]
        target.sql(f"DROP SCHEMA {quoted} CASCADE")


def test_a_value_that_a_constraint_refuses_undoes_all(target: Target) -> None:
    target.sql("CREATE TABLE t (id bigint PRIMARY KEY, name text)", "INSERT INTO t VALUES (7, 'old')")
    rows = pa.table({"id": [*range(100, 5000), 7, 8], "name": ["x"] * 4902})
    with pytest.raises(osiris.DataError, match=r"row 4901: .*t_pkey") as caught:
        target.write(rows)
    assert (caught.value.code, caught.value.row) == ("data.constraint", 4901)
    assert target.rows() == [(7, "old")]


def test_a_failing_source_undoes_all_and_keeps_its_class(target: Target, run: Runs) -> None:
    def give() -> Iterator[pa.RecordBatch]:
        yield from PEOPLE.to_batches()
        raise osiris.SourceError("the source broke off")

    with target.client() as client:
        writer = target.writer(client)
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        with pytest.raises(osiris.SourceError, match="broke off"):
            writer.write(token, Batches.of(PEOPLE.schema, give()))
        writer.abort(token)
        assert target.tables() == {"_osiris_commits", "_osiris_state"}
        writer = target.writer(client)
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        writer.commit(token, [writer.write(token, in_pieces(PEOPLE))], None)
    assert len(target.rows()) == 4


def test_a_dry_run_tells_what_a_run_would_do(target: Target) -> None:
    def told(**options: Any) -> tuple[str, ...]:
        with target.client() as client:
            writer = target.writer(client, **options)
            return writer.foresee(writer.token(PEOPLE.schema, new_run()), PEOPLE.schema)

    assert told() == ("there is no table public.t yet: it is made",)
    target.sql("CREATE TABLE t (id bigint)")
    assert told(on_schema_change="add_columns") == ("public.t gets new columns: name",)
    with pytest.raises(osiris.DataError, match="no column 'name'"):
        told()
    assert target.tables() == {"t"}
