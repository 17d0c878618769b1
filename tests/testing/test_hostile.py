"""The hostile connector: its package is found, and it gives the shapes and breaks the promises that it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris import Project
from osiris.errors import ConfigError, DataError, InternalError, NetworkFailed, OsirisError
from osiris.testing import hostile
from osiris.testing.shapes import SHAPES, schema_of


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with hostile.installed():
        (tmp_path / "osiris_connections.yaml").write_text(
            "version: 1\nconnections: {hostile: {main: {hangs: false}}}\n"
        )
        yield Project(tmp_path)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_can_be_read(project: Project, shape: str) -> None:
    with project.connect("@hostile.main") as db:
        stream = db.read(shape=shape)
        batches = list(stream)
        assert stream.schema == schema_of(SHAPES[shape]())
        assert sum(batch.num_rows for batch in batches) == sum(batch.num_rows for batch in SHAPES[shape]())


def test_the_spec_knows_every_shape(project: Project) -> None:
    known = project.catalog.get("hostile.extractor").config_schema["properties"]["shape"]["enum"]
    assert known == list(SHAPES)


def test_a_behaviour_that_nobody_knows_is_refused(project: Project) -> None:
    with project.connect("@hostile.main") as db, pytest.raises(ConfigError, match="behavior"):
        db.read(behavior="fail")
    with project.connect("@hostile.main") as db, pytest.raises(ConfigError, match="failure"):
        db.read(behaviour="failure")


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [("fail", NetworkFailed), ("miscount", InternalError), ("no_end", InternalError), ("wrong_type", DataError)],
)
def test_each_broken_promise_is_an_error(project: Project, behaviour: str, error: type[OsirisError]) -> None:
    with project.connect("@hostile.main") as db, pytest.raises(error):
        list(db.read(behaviour=behaviour))
