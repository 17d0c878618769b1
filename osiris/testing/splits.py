"""Tests of splits: they travel, and together they are the whole read."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque

from osiris.connectors.base import ReadPlan, Split, to_json
from osiris.stream import Budget, FirstError, prefetch
from osiris.testing.abilities import needs
from osiris.testing.echo import Echo
from osiris.testing.extractor import COUNTED, Source, reading_of
from osiris.testing.rig import Rig, raised

WANTED = 3
LIMIT_S = 15.0


class SplitTests:
    """The promises are those of `Extractor.plan` and of `Split` in osiris/connectors/base.py."""

    @needs("extractor")
    def test_each_split_travels_to_another_process_and_through_json(self, rig: Rig, echo: Echo) -> None:
        """Trap 8: another process reads it; the ledger keeps it as JSON."""
        reading = reading_of(rig)
        extractor = rig.instance(reading.component, {**reading.options, **reading.several})
        plan: ReadPlan = extractor.plan(WANTED, None)
        for split in plan.splits:
            assert echo.back(split) == split, "a split has to survive pickling"
            assert Split(**json.loads(json.dumps(to_json(split)))) == split, "Split.data has to be plain JSON data"
        assert [split.index for split in plan.splits] == list(range(len(plan.splits)))

    @needs("extractor", "splits")
    def test_several_splits_give_the_same_rows_as_one(self, rig: Rig) -> None:
        reading = reading_of(rig)
        options = {**reading.options, **reading.several}
        whole, parts = (rig.read(reading.component, options, wanted).fine() for wanted in (1, WANTED))
        assert parts.plan is not None
        assert len(parts.plan.splits) > 1, "the spec says splits: true, the plan has one: say Reading(several=...)"
        if parts.plan.ordered:
            assert parts.rows == whole.rows
        else:
            assert Counter(map(repr, parts.rows)) == Counter(map(repr, whole.rows))

    @needs("extractor", "splits")
    def test_splits_are_read_side_by_side_however_little_may_wait(self, rig: Rig) -> None:
        """Each has a thread, an instance and a client of its own, and one batch of it may wait: none needs another."""
        reading = reading_of(rig)
        options = {**reading.options, **reading.several}
        plan: ReadPlan = rig.instance(reading.component, options).plan(WANTED, None)
        sources = [Source(rig, reading.component, options, split) for split in plan.splits]
        stream = prefetch(COUNTED, sources, budget=Budget(1, WANTED), first_error=FirstError(), ordered=True)
        failed: list[Exception | None] = []
        reader = threading.Thread(target=lambda: failed.append(raised(lambda: deque(stream, maxlen=0))), daemon=True)
        reader.start()
        reader.join(LIMIT_S)
        stuck = reader.is_alive()
        stream.close()
        reader.join()
        assert not stuck, f"splits wait for each other: nothing came to an end within {LIMIT_S} s"
        assert failed == [None], "splits that are read side by side fail"

    @needs("extractor")
    def test_one_split_has_a_reason(self, rig: Rig) -> None:
        """Users ask why a read is not parallel: `why_one_split` answers."""
        reading = reading_of(rig)
        for wanted in (1, WANTED):
            plan: ReadPlan = rig.instance(reading.component, reading.options).plan(wanted, None)
            assert plan.splits, "a plan has to have a split"
            assert len(plan.splits) > 1 or plan.why_one_split, "a plan of one split has to say why_one_split"
