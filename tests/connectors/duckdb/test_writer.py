"""The DuckDB writer: its modes, keys, columns, types, state, and that a failure leaves the target as it was."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Options, Part, Run, Split, State
from osiris.connectors.duckdb.client import Client
from osiris.connectors.duckdb.extractor import Extractor
from osiris.connectors.duckdb.writer import Writer
from tests.connectors.duckdb.place import Place, in_pieces, new_run

ROOT = Path(__file__).parents[3]
PEOPLE = pa.table({"id": [1, 2, 3, 1], "name": ["a", "b", None, "d"]})


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sole", "durable"])
def run(request: pytest.FixtureRequest) -> Callable[[], Run]:
    """Makes runs in which the writer is alone in its flow, or stages durably."""
    return lambda: new_run(sole=request.param)


Runs = Callable[[], Run]


def contents(place: Place, table: str = "t") -> list[tuple[object, ...]]:
    return place.sql(f"FROM {table} ORDER BY ALL")


def tables(place: Place) -> set[str]:
    return {name for (name,) in place.sql("SHOW TABLES")}


def test_append_makes_the_table_and_then_adds_to_it(place: Place, run: Runs) -> None:
    part, written = place.write(PEOPLE, run=run())
    assert (part.rows, part.superseded, written.rows) == (4, 0, 4)
    place.write(PEOPLE.slice(0, 1), run=run())
    assert contents(place) == [(1, "a"), (1, "a"), (1, "d"), (2, "b"), (3, None)]
    assert tables(place) == {"t", "_osiris_commits", "_osiris_state"}


def test_replace_leaves_exactly_these_rows_and_keeps_what_belongs_to_the_table(place: Place, run: Runs) -> None:
    place.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR DEFAULT 'nobody' CHECK (name <> 'x'))",
        "INSERT INTO t VALUES (1, 'old'), (9, 'old')",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE INDEX by_name ON t (name)",
    )
    _, written = place.write(PEOPLE.slice(0, 3), run=run(), write_mode="replace")
    assert written.notes == ()
    assert contents(place) == [(1, "a"), (2, "b"), (3, None)]
    assert contents(place, "v") == [(1,), (2,), (3,)]
    assert place.sql("SELECT count(*) FROM duckdb_constraints() WHERE table_name = 't'") >= [(2,)]
    assert place.sql("SELECT index_name FROM duckdb_indexes()") == [("by_name",)]


def test_replace_by_other_columns_makes_the_table_anew_and_says_so(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (id VARCHAR, gone INTEGER)", "INSERT INTO t VALUES ('x', 1)")
    _, written = place.write(PEOPLE, run=run(), write_mode="replace")
    assert "made anew" in written.warnings[0]
    assert place.sql("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 't'") == [
        ("id", "BIGINT"),
        ("name", "VARCHAR"),
    ]
    assert len(contents(place)) == 4


def test_replace_is_never_seen_empty(place: Place, run: Runs) -> None:
    """LESSONS 14: replace was DELETE, commit, insert: a failure in between left an empty table."""
    place.sql("CREATE TABLE t AS SELECT 0::BIGINT AS id, 'old' AS name")
    seen: list[object] = []

    def give() -> Iterator[pa.RecordBatch]:
        for batch in PEOPLE.to_batches(max_chunksize=1):
            with place.client() as other:
                seen.extend(other.rows("SELECT count(*) FROM t"))
            yield batch

    with place.client() as client:
        writer = Writer(client, Options({"table": "t", "write_mode": "replace"}), place.workspace)
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        part = writer.write(token, Batches.of(PEOPLE.schema, give()))
        with place.client() as other:
            assert other.rows("SELECT name FROM t") == [("old",)]
        writer.commit(token, [part], None)
    assert set(seen) == {(1,)}
    assert len(contents(place)) == 4


def test_upsert_updates_inserts_and_lets_the_last_of_equal_keys_win(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (note VARCHAR, name VARCHAR, id INTEGER)", "INSERT INTO t VALUES ('kept', 'old', 1)")
    rows = PEOPLE.set_column(0, "ID", PEOPLE["id"].cast(pa.int32()))
    part, written = place.write(rows, run=run(), write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded, written.rows) == (3, 1, 3)
    assert contents(place) == [("kept", "d", 1), (None, "b", 2), (None, None, 3)]


def test_upsert_needs_no_index_and_works_with_one(place: Place, run: Runs) -> None:
    place.sql(
        "CREATE TABLE t (a INTEGER, b VARCHAR, l INTEGER[], v VARCHAR UNIQUE, PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES (1, 'x', [1], 'one'), (1, 'y', NULL, 'two')",
    )
    rows = pa.table(
        {
            "a": pa.array([1, 1, 2], pa.int32()),
            "b": ["x", "y", "x"],
            "l": pa.array([[7], [8], None], pa.list_(pa.int32())),
            "v": ["two", "one", "three"],
        }
    )
    for _ in range(2):
        place.write(rows, run=run(), write_mode="upsert", primary_key=["a", "b"])
        assert contents(place) == [(1, "x", [7], "two"), (1, "y", [8], "one"), (2, "x", None, "three")]


def test_the_order_of_a_long_upsert_is_the_order_of_its_rows(place: Place, run: Runs) -> None:
    keys = random.Random(7).choices(range(5000), k=60000)
    rows = pa.table({"k": keys, "place": list(range(60000))})
    last = {key: place for place, key in enumerate(keys)}
    part, _ = place.write(rows.combine_chunks(), run=run(), write_mode="upsert", primary_key="k")
    assert (part.rows, part.superseded) == (len(last), 60000 - len(last))
    assert dict(place.sql("FROM t")) == last


def test_a_row_without_its_key_is_an_error_that_names_it(place: Place, run: Runs) -> None:
    rows = pa.table({"id": [1, 2, 3, 4, None], "name": list("abcde")})
    with pytest.raises(osiris.DataError, match="row 5 has no 'id'") as caught:
        place.write(rows, run=run(), write_mode="upsert", primary_key="id")
    assert (caught.value.data_column, caught.value.row) == ("id", 5)
    assert "t" not in tables(place)


def test_a_null_where_the_table_takes_none_is_an_error_that_names_it(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (id BIGINT, name VARCHAR NOT NULL)")
    with pytest.raises(osiris.DataError, match="row 3 has no 'name'"):
        place.write(PEOPLE, run=run())
    assert contents(place) == []


def test_no_rows_still_make_or_replace_the_table(place: Place, run: Runs) -> None:
    none = PEOPLE.slice(0, 0)
    for mode in ("append", "replace", "upsert"):
        place.write(none, run=run(), table=f"made_{mode}", write_mode=mode, primary_key="id")
        assert contents(place, f"made_{mode}") == []
    place.write(PEOPLE, run=run())
    place.write(none, run=run(), write_mode="replace")
    assert contents(place) == []


def test_columns_are_matched_by_name(place: Place, run: Runs) -> None:
    """LESSONS 10: columns came out sorted alphabetically."""
    place.sql("CREATE TABLE t (extra INTEGER DEFAULT 7, name VARCHAR, ID BIGINT)")
    place.write(PEOPLE.slice(0, 1), run=run())
    assert contents(place) == [(7, "a", 1)]
    place.write(pa.table({"z": [1], "a": [2], "m": [3]}), run=run(), table="fresh")
    assert [row[0] for row in place.sql("DESCRIBE fresh")] == ["z", "a", "m"]


def test_a_new_column_fails_unless_it_may_be_added(place: Place, run: Runs) -> None:
    place.write(PEOPLE, run=run())
    wider = PEOPLE.append_column("age", pa.array([1, 2, 3, 4])).slice(0, 1)
    with pytest.raises(osiris.DataError, match="no column 'age'") as caught:
        place.write(wider, run=run())
    assert "add_columns" in str(caught.value.hint)
    _, written = place.write(wider, run=run(), on_schema_change="add_columns")
    assert written.notes == ("added_columns: age",)
    assert contents(place)[0] == (1, "a", 1)
    assert contents(place)[-1] == (3, None, None)


@pytest.mark.parametrize(
    ("there", "value", "text"),
    [
        ("DECIMAL(12,2)", pa.array([Decimal("1.2345")], pa.decimal128(12, 4)), r"DECIMAL\(12,4\)"),
        ("INTEGER", pa.array([1.5]), "DOUBLE"),
        ("INTEGER", pa.array([2**40]), "BIGINT"),
        ("INTEGER", pa.array(["7"]), "VARCHAR"),
        ("DATE", pa.array(["2026-01-01"]), "VARCHAR"),
        ("VARCHAR", pa.array([7]), "BIGINT"),
    ],
)
def test_a_type_that_may_lose_something_is_refused_before_anything_is_written(
    place: Place, run: Runs, there: str, value: pa.Array, text: str
) -> None:
    """LESSONS 2 and 9: keys of other types, decimals and whole numbers that became floats."""
    place.sql(f"CREATE TABLE t (id BIGINT, x {there})")
    with pytest.raises(osiris.DataError, match=f"'x' is {text}") as caught:
        place.write(pa.table({"id": [1], "x": value}), run=run())
    assert caught.value.data_column == "x"
    assert contents(place) == []


def test_a_type_that_fits_is_widened(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (a BIGINT, b DECIMAL(20, 4), c ENUM ('x', 'y'), d HUGEINT)")
    rows = pa.table(
        {
            "a": pa.array([1], pa.int16()),
            "b": pa.array([Decimal("1.25")], pa.decimal128(9, 2)),
            "c": ["y"],
            "d": pa.nulls(1),
        }
    )
    place.write(rows, run=run())
    assert contents(place) == [(1, Decimal("1.2500"), "y", None)]


def test_a_missing_column_that_must_be_there_is_an_error(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (id BIGINT, name VARCHAR, must INTEGER NOT NULL)")
    with pytest.raises(osiris.DataError, match="'must' is missing"):
        place.write(PEOPLE, run=run())


@pytest.mark.parametrize(
    ("options", "rows", "error", "text"),
    [
        ({"create_if_missing": False}, PEOPLE, osiris.NotFound, "no table main.t"),
        ({"write_mode": "upsert"}, PEOPLE, osiris.ConfigError, "primary_key"),
        ({"write_mode": "upsert", "primary_key": "idd"}, PEOPLE, osiris.ConfigError, "no column 'idd'"),
        ({"table": "_osiris_commits"}, PEOPLE, osiris.ConfigError, "own"),
        ({}, pa.table({"a": [1], "A": [2]}), osiris.ConfigError, "one name"),
        ({}, pa.table({"_osiris_row": [1]}), osiris.ConfigError, "reserved"),
        ({}, pa.table({"": [1]}), osiris.ConfigError, "cannot be named ''"),
        ({}, pa.table({}), osiris.ConfigError, "no column"),
    ],
)
def test_what_makes_no_sense_is_refused(
    place: Place, options: dict[str, Any], rows: pa.Table, error: type[osiris.OsirisError], text: str
) -> None:
    with pytest.raises(error, match=text):
        place.write(rows, **options)


def test_a_view_cannot_be_written_to(place: Place) -> None:
    place.sql("CREATE VIEW t AS SELECT 1 AS id")
    with pytest.raises(osiris.ConfigError, match="is a view"):
        place.write(PEOPLE)


def test_a_schema_is_made_with_its_table(place: Place, run: Runs) -> None:
    place.write(PEOPLE, run=run(), table="sales.people")
    place.write(PEOPLE, run=run(), table="people", schema="sales")
    assert len(contents(place, "sales.people")) == 8
    assert tables(place) >= {"_osiris_commits"}


def test_nasty_names_are_quoted(place: Place, run: Runs) -> None:
    """LESSONS 17: identifiers in CREATE TABLE were not quoted (`x); DROP TABLE y;--`)."""
    nasty = 'x" INTEGER); DROP TABLE keep;--'
    place.sql("CREATE TABLE keep (a INTEGER)")
    quoted = '"' + nasty.replace('"', '""') + '"'
    rows = pa.table({nasty: [1, 1], "b": [1, 2]})
    place.write(rows, run=run(), table=quoted, write_mode="upsert", primary_key=nasty)
    place.write(rows, run=run(), table=quoted, write_mode="upsert", primary_key=nasty)
    assert place.sql(f"FROM {quoted}") == [(1, 2)]
    assert "keep" in tables(place)


def test_a_value_that_a_constraint_refuses_undoes_all(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR)", "INSERT INTO t VALUES (7, 'old')")
    with pytest.raises(osiris.DataError, match="duplicate key") as caught:
        place.write(PEOPLE, run=run())
    assert caught.value.code == "data.constraint"
    assert "write_mode: upsert" in (caught.value.hint or "")
    assert contents(place) == [(7, "old")]
    assert tables(place) == {"t", "_osiris_commits", "_osiris_state"}


def test_a_key_that_comes_twice_in_the_stream_has_the_same_hint(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR)")
    with pytest.raises(osiris.DataError, match="duplicate key") as caught:
        place.write(pa.table({"id": [1, 1], "name": ["a", "b"]}), run=run())
    assert "write_mode: upsert" in (caught.value.hint or "")


def test_a_failing_source_undoes_all_and_keeps_its_class(place: Place, run: Runs) -> None:
    def give() -> Iterator[pa.RecordBatch]:
        yield from PEOPLE.to_batches()
        raise osiris.RateLimited("slow down", retry_after_s=3)

    with place.client() as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        with pytest.raises(osiris.RateLimited) as caught:
            writer.write(token, Batches.of(PEOPLE.schema, give()))
        assert caught.value.retry_after_s == 3
        writer.abort(token)
        writer.abort(token)
    assert tables(place) == {"_osiris_commits", "_osiris_state"}


def test_an_interrupted_write_is_cancelled_and_leaves_nothing(place: Place, run: Runs) -> None:
    with place.client() as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)

        def give() -> Iterator[pa.RecordBatch]:
            batch = PEOPLE.to_batches()[0]
            yield batch
            client.interrupt()
            yield batch

        with pytest.raises(osiris.Cancelled):
            writer.write(token, Batches.of(PEOPLE.schema, give()))
    with place.client() as client:
        Writer(client, Options({"table": "t"}), place.workspace).abort(token)
    assert tables(place) == {"_osiris_commits", "_osiris_state"}


def test_a_second_commit_changes_nothing(place: Place, run: Runs) -> None:
    """LESSONS 11: inserts retried after a lost answer duplicated rows."""
    with place.client() as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        token = writer.token(PEOPLE.schema, run())
        assert writer.settle(token, []) == "not_committed"
        writer.begin(token, PEOPLE.schema)
        part = writer.write(token, in_pieces(PEOPLE))
        assert writer.settle(token, [part]) == "not_committed"
        assert writer.commit(token, [part], None).rows == 4
        assert writer.commit(token, [part], None).rows == 4
        writer.finish(token)
    with place.client() as client:
        again = Writer(client, Options({"table": "t"}), place.workspace)
        assert again.settle(token, [part]) == "committed"
        assert again.commit(token, [part], None).rows == 4
        again.finish(token)
        again.abort(token)
    assert len(contents(place)) == 4
    assert tables(place) == {"t", "_osiris_commits", "_osiris_state"}


def test_a_zombie_that_wakes_up_after_the_retry_is_fenced_off(place: Place, run: Runs) -> None:
    first = run()
    retry = Run(first.id, first.pipeline, first.step, 2, sole=first.sole)
    options = Options({"table": "t"})
    with place.client() as sleeping, place.client() as awake:
        zombie, writer = Writer(sleeping, options, place.workspace), Writer(awake, options, place.workspace)
        parts: dict[int, Part] = {}
        tokens = {1: zombie.token(PEOPLE.schema, first), 2: writer.token(PEOPLE.schema, retry)}
        place_of = {1: zombie, 2: writer}
        place.write(PEOPLE.slice(0, 0))
        for attempt, one in place_of.items():
            one.begin(tokens[attempt], PEOPLE.schema)
            parts[attempt] = one.write(tokens[attempt], in_pieces(PEOPLE))
        assert writer.commit(tokens[2], [parts[2]], None).rows == 4
        assert zombie.commit(tokens[1], [parts[1]], None).rows == 4
        zombie.abort(tokens[1])
    assert len(contents(place)) == 4
    assert tables(place) == {"t", "_osiris_commits", "_osiris_state"}


def test_staging_outlives_the_process_and_is_committed_by_another_instance(place: Place) -> None:
    rows = PEOPLE.append_column("big", pa.array([Decimal(1)] * 4, pa.decimal128(38, 0)))
    field = rows.schema.field("big").with_metadata({"osiris.type": "HUGEINT"})
    rows = rows.cast(rows.schema.set(2, field))
    options = Options({"table": "t", "write_mode": "upsert", "primary_key": ["id"]})
    with place.client() as client:
        writer = Writer(client, options, place.workspace)
        token = writer.token(rows.schema, new_run(sole=False, key="k"))
        assert token.durable
        writer.begin(token, rows.schema)
        part = writer.write(token, in_pieces(rows))
    assert "t" not in tables(place)
    with place.client() as client:
        fresh = Writer(client, options, place.workspace)
        assert fresh.commit(token, [part], State(1, {"high": "2026"})).rows == 3
        assert fresh.last("k") == State(1, {"high": "2026"})
        fresh.finish(token)
    assert contents(place) == [(1, "d", 1), (2, "b", 1), (3, None, 1)]
    assert [row[1] for row in place.sql("DESCRIBE t")] == ["BIGINT", "VARCHAR", "HUGEINT"]


def test_commit_without_its_staging_is_an_error(place: Place) -> None:
    with place.client() as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        token = writer.token(PEOPLE.schema, new_run(sole=False))
        writer.begin(token, PEOPLE.schema)
        writer.abort(token)
        with pytest.raises(osiris.WriteFailed, match="staging"):
            writer.commit(token, [], None)


def test_abort_removes_the_staging_of_its_own_token_only(place: Place) -> None:
    options = Options({"table": "t"})
    with place.client() as client:
        writer = Writer(client, options, place.workspace)
        tokens = [writer.token(PEOPLE.schema, new_run(sole=False)) for _ in range(2)]
        for token in tokens:
            Writer(client, options, place.workspace).begin(token, PEOPLE.schema)
        writer.abort(tokens[0])
    assert {name for name in tables(place) if "stage" in name} == {tokens[1].data["stage"]}


def test_abort_and_settle_of_a_write_that_never_began_make_no_file(place: Place) -> None:
    with place.client() as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        token = writer.token(PEOPLE.schema, new_run(sole=False))
        writer.abort(token)
        assert writer.settle(token, []) == "not_committed"
        assert writer.last("k") is None
        writer.finish(token)
    assert not place.file.exists()


def test_state_is_kept_with_the_data_and_read_without_making_anything(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t (id BIGINT, name VARCHAR)")
    with place.client() as client:
        assert Writer(client, Options({"table": "t"}), place.workspace).last("k") is None
    assert tables(place) == {"t"}
    for high in (1, 2):
        keyed = run()
        keyed = Run(keyed.id, keyed.pipeline, keyed.step, 1, key="k", sole=keyed.sole)
        place.write(PEOPLE, run=keyed, state=State(1, {"high": high}))
    with place.client() as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        assert writer.last("k") == State(1, {"high": 2})
        assert writer.last("other") is None


def test_a_read_only_connection_is_not_written_to(place: Place) -> None:
    place.sql("CREATE TABLE t (id BIGINT)")
    with place.client(read_only=True) as client:
        writer = Writer(client, Options({"table": "t"}), place.workspace)
        token = writer.token(PEOPLE.schema, new_run())
        with pytest.raises(osiris.ConfigError, match="read-only"):
            writer.begin(token, PEOPLE.schema)


def test_two_steps_write_to_one_file_at_once(place: Place) -> None:
    options = [Options({"table": name, "write_mode": "replace"}) for name in ("one", "two")]
    with place.client() as first, place.client() as second:
        writers = [Writer(client, o, place.workspace) for client, o in zip((first, second), options, strict=True)]
        tokens = [writer.token(PEOPLE.schema, new_run()) for writer in writers]
        for writer, token in zip(writers, tokens, strict=True):
            writer.begin(token, PEOPLE.schema)
        parts = [writer.write(token, in_pieces(PEOPLE)) for writer, token in zip(writers, tokens, strict=True)]
        for writer, token, part in zip(writers, tokens, parts, strict=True):
            writer.commit(token, [part], None)
    assert len(contents(place, "one")) == len(contents(place, "two")) == 4


def test_a_table_is_replaced_by_what_is_read_from_it(place: Place, run: Runs) -> None:
    place.sql("CREATE TABLE t AS SELECT i AS id, 'x' AS name FROM range(200000) r(i)")
    with place.client() as source, place.client() as client:
        extractor = Extractor(source, Options({"table": "t", "where": "id % 2 = 0"}), place.workspace)
        rows = Batches(extractor.schema(), extractor.read(Split(0)))
        writer = Writer(client, Options({"table": "t", "write_mode": "replace"}), place.workspace)
        token = writer.token(rows.schema, run())
        writer.begin(token, rows.schema)
        part = writer.write(token, rows)
        writer.commit(token, [part], None)
    assert place.sql("SELECT count(*), max(id) FROM t") == [(100000, 199998)]


FULL = """
import random, resource, signal, sys
from pathlib import Path
import pyarrow as pa
import osiris
from tests.connectors.duckdb.place import Place

place = Place(Path(sys.argv[1]))
place.write(pa.table({"id": [1]}))
resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = random.Random(1)
try:
    place.write(pa.table({"id": [noise.getrandbits(62) for _ in range(1000000)]}))
except osiris.WriteFailed as error:
    print(error.code)
"""


def test_a_full_disk_is_said_to_be_full_and_the_table_stays(place: Place) -> None:
    command = [sys.executable, "-c", FULL, str(place.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "disk.full\n", done.stderr
    with place.client() as client:
        assert client.rows("SELECT id FROM t") == [(1,)]


def test_classify_is_the_same_for_an_error_that_came_through_an_arrow_stream() -> None:
    stream_error = OSError("INTERRUPT Error: Interrupted!")
    assert isinstance(Client.classify(stream_error), osiris.Cancelled)
    assert isinstance(Client.classify(OSError("Out of Memory Error: failed")), osiris.SourceError)
    assert isinstance(Client.classify(FileNotFoundError(2, "gone", "x")), osiris.NotFound)
