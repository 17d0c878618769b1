"""A project with toy boxes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from osiris.project import Project
from tests.toybox import PASSWORD, installed, write_table

Make = Callable[..., Project]
BOXES = """\
version: 1
connections:
  toybox:
    good: {folder: box, password: '${BOX_PASSWORD}', default: true}
    other: {folder: other, password: '${BOX_PASSWORD}'}
"""


@pytest.fixture
def make(tmp_path: Path) -> Generator[Make]:
    """`make(connections, VAR=...)`: a project whose box `good` holds a table `bears`."""

    def made(text: str = BOXES, **variables: str) -> Project:
        (tmp_path / "osiris_connections.yaml").write_text(text)
        write_table(tmp_path / "box", "bears")
        (tmp_path / "other").mkdir(exist_ok=True)
        return Project(tmp_path, environ={"BOX_PASSWORD": PASSWORD, **variables})

    with installed():
        yield made
