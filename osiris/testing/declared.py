"""Tests of what a spec declares: its own rules, and its flags against the classes."""

from __future__ import annotations

from osiris.components.audit import audit
from osiris.connectors.base import AtLeastOnce, Discovers, Extractor
from osiris.testing.abilities import Scope, needs
from osiris.testing.rig import Rig


class SpecTests:
    """The form of a spec is told in docs/write-a-connector.md."""

    scope: Scope

    @needs()
    def test_each_spec_is_sound_and_its_examples_are_valid(self, rig: Rig) -> None:
        for component in self.scope.components.values():
            found = [
                f"{'.'.join(map(str, problem.path))}: {problem.message}"
                for problem in audit(rig.component(component.name))
            ]
            assert found == [], component.source

    @needs()
    def test_capabilities_are_those_of_the_classes(self, rig: Rig) -> None:
        discovers = issubclass(rig.client_class, Discovers)
        for role, component in self.scope.components.items():
            made = rig.implementation(component.name)
            shown = {"discover": discovers} if role != "processor" else {}
            if role == "extractor":
                shown["splits"] = made.plan is not Extractor.plan
            if role == "writer":
                shown["atomic"] = not issubclass(made, AtLeastOnce)
            said = {name: component.capabilities.get(name, False) for name in shown}
            assert said == shown, f"{component.name}: the spec's capabilities are not those of the classes"
