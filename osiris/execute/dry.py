"""A dry run: everything a run would check before its first row, and how many rows it expects; no target is touched."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pyarrow as pa

from osiris.compile.manifest import Manifest, ManifestStep
from osiris.connectors.base import Batches
from osiris.connectors.pool import Pool
from osiris.drivers import columns
from osiris.drivers.bound import Bound
from osiris.drivers.extract import ExtractDriver
from osiris.errors import NotFound, OsirisError
from osiris.execute.base import Environment, Request
from osiris.execute.summary import outcome
from osiris.execute.supervise import supervise
from osiris.runs import Report, StepReport, peak_memory_mb
from osiris.step import Context, Workspace
from osiris.stream import FirstError


def preview(environment: Environment, manifest: Manifest, request: Request, started: float) -> Report:
    """Resolve every step, load its connector, plan the reads from metadata, and hold `columns` against what is read.

    Writers are not opened. What comes out of a processor is known only when it runs.
    """
    look = _Preview(environment, manifest)
    try:
        supervise(look, request.cancellation, environment.clean_up_s)
    except OsirisError as error:
        look.failure = error
    reports = [look.steps.get(step.id, StepReport(step.id, step.component, "skipped")) for step in manifest.steps]
    return Report(
        outcome(look.failure),
        "",
        manifest.name,
        manifest.fingerprint,
        round(time.monotonic() - started, 3),
        peak_memory_mb(),
        "",
        tuple(reports),
        warnings=request.warnings,
        error=look.failure,
    )


class _Preview:
    """The look at all steps, as a job that can be stopped."""

    id = "preview"

    def __init__(self, environment: Environment, manifest: Manifest) -> None:
        self.steps: dict[str, StepReport] = {}
        self.failure: OsirisError | None = None
        self._environment = environment
        self._manifest = manifest
        self._pool = Pool(environment.registry)
        self._clients = self._pool.group()
        self._first_error = FirstError()
        self._schemas: dict[str, pa.Schema] = {}

    def run(self) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="osiris-dry-") as folder:
                for step in self._manifest.steps:
                    self._look_at(step, Path(folder))
                    self._first_error.raise_if_any()
        finally:
            self._clients.close()
            self._pool.close()

    def cancel(self, error: OsirisError) -> None:
        self._first_error.note(error)

    @property
    def failing(self) -> bool:
        return self._first_error.happened.is_set()

    def interrupt(self) -> None:
        self._clients.interrupt()

    def abandon(self, error: OsirisError) -> None:
        self.cancel(error)
        self.interrupt()

    def _look_at(self, step: ManifestStep, folder: Path) -> None:
        try:
            self.steps[step.id] = self._preview(step, folder)
        except OsirisError as error:
            if isinstance(error, NotFound) and step.after:
                note = f"not there yet, an earlier step may make it: {error}"
                self.steps[step.id] = StepReport(step.id, step.component, "planned", notes=(note,))
                return
            error.step = step.id
            self.failure = self.failure or error
            self.steps[step.id] = StepReport(step.id, step.component, "failure")

    def _preview(self, step: ManifestStep, folder: Path) -> StepReport:
        binding = self._environment.bind(step)
        known = [self._schemas[name] for name in step.inputs if name in self._schemas]
        if step.mode == "write" and known:
            columns.apply(Batches.of(known[0], ()), step.columns)
        if step.mode != "read":
            return StepReport(step.id, step.component, "planned")
        context = Context(step.id, Workspace(folder, folder))
        bound = Bound(binding.implementation, binding.connection, binding.options, context, self._clients)
        driver = ExtractDriver(bound)
        try:
            plan = driver.plan(self._environment.jobs)
        finally:
            driver.close()
        self._schemas[step.id] = plan.schema
        datasets = tuple({"namespace": dataset.namespace, "name": dataset.name} for dataset in plan.datasets)
        return StepReport(step.id, step.component, "planned", estimated_rows=plan.estimated_rows, datasets=datasets)
