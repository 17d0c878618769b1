"""The local executor: settles what is unfinished, runs the flows one after another, and writes the report."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from osiris.compile import manifest as manifests
from osiris.compile.manifest import Manifest, ManifestStep
from osiris.compile.plan import flows
from osiris.connectors.pool import Pool
from osiris.errors import Cancelled, ConfigError, InternalError, OsirisError
from osiris.events import Event, FileSink, Metric
from osiris.execute import summary
from osiris.execute.base import Environment, Executor, Progress, Request, StepProgress
from osiris.execute.dry import preview
from osiris.execute.lease import Leases, of_pipeline
from osiris.execute.recover import Settlement
from osiris.execute.scene import Scene
from osiris.execute.supervise import run_flow, supervise
from osiris.runs import Edge, FlowState, Ledger, Report, RunFolder, StepReport, create, peak_memory_mb, unfinished
from osiris.runs.log import LOG, LogFormatter
from osiris.secrets import RedactingFilter, redactor
from osiris.stream import Budget, SpillSpace

log = logging.getLogger(__name__)
UNFINISHED = "call osiris run again: it first finishes or undoes what this run has left"


class LocalExecutor(Executor):
    """Runs everything in this process, on threads."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def run(self, manifest: Manifest, request: Request) -> Report:
        started = time.monotonic()
        request.progress.steps = {step.id: StepProgress(step.id, step.component) for step in manifest.steps}
        if request.dry_run:
            return preview(self._environment, manifest, request, started)
        waits: list[str] = []
        tell = partial(_tell, request.progress, waits)
        entry = Leases(self._environment.root, {"pipeline": manifest.name}, tell)
        try:
            proceed = request.cancellation.raise_if_requested
            entry.take(of_pipeline(manifest.name, manifest.profile), wait=request.wait, proceed=proceed)
            folder, settled = self._settle(manifest, request)
            if folder is None:
                folder = create(self._environment.root, manifest.profile, manifest.name)
                manifests.freeze(manifest, folder.path)
            entry.name_run(folder.run_id)
            with self._scene(manifest, folder, request) as scene:
                for line in (*waits, *settled):
                    log.info("%s", line)
                return _finish(scene, _Work(scene, started, settled).run())
        finally:
            entry.close()

    def _settle(self, manifest: Manifest, request: Request) -> tuple[RunFolder | None, tuple[str, ...]]:
        """Settle this pipeline's unfinished runs. Returns the one to go on with, if any, and what was done."""
        resume: RunFolder | None = None
        settled: list[str] = []
        for folder in unfinished(self._environment.root, manifest.profile, manifest.name):
            if not (folder.path / manifests.FILE).exists():
                _close_ledger(folder)  # killed before it had a manifest, so before it did anything
                continue
            frozen = manifests.load(folder.path / manifests.FILE)
            with self._scene(frozen, folder, request) as scene:
                supervise(Settlement(scene), request.cancellation, self._environment.clean_up_s)
                known = folder.state().flows
                done = [name for name, flow in known.items() if flow.done]
                settled.append(_describe(folder, known, len(flows(frozen.steps))))
                if request.again or not _to_finish(known):
                    scene.remove_scratch()
                    scene.ledger.finished("failure")
                elif done and frozen.fingerprint != manifest.fingerprint:
                    raise _changed(folder, done)
                elif done:
                    resume = folder
        return resume, tuple(settled)

    @contextmanager
    def _scene(self, manifest: Manifest, folder: RunFolder, request: Request) -> Iterator[Scene]:
        environment = self._environment
        sink = FileSink(folder.path)
        scene = Scene(
            environment,
            manifest,
            folder,
            Ledger(folder.path),
            Leases(
                environment.root,
                {"pipeline": manifest.name, "run": folder.run_id},
                partial(_tell, request.progress, None),
            ),
            Pool(environment.registry),
            Budget(environment.memory_bytes, environment.jobs),
            SpillSpace(environment.spill_limit_bytes),
            sink,
            request,
            list(request.warnings),
        )
        try:
            with _logging_to(folder.path / LOG, scene.warnings):
                yield scene
        finally:
            scene.close()
            sink.close()


