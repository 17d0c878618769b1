"""A pipeline that does not fit the DuckDB file ends a run with 2: it, or the file, has to be changed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from osiris import Project
from tests.connectors.misfits import MISFITS, TABLES, ends_as_it_should


@pytest.mark.parametrize("name", MISFITS)
def test_a_pipeline_that_does_not_fit_the_file_has_to_be_changed(tmp_path: Path, name: str) -> None:
    with duckdb.connect(str(tmp_path / "x.duckdb")) as con:
        for statement in TABLES:
            con.sql(statement)
    (tmp_path / "osiris_connections.yaml").write_text(
        "version: 1\nconnections: {duckdb: {main: {path: x.duckdb}}}\n", encoding="utf-8"
    )
    assert ends_as_it_should(Project(tmp_path, environ={}), "duckdb", name)
