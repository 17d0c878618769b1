"""Broken CSV files: each is one clear error that says where, and nothing is read past it; or set aside where asked."""

from __future__ import annotations

import csv as pycsv
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches
from osiris.errors import ConfigError, DataError, NotFound, OsirisError, PermissionDenied, SourceError
from tests.connectors.filesystem.steps import client, csv, instance, read_csv

LONG = "x" * 1000
BAD: dict[str, tuple[str | bytes, dict[str, Any], int | None, str]] = {
    "empty": ("", {}, None, "the file is empty"),
    "blank": ("\n\n", {}, None, "the file is empty"),
    "too few fields": ("a,b\n1,2\n3\n", {}, 3, "the row has 1 field, the file has 2 columns"),
    "too many fields": ("a,b\n1,2\n3,4,5\n", {}, 3, "the row has 3 fields, the file has 2 columns"),
    "after fields of many lines": ('a,b\n"x\ny\nz",2\r\n\n3\n', {}, 6, "the row has 1 field"),
    "in a comment's file": ("#\na,b\n#,\n1,2\n#\n3\n", {"comment": "#"}, 6, "the row has 1 field"),
    "old mac": ("a,b\r1,2\r3\r", {}, 3, "the row has 1 field"),
    "two columns of one name": ("id,x,id\n1,2,3\n", {}, 1, "columns 1 and 3 are both called 'id'"),
    "a column without a name": ("id,,x\n1,2,3\n", {}, 1, "column 2 has no name"),
    "an open quote": ('a,b\n1,2\n3,"4\n5,6\n7,8\n', {}, 3, "is never closed"),
    "an open quote in the header": ('a,"b\n1,2\n', {}, 1, "is never closed"),
    "an open quote in the only column": ('a\n1\n"2\n3\n', {}, 3, "is never closed"),
    "wrong encoding": (b"a,b\n1,x\n2,caf\xe9\n", {}, 3, "the byte 0xe9 is not utf-8 text"),
    "wrong encoding in the header": (b"a,caf\xe9\n1,x\n", {}, 1, "the byte 0xe9 is not utf-8 text"),
    "wrong encoding, declared": (b"a,b\n1,x\n2,\xff\n", {"encoding": "greek"}, 3, "the byte 0xff is not greek text"),
    "not ascii": (b"a,b\n1,\xe9\n", {"encoding": "ascii"}, 2, "the byte 0xe9 is not ascii text"),
    "half a character": ("a,b\n1,x\n".encode("utf-16")[:-1], {"encoding": "utf-16"}, 2, "is not utf-16 text"),
    "utf-16": ("a,b\n1,2\n".encode("utf-16"), {}, 1, "begins with the mark of utf-16-le"),
    "utf-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), {}, 1, "NUL byte"),
    "binary": (b"a,b\n1,2\n\x89PNG\x00\x00\n", {}, 3, "NUL byte"),
    "a gzip under another name": (b"\x1f\x8b\x08\x00\x00\x00", {}, 1, "NUL byte"),
    "a text as gzip": ("a,b\n1,2\n", {"compression": "gzip"}, None, "broken or cut off"),
    "a text as zip": ("a,b\n1,2\n", {"compression": "zip"}, None, "broken or cut off"),
    "a text as xz": ("a,b\n1,2\n", {"compression": "xz"}, None, "broken or cut off"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_broken_file_is_an_error_that_names_the_line(tmp_path: Path, case: str) -> None:
    """LESSONS 13, and the list of bad input of issue 2."""
    content, given, line, message = BAD[case]
    csv(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, **given)
    assert (caught.value.file, caught.value.line) == ("a.csv", line)
    assert message in caught.value.message
    assert caught.value.hint


def test_the_line_of_a_bad_row_far_down_is_right(tmp_path: Path) -> None:
    """Over many blocks, with fields of several lines before it."""
    head = "a,b\n" + '"x\ny",1\n' * 400_000
    csv(tmp_path, head + "bad\n" + "z,2\n" * 100_000)
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, dtypes={"a": "string", "b": "int64"})
    assert (caught.value.line, caught.value.row) == (800_002, 400_001)


def test_rows_before_a_bad_one_are_given_first(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n3,4\n5\n6,7\n")
    owner = client(tmp_path)
    reading = {"path": "a.csv", "dtypes": {"a": "int64", "b": "int64"}}
    plan = instance("filesystem.csv_extractor", owner, reading).plan(1, None)
    stream = Batches(plan.schema, instance("filesystem.csv_extractor", owner, reading).read(plan.splits[0]))
    rows = iter(stream)
    assert next(rows).to_pydict() == {"a": [1, 3], "b": [2, 4]}
    with pytest.raises(DataError):
        next(rows)
    assert stream.end is None
    owner.close()


@pytest.mark.parametrize("header", ["a,b\n", "a,b", "\ufeffa,b\r\n\r\n"])
def test_a_header_alone_is_no_rows_of_the_declared_types(tmp_path: Path, header: str) -> None:
    csv(tmp_path, header)
    read = read_csv(tmp_path, dtypes={"a": "int64"})
    assert (read.rows, read.end.rows) == ([], 0)
    assert read.schema == pa.schema([("a", pa.int64()), ("b", pa.string())])


def test_an_empty_file_is_no_rows_when_its_names_are_given(tmp_path: Path) -> None:
    csv(tmp_path, "")
    assert read_csv(tmp_path, names=["a"], header=False).rows == []


def test_names_must_be_as_many_as_the_header_has(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n")
    with pytest.raises(ConfigError, match="1 names are given, but the file has 2 columns"):
        read_csv(tmp_path, names=["x"])


def test_nul_characters_can_be_kept(tmp_path: Path) -> None:
    csv(tmp_path, b"a,b\nx\0y,1\n")
    assert read_csv(tmp_path, allow_nul=True).rows == [{"a": "x\0y", "b": 1}]


@pytest.mark.parametrize("given", [{"delimiter": '"'}, {"escapechar": ","}, {"comment": ","}])
def test_characters_that_cannot_be_told_apart_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    csv(tmp_path, "a,b\n")
    with pytest.raises(ConfigError, match="must differ"):
        read_csv(tmp_path, **given)


@pytest.mark.slow
def test_a_cell_of_a_hundred_megabytes_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b'a,b\n1,x\n2,"')
        for _ in range(100):
            file.write(b'0123456"\n,9abcdef'.replace(b'"', b'""') * (1 << 16))
        file.write(b'"\n3,y\n')
    lengths = [len(value) for value in read_csv(tmp_path, infer="none").table.column("b").to_pylist()]
    assert lengths == [1, 100 * 17 * (1 << 16), 1]


def test_a_record_beyond_the_limit_is_an_error_before_memory_is_gone(tmp_path: Path) -> None:
    csv(tmp_path, 'a,b\n1,2\n3,"' + "x\n" * 2_000_000)
    with pytest.raises(DataError, match="a record is longer than 1 MB") as caught:
        read_csv(tmp_path, max_record_mb=1)
    assert caught.value.line == 3


@pytest.mark.parametrize("action", ["append", "replace", "remove"])
def test_a_file_that_changes_between_plan_and_end_is_an_error(tmp_path: Path, action: str) -> None:
    path = csv(tmp_path, "a,b\n" + f"{LONG},2\n" * 60_000)
    owner = client(tmp_path)
    given = {"path": "a.csv", "infer": "none"}
    plan = instance("filesystem.csv_extractor", owner, given).plan(1, None)
    stream = instance("filesystem.csv_extractor", owner, given).read(plan.splits[0])
    next(stream)
    if action == "append":
        with path.open("a") as file:
            file.write("3,4\n")
    elif action == "replace":
        csv(tmp_path, "a,b\n", "b.csv").replace(path)
    else:
        path.unlink()
    with pytest.raises(SourceError, match="while it was read") as caught:
        for _ in stream:
            pass
    assert caught.value.code == "file.changed"
    owner.close()


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(NotFound, match="has no file that ends in"):
        read_csv(tmp_path, "folder.csv")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_csv(tmp_path, "pipe.csv")


def test_a_file_that_may_not_be_read_is_a_matter_of_permission(tmp_path: Path) -> None:
    """Root may read all, so the error is the system's own for any other user."""
    owner = client(tmp_path)
    known = owner.classify(PermissionError(13, "Permission denied", "a.csv"))
    assert isinstance(known, PermissionDenied)
    assert known.category == "permission"


ROWS = 'id,n,t\n1,10,a\n2,x,b\n3,30\n4,40,d\n5,"50\n",e,f\n6,60,"g\nh"\n7,,i\n8,y,j\n'


@pytest.mark.parametrize("comment", [None, "#"])
def test_bad_rows_can_be_set_aside_and_are_counted(tmp_path: Path, comment: str | None) -> None:
    csv(tmp_path, ROWS)
    given: dict[str, Any] = {"dtypes": {"id": "int64", "n": "int64", "t": "string"}, "on_bad_rows": "skip"}
    read = read_csv(tmp_path, **given, **({"comment": comment} if comment else {}))
    assert [row["id"] for row in read.rows] == [1, 4, 6, 7]
    assert read.end.counts == {"rejected": 4}
    (kept,) = (tmp_path / ".output").iterdir()
    assert kept.name.startswith("a-")
    assert kept.name.endswith(".rejects.csv")
    with kept.open(newline="") as file:
        rejects = list(pycsv.DictReader(file))
    assert [(row["file"], row["line"], row["column"], row["raw"]) for row in rejects] == [
        ("a.csv", "3", "n", "2,x,b"),
        ("a.csv", "4", "", "3,30"),
        ("a.csv", "6", "", '5,"50\n",e,f'),
        ("a.csv", "11", "n", "8,y,j"),
    ]
    assert "'x' is no int64" in rejects[0]["reason"]


def test_guessed_types_set_rows_aside_too(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n" + "1,2\n" * 20 + "x,2\n3\n4,5\n")
    read = read_csv(tmp_path, sample_rows=10, on_bad_rows="skip")
    assert (read.table.num_rows, read.end.counts) == (21, {"rejected": 2})


def test_a_file_of_bad_rows_alone_gives_none(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n" + "x\n" * 600)
    read = read_csv(tmp_path, on_bad_rows="skip")
    assert (read.rows, read.end.counts) == ([], {"rejected": 600})


def test_without_bad_rows_no_file_of_rejects_is_made(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n")
    assert read_csv(tmp_path, on_bad_rows="skip").end.counts == {"rejected": 0}
    assert not (tmp_path / ".output").exists()


def test_an_interrupted_client_reads_no_further(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n" + f"{LONG},2\n" * 10_000)
    owner = client(tmp_path)
    given = {"path": "a.csv", "infer": "none"}
    plan = instance("filesystem.csv_extractor", owner, given).plan(1, None)
    stream = instance("filesystem.csv_extractor", owner, given).read(plan.splits[0])
    next(stream)
    owner.interrupt()
    with pytest.raises(OsirisError, match="was stopped"):
        for _ in stream:
            pass
    owner.close()


BAD_BYTES = {"windows-1253": b"\xff", "utf-16": b"\x00\xdc", "shift_jis": b"\x81"}


@pytest.mark.parametrize(
    ("encoding", "codec"), [("windows-1253", "cp1253"), ("utf-16", "utf-16"), ("shift_jis", "cp932")]
)
def test_the_line_of_a_bad_byte_far_down_is_right(tmp_path: Path, encoding: str, codec: str) -> None:
    good = ("a,b\n" + "αβγδ,2\n" * 300_000).encode(codec)
    csv(tmp_path, good + BAD_BYTES[encoding])
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, encoding=encoding)
    assert (caught.value.code, caught.value.line) == ("file.encoding", 300_002)


def test_the_line_of_a_nul_byte_far_down_is_right(tmp_path: Path) -> None:
    csv(tmp_path, b"a,b\n" + b"abcd,2\n" * 300_000 + b"x,\0\n")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path)
    assert (caught.value.code, caught.value.line) == ("file.binary", 300_002)
