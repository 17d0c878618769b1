"""The kit is proved: each broken connector fails the one test that names its fault, and the sound one fails none."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.testing.connector import Conformance
from tests.kit import broken
from tests.kit.page import PAGE, page
from tests.kit.run_group import caught


@pytest.mark.slow
@pytest.mark.parametrize("group", broken.GROUPS)
def test_each_fault_is_caught_by_the_test_that_names_it_and_no_other(group: str, tmp_path: Path) -> None:
    expected = {fault.__name__: {fault.caught_by} for fault in broken.faults(group)}
    assert caught(group, tmp_path) == expected


def test_the_page_lists_every_fault_with_its_test() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.kit.page"


def test_no_fault_names_a_test_that_is_not_there() -> None:
    known = {name for name in dir(Conformance) if name.startswith("test_")}
    faults = [fault for group in broken.GROUPS for fault in broken.faults(group)]
    assert len(faults) >= 20
    assert {fault.caught_by for fault in faults} <= known
    names = [broken.family(fault) for fault in faults]
    assert len(set(names)) == len(names)
