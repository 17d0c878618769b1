"""What driver tests use: the hostile family installed, and steps bound to it without a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris.components import catalog
from osiris.connectors import registry
from osiris.connectors.base import Connection, Options
from osiris.connectors.pool import Pool
from osiris.drivers.bound import Bound
from osiris.step import Context, Workspace
from tests.plugins import lab

Bind = Callable[..., Bound]


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    """`bind("hostile.writer", behaviour=...)`: a step named after its component."""
    with lab.installed():
        found = registry.load()
        components = catalog.load(found)
        pool = Pool(found)

        def bound(component: str, **options: Any) -> Bound:
            values = Options({**components.get(component).option_defaults(), **options})
            family, _, kind = component.partition(".")
            connection = None if kind == "processor" else Connection(family, "main", tmp_path, {})
            context = Context(component, Workspace(tmp_path, tmp_path / "output"))
            return Bound(found.implementation(component), connection, values, context, pool.group())

        yield bound
        pool.close()
