"""Filters and pages over REST with values of any characters: what PostgreSQL compares is what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.connectors.supabase.rest.filters import conditions
from osiris.errors import ConfigError
from tests.connectors.supabase.rest.reading import read
from tests.servers.postgrest.server import Rest

server = pytest.mark.server
COLUMN = 'a "b", c.d:*(e) \\ ü%&='
TEXTS = st.text(
    st.sampled_from('ab,."\\()*%:{} é&=+#1') | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=6,
)
EXAMPLES = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def session(rest: Rest) -> Iterator[Session]:
    """To a database with an empty table of two columns of text."""
    quoted = COLUMN.replace('"', '""')
    rest.database.sql(f'CREATE TABLE t ("{quoted}" text, b text, PRIMARY KEY ("{quoted}", b))')
    with rest.database.connect() as connection:
        yield connection


def fill(session: Session, rows: Sequence[tuple[str, str]]) -> None:
    with session.cursor() as cursor:
        cursor.execute("TRUNCATE t")
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)


def found(rest: Rest, **options: Any) -> list[tuple[str, str]]:
    rows, _ = read(rest, table="t", **options)
    return list(zip(rows[COLUMN].to_pylist(), rows["b"].to_pylist(), strict=True))


@server
def test_a_filter_finds_what_is_equal_whatever_its_characters(rest: Rest, session: Session) -> None:
    @EXAMPLES
    @given(st.lists(TEXTS, min_size=1, max_size=6, unique=True), st.data())
    def holds(texts: list[str], data: st.DataObject) -> None:
        fill(session, [(text, "") for text in texts])
        one, some = data.draw(st.sampled_from(texts)), data.draw(st.lists(st.sampled_from(texts), max_size=4))
        ways: list[tuple[dict[str, Any], set[str]]] = [
            ({"value": one}, {one}),
            ({"op": "neq", "value": one}, set(texts) - {one}),
            ({"op": "in", "value": some}, set(some)),
            ({"op": "in", "value": some, "not": True}, set(texts) - set(some)),
            ({"op": "gt", "value": one}, {text for text in texts if text > one}),
        ]
        given_filter, expected = data.draw(st.sampled_from(ways))
        rows = found(rest, filters=[{"column": COLUMN, **given_filter}])
        assert {text for text, _ in rows} == expected

    holds()


@server
def test_pages_by_a_key_of_any_characters_give_each_row_once_and_in_order(rest: Rest, session: Session) -> None:
    @EXAMPLES
    @given(st.sets(st.tuples(TEXTS, TEXTS), max_size=9), st.integers(1, 4), st.booleans(), st.booleans())
    def holds(rows: set[tuple[str, str]], size: int, first_falls: bool, second_falls: bool) -> None:
        fill(session, sorted(rows))
        rest.settings.max_rows = size
        order = [f"{COLUMN} {'desc' if first_falls else 'asc'}", f"b {'desc' if second_falls else 'asc'}"]
        expected = sorted(
            sorted(rows, key=lambda row: row[1], reverse=second_falls), key=lambda row: row[0], reverse=first_falls
        )
        assert found(rest, order_by=order) == expected

    holds()


MEANT: dict[str, tuple[dict[str, Any], str]] = {
    "equal": ({"value": 1}, "eq.1"),
    "truth": ({"value": True}, "eq.true"),
    "no value": ({"op": "is", "value": None}, "is.null"),
    "some value": ({"op": "is", "value": None, "not": True}, "not.is.null"),
    "one of": ({"op": "in", "value": [1, "a,b"]}, 'in.("1","a,b")'),
    "array": ({"op": "cs", "value": ["x", None]}, 'cs.{"x",NULL}'),
    "document": ({"op": "cs", "value": {"a": 1}}, 'cs.{"a": 1}'),
}


@pytest.mark.parametrize("name", MEANT)
def test_a_filter_is_written_as_postgrest_reads_it(name: str) -> None:
    given_filter, expected = MEANT[name]
    assert conditions([{"column": "c", **given_filter}]) == [("c", expected)]


@pytest.mark.parametrize(
    ("given_filter", "message"),
    [
        ({"op": "equals", "value": 1}, "'equals' of column 'c' is no operator"),
        ({"op": "eq", "value": None}, "eq takes a value, but it is null"),
        ({"op": "in", "value": 1}, "in takes a list"),
        ({"op": "in", "value": [None]}, "in takes a list of values, without null"),
        ({"op": "eq", "value": [1]}, "eq takes one value"),
        ({"op": "is", "value": 3}, "is takes one of"),
    ],
)
def test_a_filter_that_means_nothing_is_told(given_filter: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        conditions([{"column": "c", **given_filter}])
