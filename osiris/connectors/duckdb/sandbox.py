"""What a user's SQL may do: one SELECT over the tables it is given; no files, no network, nothing of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import duckdb

from osiris.connectors.duckdb.failures import known, line_of
from osiris.errors import ConfigError, OsirisError, PermissionDenied

Setting = str | bool | int | float | list[str]
SETTINGS: Final[dict[str, Setting]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
    "arrow_lossless_conversion": True,
}
"""The same for every handle of this process: DuckDB refuses a second handle on a file with other settings."""


def connected(
    path: str, *, read_only: bool = False, more: Mapping[str, Setting] | None = None, first: str = ""
) -> duckdb.DuckDBPyConnection:
    """A handle with these settings and `more`, in UTC, that shows no progress of its own; `first` is run on it too."""
    con = duckdb.connect(path, read_only=read_only, config={**SETTINGS, **(more or {})})
    try:
        con.execute(f"SET TimeZone = 'UTC'; SET enable_progress_bar = false; {first}")
    except BaseException:
        con.close()
        raise
    return con


def select_of(con: duckdb.DuckDBPyConnection, sql: str, name: str) -> str:
    """The one SELECT in `sql`, without its final semicolon.

    Raises ConfigError for no or several statements, for any other kind and for parameters, PermissionDenied for a
    function or view that looks outside the tables. `name` says in messages which text it is.
    """
    try:
        statements = con.extract_statements(sql)
    except duckdb.Error as error:
        raise explained(error, name) from error
    if len(statements) != 1:
        count = f"{len(statements)} statements" if statements else "no statement"
        raise ConfigError(f"{name} must be one SELECT, not {count}", code="query.not_one")
    kind = statements[0].type.name
    if kind not in ("SELECT", "MULTI"):
        raise ConfigError(f"{name} must be a SELECT, not {kind}", code="query.not_select")
    if statements[0].named_parameters:
        raise ConfigError(f"{name} has parameters (? or $1), which nothing fills", code="query.parameters")
    text = _checked(sql, name)
    _fits_inside(con, text, name)
    return text


def makes_columns_of_rows(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether it is a PIVOT without IN, which DuckDB takes apart: first the values are read, then columns made of them.

    False for SQL that is not understood, which `select_of` refuses.
    """
    try:
        return any(statement.type.name == "MULTI" for statement in con.extract_statements(sql))
    except duckdb.Error:
        return False


def predicate_of(con: duckdb.DuckDBPyConnection, sql: str, name: str) -> str:
    """A condition that can stand in a WHERE in brackets, and does not close them. Raises as `select_of`."""
    try:
        statements = con.extract_statements(f"SELECT 1 WHERE (\n{sql}\n)")
    except duckdb.Error as error:
        raise explained(error, name, 1) from error
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        raise ConfigError(f"{name} must be one condition", code="query.not_one")
    return _checked(sql, name)


def check(con: duckdb.DuckDBPyConnection, sql: str, name: str, lines_before: int = 0) -> None:
    """Bind `sql` without running it. DuckDB's complaint comes with the line in the user's text `name`."""
    try:
        con.execute(f"EXPLAIN {sql}")
    except duckdb.Error as error:
        raise explained(error, name, lines_before) from error


def explained(error: Exception, name: str, lines_before: int = 0) -> OsirisError:
    """DuckDB's complaint about the user's SQL `name`, which starts after some lines of ours."""
    mapped = known(error)
    if mapped is None:
        raise error
    line = (line_of(error) or 0) - lines_before
    mapped.message = f"{name}{f', line {line}' if line > 0 else ''}: {mapped.message}"
    mapped.args = (mapped.message,)
    return mapped


def _checked(sql: str, name: str) -> str:
    """`sql` up to its semicolon; refuses the functions and views that are not for users."""
    starts = [(place, kind.name) for place, kind in duckdb.tokenize(sql)]
    raw = sql.encode()
    ends = [place for place, _ in starts[1:]] + [len(raw)]
    tokens = [(raw[at:end].decode().strip(), kind) for (at, kind), end in zip(starts, ends, strict=True)]
    forbidden = _forbidden_calls()
    words = [(word, kind) for word, kind in tokens if kind != "comment"]
    for place, (word, kind) in enumerate(words):
        if kind not in ("identifier", "keyword"):
            continue
        plain = word.strip('"').replace('""', '"').casefold()
        called = place + 1 < len(words) and words[place + 1][0].startswith("(")
        system = plain in _CATALOGS or (plain in forbidden and plain.startswith(("duckdb_", "pragma_")))
        if system or (called and plain in forbidden):
            raise PermissionDenied(
                f"{name} uses {plain}, which looks outside the tables it is given",
                code="query.sandbox",
                hint="use tables, and functions of values",
            )
    for (at, _), (word, kind) in zip(starts, tokens, strict=True):
        if kind == "operator" and word.startswith(";"):
            return raw[:at].decode()
    return sql


def _fits_inside(con: duckdb.DuckDBPyConnection, text: str, name: str) -> None:
    """Bind it inside a FROM, where nothing that writes can stand.

    A WITH that holds an INSERT counts as a SELECT, and `con.sql` would run it; a PIVOT counts as several statements.
    """
    try:
        con.execute(f"EXPLAIN SELECT * FROM (\n{text}\n) AS q")
    except duckdb.Error as error:
        if isinstance(error, duckdb.ParserException) or "data-modifying" in str(error):
            raise ConfigError(f"{name} must be a SELECT that only reads", code="query.not_select") from error
        raise explained(error, name, 1) from error


@cache
def _forbidden_calls() -> frozenset[str]:
    """The table functions but those that only make rows, and the few scalar ones that look at the engine.

    Asked of DuckDB itself, so that a function of a later version is refused until it is known to be harmless.
    """
    kinds = "('table', 'table_macro', 'pragma')"
    with connected(":memory:") as con:
        cursor = con.execute(f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN {kinds}")
        return frozenset(row[0].casefold() for row in iter(cursor.fetchone, None)) - _ROW_MAKERS | _ENGINE


_ROW_MAKERS: Final = frozenset(
    {"generate_series", "range", "repeat", "repeat_row", "unnest", "json_each", "json_tree", "version", "summary"}
    | {"histogram", "histogram_values", "icu_calendar_names", "pg_timezone_names"}
)
_ENGINE: Final = frozenset(
    {"current_setting", "getenv", "getvariable", "write_log", "nextval", "setval", "currval", "pg_conf_load_time"}
)
_CATALOGS: Final = frozenset(
    {"information_schema", "pg_catalog", "pg_settings", "pragma_database_list"}
    | {"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"}
)
