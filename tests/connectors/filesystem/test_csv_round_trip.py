"""What is written as CSV is read back the same, whatever it holds; and both roads of the reader agree on any text."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.errors import DataError
from tests.connectors.filesystem.steps import csv, read_csv, write_csv

pytestmark = pytest.mark.slow

CELLS = st.one_of(
    st.none(),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.text(alphabet="a\",;'\n\r\t #\\|\ufeff", max_size=6),
    st.sampled_from(["", "NULL", "00123", "1e5", '"', '""', "\r\n", " x ", "#"]),
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6).map(
        lambda rows: pa.table({f"c{n}": pa.array([row[n] for row in rows], pa.string()) for n in range(width)})
    )
)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|", " ", "a"]),
        "quotechar": st.sampled_from(['"', "'"]),
        "header": st.booleans(),
        "encoding": st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "utf-16be"]),
        "compression": st.sampled_from(["none", "gzip", "bz2", "zstd", "xz", "zip"]),
    }
)
WRITING = st.fixed_dictionaries(
    {
        "quoting": st.sampled_from(["minimal", "nonnumeric", "all"]),
        "newline": st.sampled_from(["lf", "crlf"]),
        "batch_rows": st.sampled_from([1, 8192]),
    }
)


@settings(max_examples=60)
@given(TABLES, DIALECTS, WRITING, st.sampled_from(["", "NULL", "\\N"]))
def test_any_text_comes_back(table: pa.Table, dialect: dict[str, Any], writing: dict[str, Any], null: str) -> None:
    """Quotes, delimiters, line ends, marks, nulls and empty texts; LESSONS 10: in the order of the stream."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_csv(folder, table, **dialect, **writing, null_value=null)
        names = {} if dialect["header"] else {"names": table.column_names}
        read = read_csv(folder, **dialect, **names, infer="none", null_values=[null] if null else [])
        assert read.table.equals(table)


TEXTS = st.text(alphabet=',"\n\rab#\\', max_size=40)


@settings(max_examples=80)
@given(TEXTS, st.booleans(), st.sampled_from([None, "\\"]), st.integers(1, 3))
def test_both_roads_of_the_reader_agree_on_any_text(text: str, doubled: bool, escape: str | None, width: int) -> None:
    """A comment character that the text has not sends the reader down its exact road from the start."""
    shape: dict[str, Any] = {"header": False, "names": [f"c{n}" for n in range(width)], "doublequote": doubled}
    if escape:
        shape["escapechar"] = escape
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        csv(folder, text)
        assert outcome(folder, **shape) == outcome(folder, **shape, comment="!")
        assert outcome(folder, **shape, on_bad_rows="skip") == outcome(folder, **shape, on_bad_rows="skip", comment="!")


@settings(max_examples=60)
@given(st.lists(st.lists(st.text(alphabet=',"\nab', max_size=5), min_size=2, max_size=2), min_size=1, max_size=5))
def test_rows_are_those_that_pyarrow_reads(rows: list[list[str]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    text = ("x,y\n" + "\n".join(lines)).encode()
    types = pacsv.ConvertOptions(column_types={"x": pa.string(), "y": pa.string()})
    wanted = pacsv.read_csv(
        io.BytesIO(text), parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=types
    )
    with tempfile.TemporaryDirectory() as name:
        csv(Path(name), text)
        assert read_csv(Path(name), infer="none").table.equals(wanted)


def outcome(folder: Path, **given: Any) -> Any:
    """The rows, or the message and line of the error."""
    try:
        read = read_csv(folder, **given, infer="none")
    except DataError as error:
        return error.message, error.line
    return read.rows, read.end


def test_both_roads_agree_over_many_blocks(tmp_path: Path) -> None:
    """Records of every length around the megabyte at which a block ends, with line ends and quotes in them."""
    cell = 'a "quoted" word,\r\nand a line\n'
    rows = [{"id": str(n), "text": cell * (n % 40) or None, "end": "x" * (n * 7 % 1000)} for n in range(6000)]
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("id", "text", "end")]))
    write_csv(tmp_path, table)
    assert (tmp_path / "a.csv").stat().st_size > 4 << 20
    assert read_csv(tmp_path, infer="none").table.equals(table)
    assert read_csv(tmp_path, infer="none", comment="~").table.equals(table)
