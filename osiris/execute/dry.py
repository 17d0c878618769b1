"""A dry run: everything a run would check before its first row, and how many rows it expects; no target is touched."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from osiris.compile.manifest import Manifest
from osiris.compile.plan import flows
from osiris.connectors.pool import Pool
from osiris.errors import OsirisError
from osiris.execute.base import Environment, Request
from osiris.execute.foresight import Foresight
from osiris.execute.summary import outcome
from osiris.execute.supervise import supervise
from osiris.runs import Report, StepReport, peak_memory_mb, unfinished
from osiris.stream import FirstError


def preview(environment: Environment, manifest: Manifest, request: Request, started: float) -> Report:
    """Resolve every step, plan the reads from metadata, bind the SQL, check the targets' connections, and hold what
    would be written against what is there. It goes on after a failure, so that the report has all of them."""
    look = _Preview(environment, manifest)
    errors: tuple[OsirisError, ...]
    try:
        supervise(look, request.cancellation, environment.clean_up_s)
        errors = tuple(look.errors)
    except OsirisError as error:
        errors = (error,)
    reports = [look.steps.get(step.id, StepReport(step.id, step.component, "skipped")) for step in manifest.steps]
    return Report(
        outcome(errors[0] if errors else None),
        "",
        manifest.name,
        manifest.fingerprint,
        round(time.monotonic() - started, 3),
        peak_memory_mb(),
        "",
        tuple(reports),
        warnings=(*request.warnings, *_unsettled(environment.root, manifest)),
        errors=errors,
        dry_run=True,
    )


def _unsettled(root: Path, manifest: Manifest) -> list[str]:
    """A run would settle these first, and so may find other targets than this look."""
    found = unfinished(root, manifest.profile, manifest.name)
    return [f"run {run.run_id} of this pipeline is unfinished: a run settles it before it begins" for run in found]


class _Preview:
    """The look at all steps, as a job that can be stopped."""

    id = "preview"

    def __init__(self, environment: Environment, manifest: Manifest) -> None:
        self.steps: dict[str, StepReport] = {}
        self.errors: list[OsirisError] = []
        self._environment = environment
        self._manifest = manifest
        self._pool = Pool(environment.registry)
        self._clients = self._pool.group()
        self._first_error = FirstError()
        self._foresight: Foresight | None = None

    def run(self) -> None:
        by_id = {step.id: step for step in self._manifest.steps}
        order = flows(self._manifest.steps)
        writers = {step: sum(by_id[name].mode == "write" for name in flow) for flow in order for step in flow}
        try:
            with tempfile.TemporaryDirectory(prefix="osiris-dry-") as folder:
                foresight = Foresight(self._environment, self._manifest, self._clients, Path(folder), writers)
                self._foresight = foresight
                for step in (by_id[name] for flow in order for name in flow):
                    report, errors = foresight.look_at(step)
                    self._first_error.raise_if_any()
                    self.steps[step.id] = report
                    self.errors += errors
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
        active = self._foresight.active if self._foresight is not None else None
        if active is not None:
            active.interrupt()

    def abandon(self, error: OsirisError) -> None:
        self.cancel(error)
        self.interrupt()
