"""A written file is shown whole or not at all: staged, renamed once, recovered from the token and the parts alone."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Part, Run, State, to_json, token_from_json
from osiris.errors import ConfigError, DataError, SourceError, WriteFailed
from tests.connectors.filesystem.steps import (
    RUN,
    client,
    csv,
    instance,
    read_csv,
    read_parquet,
    stage,
    visible,
    write,
    write_csv,
)

pytestmark = pytest.mark.slow

FORMATS = [("filesystem.csv_writer", "a.csv"), ("filesystem.parquet_writer", "a.parquet")]
TABLE = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["x", None, ""]})


def batches(table: pa.Table = TABLE) -> Batches:
    return Batches.of(table.schema, table.to_batches())


def writer(folder: Path, component: str, path: str, **given: Any) -> Any:
    return instance(component, client(folder), {"path": path, **given})


def rows(folder: Path, path: str) -> list[dict[str, Any]]:
    return read_csv(folder, path).rows if path.endswith("csv") else read_parquet(folder, path).rows


@pytest.mark.parametrize(("component", "path"), FORMATS)
def test_nothing_is_seen_before_the_commit_and_nothing_is_left_after_it(
    tmp_path: Path, component: str, path: str
) -> None:
    lead = writer(tmp_path, component, path)
    token, parts = stage(lead, batches())
    (staged,) = visible(tmp_path)
    assert staged.startswith(".")
    assert (token.durable, token.target.namespace, token.target.name) == (True, "file", str(tmp_path / path))
    assert lead.settle(token, parts) == "not_committed"
    assert lead.commit(token, parts, None).rows == 3
    assert visible(tmp_path) == [path]
    assert rows(tmp_path, path) == TABLE.to_pylist()
    digest = hashlib.sha256((tmp_path / path).read_bytes()).hexdigest()
    assert (parts[0].data["sha256"], parts[0].size_bytes) == (digest, (tmp_path / path).stat().st_size)


@pytest.mark.parametrize(("component", "path"), FORMATS)
def test_a_new_process_commits_from_token_and_parts_alone_and_only_once(
    tmp_path: Path, component: str, path: str
) -> None:
    token, parts = stage(writer(tmp_path, component, path), batches())
    kept = json.loads(json.dumps([to_json(token), [to_json(part) for part in parts]]))
    token, parts = token_from_json(kept[0]), [Part(**part) for part in kept[1]]
    assert writer(tmp_path, component, path).settle(token, parts) == "not_committed"
    assert writer(tmp_path, component, path).commit(token, parts, None).rows == 3
    before = (tmp_path / path).stat()
    assert writer(tmp_path, component, path).settle(token, parts) == "committed"
    assert writer(tmp_path, component, path).commit(token, parts, None).rows == 3
    assert (tmp_path / path).stat().st_ino == before.st_ino
    write(component, tmp_path, TABLE.slice(0, 1), path=path)
    assert writer(tmp_path, component, path).settle(token, parts) == "unknown"
    with pytest.raises(WriteFailed, match="is gone"):
        writer(tmp_path, component, path).commit(token, parts, None)


@pytest.mark.parametrize(("component", "path"), FORMATS)
def test_abort_leaves_the_target_as_it_was_however_often(tmp_path: Path, component: str, path: str) -> None:
    (tmp_path / path).write_text("old")
    lead = writer(tmp_path, component, path)
    never_begun = lead.token(TABLE.schema, Run("other", "p", "s", 1))
    token, _ = stage(lead, batches())
    for each in (token, token, never_begun):
        writer(tmp_path, component, path).abort(each)
        writer(tmp_path, component, path).finish(each)
    assert visible(tmp_path) == [path]
    assert (tmp_path / path).read_text() == "old"


def test_a_token_is_pure_and_names_staging_by_run_step_and_attempt(tmp_path: Path) -> None:
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    runs = [RUN, Run("run-1", "p", "step", 2), Run("run-1", "p", "other", 1), Run("run-2", "p", "step", 1)]
    tokens = [lead.token(TABLE.schema, run) for run in (*runs, RUN)]
    assert list(tmp_path.iterdir()) == []
    assert tokens[0] == tokens[-1]
    assert len({token.data["staged"] for token in tokens}) == len(runs)
    assert tokens[0].commit_id == tokens[1].commit_id


@pytest.mark.parametrize(("component", "path"), FORMATS)
def test_no_rows_replace_the_target_too(tmp_path: Path, component: str, path: str) -> None:
    write(component, tmp_path, TABLE, path=path)
    write(component, tmp_path, TABLE.slice(0, 0), path=path)
    assert rows(tmp_path, path) == []
    lead = writer(tmp_path, component, path)
    token = lead.token(TABLE.schema, RUN)
    lead.begin(token, TABLE.schema)
    assert lead.commit(token, [], None).rows == 0
    assert rows(tmp_path, path) == []


KILLED = """
import os, sys, signal
from pathlib import Path
import pyarrow as pa
from tests.connectors.filesystem.steps import Batches, Run, client, instance
folder, component, path, mode = sys.argv[1:]
table = pa.table({"id": pa.array(range(200_000), pa.int64()), "name": ["y" * 50] * 200_000})
def give():
    yield from table.to_batches(10_000)
    os.kill(os.getpid(), signal.SIGKILL)
