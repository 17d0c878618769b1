"""Tests of a `Writer` whose process is killed: what was staged is committed or undone by others, in each write mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Part, Token
from osiris.testing.abilities import Scope, needs
from osiris.testing.commit import NEW, OLD
from osiris.testing.doomed import Order, Point, killed
from osiris.testing.rig import Rig, Rigs, stage
from osiris.testing.shapes import SCHEMA
from osiris.testing.writer import in_order, look, rows_of, write, writing_of


class KilledTests:
    """A process that is killed while it writes: settle tells, and finishing gives one clean run's rows."""

    scope: Scope

    @needs("writer", "transaction")
    def test_killed_before_the_commit_it_can_be_undone_and_redone(self, rigs: Rigs) -> None:
        for victim in _victims(self.scope, rigs, "before commit", sole=True):
            victim.has_settled("not_committed")
            victim.undo_and_redo()
            victim.has_the_new_rows_once()

    @needs("writer", "transaction")
    def test_killed_before_the_commit_what_is_durable_can_still_be_committed(self, rigs: Rigs) -> None:
        for victim in _victims(self.scope, rigs, "before commit", sole=False):
            if victim.token.durable:
                victim.commit()
                victim.has_the_new_rows_once()

    @needs("writer", "transaction")
    def test_killed_after_the_commit_settle_says_committed(self, rigs: Rigs) -> None:
        for victim in _victims(self.scope, rigs, "after commit", sole=True):
            victim.has_settled("committed")
            victim.has_the_new_rows_once()


@dataclass(frozen=True, slots=True)
class _Victim:
    """A write in one mode whose process is gone, and what a ledger would know of it."""

    rig: Rig
    mode: str
    token: Token
    part: Part

    def has_settled(self, expected: str) -> None:
        settled = self._fresh(lambda writer: writer.settle(self.token, [self.part]))
        assert settled == expected, f"{self.mode}: it was {expected}, and settle says {settled}"

    def undo_and_redo(self) -> None:
        self._fresh(lambda writer: writer.abort(self.token))
        writer = self.rig.instance(*writing_of(self.rig, self.mode))
        again, part = stage(writer, NEW, SCHEMA, self.rig.run(number=1, attempt=2))
        writer.commit(again, [part], None)

    def commit(self) -> None:
        self._fresh(lambda writer: writer.commit(self.token, [self.part], None))

    def has_the_new_rows_once(self) -> None:
        new = {row["id"] for row in rows_of(NEW)}
        assert [row for row in look(self.rig) or [] if row["id"] in new] == in_order(rows_of(NEW)), self.mode

    def _fresh(self, call: Callable[[Any], Any]) -> Any:
        return self.rig.fresh(*writing_of(self.rig, self.mode), call)


def _victims(scope: Scope, rigs: Rigs, until: Point, *, sole: bool) -> list[_Victim]:
    """One process writes in each mode, into a target of its own, and is killed."""
    victims = {mode: rigs(f"killed-{mode}") for mode in scope.write_modes()}
    orders = []
    for mode, rig in victims.items():
        write(rig, OLD, mode)
        rig.close()
        orders.append(_order(rig, mode, until, sole=sole))
    left = killed(orders)
    return [_Victim(rig, mode, *found) for (mode, rig), found in zip(victims.items(), left, strict=True)]


def _order(rig: Rig, mode: str, until: Point, *, sole: bool) -> Order:
    name, options = writing_of(rig, mode)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        for batch in NEW:
            stream.write_batch(batch)
    subject, run = rig.subject, rig.run(number=1, sole=sole)
    place = (subject.family, name, subject.root, dict(subject.fields), options)
    return Order(*place, sink.getvalue().to_pybytes(), run, rig.folder / "doomed", until)
