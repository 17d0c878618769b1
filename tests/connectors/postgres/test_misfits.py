"""A pipeline that does not fit the database ends a run with 1: it was right as far as it could be checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.misfits import MISFITS, TABLES, ends
from tests.connectors.postgres.test_pipelines import Place
from tests.servers.postgres import Database

pytestmark = pytest.mark.server


@pytest.mark.parametrize("name", MISFITS)
def test_a_pipeline_that_does_not_fit_the_database_is_work_that_failed(
    database: Database, tmp_path: Path, name: str
) -> None:
    database.sql(*TABLES)
    assert ends(Place(database, tmp_path).project, "postgres", name) == [(1, True), (1, True)]
