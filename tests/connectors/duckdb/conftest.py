"""Fixtures of the tests of the DuckDB family."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.duckdb.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder of its own for one DuckDB file."""
    return Place(tmp_path)
