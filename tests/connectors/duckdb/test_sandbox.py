"""What SQL in a pipeline may not do: files, network, settings, several statements, writing."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

import osiris
from tests.connectors.duckdb.place import Place

pytestmark = pytest.mark.slow

SECRET = "the contents of a file that is nobody's business"
ESCAPES = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM READ_BLOB('{file}')",
    "SELECT * FROM \"read_csv\" /* x */ ('{file}')",
    "SELECT * FROM system.main.read_text('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM '{file}'",
    "FROM '{file}.csv'",
    "FROM 'https://example.com/data.parquet'",
    "SELECT (SELECT max(content) FROM read_text('{file}')) AS x",
    "WITH x AS (SELECT * FROM read_text('{file}')) SELECT * FROM x",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM query_table('duckdb_settings')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM arrow_scan(1::POINTER, 2::POINTER, 3::POINTER)",
    "SELECT * FROM python_map_function(1, 2)",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY t FROM '{file}'",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/other.duckdb'",
    "ATTACH ':memory:' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET GLOBAL memory_limit = '1TB'",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "SELECT * FROM enable_logging()",
    "SELECT * FROM checkpoint()",
    "SELECT getenv('HOME')",
    "SELECT current_setting('secret_directory')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets",
    'SELECT * FROM "duckdb_settings"',
    "SELECT * FROM pg_catalog.pg_settings",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pragma_database_list",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{folder}/out.csv'",
    "CREATE TABLE stolen AS SELECT 1",
    "CREATE TEMP TABLE stolen AS SELECT 1",
    "DROP TABLE t",
    "INSERT INTO t VALUES (2)",
    "UPDATE t SET a = 3 RETURNING a",
    "WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone",
    "WITH new AS (INSERT INTO t VALUES (2) RETURNING a) SELECT * FROM new",
    "WITH x AS (WITH new AS (INSERT INTO t VALUES (2) RETURNING a) FROM new) FROM x",
    "SELECT nextval('numbers')",
    "EXPLAIN ANALYZE INSERT INTO t VALUES (2)",
    "EXECUTE prepared",
    "BEGIN",
    "VACUUM",
    "",
    "-- nothing",
]


@pytest.fixture
def guarded(place: Place) -> Place:
    """A place with a table, and files that are nobody's business beside it."""
    for name in ("secret.txt", "secret.txt.csv"):
        (place.root / name).write_text(SECRET)
    place.sql("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)", "CREATE SEQUENCE numbers")
    return place


def spelled(text: str, place: Place) -> str:
    return text.format(file=place.root / "secret.txt", folder=place.root)


def refusal(run: Callable[..., object], *given: object, **named: object) -> str:
    """The kind and text of the error with which it is refused; what came of it otherwise."""
    try:
        return f"not refused: {run(*given, **named)}"
    except osiris.OsirisError as error:
        return f"{type(error).__name__}: {error} {error.hint}"


def test_neither_a_read_nor_a_transformation_gets_out(guarded: Place) -> None:
    """LESSONS 17: a read-only guard was documented and did not exist; DuckDB SQL could read any file of the machine."""
    files = set(guarded.root.rglob("*"))
    one = pa.table({"a": [1]})
    for escape in ESCAPES:
        query = spelled(escape, guarded)
        for text in (
            refusal(guarded.read, query=query),
            refusal(guarded.transform, query, {"t": one}),
        ):
            assert text.startswith(("ConfigError", "PermissionDenied", "NotFound")), (query, text)
            assert SECRET not in text
    assert guarded.sql("FROM t") == [(1,)]
    assert guarded.sql("SHOW TABLES") == [("t",)]
    assert set(guarded.root.rglob("*")) - {guarded.root / "scratch", guarded.root / "t.arrow"} == files


@pytest.mark.parametrize("where", ["a IN (SELECT 1 FROM read_text('{file}'))", "1 = 1) LIMIT 0; DROP TABLE t; --", "?"])
def test_a_condition_does_not_get_out_either(guarded: Place, where: str) -> None:
    with pytest.raises(osiris.OsirisError):
        guarded.read(table="t", where=spelled(where, guarded))
    assert guarded.sql("FROM t") == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a AS \"read_csv\", 1 AS glob, 'duckdb_settings()' AS query FROM t -- read_csv('x')",
        "SELECT a, r.range FROM t, range(1) AS r",
        "SELECT unnest([1]) AS a FROM t",
        "FROM t SELECT a, json_extract('{\"a\": 1}', '$.a') AS j",
        "SELECT a FROM t WHERE a = 1;",
        "(SELECT a FROM t)",
    ],
)
def test_what_only_looks_like_an_escape_is_allowed(guarded: Place, query: str) -> None:
    assert guarded.read(query=query)[0].num_rows == 1
    assert guarded.transform(query, {"t": pa.table({"a": [1]})})[0].num_rows == 1
