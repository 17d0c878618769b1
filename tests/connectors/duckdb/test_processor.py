"""The DuckDB processor: names of its inputs, streams that are read once or more, types, errors, interrupts, limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Batches, Options
from osiris.connectors.duckdb.processor import Processor
from osiris.stream import FirstError
from tests.connectors.duckdb.place import Place, endless, in_pieces

PEOPLE = pa.table({"id": [1, 2, 3, 1], "name": ["a", "b", None, "d"]})
PETS = pa.table({"owner": [1, 3], "pet": ["cat", "dog"]})


@pytest.mark.parametrize("name", ["people", "PEOPLE", "df_people", "input_df", '"people"'])
def test_an_input_has_its_names(place: Place, name: str) -> None:
    query = f"SELECT id FROM {name} ORDER BY id DESC LIMIT 1"
    assert place.transform(query, {"people": PEOPLE})[0].to_pylist() == [{"id": 3}]


def test_dashes_become_underscores_and_two_inputs_have_no_input_df(place: Place) -> None:
    inputs = {"my-people": PEOPLE, "pets": PETS}
    query = "SELECT name, pet FROM my_people JOIN df_pets ON owner = id ORDER BY ALL"
    rows, end = place.transform(query, inputs)
    assert rows.to_pydict() == {"name": ["a", "d", None], "pet": ["cat", "cat", "dog"]}
    assert (end.rows, end.stop_reason) == (3, "exhausted")
    with pytest.raises(osiris.ConfigError, match="input_df"):
        place.transform("FROM input_df", inputs)
    with pytest.raises(osiris.ConfigError, match="persons") as caught:
        place.transform("FROM persons", inputs)
    assert caught.value.hint == "the tables here: my_people, df_my_people, pets, df_pets"
    with pytest.raises(osiris.ConfigError, match=r"'a-b' and 'a_b'"):
        place.transform("SELECT 1", {"a-b": PEOPLE, "a_b": PETS})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM people", set()),
        ("SELECT id, count(*) FROM people GROUP BY ALL HAVING count(*) > 1 ORDER BY 1", set()),
        ("SELECT *, sum(id) OVER (PARTITION BY name) FROM people QUALIFY row_number() OVER (ORDER BY id) = 1", set()),
        ("WITH x AS (FROM people) SELECT * FROM x", set()),
        ("SELECT 1", set()),
        ("SELECT count(*) FROM people JOIN PEOPLE AS p USING (id)", {"people"}),
        ("SELECT count(*) FROM people, df_people", {"people"}),
        ("SELECT * FROM people WHERE id IN (SELECT id FROM input_df)", {"people"}),
        ("WITH x AS (FROM people) SELECT count(*) FROM x JOIN x AS y USING (id)", {"people"}),
        ("WITH x AS (FROM people), y AS (FROM x) SELECT count(*) FROM y AS a, y AS b", {"people"}),
        ("FROM people UNION ALL FROM people", {"people"}),
        ("WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r JOIN people ON id = i) FROM r", {"people"}),
        ("WITH x AS (FROM people), y AS (FROM x) SELECT count(*) FROM y", set()),
        ("PIVOT people ON name USING count(*)", {"people"}),
        ("SELECT nope FROM people", set()),
    ],
)
def test_an_input_that_is_read_twice_is_known_before(place: Place, query: str, expected: set[str]) -> None:
    processor = Processor(Options({"query": query}), place.workspace)
    assert processor.rescans({"people": PEOPLE.schema}) == expected
    if "nope" not in query:
        place.transform(query, {"people": PEOPLE})


def test_only_the_input_that_is_read_twice_is_named(place: Place) -> None:
    processor = Processor(
        Options({"query": "SELECT * FROM pets JOIN people a ON a.id = owner JOIN people b ON b.id = owner"}),
        place.workspace,
    )
    assert processor.rescans({"people": PEOPLE.schema, "pets": PETS.schema}) == {"people"}


def test_a_correlated_query_gets_the_right_rows(place: Place) -> None:
    query = "SELECT id, (SELECT max(pet) FROM pets WHERE owner = people.id) AS pet FROM people ORDER BY ALL"
    rows, _ = place.transform(query, {"people": PEOPLE, "pets": PETS})
    assert rows["pet"].to_pylist() == ["cat", "cat", None, "dog"]


def test_the_order_of_the_input_and_of_order_by_stay(place: Place) -> None:
    rows = pa.table({"n": range(300000)})
    assert place.transform("SELECT n FROM t WHERE n % 2 = 0", {"t": rows})[0]["n"].to_pylist() == list(
        range(0, 300000, 2)
    )
    down, _ = place.transform("SELECT n, n::HUGEINT AS h FROM t ORDER BY n DESC", {"t": rows})
    assert down["n"].to_pylist() == list(range(299999, -1, -1))


def test_types_come_through_without_loss(place: Place) -> None:
    """LESSONS 9: nullable BIGINT, DECIMAL and booleans with null became floats."""
    rows = pa.table(
        {
            "big": pa.array([None, 9007199254740993]),
            "price": pa.array([Decimal("0.10"), None], pa.decimal128(12, 2)),
            "flag": pa.array([None, True]),
            "code": pa.array(["00123", ""]),
            "at": pa.array([0, None], pa.timestamp("us", "UTC")),
            "key": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef", None], pa.binary(16))),
            "doc": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1.00}', None])),
            "tags": pa.array([[True, None], None]),
            "word": pa.array(["x", None]).dictionary_encode(),
            "wide": pa.array([Decimal(1), None], pa.decimal256(30, 1)),
            "none": pa.nulls(2),
        }
    )
    for query in ("FROM t", "SELECT a.* FROM t AS a POSITIONAL JOIN t AS b"):
        out, _ = place.transform(query, {"t": rows})
        assert out.drop_columns(["word", "wide"]).cast(rows.drop_columns(["word", "wide"]).schema).to_pylist() == (
            rows.drop_columns(["word", "wide"]).to_pylist()
        )
        assert [field.type for field in out.schema][:8] == [field.type for field in rows.schema][:8]
        assert out["word"].to_pylist() == ["x", None]
        assert out["wide"].to_pylist() == [Decimal("1.0"), None]


def test_sums_of_whole_numbers_are_exact(place: Place) -> None:
    rows, _ = place.transform("SELECT sum(n) AS s FROM t", {"t": pa.table({"n": [2**62] * 5})})
    assert rows.schema.field("s").type == pa.decimal128(38, 0)
    assert rows.to_pylist() == [{"s": Decimal(5 * 2**62)}]


def test_times_are_utc_wherever_it_runs(place: Place) -> None:
    rows, _ = place.transform(
        "SELECT date_trunc('day', moment)::VARCHAR AS day FROM t",
        {"t": pa.table({"moment": pa.array([0], pa.timestamp("us", "Asia/Tokyo"))})},
    )
    assert rows.to_pylist() == [{"day": "1970-01-01 00:00:00+00"}]


def test_stopping_early_is_said_in_the_end(place: Place) -> None:
    rows = pa.table({"n": range(100000)})
    assert place.transform("FROM t LIMIT 1", {"t": rows})[1].stop_reason == "query"
    assert place.transform("SELECT max(n) FROM t", {"t": rows})[1].stop_reason == "exhausted"


@pytest.mark.parametrize(
    ("query", "error", "text"),
    [
        ("SELECT\n  id,\n  nope\nFROM people", osiris.ConfigError, 'the query, line 3: .*"nope"'),
        ("SELECT id\nFRUM people", osiris.ConfigError, "the query, line 2: syntax error"),
        (
            "SELECT id,\n CAST(name AS INTEGER) AS n FROM people",
            osiris.DataError,
            "the query, line 2: Could not convert string",
        ),
        ("SELECT 170141183460469231731687303715884105727 AS h", osiris.DataError, "column 'h'"),
        ("SELECT id, id FROM people", osiris.ConfigError, "one name"),
        ("SELECT error('my own check') AS x FROM people", osiris.SourceError, "my own check"),
    ],
)
def test_an_error_names_the_query_and_its_line(
    place: Place, query: str, error: type[osiris.OsirisError], text: str
) -> None:
    with pytest.raises(error, match=text):
        place.transform(query, {"people": PEOPLE})


def test_a_failing_input_keeps_its_class(place: Place) -> None:
    def give() -> Iterator[pa.RecordBatch]:
        yield from PEOPLE.to_batches()
        raise osiris.RateLimited("slow down")

    processor = Processor(Options({"query": "SELECT count(*) FROM people"}), place.workspace)
    output = processor.run({"people": Batches.of(PEOPLE.schema, give())})
    with pytest.raises(osiris.RateLimited):
        list(output)
    output.close()


def interrupted(place: Place, query: str, inputs: dict[str, Batches]) -> Exception:
    processor = Processor(Options({"query": query}), place.workspace)
    raised: list[Exception] = []
    started = threading.Event()

    def work() -> None:
        output = processor.run(inputs)
        output.guard(FirstError(), Processor.classify)
        started.set()
        try:
            for _ in output:
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            raised.append(error)
        output.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    started.wait()
    while thread.is_alive():
        processor.interrupt()
        thread.join(0.05)
    assert not any(place.workspace.scratch.iterdir())
    return raised[0]


def test_an_interrupt_ends_a_query(place: Place) -> None:
    heavy = "SELECT count(*) FROM range(1000000000) a(i), range(100000) b(j) WHERE i * j % 7 = 3"
    assert isinstance(interrupted(place, heavy, {}), osiris.Cancelled)
    batch = PEOPLE.to_batches()[0]
    assert isinstance(interrupted(place, "SELECT count(*) FROM e", {"e": endless(batch)}), osiris.Cancelled)
    assert isinstance(interrupted(place, "SELECT * FROM e", {"e": endless(batch)}), osiris.Cancelled)


def test_output_that_is_not_read_to_its_end_can_be_closed(place: Place) -> None:
    processor = Processor(Options({"query": "SELECT i FROM range(1000000000) t(i)"}), place.workspace)
    output = processor.run({})
    next(iter(output))
    output.close()
    output.close()
    assert not any(place.workspace.scratch.iterdir())


def test_what_does_not_fit_into_memory_is_spilled_and_cleaned_up(place: Place) -> None:
    query = "SELECT max(s) AS s FROM (SELECT s, row_number() OVER (ORDER BY hash(n)) AS r FROM t) WHERE r % 2 = 1"
    rows = pa.table({"n": range(600000), "s": [f"a rather long text, number {i:>9}" for i in range(600000)]})
    out, _ = place.transform(query, {"t": rows}, memory_limit="40MB", threads=2)
    assert out["s"][0].as_py().startswith("a rather long text, number    59")
    assert not any(place.workspace.scratch.iterdir())


def test_too_little_memory_is_an_error_with_a_hint(place: Place) -> None:
    query = "SELECT list(s) AS s FROM (SELECT repeat('x', 100) || n AS s FROM t)"
    with pytest.raises(osiris.SourceError, match="memory") as caught:
        place.transform(query, {"t": pa.table({"n": range(300000)})}, memory_limit="10MB")
    assert "osiris.yaml" in str(caught.value.hint)


def test_options_reach_the_engine(place: Place) -> None:
    for options, setting, value in (
        ({"threads": 1}, "threads", 1),
        ({"memory_limit": "100MiB"}, "memory_limit", "100.0 MiB"),
        ({}, "memory_limit", "256.0 MiB"),
    ):
        shown: Any = place.transform(f"SELECT * FROM (SHOW {setting})", {}, **options)[0].to_pylist()
        assert shown == [{setting: value}]


def test_a_processor_needs_no_input(place: Place) -> None:
    assert place.transform("VALUES (1), (2)", {})[0].num_rows == 2


def test_it_can_be_pulled_as_a_reader(place: Place) -> None:
    processor = Processor(Options({"query": "FROM people"}), place.workspace)
    output = processor.run({"people": in_pieces(PEOPLE)})
    assert output.reader().read_all().num_rows == 4
    output.close()


@pytest.mark.parametrize(
    "query",
    [
        "FROM people",
        "SELECT id, count(*) AS n, max(name) AS name FROM people GROUP BY ALL",
        "SELECT a.id, b.name FROM people AS a JOIN people AS b USING (id)",
        "SELECT sum(df_people.id) AS total FROM df_people, input_df",
        "PIVOT people ON name IN ('a', 'b') USING sum(id)",
    ],
)
def test_the_columns_are_known_before_any_row_and_are_those_of_the_run(place: Place, query: str) -> None:
    known = Processor(Options({"query": query}), place.workspace).schema({"people": PEOPLE.schema})
    assert known == place.transform(query, {"people": PEOPLE})[0].schema
    assert list(place.workspace.scratch.iterdir()) == []


def test_columns_that_are_made_of_rows_are_not_known_before(place: Place) -> None:
    pivot = "PIVOT people ON name USING sum(id)"
    for query in (pivot, f"SELECT * FROM ({pivot})", f"WITH p AS ({pivot}) FROM p"):
        assert Processor(Options({"query": query}), place.workspace).schema({"people": PEOPLE.schema}) is None


@pytest.mark.parametrize("query", ["SELECT idd FROM people", "FROM persons", "SELEC 1", "SELECT 1; SELECT 2"])
def test_a_query_that_does_not_hold_is_refused_before_any_row_as_in_the_run(place: Place, query: str) -> None:
    def of_run() -> object:
        return place.transform(query, {"people": PEOPLE})

    def before() -> object:
        try:
            return Processor(Options({"query": query}), place.workspace).schema({"people": PEOPLE.schema})
        except Exception as error:
            raise Processor.classify(error) from error

    told = []
    for call in (of_run, before):
        with pytest.raises(osiris.OsirisError) as caught:
            call()
        told.append((type(caught.value), caught.value.code, caught.value.message, caught.value.hint))
    assert told[0] == told[1]