writer = instance(component, client(Path(folder)), {"path": path, "write_mode": mode})
token = writer.token(table.schema, Run("killed", "p", "s", 1))
writer.begin(token, table.schema)
writer.write(token, Batches.of(table.schema, give()))
"""


@pytest.mark.parametrize("mode", ["replace", "append"])
@pytest.mark.parametrize(("component", "path"), FORMATS)
def test_a_process_killed_in_the_middle_leaves_the_target_as_it_was(
    tmp_path: Path, component: str, path: str, mode: str
) -> None:
    """LESSONS 14."""
    write(component, tmp_path, TABLE, path=path)
    before = (tmp_path / path).read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), component, path, mode], cwd=Path(__file__).parents[3], check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / path).read_bytes() == before
    assert len(visible(tmp_path)) == 2
    lead = writer(tmp_path, component, path, write_mode=mode)
    token = lead.token(TABLE.schema, Run("killed", "p", "s", 1))
    assert lead.settle(token, []) == "not_committed"
    lead.abort(token)
    assert visible(tmp_path) == [path]


FULL = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from osiris.errors import WriteFailed
from tests.connectors.filesystem.steps import write
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder, component, path, compression = sys.argv[1:]
table = pa.table({"a": [str(n) * 3 for n in range(200_000)]})
try:
    write(component, Path(folder), table, path=path, compression=compression)
except WriteFailed as error:
    print(error.code, error.hint)
"""


@pytest.mark.parametrize(
    ("component", "path", "compression"),
    [
        ("filesystem.csv_writer", "a.csv", "none"),
        ("filesystem.csv_writer", "a.csv", "gzip"),
        ("filesystem.csv_writer", "a.csv", "zip"),
        ("filesystem.parquet_writer", "a.parquet", "none"),
    ],
)
def test_a_full_disk_is_told_and_gives_the_space_back(
    tmp_path: Path, component: str, path: str, compression: str
) -> None:
    """A limit on the size of files stands in for the disk: the write fails in the same place."""
    (tmp_path / path).write_text("old")
    command = [sys.executable, "-c", FULL, str(tmp_path), component, path, compression]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], check=False, capture_output=True, text=True)
    assert done.stdout.startswith("file.no_space make space"), done.stderr
    assert visible(tmp_path) == [path]
    assert (tmp_path / path).read_text() == "old"


def test_an_error_of_the_stream_leaves_nothing(tmp_path: Path) -> None:
    def give() -> Any:
        yield TABLE.to_batches()[0]
        raise DataError("the source broke")

    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    token = lead.token(TABLE.schema, RUN)
    lead.begin(token, TABLE.schema)
    with pytest.raises(DataError, match="the source broke"):
        lead.write(token, Batches(TABLE.schema, give()))
    assert visible(tmp_path) == []


def test_two_steps_of_a_run_cannot_write_one_file(tmp_path: Path) -> None:
    first = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    token, parts = stage(first, batches())
    second = writer(tmp_path, "filesystem.parquet_writer", "./a.csv")
    other = second.token(TABLE.schema, Run("run-1", "pipeline", "other", 1))
    with pytest.raises(ConfigError, match="another step of this run writes"):
        second.begin(other, TABLE.schema)
    second.abort(other)
    assert first.commit(token, parts, None).rows == 3
    assert visible(tmp_path) == ["a.csv"]


def test_an_earlier_attempt_s_staging_is_no_rival(tmp_path: Path) -> None:
    first, _ = stage(writer(tmp_path, "filesystem.csv_writer", "a.csv"), batches())
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    token, parts = stage(lead, batches(), Run("run-1", "pipeline", "step", 2))
    lead.abort(first)
    assert lead.commit(token, parts, None).rows == 3


def test_a_target_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    with pytest.raises(ConfigError, match="is a folder"):
        lead.begin(lead.token(TABLE.schema, RUN), TABLE.schema)


def test_folders_are_made_or_asked_for(tmp_path: Path) -> None:
    write_csv(tmp_path, TABLE, "new/deep/a.csv")
    assert rows(tmp_path, "new/deep/a.csv") == TABLE.to_pylist()
    with pytest.raises(ConfigError, match="there is no folder"):
        write_csv(tmp_path, TABLE, "other/a.csv", create_dirs=False)
    csv(tmp_path, "x", "file")
    with pytest.raises(WriteFailed):
        write_csv(tmp_path, TABLE, "file/a.csv")


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = csv(tmp_path / "real", "old", "t.csv")
    target.chmod(0o640)
    (tmp_path / "a.csv").symlink_to(target)
    write_csv(tmp_path, TABLE)
    assert (tmp_path / "a.csv").is_symlink()
    assert read_csv(tmp_path).rows == TABLE.to_pylist()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_folder_that_may_not_be_written_is_told_with_what_to_do() -> None:
    """As another user, where this one may write anywhere; the folder of pytest is closed to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", WRITING, made], capture_output=True, text=True, check=True)
    expected = [f"not allowed to write {made}/out.csv", f"let this user write in {made}, or write elsewhere"]
    assert done.stdout.splitlines() == expected


WRITING = """
import os, sys
from pathlib import Path
from osiris.connectors.filesystem.staging import write_faults
from osiris.errors import PermissionDenied
if os.getuid() == 0: os.setuid(65534)
target = Path(sys.argv[1]) / "out.csv"
try:
    with write_faults(target):
        target.touch()
