"""A dry run: everything a run would check before its first row, and how many rows it expects; no target is touched."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from osiris.compile.manifest import Manifest, ManifestStep
from osiris.connectors.base import ReadPlan
from osiris.connectors.pool import Group, Pool
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
    """Resolve every step, load its connector, and plan the reads from metadata. Writers are resolved and not opened."""
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
            self.steps[step.id] = _preview(self._environment, step, self._clients, folder)
        except OsirisError as error:
            if isinstance(error, NotFound) and step.after:
                note = f"not there yet, an earlier step may make it: {error}"
                self.steps[step.id] = StepReport(step.id, step.component, "planned", notes=(note,))
                return
            error.step = step.id
            self.failure = self.failure or error
            self.steps[step.id] = StepReport(step.id, step.component, "failure")


def _preview(environment: Environment, step: ManifestStep, clients: Group, folder: Path) -> StepReport:
    binding = environment.bind(step)
    if step.mode != "read":
        return StepReport(step.id, step.component, "planned")
    context = Context(step.id, Workspace(folder, folder))
    driver = ExtractDriver(Bound(binding.implementation, binding.connection, binding.options, context, clients))
    try:
        plan: ReadPlan = driver.plan(environment.jobs)
    finally:
        driver.close()
    datasets = tuple({"namespace": dataset.namespace, "name": dataset.name} for dataset in plan.datasets)
    return StepReport(step.id, step.component, "planned", estimated_rows=plan.estimated_rows, datasets=datasets)
