"""Doctor and discover on a folder of files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from osiris.connectors.base import Connection, Field
from osiris.connectors.filesystem.client import Client
from osiris.errors import NotFound
from tests.connectors.filesystem.steps import client, csv, visible, write_parquet


def test_doctor_passes_on_a_folder_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    """LESSONS 18: files can be tested too."""
    csv(tmp_path, "a\n1\n")
    for level, wanted in (
        ("quick", ["perm.read", "server.limits"]),
        ("write", ["perm.read", "server.limits", "perm.read", "perm.write"]),
    ):
        diagnosis = client(tmp_path, base_dir=".").doctor(level=level, resources=["a.csv"])  # type: ignore[arg-type]
        assert (diagnosis.status, diagnosis.category) == ("success", "ok")
        assert [check.id for check in diagnosis.checks] == wanted
        assert diagnosis.latency_ms == pytest.approx(sum(check.ms for check in diagnosis.checks), abs=0.1)
    assert visible(tmp_path) == ["a.csv"]


def test_doctor_says_that_the_folder_is_missing(tmp_path: Path) -> None:
    diagnosis = Client(Connection("filesystem", "x", tmp_path, {"base_dir": "none"})).doctor()
    assert (diagnosis.status, diagnosis.category) == ("failure", "not_found")
    assert "none" in diagnosis.message
    assert diagnosis.hint == "create it, or correct base_dir"


def test_doctor_finds_that_a_folder_cannot_be_written() -> None:
    """The system's own folder of processes takes no files, not even from root."""
    diagnosis = Client(Connection("filesystem", "x", Path("/"), {"base_dir": "/proc"})).doctor(level="write")
    assert diagnosis.status == "failure"
    assert diagnosis.checks[-1].id == "perm.write"


def test_doctor_looks_at_the_files_that_a_pipeline_wants(tmp_path: Path) -> None:
    csv(tmp_path, "a\n1\n")
    there = client(tmp_path, base_dir=".").doctor(level="full", resources=["a.csv", "*.csv"])
    assert there.status == "success"
    missing = client(tmp_path, base_dir=".").doctor(level="full", resources=["b.csv"])
    assert missing.status == "warning"
    assert "b.csv" in missing.message
    outside = client(tmp_path, base_dir=".").doctor(level="full", resources=["../b.csv"])
    assert (outside.status, outside.category) == ("failure", "config")


def test_discover_lists_files_with_their_columns_sorted(tmp_path: Path) -> None:
    csv(tmp_path, "id;zip\n1;00123\n")
    (tmp_path / "b").mkdir()
    csv(tmp_path / "b", "id,zip,at,price\n1,00123,2026-01-01T10:00:00Z,1.50\n", "z.csv")
    csv(tmp_path / "b", "id\tname\n1\tx\n", "a.tsv")
    write_parquet(tmp_path, pa.table({"k": pa.array([1, 2], pa.uint64())}), "c.parquet")
    csv(tmp_path, b"\x00\x01", "broken.csv")
    csv(tmp_path, "PAR1", "broken.parquet")
    csv(tmp_path, "x\n1\n", ".hidden.csv")
    csv(tmp_path, "no data", "notes.md")
    (tmp_path / "out.csv").symlink_to("/etc/passwd")
    owner = client(tmp_path, base_dir=".")
    found = list(owner.discover())
    assert [resource.name for resource in found] == [
        "a.csv",
        "b/a.tsv",
        "b/z.csv",
        "broken.csv",
        "broken.parquet",
        "c.parquet",
    ]
    by_name = {resource.name: resource for resource in found}
    assert by_name["b/z.csv"].fields == (
        Field("id", "int64"),
        Field("zip", "string"),
        Field("at", "timestamptz"),
        Field("price", "decimal(18,2)"),
    )
    assert [field.name for field in by_name["b/a.tsv"].fields] == ["id", "name"]
    assert by_name["c.parquet"].fields == (Field("k", "uint64", nullable=True),)
    assert by_name["c.parquet"].estimated_rows == 2
    assert by_name["broken.csv"].fields == ()
    assert [resource.name for resource in owner.discover("b/*")] == ["b/a.tsv", "b/z.csv"]
    assert found == list(client(tmp_path, base_dir=".").discover())


def test_discover_of_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """LESSONS 1: nothing found is not the same as nowhere to look."""
    with pytest.raises(NotFound, match="there is no folder"):
        list(client(tmp_path, base_dir="nowhere").discover())
