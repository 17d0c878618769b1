"""The scene of a run: all that its flows share, and how a step of the manifest becomes a driver."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from osiris.compile.manifest import Manifest, ManifestStep
from osiris.connectors.pool import Group, Pool
from osiris.drivers.bound import Bound
from osiris.errors import Cancelled, OsirisError
from osiris.events import Event, Sink, about
from osiris.execute.base import Environment, Request, StepState
from osiris.execute.lease import Leases
from osiris.runs import Ledger, RunFolder
from osiris.step import Context, Workspace
from osiris.stream import Budget, FirstError, SpillSpace

SCRATCH = Path(".osiris") / "scratch"


@dataclass(frozen=True, slots=True)
class Scene:
    """One run at work: shared by its flows, closed by the executor."""

    environment: Environment
    manifest: Manifest
    folder: RunFolder
    ledger: Ledger
    leases: Leases
    pool: Pool
    budget: Budget
    spill: SpillSpace
    sink: Sink
    request: Request
    warnings: list[str]
    written: dict[str, set[str]] = field(default_factory=dict)
    """Which writers of this run have committed to each target."""

    @property
    def scratch(self) -> Path:
        """Private to this run; removed with it."""
        return self.environment.root / SCRATCH / self.folder.run_id

    def bind(self, step: ManifestStep, clients: Group, first_error: FirstError) -> Bound:
        """The step's class, connection and options, with folders of its own. Raises an OsirisError naming the step."""
        with naming(step.id):
            binding = self.environment.bind(step)
        scratch = self.scratch / step.id
        scratch.mkdir(parents=True, exist_ok=True)
        workspace = Workspace(scratch, self.folder.output(step.id))
        context = Context(step.id, workspace, first_error, self.sink)
        return Bound(binding.implementation, binding.connection, binding.options, context, clients)

    def mark(self, step: str, state: StepState, **why: str) -> None:
        self.request.progress.steps[step].state = state
        self.sink.emit(Event(f"step.{state}", step, why))

    @contextmanager
    def waiting(self, step: str, what: str) -> Generator[None]:
        """For whoever looks on: the step waits for `what` while the block runs."""
        progress = self.request.progress.steps.get(step)  # None: of a run before, which is settled
        if progress is None:
            yield
            return
        progress.waits_for = what
        try:
            yield
        finally:
            progress.waits_for = ""

    def remove_scratch(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)

    def close(self) -> None:
        self.pool.close()
        self.leases.close()
        self.ledger.close()
        self.remove_scratch()


@contextmanager
def naming(step: str) -> Generator[None]:
    """Put the step's id on what is logged, and on an OsirisError that passes through without one.

    A Cancelled gets none: whoever stopped the run, it was not the step that was at work.
    """
    try:
        with about(step):
            yield
    except Cancelled:
        raise
    except OsirisError as error:
        error.step = error.step or step
        raise
