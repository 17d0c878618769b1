"""The kit is proved: each broken connector fails the one test that names its fault, and the sound one fails none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import broken
from tests.kit.run_group import caught


@pytest.mark.slow
@pytest.mark.parametrize("group", broken.GROUPS)
def test_each_fault_is_caught_by_the_test_that_names_it_and_no_other(group: str, tmp_path: Path) -> None:
    expected = {fault.__name__: {fault.caught_by} for fault in broken.faults(group)}
    assert caught(group, tmp_path) == expected
