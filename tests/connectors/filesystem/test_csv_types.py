"""Which types are guessed, held to and declared when CSV files are read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.errors import ConfigError, DataError
from tests.connectors.filesystem.steps import csv, read_csv

TEXT = pa.string()
GUESSES: list[tuple[list[str], pa.DataType]] = [
    (["1", "-20", "0", ""], pa.int64()),
    (["9223372036854775807", "-9223372036854775808"], pa.int64()),
    (["9223372036854775808"], TEXT),
    (["00123", "45"], TEXT),
    (["-0"], TEXT),
    (["+5"], TEXT),
    ([" 5"], TEXT),
    (["0x1F"], TEXT),
    (["1_000"], TEXT),
    (["1e5", "2e3"], TEXT),
    (["1E5", "12.5"], TEXT),
    (["1.5", "2", "-0.25"], pa.float64()),
    (["1.0", "1e+22", "1e-7"], pa.float64()),
    (["0.30000000000000004", "12.5"], pa.float64()),
    (["0.1234567890123456789", "1.5"], TEXT),
    (["9007199254740993.5", "1"], TEXT),
    (["12345678901234567", "1.5"], TEXT),
    (["12.50", "7.00", "3"], pa.decimal128(18, 2)),
    (["12345678901234567890.12"], pa.decimal128(38, 2)),
    (["1.10", "1.9"], TEXT),
    (["nan", "1.5"], TEXT),
    ([".5", "1.5"], TEXT),
    (["true", "FALSE", ""], pa.bool_()),
    (["0", "1"], pa.int64()),
    (["yes", "no"], TEXT),
    (["NULL", "1"], TEXT),
    (["N/A", "1"], TEXT),
    (["2026-01-31", ""], pa.date32()),
    (["2026-02-30"], TEXT),
    (["0000-00-00"], TEXT),
    (["01/02/2024"], TEXT),
    (["20260131"], pa.int64()),
    (["2026-01-31", "2026-01-31 10:00"], TEXT),
    (["2026-01-31 10:00", "2026-01-31T10:00:00.123456"], pa.timestamp("us")),
    (["2026-01-31 10:00:00.123456789"], pa.timestamp("ns")),
    (["2026-01-31T10:00:00Z", "2026-01-31 10:00:00+02:00"], pa.timestamp("us", "UTC")),
    (["2026-01-31T10:00:00Z", "2026-01-31 10:00:00"], TEXT),
    (["10:30"], TEXT),
    (["", ""], TEXT),
]


@pytest.mark.parametrize("infer", ["sample", "full"])
@pytest.mark.parametrize(("values", "wanted"), GUESSES)
def test_a_type_is_guessed_only_where_it_loses_nothing(
    tmp_path: Path, values: list[str], wanted: pa.DataType, infer: str
) -> None:
    """LESSONS 9."""
    csv(tmp_path, "k,v\n" + "".join(f"x,{value}\n" for value in values))
    read = read_csv(tmp_path, infer=infer)
    assert read.schema.field("v").type == wanted
    if wanted == TEXT:
        assert read.table.column("v").to_pylist() == [value or None for value in values]


def test_without_guessing_all_is_text(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2026-01-01\n")
    assert read_csv(tmp_path, infer="none").rows == [{"a": "1", "b": "2026-01-01"}]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("7", "A123"),
        ("7", "00123"),
        ("1.5", "1e5"),
        ("1.5", "1.10"),
        ("1.5", "9007199254740993.5"),
        ("1.5", "12345678901234567"),
        ("1.50", "007.50"),
        ("1.50", "1.5"),
        ("2026-01-01", "x"),
    ],
)
def test_a_later_row_that_contradicts_the_sample_is_an_error_that_says_what_to_set(
    tmp_path: Path, first: str, later: str
) -> None:
    """A zero in front, one at the end, or a digit too many for a float would be lost in silence by pyarrow's own
    reading."""
    csv(tmp_path, "id,zip\n" + f"1,{first}\n" * 50 + f"2,{later}\n" + f"1,{first}\n")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, sample_rows=10)
    error = caught.value
    assert (error.file, error.line, error.data_column, error.row) == ("a.csv", 52, "zip", 51)
    assert repr(later) in error.message
    assert error.hint is not None
    assert "dtypes: {zip: string}" in error.hint
    assert "infer: full" in error.hint
    assert read_csv(tmp_path, infer="full").schema.field("zip").type == TEXT


def test_the_sample_ends_where_it_is_told_to(tmp_path: Path) -> None:
    csv(tmp_path, "a\n1\n2\nx\n")
    assert read_csv(tmp_path, sample_rows=3).schema.field("a").type == TEXT
    with pytest.raises(DataError):
        read_csv(tmp_path, sample_rows=2)


DECLARED: list[tuple[str, str, Any]] = [
    ("int8", "-128", -128),
    ("int64", "007", 7),
    ("uint64", "18446744073709551615", 2**64 - 1),
    ("float32", "0.5", 0.5),
    ("float64", "inf", float("inf")),
    ("decimal(12,2)", "1234567890.1", Decimal("1234567890.10")),
    ("decimal(60,20)", "1" * 30 + ".5", Decimal("1" * 30 + ".5")),
    ("bool", "1", True),
    ("date", "2026-01-31", date(2026, 1, 31)),
    ("time", "10:30:00.5", time(10, 30, 0, 500000)),
    ("timestamp", "2026-01-31 10:00", datetime(2026, 1, 31, 10)),  # noqa: DTZ001 - local time is what is meant
    ("timestamptz", "2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ("timestamp(ms, Europe/Prague)", "2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ("string", "00123", "00123"),
    ("binary", "AP8=", b"\x00\xff"),
    ("json", '{"a":1}', '{"a":1}'),
    ("date32[day]", "2026-01-31", date(2026, 1, 31)),
    ("timestamp[us, tz=UTC]", "2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ("decimal128(6, 2)", "1.25", Decimal("1.25")),
    ("datetime64[ns]", "2026-01-31", datetime(2026, 1, 31)),  # noqa: DTZ001 - local time is what is meant
    ("object", "1", "1"),
]


@pytest.mark.parametrize(("written", "value", "wanted"), DECLARED)
def test_a_declared_type_is_read_as_declared(tmp_path: Path, written: str, value: str, wanted: Any) -> None:
    csv(tmp_path, f"a;b\n{value};1\n;2\n")
    read = read_csv(tmp_path, dtypes={"a": written}, delimiter=";", quotechar="")
    assert read.table.column("a").to_pylist() == [wanted, None]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("int8", "128"),
        ("int64", "1.0"),
        ("uint8", "-1"),
        ("decimal(4,2)", "1.239"),
        ("decimal(4,2)", "123.4"),
        ("float64", "1e400"),
        ("float32", "1e39"),
        ("bool", "yes"),
        ("date", "2026-02-30"),
        ("date", "01/02/2026"),
        ("timestamp", "2026-01-31T10:00:00Z"),
        ("timestamptz", "2026-01-31T10:00:00"),
        ("time", "25:00"),
        ("binary", "?"),
        ("json", "{"),
        ("int64", "NULL"),
    ],
)
def test_a_value_that_the_declared_type_cannot_hold_is_an_error(tmp_path: Path, written: str, value: str) -> None:
    csv(tmp_path, f"a,b\n,1\n{value},2\n")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, dtypes={"a": written})
    assert (caught.value.line, caught.value.data_column) == (3, "a")
    assert repr(value) in caught.value.message


def test_a_guess_cannot_make_a_declared_float_infinite_in_silence(tmp_path: Path) -> None:
    csv(tmp_path, "a\n1.5\ninf\n-Infinity\n1e400\n")
    with pytest.raises(DataError, match="1e400"):
        read_csv(tmp_path, dtypes={"a": "float64"})


def test_formats_read_dates_strictly_and_decide_the_type(tmp_path: Path) -> None:
    csv(tmp_path, "d,t,z,c\n31.12.2025,1/2/2026 3:04 PM,2026-01-01 10:00 +0200,10.30\n,,,\n")
    read = read_csv(
        tmp_path,
        date_formats={"d": "%d.%m.%Y", "t": ["%Y", "%d/%m/%Y %I:%M %p"], "z": "%Y-%m-%d %H:%M %z", "c": "%H.%M"},
    )
    assert read.schema.types == [pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.time64("us")]
    assert read.rows[0] == {
        "d": date(2025, 12, 31),
        "t": datetime(2026, 2, 1, 15, 4),  # noqa: DTZ001 - local time is what is meant
        "z": datetime(2026, 1, 1, 8, tzinfo=UTC),
        "c": time(10, 30),
    }


@pytest.mark.parametrize(
    ("pattern", "written", "wanted"),
    [
        ("%d.%m.%Y", ["31.12.2025", "1.2.2026"], [date(2025, 12, 31), date(2026, 2, 1)]),
        ("%d %b %y", ["01 Jan 69", "01 JAN 68"], [date(1969, 1, 1), date(2068, 1, 1)]),
        ("%d/%m/%Y %H:%M:%S.%f", ["01/02/2026 03:04:05.25"], [datetime(2026, 2, 1, 3, 4, 5, 250000)]),  # noqa: DTZ001 - local
        ("%Y%m%d%H", ["2026020103"], [datetime(2026, 2, 1, 3)]),  # noqa: DTZ001 - local time is what is meant
        ("%Y-%j", ["2026-032"], [date(2026, 2, 1)]),
    ],
)
def test_a_format_means_the_same_for_one_value_as_for_many(
    tmp_path: Path, pattern: str, written: list[str], wanted: list[date]
) -> None:
    """Arrow reads many at once, Python the odd ones."""
    for values, dates in ((written, wanted), (written * 3, wanted * 3), (written[:1], wanted[:1])):
        csv(tmp_path, "a,b\n" + "".join(f"{value},1\n" for value in values))
        assert read_csv(tmp_path, date_formats={"a": pattern}).table.column("a").to_pylist() == dates


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"date_formats": {"a": "%d/%m/%Y"}}, "31/02/2026"),
        ({"date_formats": {"a": "%d/%m/%Y %H:%M"}}, "29/02/2026 10:00"),
        ({"date_formats": {"a": "%d/%m/%Y %H:%M"}, "dtypes": {"a": "date"}}, "01/02/2026 10:00"),
        ({"date_formats": {"a": "%d/%m/%Y"}, "dtypes": {"a": "timestamptz"}}, "01/02/2026"),
        ({"date_formats": {"a": "%Y-%m-%d %z"}, "dtypes": {"a": "timestamp"}}, "2026-01-01 +0200"),
    ],
)
def test_a_date_that_would_be_changed_by_its_format_is_an_error(tmp_path: Path, given: Any, value: str) -> None:
    """C's strptime turns 31 February into 3 March."""
    csv(tmp_path, f"a,b\n{value},1\n")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, **given)
    assert caught.value.data_column == "a"


