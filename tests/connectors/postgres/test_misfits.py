"""A pipeline that does not fit the database ends a run with 2: it, or the file, has to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.misfits import MISFITS, TABLES, ends_as_it_should
from tests.connectors.postgres.test_pipelines import Place
from tests.servers.postgres import Database

pytestmark = pytest.mark.server


@pytest.mark.parametrize("name", MISFITS)
def test_a_pipeline_that_does_not_fit_the_database_has_to_be_changed(
    database: Database, tmp_path: Path, name: str
) -> None:
    database.sql(*TABLES)
    assert ends_as_it_should(Place(database, tmp_path).project, "postgres", name)
