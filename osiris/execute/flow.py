"""One flow, once: open its streams, stage every writer's rows, decide, commit; or undo all of it."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from osiris.compile.manifest import ManifestStep
from osiris.connectors.base import Batches, Part, Run, Token
from osiris.drivers import columns
from osiris.drivers.write import WriteDriver
from osiris.errors import InternalError, OsirisError, WriteFailed
from osiris.execute import rivals
from osiris.execute.ending import Ending, NotCommitted
from osiris.execute.opening import Opened, Opener, state_for
from osiris.execute.scene import Scene, naming
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
    notes: tuple[str, ...] = ()


class Flow:
    """Runs in one thread; `cancel`, `interrupt` and `abandon` come from another."""

    def __init__(self, scene: Scene, steps: Sequence[ManifestStep], attempt: int) -> None:
        self.id = steps[0].id
        self.steps = {step.id: step for step in steps}
        self.writings: list[Writing] = []
        self.first_error = FirstError()
        self.abandoned = False
        self._scene = scene
        self._attempt = attempt
        self._clients = scene.pool.group()
        self._opener = Opener(scene, steps, self._clients, self.first_error)
        self._ending = Ending(scene, self.id)
        self._lock = threading.Lock()
        self._decisions: list[Decision] | None = None
        self._recalled: OsirisError | None = None
        self._started = time.monotonic()
        for step in steps:  # what an earlier attempt has read is no part of this one
            progress = scene.request.progress.steps[step.id]
            progress.streams, progress.inputs = [], []

    @property
    def duration_s(self) -> float:
        """Since the flow was made."""
        return round(time.monotonic() - self._started, 3)

    @property
    def opened(self) -> Opened:
        return self._opener.opened

    @property
    def decided(self) -> bool:
        """All its writers have staged their rows: from here on it is committed, or undone by its own decision."""
        return self._decisions is not None

    def run(self) -> None:
        """Do it all; in a second call, what is left to commit. Raises the flow's first error, with its class.

        When it raises and the flow is not `decided`, nothing of it is visible; otherwise it can only go forward.
        """
        try:
            if not self.decided:
                self._stage()
            self._commit()
        except BaseException as error:
            if not self.decided:
                self.first_error.note(error)
                self._close()
                self._ending.undo()
            self.first_error.raise_if_any()
            raise
        finally:
            self._close()
            for step in self.steps:
                shutil.rmtree(self._scene.scratch / step, ignore_errors=True)

    def cancel(self, error: OsirisError) -> None:
        """End the flow with `error`. One that is decided is taken back while none of its commits is done, and else
        finished first."""
        with self._lock:
            if self.decided:
                self._recalled = error
            else:
                self.first_error.note(error)

    @property
    def failing(self) -> bool:
        """It is to end, and may be interrupted."""
        return self._recalled is not None if self.decided else self.first_error.happened.is_set()

    def interrupt(self) -> None:
        """End what the flow's threads are blocked in, or its first commit; repeated until the flow has ended."""
        if not self.decided:
            self._cut()
        elif waits_for := self._ending.recall():
            self._scene.request.progress.message = waits_for

    def _cut(self) -> None:
        self._clients.interrupt()
        self._opener.opened.interrupt()

    def abandon(self, error: OsirisError) -> None:
        """End it with `error` in whatever state it is, undoing and committing included; the next run settles it."""
        self.abandoned = True
        self.first_error.note(error)
        self._cut()
        self._ending.interrupt()

    def _stage(self) -> None:
        scene = self._scene
        self._opener.open()
        self._name_writes()
        for writing in self.writings:
            with naming(writing.step.id), scene.waiting(writing.step.id, f"{writing.token.target} to begin"):
                writing.driver.begin(writing.token, writing.stream.schema)
        for writing in self.writings:
            with naming(writing.step.id):
                writing.parts = writing.driver.write(writing.token, writing.stream, self._threads(writing.step))
        # A reader's snapshot may hold locks on what is about to be replaced, and a LIMIT leaves readers at work.
        self._opener.opened.close()
        for writing in self.writings:
            scene.leases.check(str(writing.token.target))
        with self._lock:
            self.first_error.raise_if_any()
            decisions = [self._decision(writing) for writing in self.writings]
            scene.ledger.decided(self.id, decisions)
            self._decisions = decisions

    def _name_writes(self) -> None:
        """Name each write and take the lease on its target, in one order for all runs: no two wait for each other."""
        scene = self._scene
        writers = [step for step in self.steps.values() if step.mode == "write"]
        named = [self._name_write(step, sole=len(writers) == 1) for step in writers]
        if sum(not writing.token.durable for writing in named) > 1:
            raise InternalError(
                f"the writers {', '.join(writer.id for writer in writers)} stage rows that die with the process, "
                "though they are told that they are not the only one of their flow (Run.sole)",
                code="write.not_durable",
            )
        self._check_rivals(named)
        for writing in sorted(named, key=lambda writing: str(writing.token.target)):
            with naming(writing.step.id):
                proceed = self.first_error.raise_if_any
                scene.leases.take(str(writing.token.target), wait=scene.request.wait, proceed=proceed)
        for writing in named:
            scene.ledger.planned(self.id, self._attempt, writing.token)
        self.writings = named

    def _check_rivals(self, named: Sequence[Writing]) -> None:
        for writing in named:
            target = str(writing.token.target)
            beside = {other.step.id for other in named if other is not writing and str(other.token.target) == target}
            if others := beside | self._scene.written.get(target, set()):
                with naming(writing.step.id):
                    rivals.check(writing.step, target, others, self._scene.manifest.steps)

    def _name_write(self, step: ManifestStep, *, sole: bool) -> Writing:
        scene = self._scene
        scene.mark(step.id, "running")
        with naming(step.id):
            driver = WriteDriver(scene.bind(step, self._clients, self.first_error))
            (source,) = step.inputs
            stream = columns.apply(self._opener.opened.edges[source, step.id], step.columns)
            scene.request.progress.steps[step.id].streams = [stream]
            run = Run(scene.folder.run_id, scene.manifest.name, step.id, self._attempt, sole=sole)
            return Writing(step, driver, stream, driver.token(stream.schema, run))

    def _threads(self, step: ManifestStep) -> int:
        """How many instances write at once: as many as splits are read, where no order is to be kept."""
        (source,) = step.inputs
        if self._opener.opened.ordered.get(source, True):
            return 1
        return min(self._scene.environment.jobs, self._opener.opened.splits.get(source, 1))

    def _decision(self, writing: Writing) -> Decision:
        state = state_for(writing.step, self.steps, self._opener.opened.upto)
        return Decision(writing.token, tuple(writing.parts), state)

    def _commit(self) -> None:
        assert self._decisions is not None, "only a decided flow is committed"
        live = {writing.step.id: writing.driver for writing in self.writings if writing.driver.is_open}
        try:
            written = self._ending.commit(self._decisions, live)
        except NotCommitted as refused:
            self._decisions = None
            if self._recalled is not None:
                raise self._recalled from refused.reason
            reason = refused.reason or _lost()
            reason.step = reason.step or refused.step
            raise reason from reason.__cause__
        if self._recalled is not None:
            log.warning("it was to stop, but was committed by then: %s", self._recalled)
        for writing in self.writings:
            self._scene.written.setdefault(str(writing.token.target), set()).add(writing.step.id)
            if writing.step.id in written:
                writing.notes = written[writing.step.id].notes
                for text in written[writing.step.id].warnings:
                    log.warning("%s", text, extra={"step": writing.step.id})

    def _close(self) -> None:
        self._opener.opened.close()
        for writing in self.writings:
            writing.driver.close()
        self._clients.close()


def _lost() -> WriteFailed:
    """The first try's answer was lost, and by now it is known that it did nothing: the flow may be run again."""
    error = WriteFailed("the connection was lost before the commit was done", code="commit.lost")
    error.retryable = True
    return error