def test_parse_dates_turns_guessing_off_or_names_columns(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n2026-01-01,2026-01-01\n")
    assert read_csv(tmp_path, parse_dates=False).schema.types == [TEXT, TEXT]
    assert read_csv(tmp_path, parse_dates=["b"]).schema.types == [pa.date32(), pa.timestamp("us")]


def test_words_for_nulls_and_truth(tmp_path: Path) -> None:
    csv(tmp_path, 'n,b,s\nNULL,ja,"NULL"\n-,nein,-\n3,NULL,x\n')
    read = read_csv(tmp_path, null_values=["NULL", "-"], true_values=["ja"], false_values=["nein"])
    assert read.rows == [
        {"n": None, "b": True, "s": "NULL"},
        {"n": None, "b": False, "s": None},
        {"n": 3, "b": None, "s": "x"},
    ]


def test_null_and_empty_text_differ_by_the_quotes(tmp_path: Path) -> None:
    csv(tmp_path, 'a,b\n,1\n"",2\n')
    assert [row["a"] for row in read_csv(tmp_path).rows] == [None, ""]
    assert [row["a"] for row in read_csv(tmp_path, empty_as_null=False).rows] == ["", ""]
    assert [row["a"] for row in read_csv(tmp_path, quoted_nulls=True).rows] == [None, None]


def test_an_empty_quoted_number_says_which_option_to_set(tmp_path: Path) -> None:
    csv(tmp_path, '"a","b"\n"1","x"\n"","y"\n')
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, dtypes={"a": "int64"})
    assert "quoted_nulls: true" in (caught.value.hint or "")
    assert read_csv(tmp_path, dtypes={"a": "int64"}, quoted_nulls=True).table.column("a").to_pylist() == [1, None]


def test_a_decimal_comma(tmp_path: Path) -> None:
    csv(tmp_path, "a;b;c\n1,50;0,5;2,5\n12,25;1,125;1,5\n")
    read = read_csv(tmp_path, delimiter=";", decimal_point=",", dtypes={"c": "float64"})
    assert read.schema.types == [pa.decimal128(18, 2), pa.float64(), pa.float64()]
    assert read.rows[0] == {"a": Decimal("1.50"), "b": 0.5, "c": 2.5}


@pytest.mark.parametrize(
    "given",
    [
        {"dtypes": {"x": "int64"}},
        {"columns": ["x"]},
        {"date_formats": {"x": "%d"}},
        {"date_formats": {"a": "%d"}, "dtypes": {"a": "int64"}},
        {"parse_dates": ["x"]},
    ],
)
def test_names_and_types_that_do_not_exist_are_refused(tmp_path: Path, given: Any) -> None:
    csv(tmp_path, "a,b\n1,2\n")
    with pytest.raises(ConfigError):
        read_csv(tmp_path, **given)
