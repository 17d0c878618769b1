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
from osiris.execute.base import Environment
from osiris.execute.summary import outcome
from osiris.runs import Report, StepReport, peak_memory_mb
from osiris.step import Context, Workspace


def preview(environment: Environment, manifest: Manifest, warnings: tuple[str, ...], started: float) -> Report:
    """Resolve every step, load its connector, and plan the reads from metadata. Writers are resolved and not opened."""
    pool = Pool(environment.registry)
    clients = pool.group()
    steps: list[StepReport] = []
    failure: OsirisError | None = None
    with tempfile.TemporaryDirectory(prefix="osiris-dry-") as folder:
        for step in manifest.steps:
            try:
                steps.append(_preview(environment, step, clients, Path(folder)))
            except OsirisError as error:
                if isinstance(error, NotFound) and step.after:
                    note = f"not there yet, an earlier step may make it: {error}"
                    steps.append(StepReport(step.id, step.component, "planned", notes=(note,)))
                    continue
                error.step = step.id
                failure = failure or error
                steps.append(StepReport(step.id, step.component, "failure"))
    clients.close()
    pool.close()
    duration_s = round(time.monotonic() - started, 3)
    return Report(
        outcome(failure),
        "",
        manifest.name,
        manifest.fingerprint,
        duration_s,
        peak_memory_mb(),
        "",
        tuple(steps),
        warnings=warnings,
        error=failure,
    )


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
