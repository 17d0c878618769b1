"""The conformance kit over filesystem: CSV."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing

pytestmark = pytest.mark.slow

KNOWN = """\
id,amount,name,day,flag
1,,a,,
2,1.50,"b, c",2026-01-02,true
--
3,-0.05,,2026-01-03,false
4,12345678.90,"line
end",2026-01-04,true
--
5,0.00,"",2026-01-05,false
"""
ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 5], pa.int64()),
        "amount": pa.array([None, *map(Decimal, ("1.50", "-0.05", "12345678.90", "0.00"))], pa.decimal128(12, 2)),
        "name": pa.array(["a", "b, c", None, "line\nend", ""]),
        "day": pa.array([None, *(dt.date(2026, 1, day) for day in range(2, 6))], pa.date32()),
        "flag": pa.array([None, True, False, True, False]),
    }
)
TYPES = {"id": "int64", "amount": "decimal(12,2)", "name": "string", "day": "date", "flag": "bool"}
ODD = {
    "late.csv": "a,b\n1,x\nz,y\n",
    "dates.csv": "day\n31.12.2026\n",
    "single.csv": "a,b\n'x,y',1\n",
    "doubled.csv": 'a,b\n"x ""q"" y",1\n',
    "escaped.csv": "a,b\nx\\,y,1\n",
    "comment.csv": "a,b\n#c,2\nd,3\n",
    "blank.csv": "a,b\n1,2\n\n3,4\n",
    "accent.csv": "a,b\né,1\n",
    "nul.csv": "a,b\nx\0y,1\n",
    "ragged.csv": "a,b\n1,2\n3,4,5\n",
    "words.csv": "id,amount,name,day,flag\n1,,a,,yes\n2,,b,,no\n",
    "long.csv": f"a,b\n{'x' * 2_000_000},1\n",
    "odd.csv": 'id;x;name\n#0;-;"a"\n\n1;1,5;NULL\n02;2,5;"it""s"\nx;nein;\n3;;""\n',
    "some.csv": 'id,name\n#0,a\n\n1,NULL\n02,"it""s"\n7,\n8,""\n2026-01-02,no\n01/02/2026,c\\d\n',
}


def odd(name: str, value: object) -> Change:
    """A change whose effect shows in a file of its own."""
    return Change(value, {"path": name, "dtypes": {}})


def some(value: object, **others: object) -> Change:
    """A change whose effect shows in a file with a little of everything; rows that are refused are left out."""
    return Change(value, {"path": "some.csv", "dtypes": {"id": "string"}, "on_bad_rows": "skip", **others})


class TestCsv(Conformance):
    """Three files of one glob, so that there are several batches and splits."""

    family = "filesystem"
    extractor = "filesystem.csv_extractor"
    writer = "filesystem.csv_writer"

    def subject(self, folder: Path) -> Subject:
        data = folder / "data"
        (folder / "other").mkdir()
        data.mkdir()
        header = KNOWN.partition("\n")[0] + "\n"
        for number, part in enumerate(KNOWN.split("--\n")):
            text = part if part.startswith(header) else header + part
            (data / f"known-{number}.csv").write_text(text, encoding="utf-8")
        (data / "empty.csv").write_text(header, encoding="utf-8")
        for name, text in ODD.items():
            (data / name).write_text(text, encoding="utf-8")
        return Subject(
            family="filesystem",
            root=folder,
            fields={"base_dir": "data"},
            broken={"no folder": {"base_dir": "nowhere"}, "a file as its folder": {"base_dir": "data/empty.csv"}},
            discovered=("known-0.csv", "known-1.csv", "empty.csv"),
            changes={"base_dir": "other"},
            reading=reading(data),
            writing=writing(data),
        )


def reading(data: Path) -> Reading:
    return Reading(
        component="filesystem.csv_extractor",
        options={"path": "known-*.csv", "dtypes": TYPES, "batch_rows": 1},
        rows=ROWS,
        empty={"path": "empty.csv"},
        missing={"path": "missing.csv"},
        spoil=lambda: (data / "known-2.csv").write_text("id,amount,name,day,flag\nfive,0,,,\n", encoding="utf-8"),
        changes=FORM | VALUES,
    )


FORM = {
    "path": (Change("known-1.csv"), Change(["known-0.csv", "known-2.csv"])),
    "delimiter": (Change(";"), some(";")),
    "quotechar": (odd("single.csv", "'"), some("")),
    "doublequote": (odd("doubled.csv", False), some(False)),
    "escapechar": (odd("escaped.csv", "\\"), some("\\")),
    "header": (Change(False), some(False, dtypes={})),
    "names": (Change(["id", "amount", "name", "day", "other"]), some(["id", "label"], dtypes={})),
    "skip_rows": (Change(1), some(1, dtypes={})),
    "comment": (odd("comment.csv", "#"), some("#")),
    "skip_blank_lines": (odd("blank.csv", False), some(False, on_bad_rows="fail")),
    "encoding": (odd("accent.csv", "windows-1252"), some("utf-16")),
    "allow_nul": odd("nul.csv", True),
    "compression": "gzip",
    "on_bad_rows": (odd("ragged.csv", "skip"), Change("skip", {"path": "some.csv", "dtypes": {"id": "int64"}})),
    "max_record_mb": odd("long.csv", 1),
}
"""Options of how a file is cut into rows and cells."""
BOOL = {"id": "string", "name": "bool"}
VALUES = {
    "columns": (Change(["id"]), some(["name"], dtypes={})),
    "dtypes": {**TYPES, "id": "string"},
    "infer": Change("none", {"dtypes": {}}),
    "sample_rows": odd("late.csv", 1),
    "parse_dates": (Change(False, {"dtypes": {}}), some(["name"])),
    "date_formats": (odd("dates.csv", {"day": "%d.%m.%Y"}), some({"name": "%Y"})),
    "null_values": (Change(["a"]), some(["NULL"])),
    "empty_as_null": (Change(False, {"columns": ["id", "name"]}), some(False)),
    "quoted_nulls": (Change(True), some(True)),
    "true_values": (Change(["yes"], {"path": "words.csv"}), some(["NULL"], dtypes=BOOL)),
    "false_values": (Change(["no"], {"path": "words.csv", "true_values": ["yes"]}), some(["no"], dtypes=BOOL)),
    "decimal_point": (
        Change(","),
        some(",", path="odd.csv", delimiter=";", quotechar="", dtypes={"id": "string", "x": "float64"}),
    ),
    "filename_column": "file",
    "batch_rows": 2,
}
"""Options of what becomes of the cells."""


def writing(data: Path) -> Writing:
    def look() -> pa.Table | None:
        if not (data / "target.csv").exists():
            return None
        with (data / "target.csv").open(encoding="utf-8", errors="replace", newline="") as file:
            names = next(csv.reader(file), [])
        texts = {name: pa.string() for name in names if name != "id"}
        try:
            return pacsv.read_csv(
                data / "target.csv",
                pacsv.ReadOptions(block_size=1 << 26, use_threads=False),
                pacsv.ParseOptions(newlines_in_values=True),
                pacsv.ConvertOptions(column_types=texts, strings_can_be_null=True, quoted_strings_can_be_null=False),
            )
        except pa.ArrowInvalid:  # of another dialect, where an option was changed
            return None

    return Writing(
        component="filesystem.csv_writer",
        options={"path": "target.csv"},
        look=look,
        traces=lambda: {path.name for path in data.iterdir()},
        observe=lambda: [(path.name, path.read_bytes()) for path in sorted(data.glob("target.csv*"))],
        changes={
            "path": (Change("target.csv.gz"), Change("other.csv")),
            "create_dirs": Change(False, {"path": "new/target.csv"}),
            "delimiter": ";",
            "quotechar": "'",
            "quoting": "all",
            "newline": "crlf",
            "header": False,
            "null_value": (Change("NULL"), Change("plain")),
            "encoding": (Change("utf-8-sig"), Change("utf-16")),
            "compression": "gzip",
            "batch_rows": Change(1, unseen="fewer rows at a time need less memory and make the same file"),
        },
    )
