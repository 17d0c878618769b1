"""A connections file with toy boxes, loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from osiris.connections import Connections
from tests.toybox import toy_catalog

Load = Callable[..., Connections]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load(text, VAR=...)`: the connections of a project whose file holds `text`."""

    def made(text: str, environ: Mapping[str, str] | None = None, **variables: str) -> Connections:
        (tmp_path / "osiris_connections.yaml").write_text(text)
        return Connections.load(tmp_path, toy_catalog(), {**(environ or {}), **variables})

    return made
