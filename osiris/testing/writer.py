"""Tests of a `Writer`'s rows: every one of them, under its name, in each write mode, whatever shape they come in."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Batches, End, Part
from osiris.errors import OsirisError, SourceError
from osiris.stream import share
from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.rig import Rig, stage
from osiris.testing.shapes import SCHEMA, Shape
from osiris.testing.subject import Writing

Rows = list[dict[str, Any]]


def writing_of(rig: Rig, mode: str = "") -> tuple[str, dict[str, Any]]:
    """The component, and the subject's options with the write mode."""
    writing = subject_of(rig)
    options = dict(writing.options)
    if mode:
        options["write_mode"] = mode
    if mode == "upsert":
        options |= writing.key
    return writing.component, options


def subject_of(rig: Rig) -> Writing:
    assert rig.subject.writing is not None, "the family has a writer: say Subject(writing=Writing(...))"
    return rig.subject.writing


def rows_of(batches: Shape) -> Rows:
    return [row for batch in batches for row in batch.to_pylist()]


def look(rig: Rig) -> Rows | None:
    """The target's rows in some fixed order, None without a target."""
    table = subject_of(rig).look()
    return None if table is None else in_order(table.to_pylist())


def in_order(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: repr(sorted(row.items(), key=lambda item: item[0])))


def write(rig: Rig, batches: Shape, mode: str = "") -> Part:
    """A whole write, committed and finished."""
    return rig.write(*writing_of(rig, mode), batches, shapes.schema_of(batches))


