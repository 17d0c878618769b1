"""From a checked pipeline to its manifest; and the flows of a manifest, in the order in which they may run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from osiris.compile import graph
from osiris.compile.manifest import ManifestStep
from osiris.errors import ConfigError, OsirisError

if TYPE_CHECKING:
    from osiris.compile.manifest import Manifest
    from osiris.components.component import Component


class Specs(Protocol):
    """Where components are looked up: a `Catalog`."""

    def get(self, name: str) -> Component: ...


def flows(steps: Sequence[ManifestStep]) -> list[tuple[str, ...]]:
    """The ids of each flow's steps, a flow being a connected part of the graph once the edges leaving writers are cut.

    The flows stand in an order that respects `after`, the steps of a flow in the order given. Raises ConfigError when
    they wait for each other, which `check` has ruled out.
    """
    places = {step.id: place for place, step in enumerate(steps)}
    try:
        inputs = [[places[name] for name in step.inputs] for step in steps]
        after = [[places[name] for name in step.after] for step in steps]
    except KeyError as error:
        raise ConfigError(f"the manifest has no step {error}", code="manifest.broken") from error
    groups = graph.flows(inputs)
    order, stuck = graph.order_flows(groups, after)
    if stuck:
        names = ", ".join(steps[place].id for place in stuck)
        raise ConfigError(f"the flows of these steps wait for each other: {names}", code="flow.cycle")
    return [tuple(steps[place].id for place in groups[number]) for number in order]


def drift(manifest: Manifest, catalog: Specs) -> list[str]:
    """In words, each way in which the installed components differ from those that the manifest was compiled with."""
    found: list[str] = []
    for name, then in sorted(manifest.fingerprints.get("specs", {}).items()):
        try:
            now = catalog.get(name)
        except OsirisError as error:
            found.append(f"{name}: {error.message}")
            continue
        was = f"{then['distribution']} {then['version']}"
        if was != (present := f"{now.distribution} {now.distribution_version}"):
            found.append(f"{name}: compiled with {was}, installed is {present}")
        if then["digest"] != now.digest:
            found.append(f"{name}: its spec has changed since the pipeline was compiled")
    return found
