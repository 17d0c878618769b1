"""No built-in component without the kit: the registry says which there are, this folder's classes which are tested."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from osiris.components import catalog
from osiris.connectors import registry
from osiris.testing.connector import Conformance


def test_every_component_of_every_built_in_family_is_under_the_kit() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        import_module(f"tests.conformance.{path.stem}")
    classes = [made for made in Conformance.__subclasses__() if hasattr(made, "scope")]
    tested = {component.name for made in classes for component in made.scope.components.values()}
    known = registry.load()
    wanted = [
        c.name
        for name, provider in known.providers.items()
        if provider.builtin
        for c in catalog.load(known).of_family(name)
    ]
    assert len(wanted) >= 7
    assert set(wanted) - tested == set()
