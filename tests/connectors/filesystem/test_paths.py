"""Where paths count from, and that none leads out of a connection's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.connectors.base import Connection
from osiris.connectors.filesystem.paths import Place
from osiris.errors import ConfigError, NotFound
from tests.connectors.filesystem.steps import Read, client, csv, instance, read_csv


@pytest.fixture
def fenced(tmp_path: Path) -> Path:
    """A project with files inside and outside of the connection's folder, and links out of it."""
    inside = tmp_path / "data"
    (inside / "sub").mkdir(parents=True)
    csv(inside, "a\n1\n", "in.csv")
    csv(inside / "sub", "a\n2\n", "deep.csv")
    csv(tmp_path, "a\n666\n", "out.csv")
    csv(tmp_path, "a\n667\n", "in.csv")
    (inside / "link.csv").symlink_to(tmp_path / "out.csv")
    (inside / "folder").symlink_to(tmp_path)
    (inside / "own.csv").symlink_to(inside / "in.csv")
    return tmp_path


def values(folder: Path, path: str | list[str]) -> list[int]:
    owner = client(folder, base_dir="data")
    try:
        found: list[int] = Read("filesystem.csv_extractor", owner, {"path": path}).table.column("a").to_pylist()
        return found
    finally:
        owner.close()


def test_a_path_counts_from_base_dir_and_not_from_the_current_folder(fenced: Path) -> None:
    """LESSONS 3: the file of that name in the project's folder is another one."""
    assert values(fenced, "in.csv") == [1]
    assert values(fenced, "sub/../in.csv") == [1]
    assert values(fenced, str(fenced / "data" / "in.csv")) == [1]
    assert values(fenced, "own.csv") == [1]
    assert values(fenced, ["in.csv", "sub"]) == [1, 2]


@pytest.mark.parametrize(
    "path",
    [
        "../out.csv",
        "sub/../../out.csv",
        "/etc/passwd",
        "link.csv",
        "folder/out.csv",
        "folder",
        "folder/*.csv",
        "l*.csv",
        "../*.csv",
        "..",
        "**/../../out.csv",
    ],
)
def test_no_path_leads_out_of_base_dir(fenced: Path, path: str) -> None:
    with pytest.raises(ConfigError, match="leads out of base_dir"):
        values(fenced, path)
    with pytest.raises(ConfigError, match="leads out of base_dir"):
        values(fenced, ["in.csv", path])


@pytest.mark.parametrize("path", ["../out.csv", "/tmp/osiris-out.csv", "link.csv", "folder/new.csv"])
@pytest.mark.parametrize("component", ["filesystem.csv_writer", "filesystem.parquet_writer"])
def test_no_writer_leads_out_of_base_dir(fenced: Path, path: str, component: str) -> None:
    import pyarrow as pa

    from tests.connectors.filesystem.steps import RUN

    owner = client(fenced, base_dir="data")
    with pytest.raises(ConfigError, match="leads out of base_dir"):
        instance(component, owner, {"path": path}).token(pa.schema([("a", pa.int64())]), RUN)


def test_an_absolute_path_outside_is_not_spied_on(fenced: Path) -> None:
    """Whether a file is there or not, the answer is the same."""
    for path in ("/etc/passwd", "/etc/no-such-file", "/etc/pass*", "../no*.csv"):
        with pytest.raises(ConfigError, match="leads out of base_dir"):
            values(fenced, path)


def test_without_a_connection_any_absolute_path_can_be_read(fenced: Path) -> None:
    elsewhere = fenced / "data"
    assert read_csv(elsewhere, str(fenced / "out.csv")).rows == [{"a": 666}]
    assert read_csv(elsewhere, "../out.csv").rows == [{"a": 666}]


def test_a_connection_without_base_dir_is_confined_to_the_project(fenced: Path) -> None:
    place = Place.of(Connection("filesystem", "main", fenced / "data", {}))
    assert place.find("in.csv", ())[0].name == "in.csv"
    with pytest.raises(ConfigError, match="leads out"):
        place.find("../out.csv", ())


def test_a_base_dir_may_be_absolute_or_a_link(fenced: Path) -> None:
    for base_dir in (str(fenced / "data"), "data/folder/data"):
        place = Place.of(Connection("filesystem", "main", fenced, {"base_dir": base_dir}))
        assert place.base == fenced / "data"


@pytest.mark.parametrize("path", ["", " ", "a\0b", "s3://bucket/a.csv", "file:///etc/passwd"])
def test_what_is_no_path_of_this_machine_is_refused(fenced: Path, path: str) -> None:
    with pytest.raises(ConfigError):
        Place.of(Connection("filesystem", None, fenced, {})).find(path, ())


def test_a_missing_base_dir_is_told_with_the_file(tmp_path: Path) -> None:
    place = Place.of(Connection("filesystem", "main", tmp_path, {"base_dir": "none"}))
    with pytest.raises(NotFound, match="its folder is not there"):
        place.find("a.csv", ())
