"""One flow, once: open its streams, stage every writer's rows, decide, commit; or undo all of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from osiris.compile.manifest import ManifestStep
from osiris.connectors.base import Batches, Part, Run, Token
from osiris.drivers import columns
from osiris.drivers.write import WriteDriver
from osiris.errors import OsirisError, WriteFailed
from osiris.execute.opening import Opened, Opener, state_for
from osiris.execute.scene import Scene
from osiris.runs import Decision
from osiris.stream import FirstError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Writing:
    """One writer at work: what it was given and what it has done so far."""

    step: ManifestStep
    driver: WriteDriver
    stream: Batches
    token: Token
    parts: list[Part] = field(default_factory=list)
    rows: int | None = None
    notes: tuple[str, ...] = ()


class Flow:
    """Runs in one thread; `cancel` and `interrupt` come from another. Raises the flow's first error, with its class."""

    def __init__(self, scene: Scene, steps: Sequence[ManifestStep], attempt: int) -> None:
        self.id = steps[0].id
        self.steps = {step.id: step for step in steps}
        self.writings: list[Writing] = []
        self.first_error = FirstError()
        self.durations_s: dict[str, float] = {}
        self._scene = scene
        self._attempt = attempt
        self._clients = scene.pool.group()
        self._opener = Opener(scene, steps, self._clients, self.first_error)
        self._lock = threading.Lock()
        self._decided = False
        self._started = time.monotonic()

    @property
    def duration_s(self) -> float:
        """Since the flow was made."""
        return round(time.monotonic() - self._started, 3)

    @property
    def opened(self) -> Opened:
        return self._opener.opened

    def run(self) -> None:
        """Do it all. When it raises, either nothing of the flow is visible, or the ledger says how to roll it forward."""
        try:
            try:
                self._stage()
            except BaseException as error:
                self.first_error.note(error)
                self._close()
                self._undo([(writing.step, writing.token) for writing in self.writings])
                self.first_error.raise_if_any()
            self._commit()
        finally:
            self._close()

    def cancel(self, error: OsirisError) -> bool:
        """End the flow with `error`, unless it was decided: then it is finished first, and this returns False."""
        with self._lock:
            if self._decided:
                return False
            self.first_error.note(error)
            return True

    @property
    def failing(self) -> bool:
        """It has met an error, and may be interrupted: what was decided is never interrupted."""
        return self.first_error.happened.is_set() and not self._decided

    def interrupt(self) -> None:
        """End what the flow's threads are blocked in; after `cancel`, repeated until the flow has ended."""
        self._clients.interrupt()
        self._opener.opened.interrupt()

    def _stage(self) -> None:
        scene = self._scene
        self._opener.open()
        writers = [step for step in self.steps.values() if step.mode == "write"]
        for step in writers:
            self._plan_write(step, sole=len(writers) == 1)
        for writing in self.writings:
            with _named(writing.step):
                writing.driver.begin(writing.token, writing.stream.schema)
        for writing in self.writings:
            with _named(writing.step):
                writing.parts = writing.driver.write(writing.token, writing.stream, self._threads(writing.step))
        for writing in self.writings:
            scene.leases.check(str(writing.token.target))
        with self._lock:
            self.first_error.raise_if_any()
            scene.ledger.decided(self.id, [self._decision(writing) for writing in self.writings])
            self._decided = True

    def _plan_write(self, step: ManifestStep, sole: bool) -> None:
        scene = self._scene
        scene.mark(step.id, "running")
        with _named(step):
            driver = WriteDriver(scene.bind(step, self._clients, self.first_error))
            (source,) = step.inputs
            stream = columns.apply(self._opener.opened.edges[source, step.id], step.columns)
            scene.request.progress.steps[step.id].streams = [stream]
            run = Run(scene.folder.run_id, scene.manifest.name, step.id, self._attempt, sole=sole)
            token = driver.token(stream.schema, run)
            target = str(token.target)
            scene.leases.take(target, wait=scene.request.wait, stopped=self.first_error.happened.is_set)
            scene.ledger.planned(self.id, self._attempt, token)
            self.writings.append(Writing(step, driver, stream, token))

    def _threads(self, step: ManifestStep) -> int:
        """How many instances write at once: as many as splits are read, where no order is to be kept."""
        (source,) = step.inputs
        if step.options.get("write_mode") == "upsert":
            return 1
        return min(self._scene.environment.jobs, self._opener.opened.splits.get(source, 1))

    def _decision(self, writing: Writing) -> Decision:
        state = state_for(writing.step, self.steps, self._opener.opened.upto)
        return Decision(writing.token, tuple(writing.parts), state)

    def _commit(self) -> None:
        """Commit the one writer that cannot be committed later first, then the rest; then nothing is undone any more."""
        ordered = sorted(self.writings, key=lambda writing: writing.token.durable)
        for number, writing in enumerate(ordered):
            with _named(writing.step):
                self._commit_one(writing, first=number == 0)
        for writing in ordered:
            writing.driver.close()
            WriteDriver(self._scene.rebind(writing.driver.bound, FirstError())).finish(writing.token)
            self._scene.mark(writing.step.id, "done")
        self._scene.ledger.done(self.id)

    def _commit_one(self, writing: Writing, first: bool) -> None:
        state = self._decision(writing).state
        try:
            written = writing.driver.commit(writing.token, writing.parts, state)
            writing.notes = written.notes
        except OsirisError as error:
            writing.driver.close()
            self._after_failed_commit(writing, error, first)
        writing.rows = sum(part.rows for part in writing.parts)
        self._scene.ledger.committed(self.id, writing.step.id, writing.rows)
        self.durations_s[writing.step.id] = self.duration_s

    def _after_failed_commit(self, writing: Writing, error: OsirisError, first: bool) -> None:
        """The answer may be lost though the commit was done: ask the target. Returns when it was; else raises."""
        fresh = WriteDriver(self._scene.rebind(writing.driver.bound, FirstError()))
        known = fresh.settle(writing.token, writing.parts)
        if known == "committed":
            log.warning("%s: the commit failed (%s), but the target has it", writing.step.id, error)
            return
        if known == "not_committed" and first:
            self.first_error.note(error)
            self._close()
            self._undo([(other.step, other.token) for other in self.writings])
            raise error
        if known == "not_committed" and writing.token.durable:
            fresh.recommit(writing.token, writing.parts, self._decision(writing).state)
            return
        raise WriteFailed(
            f"the commit's answer was lost and {writing.token.target} does not say whether it was done: {error}",
            code="commit.unknown",
            hint="run the pipeline again: it asks the target before it does anything else",
        ) from error

    def _undo(self, planned: Sequence[tuple[ManifestStep, Token]]) -> None:
        """Remove all staging. What cannot be removed now stays in the ledger, and the next run removes it."""
        if not planned:
            return
        self._scene.ledger.undoing(self.id)
        clean = True
        for step, token in planned:
            driver = next(writing.driver for writing in self.writings if writing.token == token)
            fresh = WriteDriver(self._scene.rebind(driver.bound, FirstError()))
            try:
                fresh.abort(token)
            except OsirisError as error:
                clean = False
                log.warning("%s: staging could not be removed, the next run will: %s", step.id, error)
        if clean:
            self._scene.ledger.undone(self.id)

    def _close(self) -> None:
        self._opener.opened.close()
        for writing in self.writings:
            writing.driver.close()
        self._clients.close()


class _named:
    """Puts the step's id on an OsirisError that passes through."""

    def __init__(self, step: ManifestStep) -> None:
        self._step = step

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OsirisError):
            error.step = error.step or self._step.id