class _Work:
    """One process's work on one run."""

    def __init__(self, scene: Scene, started: float, settled: tuple[str, ...]) -> None:
        self._scene = scene
        self._started = started
        self._settled = settled
        self._steps: dict[str, StepReport] = {}
        self._edges: list[Edge] = []

    def run(self) -> Report:
        scene = self._scene
        scene.sink.emit(Event("run.started", None, {"run_id": scene.folder.run_id, "pipeline": scene.manifest.name}))
        by_id = {step.id: step for step in scene.manifest.steps}
        error: OsirisError | None = None
        before = scene.folder.state().flows
        for ids in flows(scene.manifest.steps):
            steps = [by_id[name] for name in ids]
            state = before.get(steps[0].id, FlowState())
            if error is not None:
                self._steps.update({step.id: StepReport(step.id, step.component, "skipped") for step in steps})
            elif state.done:
                self._take_over(steps, state)
            else:
                error = self._flow(steps, state)
        report = self._report(error)
        scene.sink.emit(Event("run.finished", None, {"status": report.status, "duration_s": report.duration_s}))
        return report

    def _take_over(self, steps: list[ManifestStep], state: FlowState) -> None:
        for step in steps:
            self._steps[step.id] = StepReport(step.id, step.component, "success")
            self._scene.mark(step.id, "done")
        for decision in state.decided or ():
            self._scene.written.setdefault(str(decision.token.target), set()).add(decision.token.step)
        self._steps.update(summary.steps_before(state, {step.id: step for step in steps}))

    def _flow(self, steps: list[ManifestStep], state: FlowState) -> OsirisError | None:
        scene, started = self._scene, time.monotonic()
        try:
            scene.request.cancellation.raise_if_requested()
            flow = run_flow(scene, steps, state.attempt + 1)
        except OsirisError as error:
            if not isinstance(error, Cancelled):
                error.step = error.step or steps[0].id
            spent_s = round(time.monotonic() - started, 3)
            committed = scene.folder.state().flows.get(steps[0].id, FlowState()).committed
            self._steps.update(summary.failed(steps, error, spent_s, scene.request.progress.steps, committed))
            for step in steps:
                if summary.blame(step.id, error) == "failure":
                    scene.mark(step.id, "failed", code=error.code, message=str(error))
                else:
                    scene.mark(step.id, "cancelled")
            _log(error)
            return error
        finally:
            scene.leases.close()
        reports = summary.steps_of(flow)
        self._steps.update(reports)
        self._edges.extend(summary.edges_of(flow))
        for report in reports.values():
            scene.mark(report.id, "done")
            self._measure(report)
        return None

    def _measure(self, step: StepReport) -> None:
        emit = self._scene.sink.emit
        emit(Metric("rows_read", step.rows_read, "rows", step.id))
        emit(Metric("rows_written", step.rows_written, "rows", step.id))
        emit(Metric("rows_processed", max(step.rows_read, step.rows_written), "rows", step.id))
        data = {"rows_read": step.rows_read, "rows_written": step.rows_written, "datasets": list(step.datasets)}
        emit(Event("step.finished", step.id, data))

    def _report(self, error: OsirisError | None) -> Report:
        scene = self._scene
        if error is not None and _to_finish(scene.folder.state().flows):
            error.hint = error.hint or UNFINISHED
        ordered = tuple(self._steps[step.id] for step in scene.manifest.steps)
        return Report(
            summary.outcome(error),
            scene.folder.run_id,
            scene.manifest.name,
            scene.manifest.fingerprint,
            round(time.monotonic() - self._started, 3),
            peak_memory_mb(),
            str(scene.folder.path / "report.json"),
            ordered,
            tuple(self._edges),
            tuple(dict.fromkeys(scene.warnings)),
            self._settled,
            (error,) if error is not None else (),
        )


def _log(error: OsirisError) -> None:
    """For the run's own log: the faces show the report's error. The traceback of one that was foreseen is a detail."""
    about = {"step": error.step, "reported": True}
    if isinstance(error, InternalError):
        log.error("%s", error, exc_info=error, extra=about)
        return
    log.info("%s", error, extra=about)
    log.debug("where it was raised", exc_info=error, extra=about)


def _tell(progress: Progress, sentences: list[str] | None, sentence: str) -> None:
    """To whoever looks on, and to the run's log; to `sentences` while there is no such log yet."""
    progress.message = sentence
    if sentences is None:
        log.info("%s", sentence)
    else:
        sentences.append(sentence)


def _finish(scene: Scene, report: Report) -> Report:
    """Write the report, and close the ledger of a run that is over."""
    report.write(scene.folder.path)
    scene.remove_scratch()
    if report.status == "success" or not _to_finish(scene.folder.state().flows):
        scene.ledger.finished(report.status)
    return report


def _to_finish(known: Mapping[str, FlowState]) -> bool:
    """Something of the run is committed, or some of its staging could not be removed: it is not over."""
    return any(flow.done or flow.planned for flow in known.values())


def _describe(folder: RunFolder, known: Mapping[str, FlowState], total: int) -> str:
    done = sum(flow.done for flow in known.values())
    left = [str(token.target) for flow in known.values() if not flow.done for token in flow.planned]
    rest = f"; staging for {', '.join(left)} could not be removed yet" if left else ""
    return f"run {folder.run_id}: {done} of {total} flows are committed{rest}"


def _changed(folder: RunFolder, done: list[str]) -> ConfigError:
    return ConfigError(
        f"run {folder.run_id} of an earlier version of this pipeline is unfinished: it committed {', '.join(done)} "
        "and not the rest",
        code="run.changed",
        hint="restore the pipeline and its parameters to finish that run, or give --again to start anew",
    )


def _close_ledger(folder: RunFolder) -> None:
    ledger = Ledger(folder.path)
    ledger.finished("failure")
    ledger.close()


class _Keeping(logging.Handler):
    """Keeps the warnings that are logged, for the report; what is `reported` as its error is no warning besides."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, "reported", False):
            self._kept.append(redactor.text(record.getMessage()))


@contextmanager
def _logging_to(path: Path, warnings: list[str]) -> Iterator[None]:
    """Everything that Osiris logs, from DEBUG up, redacted, into the run's own file; warnings into `warnings` too."""
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(LogFormatter())
    file.addFilter(RedactingFilter())
    logger = logging.getLogger("osiris")
    level = logger.level
    handlers = (file, _Keeping(warnings))
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
        logger.setLevel(level)
        file.close()
