"""The family in a program of its own: `project.connect`, read and write without a pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import osiris
from osiris.project.session import Session
from tests.connectors.mysql.target import Target
from tests.connectors.mysql.test_pipelines import Place

pytestmark = pytest.mark.server
PEOPLE = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "ž"]})
ALL = [(1, "a"), (2, None), (3, "ž")]


@pytest.fixture
def db(target: Target, tmp_path: Path) -> Iterator[Session]:
    with Place(target.database, tmp_path).project.connect("@mysql.shop") as session:
        yield session


@pytest.mark.parametrize("kind", ["table", "batch", "list", "iterator", "reader"])
def test_rows_of_any_kind_are_written_and_read_again(db: Session, target: Target, kind: str) -> None:
    batches = PEOPLE.to_batches(max_chunksize=2)
    kinds: dict[str, Any] = {
        "table": PEOPLE,
        "batch": PEOPLE.combine_chunks().to_batches()[0],
        "list": batches,
        "iterator": iter(batches),
        "reader": PEOPLE.to_reader(),
    }
    assert db.write(kinds[kind], table="t").rows == 3
    assert target.rows() == ALL
    stream = db.read(table="t", order_by=["id"])
    assert pa.Table.from_batches(list(stream), stream.schema).to_pylist() == PEOPLE.to_pylist()
    assert target.staging() == set()


def test_all_modes_in_one_session(db: Session, target: Target) -> None:
    assert db.write(PEOPLE, table="t", primary_key="id").rows == 3
    changed = pa.table({"id": pa.array([3, 4, 3], pa.int64()), "name": ["x", "y", "z"]})
    assert db.write(changed, table="t", write_mode="upsert", primary_key="id").rows == 2
    assert target.rows() == [(1, "a"), (2, None), (3, "z"), (4, "y")]
    assert db.write(PEOPLE.slice(0, 1), table="t", write_mode="replace").rows == 1
    assert db.write(PEOPLE.slice(1, 1), table="t").rows == 1
    assert target.rows() == ALL[:2]
    wider = PEOPLE.slice(2).append_column("more", pa.array([1.5]))
    written = db.write(wider, table="t", on_schema_change="add_columns")
    assert (written.rows, written.notes) == (1, ("added_columns: more",))
    assert [row["more"] for batch in db.read(table="t", columns=["more"]) for row in batch.to_pylist()].count(1.5) == 1
    assert target.staging() == set()


def test_what_is_read_is_written_while_it_comes(db: Session, target: Target) -> None:
    """Through connections of their own: from the table that is replaced, too."""
    target.sql("CREATE TABLE s AS SELECT seq AS id, REPEAT('x', 500) AS text FROM seq_1_to_20000")
    assert db.write(db.read(table="s", batch_rows=1000), table="t").rows == 20_000
    assert db.write(db.read(table="t", where="id <= 10"), table="t", write_mode="replace").rows == 10
    assert target.rows(columns="COUNT(*), MAX(id)") == [(10, 10)]


def test_a_write_that_fails_leaves_nothing_and_a_session_that_works(db: Session, target: Target) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from PEOPLE.to_batches()
        raise OSError("the source is gone")

    db.write(PEOPLE.slice(0, 1), table="t")
    for options in ({}, {"write_mode": "replace"}, {"write_mode": "upsert", "primary_key": "id"}):
        with pytest.raises(OSError, match="the source is gone"):
            db.write(failing(), table="t", **options)
        with pytest.raises(osiris.DataError, match="'name' is int64"):
            db.write(pa.table({"id": [1], "name": [2]}), table="t", **{**options, "write_mode": "append"})
    with pytest.raises(osiris.DataError, match="no column 'nmae'"):
        db.write(PEOPLE.rename_columns(["id", "nmae"]), table="t")
    with pytest.raises(osiris.ConfigError, match="wriet_mode"):
        db.write(PEOPLE, table="t", wriet_mode="append")
    assert target.rows() == ALL[:1]
    assert target.staging() == set()
    assert db.write(PEOPLE.slice(1), table="t").rows == 2
    assert target.rows() == ALL


def test_a_read_that_nobody_finishes_ends_with_the_session(target: Target, tmp_path: Path) -> None:
    target.sql("CREATE TABLE s AS SELECT seq AS id FROM seq_1_to_100000")
    with Place(target.database, tmp_path).project.connect("@mysql.shop") as db:
        assert next(iter(db.read(table="s", batch_rows=10))).num_rows == 10
        assert db.write(PEOPLE, table="t").rows == 3
    name = target.database.name
    sql = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{name}' AND ID <> CONNECTION_ID()"
    assert target.sql(sql) == [(0,)]
