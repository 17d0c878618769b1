"""Opening a flow: its readers planned, its processors started, its fan-outs spilled, down to one stream a writer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from osiris.compile.manifest import ManifestStep
from osiris.connectors.base import Batches, State
from osiris.connectors.pool import Group
from osiris.drivers.extract import ExtractDriver
from osiris.drivers.transform import TransformDriver
from osiris.events import Event
from osiris.execute.scene import Scene, naming
from osiris.stream import FirstError, Spill, prefetch

log = logging.getLogger(__name__)
_NOTHING = Batches.of(pa.schema([]), ())


@dataclass(slots=True)
class Opened:
    """A flow whose streams are open: `outputs` are the steps' own, `edges` what each consumer pulls from whom."""

    outputs: dict[str, Batches] = field(default_factory=dict)
    edges: dict[tuple[str, str], Batches] = field(default_factory=dict)
    upto: dict[str, State] = field(default_factory=dict)
    datasets: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    ordered: dict[str, bool] = field(default_factory=dict)
    drivers: list[ExtractDriver | TransformDriver] = field(default_factory=list)
    spills: list[Spill] = field(default_factory=list)

    def interrupt(self) -> None:
        for driver in self.drivers:
            if isinstance(driver, TransformDriver):
                driver.interrupt()

    def close(self) -> None:
        """Stop the readers first, so that no processor waits for one, then the processors; then plans and spills."""
        for driver in self.drivers:
            if isinstance(driver, ExtractDriver):
                self.outputs.get(driver.bound.context.step, _NOTHING).close()
                driver.close()
        for driver in reversed(self.drivers):
            if isinstance(driver, TransformDriver):
                driver.close()
        for spill in self.spills:
            spill.close()


class Opener:
    """Opens the reading and transforming steps of one flow into `opened`, which the caller closes in any case."""

    def __init__(self, scene: Scene, steps: Sequence[ManifestStep], clients: Group, first_error: FirstError) -> None:
        self._scene = scene
        self._steps = steps
        self._clients = clients
        self._first_error = first_error
        self._consumers = Counter(name for step in steps for name in step.inputs)
        self._spilled: dict[str, Spill] = {}
        self.opened = Opened()

    def open(self) -> None:
        ordered = any(step.options.get("write_mode") == "upsert" for step in self._steps)
        for step in self._steps:
            with naming(step.id):
                if step.mode == "read":
                    self._keep(step, self._read(step, ordered))
                elif step.mode == "transform":
                    self._keep(step, self._transform(step))
                else:
                    (name,) = step.inputs
                    self._edge(name, step.id)

    def _keep(self, step: ManifestStep, output: Batches) -> None:
        self.opened.outputs[step.id] = output
        self._scene.request.progress.steps[step.id].streams = [output]
        if self._consumers[step.id] > 1:
            self._spill(step.id)

    def _read(self, step: ManifestStep, ordered: bool) -> Batches:
        scene, opened = self._scene, self.opened
        scene.mark(step.id, "running")
        driver = ExtractDriver(scene.bind(step, self._clients, self._first_error))
        opened.drivers.append(driver)
        plan = driver.plan(scene.environment.jobs)
        opened.splits[step.id] = len(plan.splits)
        opened.ordered[step.id] = ordered or plan.ordered
        opened.datasets[step.id] = tuple({"namespace": d.namespace, "name": d.name} for d in plan.datasets)
        if plan.upto is not None:
            opened.upto[step.id] = plan.upto
        scene.sink.emit(
            Event("read.planned", step.id, {"splits": len(plan.splits), "why_one_split": plan.why_one_split})
        )
        return prefetch(
            plan.schema,
            driver.sources(plan),
            budget=scene.budget,
            first_error=self._first_error,
            ordered=opened.ordered[step.id],
        )

    def _transform(self, step: ManifestStep) -> Batches:
        self._scene.mark(step.id, "running")
        driver = TransformDriver(self._scene.bind(step, self._clients, self._first_error))
        self.opened.drivers.append(driver)
        schemas = {name: self.opened.outputs[name].schema for name in step.inputs}
        for name in sorted(driver.rescans(schemas)):
            self._spill(name)
        inputs = {name: self._edge(name, step.id) for name in step.inputs}
        self._scene.request.progress.steps[step.id].inputs = list(inputs.values())
        return driver.run(inputs)

    def _spill(self, name: str) -> None:
        """Read all of a step's output to disk now, so that any number of consumers can read it at their own pace."""
        if name in self._spilled:
            return
        spill = Spill(self._scene.scratch / name / "spill.arrow", self._scene.spill)
        self.opened.spills.append(spill)
        log.info("%s is spilled to disk: several steps read it, or one reads it more than once", name)
        spill.fill(self.opened.outputs[name])
        self.opened.outputs[name].close()
        self._spilled[name] = spill

    def _edge(self, source: str, target: str) -> Batches:
        spill = self._spilled.get(source)
        stream = self.opened.outputs[source] if spill is None else spill.read(source, self._first_error)
        self.opened.edges[source, target] = stream
        return stream


def state_for(step: ManifestStep, steps: Mapping[str, ManifestStep], upto: Mapping[str, State]) -> State | None:
    """The state to commit with a writer's rows: that of the one incremental reader above it, None without one."""
    above, waiting = set[str](), list(step.inputs)
    while waiting:
        name = waiting.pop()
        if name not in above:
            above.add(name)
            waiting.extend(steps[name].inputs)
    found = [upto[name] for name in sorted(above) if name in upto]
    return found[0] if len(found) == 1 else None
