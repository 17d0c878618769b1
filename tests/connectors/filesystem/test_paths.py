"""Where paths count from, and that none leads out of a connection's folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
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
    with pytest.raises(NotFound) as caught:
        place.find("a.csv", ())
    assert caught.value.message == f"a.csv: its folder {tmp_path / 'none'} is not there"
    assert caught.value.hint == "create it, or correct base_dir"
    with pytest.raises(NotFound) as caught:
        Place(tmp_path, confined=False).find("b/a.csv", ())
    assert caught.value.hint == "create it, or correct the path"


@pytest.mark.parametrize("path", ["*.csv", "[n-z].csv", "**/*.csv", "."])
def test_a_folder_whose_own_name_looks_like_a_pattern_is_no_pattern(tmp_path: Path, path: str) -> None:
    for name in ("data1", "data[12]"):
        (tmp_path / name).mkdir()
        csv(tmp_path / name, f"a\n{name}\n", "x.csv")
    assert read_csv(tmp_path / "data[12]", path).rows == [{"a": "data[12]"}]


@pytest.mark.parametrize("path", ["*.csv", "."])
def test_what_is_a_file_goes_by_the_name_of_the_link_to_it(tmp_path: Path, path: str) -> None:
    csv(tmp_path, "a\n1\n", "a.csv")
    csv(tmp_path, "a\n2\n", "blob")
    (tmp_path / "b.csv").symlink_to("blob")
    assert read_csv(tmp_path, path).rows == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("path", ["*.csv", ".", "b.csv"])
@pytest.mark.parametrize("target", ["nowhere.csv", "b.csv"])
def test_a_link_to_no_file_is_not_left_out(tmp_path: Path, path: str, target: str) -> None:
    csv(tmp_path, "a\n1\n")
    (tmp_path / "b.csv").symlink_to(target)
    with pytest.raises(NotFound):
        read_csv(tmp_path, path)


@pytest.mark.parametrize(
    ("path", "mode"), [("*/in.csv", 0o666), ("*/*.csv", 0), ("**/*.csv", 0), ("**", 0), ("b", 0), ("[b]/in.csv", 0)]
)
def test_a_folder_that_may_not_be_looked_into_is_not_left_out(path: str, mode: int) -> None:
    """The rows of the folders beside it would pass for all of them. The folder of pytest is closed to other users."""
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        base.chmod(0o755)
        for name in ("a", "b", "c"):
            (base / name).mkdir()
            csv(base / name, f"a\n{name}\n", "in.csv")
        (base / "b").chmod(mode)
        try:
            done = subprocess.run(
                [sys.executable, "-c", LOOKING, base, path], capture_output=True, text=True, check=True
            )
        finally:
            (base / "b").chmod(0o700)
    assert done.stdout == f"not allowed to look into the folder {base / 'b'}\n"


LOOKING = """
import os, sys
from pathlib import Path
from osiris.connectors.filesystem.paths import Place
from osiris.errors import PermissionDenied
if os.getuid() == 0: os.setuid(65534)
try:
    print(Place(Path(sys.argv[1]), False).find(sys.argv[2], (".csv",)))
except PermissionDenied as error:
    print(error.message)
"""
