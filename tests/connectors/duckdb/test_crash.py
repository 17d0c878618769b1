"""kill -9 at each moment of a write: what is found afterwards, and that finishing it equals one clean run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Options, Part, Run, State, Token, token_from_json
from osiris.connectors.duckdb.writer import Writer
from tests.connectors.duckdb import killed
from tests.connectors.duckdb.place import Place

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MODES: dict[str, dict[str, Any]] = {
    "append": {"table": "t"},
    "replace": {"table": "t", "write_mode": "replace"},
    "upsert": {"table": "t", "write_mode": "upsert", "primary_key": "id"},
}
CASES = pytest.mark.parametrize(
    ("mode", "sole"),
    [
        ("append", True),
        ("upsert", False),
        ("append", False),
        ("replace", True),
        ("replace", False),
        ("upsert", True),
    ],
)
BEFORE = "CREATE TABLE t AS SELECT i AS id, -1::BIGINT AS place, 'before' AS text FROM range(500) r(i)"


def kill(place: Place, mode: str, sole: bool, moment: str) -> Token:
    options = json.dumps(MODES[mode])
    command = [
        sys.executable,
        "-m",
        "tests.connectors.duckdb.killed",
        str(place.root),
        options,
        "sole" if sole else "-",
        moment,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    return token_from_json(json.loads((place.root / "token.json").read_text()))


def write_again(place: Place, mode: str, sole: bool) -> None:
    with place.client() as client:
        writer = Writer(client, Options(MODES[mode]), place.workspace)
        token = writer.token(killed.schema(), Run("r1", "p", "load", 2, key="k", sole=sole))
        writer.begin(token, killed.schema())
        part = writer.write(token, Batches.of(killed.schema(), killed.batches()))
        writer.commit(token, [part], State(1, {"high": 9}))
        writer.finish(token)


def expected(mode: str) -> tuple[int, int, int]:
    """Rows, the sum of their ids and the sum of their places, after one clean run over the table as it was."""
    rows = pa.Table.from_batches(killed.batches()).to_pydict()
    pairs = list(zip(rows["id"], rows["place"], strict=True))
    before = [(number, -1) for number in range(500)]
    if mode == "append":
        pairs = before + pairs
    elif mode == "upsert":
        pairs = list({**dict(before), **dict(pairs)}.items())
    return len(pairs), sum(key for key, _ in pairs), sum(place for _, place in pairs)


def found(place: Place) -> tuple[int, int, int]:
    with place.client() as client:
        (row,) = client.rows("SELECT count(*), sum(id)::BIGINT, sum(place)::BIGINT FROM t")
        # Whatever a count says, what is there can also be deleted: DuckDB has got this wrong after a crash.
        client.rows("BEGIN")
        assert client.rows("DELETE FROM t WHERE id >= 0") == [(row[0],)]
        client.rollback()
    return row


@CASES
def test_a_write_killed_at_any_moment_can_be_done_again(place: Place, mode: str, sole: bool) -> None:
    """Promise 2: a run killed at any point and then finished equals one clean run."""
    place.sql(BEFORE)
    for moment in ("mid-write", "before commit"):
        token = kill(place, mode, sole, moment)
        assert found(place) == (500, 124750, -500), moment
        assert place.settle(token) == "not_committed"
        with place.client() as client:
            Writer(client, Options(MODES[mode]), place.workspace).abort(token)
        assert place.sql("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%stage%'") == [(0,)]
    write_again(place, mode, sole)
    assert found(place) == expected(mode)


@CASES
def test_a_write_killed_right_after_its_commit_is_known_to_be_done(place: Place, mode: str, sole: bool) -> None:
    place.sql(BEFORE)
    token = kill(place, mode, sole, "after commit")
    assert place.settle(token) == "committed"
    assert found(place) == expected(mode)
    write_again(place, mode, sole)
    assert found(place) == expected(mode)
    with place.client() as client:
        assert Writer(client, Options(MODES[mode]), place.workspace).last("k") == State(1, {"high": 9})


@pytest.mark.parametrize("mode", MODES)
def test_what_was_staged_durably_is_committed_by_the_next_process(place: Place, mode: str) -> None:
    place.sql(BEFORE)
    token = kill(place, mode, False, "before commit")
    part = Part(**json.loads((place.root / "part.json").read_text()))
    with place.client() as client:
        writer = Writer(client, Options(MODES[mode]), place.workspace)
        assert writer.commit(token, [part], State(1, {"high": 9})).rows == part.rows
        writer.finish(token)
    assert found(place) == expected(mode)
    assert place.sql("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '%stage%'") == [(0,)]


def test_a_killed_first_write_leaves_a_file_that_can_be_read_and_written(place: Place) -> None:
    token = kill(place, "append", True, "mid-write")
    assert place.settle(token) == "not_committed"
    write_again(place, "append", True)
    assert found(place)[0] == killed.ROWS