except PermissionDenied as error:
    print(error.message, error.hint, sep="\\n")
"""


def test_a_name_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    name = "ž" * 125 + ".csv"
    write_csv(tmp_path, TABLE, name)
    assert visible(tmp_path) == [name]


def test_staging_that_was_tampered_with_is_not_shown(tmp_path: Path) -> None:
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    token, parts = stage(lead, batches())
    with Path(token.data["staged"]).open("a") as file:
        file.write("4,more\n")
    with pytest.raises(WriteFailed, match="is not what was written"):
        lead.commit(token, parts, None)


def test_a_file_keeps_no_state(tmp_path: Path) -> None:
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    token, parts = stage(lead, batches())
    assert lead.last("key") is None
    with pytest.raises(ConfigError, match="cannot keep the state"):
        lead.commit(token, parts, State(1, {}))


def test_an_interrupted_writer_stops(tmp_path: Path) -> None:
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv")
    token = lead.token(TABLE.schema, RUN)
    lead.begin(token, TABLE.schema)
    lead.client.interrupt()
    with pytest.raises(Exception, match="was stopped"):
        lead.write(token, batches())
    assert visible(tmp_path) == []


APPENDED = [
    {},
    {"compression": "gzip"},
    {"compression": "zip"},
    {"compression": "zstd"},
    {"encoding": "utf-16"},
    {"encoding": "utf-8-sig", "newline": "crlf"},
    {"header": False},
    {"delimiter": ";", "quoting": "all"},
]


@pytest.mark.parametrize("given", APPENDED)
def test_rows_are_appended_to_a_csv_file_as_if_they_had_been_written_with_it(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    write_csv(tmp_path, TABLE, **given, write_mode="append")
    write_csv(tmp_path, TABLE.slice(0, 2), **given, write_mode="append")
    write_csv(tmp_path, TABLE.slice(0, 0), **given, write_mode="append")
    write_csv(tmp_path, pa.concat_tables([TABLE, TABLE.slice(0, 2)]), "whole.csv", **given)
    shape = {key: value for key, value in given.items() if key not in ("newline", "quoting")}
    assert read_csv(tmp_path, **shape).rows == read_csv(tmp_path, "whole.csv", **shape).rows
    if "compression" not in given:
        assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("old", "encoding"), [("id,name\n9,z", "utf-8"), ("id,name\r\n9,z", "utf-8"), ("\ufeffid,name\n9,z", "utf-16")]
)
def test_a_last_line_without_an_end_gets_one_before_rows_are_appended(tmp_path: Path, old: str, encoding: str) -> None:
    csv(tmp_path, old.encode("utf-16-le" if encoding == "utf-16" else "utf-8"))
    write_csv(tmp_path, TABLE, write_mode="append", encoding=encoding)
    assert [row["id"] for row in read_csv(tmp_path, encoding=encoding).rows] == [9, 1, 2, 3]


@pytest.mark.parametrize("header", ["id", "name,id", "id,name,more", "ID,name"])
def test_rows_of_other_columns_are_not_appended(tmp_path: Path, header: str) -> None:
    csv(tmp_path, f"{header}\n")
    with pytest.raises(ConfigError, match="has the columns"):
        write_csv(tmp_path, TABLE, write_mode="append")
    assert (tmp_path / "a.csv").read_text() == f"{header}\n"


def test_a_target_that_changes_while_rows_are_appended_is_not_overwritten(tmp_path: Path) -> None:
    write_csv(tmp_path, TABLE)
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv", write_mode="append")
    token, parts = stage(lead, batches())
    with (tmp_path / "a.csv").open("a") as file:
        file.write("4,w\n")
    with pytest.raises(SourceError, match="replaced or changed"):
        lead.commit(token, parts, None)
    assert (tmp_path / "a.csv").read_text().endswith("4,w\n")


def test_an_append_that_was_committed_is_not_done_again(tmp_path: Path) -> None:
    """LESSONS 11."""
    write_csv(tmp_path, TABLE)
    lead = writer(tmp_path, "filesystem.csv_writer", "a.csv", write_mode="append")
    token, parts = stage(lead, batches())
    lead.commit(token, parts, None)
    assert writer(tmp_path, "filesystem.csv_writer", "a.csv", write_mode="append").settle(token, parts) == "committed"
    lead.commit(token, parts, None)
    assert len(read_csv(tmp_path).rows) == 6


def test_the_folder_s_entry_is_flushed_where_the_system_can(tmp_path: Path) -> None:
    """On Linux a folder can be opened for that; the commit must not fail where it cannot."""
    handle = os.open(tmp_path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    write_csv(tmp_path, TABLE)
    assert visible(tmp_path) == ["a.csv"]