class WriterRowsTests:
    """The promises are those of `Writer.write` in osiris/connectors/base.py, and promises 1 and 3 of the README."""

    @needs("writer")
    def test_each_write_mode_does_what_it_says(self, rig: Rig, mode: str) -> None:
        names = pa.array(["new 2", "new 3", "new 4", "new 5"])
        new = [pa.record_batch([pa.array([2, 3, 4, 5], pa.int64()), names], schema=SCHEMA)]
        old = [shapes.rows(0, 4)]
        write(rig, old, mode)
        write(rig, new, mode)
        kept = [row for row in rows_of(old) if mode != "upsert" or row["id"] < 2] if mode != "replace" else []
        if mode:
            assert look(rig) == in_order(kept + rows_of(new)), f"write_mode: {mode}"

    @needs("writer")
    def test_every_batch_arrives(self, rig: Rig) -> None:
        """Batches of many sizes; what is held back until the next one comes must not be lost at the end."""
        write(rig, shapes.uneven())
        found = [row["id"] for row in look(rig) or []]
        assert sorted(found) == [row["id"] for row in rows_of(shapes.uneven())]

    @needs("writer")
    def test_values_arrive_as_they_are(self, rig: Rig) -> None:
        rows = [shapes.rows(0, len(shapes.NAMES))]
        write(rig, rows)
        found = {row["id"]: row["name"] for row in look(rig) or []}
        assert found == {row["id"]: row["name"] for row in rows_of(rows)}

    @needs("writer")
    def test_large_whole_numbers_stay_whole_beside_a_null(self, rig: Rig) -> None:
        """LESSONS 9: they went through floats, and ...993 became ...992."""
        write(rig, shapes.large_numbers())
        assert look(rig) == in_order(rows_of(shapes.large_numbers()))

    @needs("writer")
    def test_a_first_batch_of_nulls_changes_nothing(self, rig: Rig) -> None:
        """Trap 1: the declared type counts, not what the first batch holds."""
        write(rig, shapes.null_first())
        found = {row["id"]: row["name"] for row in look(rig) or [] if row["id"] <= 5}
        assert found == {row["id"]: row["name"] for row in rows_of(shapes.null_first()) if row["id"] <= 5}

    @needs("writer")
    def test_written_columns_keep_their_order(self, rig: Rig) -> None:
        """LESSONS 10: columns came out sorted alphabetically."""
        names = ["zeta", "alpha", "mid"]
        rig.write(*writing_of(rig), shapes.columns(names), shapes.columns(names)[0].schema)
        table = subject_of(rig).look()
        assert table is not None
        assert sorted(table.schema.names) != sorted(names) or table.schema.names == names

    @needs("writer", "append")
    def test_appended_columns_go_by_name_or_are_refused(self, rig: Rig) -> None:
        write(rig, [shapes.rows(0, 2)], "append")
        turned = shapes.rows(2, 2).select(["name", "id"])
        outcome = attempt(rig, [turned], turned.schema, "append")
        expected = rows_of([shapes.rows(0, 2)]) + ([] if outcome else turned.to_pylist())
        assert look(rig) == in_order(expected), "columns were matched by their place"

    @needs("writer")
    def test_every_row_is_accounted_for(self, rig: Rig, mode: str) -> None:
        """rows + rejected + superseded is what was taken from the stream; the run is stopped otherwise."""
        writer = rig.instance(*writing_of(rig, mode))
        _, part = stage(writer, [shapes.rows(0, 5)], SCHEMA, rig.run())
        assert part.rows + part.rejected + part.superseded == 5
        assert part.rows == 5

    @needs("writer")
    def test_zero_rows_create_or_replace_the_target(self, rig: Rig, mode: str) -> None:
        """Trap 5: no rows are a result too."""
        write(rig, [], mode)
        found = subject_of(rig).look()
        assert found is not None, "a write of no rows has to make the target"
        assert found.schema.names == SCHEMA.names
        write(rig, [shapes.rows(0, 2)], mode)
        write(rig, [], mode)
        assert look(rig) == ([] if mode == "replace" else in_order(rows_of([shapes.rows(0, 2)])))

    @needs("writer", "upsert")
    def test_the_last_of_two_equal_keys_wins(self, rig: Rig) -> None:
        """Trap 7: databases differ in which one they keep, so staging has to know the order."""
        names = pa.array(["first", "other", "second", "last"])
        batch = pa.record_batch([pa.array([1, 2, 1, 1], pa.int64()), names], schema=SCHEMA)
        part = write(rig, [batch.slice(0, 3), batch.slice(3)], "upsert")
        assert look(rig) == [{"id": 1, "name": "last"}, {"id": 2, "name": "other"}]
        assert (part.rows, part.superseded) == (2, 2), "what lost is counted as superseded"

    @needs("writer", "threads")
    def test_parts_of_several_threads_add_up(self, rig: Rig) -> None:
        name, options = writing_of(rig)
        lead = rig.instance(name, options)
        token = lead.token(SCHEMA, rig.run())
        lead.begin(token, SCHEMA)
        streams = share(Batches.of(SCHEMA, [shapes.rows(n * 10, 10) for n in range(6)]), 2)
        parts: list[Part] = []
        writers = [rig.instance(name, options) for _ in streams]
        turns = [
            threading.Thread(target=lambda w=w, s=s: parts.append(w.write(token, s)))
            for w, s in zip(writers, streams, strict=True)
        ]
        for turn in turns:
            turn.start()
        for turn in turns:
            turn.join()
        lead.commit(token, parts, None)
        assert sum(part.rows for part in parts) == 60
        assert sorted(row["id"] for row in look(rig) or []) == list(range(60))


def attempt(rig: Rig, batches: Sequence[pa.RecordBatch], schema: pa.Schema, mode: str = "") -> OsirisError | None:
    """A whole write; what it was refused with, after the abort that follows."""
    name, options = writing_of(rig, mode)
    client = rig.client()
    writer, token = rig.instance(name, options, client), None
    try:
        token = writer.token(schema, rig.run())
        writer.begin(token, schema)
        part = writer.write(token, Batches.of(schema, batches))
        writer.commit(token, [part], None)
    except Exception as error:  # noqa: BLE001 - a refusal, or a failure that the caller reports
        client.close()
        if token is not None:
            rig.fresh(name, options, lambda writer: writer.abort(token))
        return client.classify(error)
    client.close()
    rig.fresh(name, options, lambda writer: writer.finish(token))
    return None


def breaking() -> Generator[pa.RecordBatch, None, End]:
    """One batch, then a failure."""
    yield shapes.rows(0, 3)
    raise SourceError("the source broke off: this is the kit's doing")
