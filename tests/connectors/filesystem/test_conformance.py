"""CSV and Parquet files under the public conformance kit."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing
from tests.connectors.filesystem.steps import csv

pytestmark = pytest.mark.slow
ROWS = 70_000
"""More than one batch, so that a read has several."""
DTYPES = {"id": "int64", "name": "string"}
MEMORY = "it only bounds memory"


def people() -> pa.Table:
    names = pa.array([None if n == 0 else f"name {n}" for n in range(ROWS)], pa.string())
    return pa.table({"id": pa.array(range(ROWS), pa.int64()), "name": names})


def text(rows: pa.Table) -> str:
    lines = zip(rows["id"].to_pylist(), rows["name"].to_pylist(), strict=True)
    return "id,name\n" + "".join(f"{id_},{name or ''}\n" for id_, name in lines)


def files(folder: Path) -> list[str]:
    """Everything but the subject's own sources."""
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    return [name for name in found if not name.startswith(("in/", "other/"))]


def look_at_csv(path: Path) -> pa.Table | None:
    """By pyarrow alone: all is text but the id. A file in another dialect shows by its bytes, not by its rows."""
    if not path.exists():
        return None
    parse = pacsv.ParseOptions(newlines_in_values=True)
    try:
        names = pacsv.read_csv(path, parse_options=parse).column_names
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    types = {name: pa.string() for name in names} | ({"id": pa.int64()} if names[:2] == ["id", "name"] else {})
    convert = pacsv.ConvertOptions(
        column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    return pacsv.read_csv(path, parse_options=parse, convert_options=convert)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


class TestCsv(Conformance):
    family = "filesystem"
    extractor = "filesystem.csv_extractor"
    writer = "filesystem.csv_writer"
    processor = ""

    def subject(self, folder: Path) -> Subject:
        source, rows = folder / "in", people()
        (folder / "other").mkdir()
        source.mkdir()
        csv(source, text(rows), "people.csv")
        csv(source, "id,name\n", "nobody.csv")
        csv(source, "id,name\n1,x\n", "part-1.csv")
        csv(source, "id,name\n2,y\n", "part-2.csv")
        csv(source, "id,name\n1,x\ny,z\n", "mixed.csv")
        csv(source, b"id,name\n1,\0\n", "nul.csv")
        csv(source, 'id,name\n1,"' + "long " * 500_000 + '"\n', "large.csv")
        csv(source, 'id;x;name\n#0;-;"a"\n\n1;1,5;NULL\n02;2,5;"it""s"\nx;nein;\n3;;"', "odd.csv")
        csv(source, 'id,name\n#0,a\n\n1,NULL\n02,"it""s"\n7,\n8,""\n2026-01-02,no\n01/02/2026,c\\d\n', "some.csv")
        return Subject(
            family="filesystem",
            root=folder,
            fields={"base_dir": "."},
            broken={"no folder": {"base_dir": "nowhere"}},
            discovered=["in/people.csv", "in/nobody.csv"],
            changes={"base_dir": "other"},
            reading=Reading(
                component="filesystem.csv_extractor",
                options={"path": "in/people.csv", "dtypes": DTYPES},
                rows=rows,
                empty={"path": "in/nobody.csv"},
                missing={"path": "in/missing.csv"},
                several={"path": ["in/part-1.csv", "in/part-2.csv"]},
                spoil=lambda: csv(source, text(rows) + "1,2,3\n", "people.csv"),
                changes=self.reading_changes(),
            ),
            writing=Writing(
                component="filesystem.csv_writer",
                options={"path": "out.csv"},
                look=lambda: look_at_csv(folder / "out.csv"),
                traces=lambda: files(folder),
                observe=lambda: content(folder),
                changes={
                    "path": "other.csv",
                    "create_dirs": Change(False, {"path": "new/out.csv"}),
                    "delimiter": ";",
                    "quotechar": "'",
                    "quoting": "all",
                    "newline": "crlf",
                    "header": False,
                    "null_value": "plain",
                    "encoding": "utf-16",
                    "compression": "gzip",
                    "batch_rows": Change(1, unseen=MEMORY),
                },
            ),
        )

    def reading_changes(self) -> dict[str, Change]:
        some = {"path": "in/some.csv", "dtypes": {"id": "string"}}
        odd = {"path": "in/odd.csv", "dtypes": {"id": "string"}, "delimiter": ";", "quotechar": ""}
        return {
            "path": Change("in/part-*.csv"),
            "columns": Change(["name"], remove=("dtypes",)),
            "dtypes": Change({"id": "string"}),
            "infer": Change("none", {"path": "in/part-1.csv"}, remove=("dtypes",)),
            "sample_rows": Change(1, {"path": "in/mixed.csv", "dtypes": {}}),
            "parse_dates": Change(["name"], some),
            "date_formats": Change({"name": "%Y"}, some),
            "delimiter": Change(";", some),
            "quotechar": Change("", some),
            "escapechar": Change("\\", some),
            "doublequote": Change(False, some),
            "header": Change(False, {"dtypes": {}, "path": "in/some.csv"}),
            "names": Change(["id", "label"], {**some, "dtypes": {}}),
            "skip_rows": Change(1, {**some, "dtypes": {}}),
            "comment": Change("#", some),
            "skip_blank_lines": Change(False, some),
            "encoding": Change("utf-16", some),
            "allow_nul": Change(True, {"path": "in/nul.csv"}),
            "compression": Change("gzip", some),
            "null_values": Change(["NULL"], some),
            "empty_as_null": Change(False, some),
            "quoted_nulls": Change(True, some),
            "true_values": Change(
                ["NULL"], {**some, "dtypes": {"id": "string", "name": "bool"}, "on_bad_rows": "skip"}
            ),
            "false_values": Change(["no"], {**some, "dtypes": {"id": "string", "name": "bool"}, "on_bad_rows": "skip"}),
            "decimal_point": Change(",", {**odd, "dtypes": {"id": "string", "x": "float64"}, "on_bad_rows": "skip"}),
            "on_bad_rows": Change("skip", {**some, "dtypes": DTYPES}),
            "filename_column": Change("file", some),
            "batch_rows": Change(10),
            "max_record_mb": Change(1, {"path": "in/large.csv"}),
        }


class TestParquet(Conformance):
    family = "filesystem"
    extractor = "filesystem.parquet_extractor"
    writer = "filesystem.parquet_writer"
    processor = ""

    def subject(self, folder: Path) -> Subject:
        source, rows = folder / "in", people()
        (folder / "other").mkdir()
        source.mkdir()
        pq.write_table(rows, source / "people.parquet", row_group_size=20_000)
        pq.write_table(rows.slice(0, 0), source / "nobody.parquet")
        out = folder / "out.parquet"

        def spoil() -> None:
            whole = bytearray((source / "people.parquet").read_bytes())
            start = pq.read_metadata(source / "people.parquet").row_group(3).column(1).data_page_offset
            whole[start + 20 : start + 400] = b"\xff" * 380
            (source / "people.parquet").write_bytes(whole)

        return Subject(
            family="filesystem",
            root=folder,
            fields={"base_dir": "."},
            broken={"no folder": {"base_dir": "nowhere"}},
            discovered=["in/people.parquet", "in/nobody.parquet"],
            changes={"base_dir": "other"},
            reading=Reading(
                component="filesystem.parquet_extractor",
                options={"path": "in/people.parquet"},
                rows=rows,
                empty={"path": "in/nobody.parquet"},
                missing={"path": "in/missing.parquet"},
                several={"path": "in/people.parquet"},
                spoil=spoil,
                changes={
                    "path": "in/nobody.parquet",
                    "columns": ["name"],
                    "filename_column": "file",
                    "batch_rows": 10,
                },
            ),
            writing=Writing(
                component="filesystem.parquet_writer",
                options={"path": "out.parquet"},
                look=lambda: pq.read_table(out) if out.exists() else None,
                traces=lambda: files(folder),
                observe=lambda: content(folder),
                changes={
                    "path": "other.parquet",
                    "create_dirs": Change(False, {"path": "new/out.parquet"}),
                    "compression": "zstd",
                    "row_group_rows": 1,
                    "row_group_mb": Change(1, unseen="a megabyte holds all the rows of the kit"),
                },
            ),
        )
