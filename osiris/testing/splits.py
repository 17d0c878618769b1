"""Tests of splits: they travel, and together they are the whole read."""

from __future__ import annotations

import json
from collections import Counter

from osiris.connectors.base import ReadPlan, Split, to_json
from osiris.testing.abilities import needs
from osiris.testing.echo import Echo
from osiris.testing.extractor import reading_of
from osiris.testing.rig import Rig

WANTED = 3


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

    @needs("extractor")
    def test_one_split_has_a_reason(self, rig: Rig) -> None:
        """Users ask why a read is not parallel: `why_one_split` answers."""
        reading = reading_of(rig)
        for wanted in (1, WANTED):
            plan: ReadPlan = rig.instance(reading.component, reading.options).plan(wanted, None)
            assert plan.splits, "a plan has to have a split"
            assert len(plan.splits) > 1 or plan.why_one_split, "a plan of one split has to say why_one_split"
