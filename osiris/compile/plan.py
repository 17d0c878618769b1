"""From a checked pipeline to its manifest; and the flows of a manifest, in the order in which they may run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osiris import canonical
from osiris.compile import graph
from osiris.compile.check_steps import Specs
from osiris.compile.declarations import Param
from osiris.compile.manifest import Manifest, ManifestStep, fingerprint_of
from osiris.compile.params import Origin
from osiris.compile.parse import Draft
from osiris.components.component import Component
from osiris.connectors.registry import own_distribution
from osiris.documents import Document
from osiris.errors import ConfigError, OsirisError


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline without faults: `steps` in an order in which each comes after those it needs.

    `document` is the file, `drafts` gives by their ids the steps as they stand in it. Of the `declared` params `params`
    has the values of those that are not secret, `origins` where each value comes from, `secret_params` the types of the
    secret ones that some step uses. `components` are those that are used.
    """

    name: str
    profile: str
    steps: tuple[ManifestStep, ...]
    document: Document
    drafts: Mapping[str, Draft]
    declared: Mapping[str, Param]
    params: Mapping[str, Any]
    origins: Mapping[str, Origin]
    secret_params: Mapping[str, str]
    components: Mapping[str, Component]

    @property
    def content(self) -> Mapping[str, Any]:
        """The parsed file."""
        content: Mapping[str, Any] = self.document.value
        return content


def manifest_of(pipeline: Pipeline) -> Manifest:
    """Freeze a pipeline. The fingerprint of the pipeline is that of its parsed content, before params are filled in, so
    that neither comments nor layout count; that of the params has no value of a secret one."""
    name, version = own_distribution()
    fingerprints = {
        "pipeline": canonical.digest(pipeline.content),
        "params": canonical.digest({"values": dict(pipeline.params), "secret": dict(pipeline.secret_params)}),
        "compiler": f"{name} {version}",
        "specs": {
            component.name: {
                "digest": component.digest,
                "distribution": component.distribution,
                "version": component.distribution_version,
            }
            for component in pipeline.components.values()
        },
    }
    manifest = Manifest(
        name=pipeline.name,
        profile=pipeline.profile,
        steps=tuple(_plain(step) for step in pipeline.steps),
        fingerprints=fingerprints,
        fingerprint="",
        metadata=pipeline.content.get("metadata") or {},
        secret_params=pipeline.secret_params,
    )
    return replace(manifest, fingerprint=fingerprint_of(manifest))


def _plain(step: ManifestStep) -> ManifestStep:
    """The step with its config as it will be read back: keys in order, nothing shared."""
    options, overrides = json.loads(canonical.encode([step.options, step.overrides]))
    return replace(step, options=options, overrides=overrides)


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
