"""Running a flow to its end: attempts, timeout, cancellation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from osiris.compile.manifest import ManifestStep, Retry
from osiris.errors import Busy, InternalError, OsirisError, RateLimited, TimedOut
from osiris.events import Event
from osiris.execute.base import Cancellation
from osiris.execute.flow import Flow
from osiris.execute.scene import Scene

log = logging.getLogger(__name__)
POLL_S = 0.05
BUSY_S = 1.0
LEAVE_S = 3.0
"""What an urgent stop waits for a job that heeds no interrupt; the contract gives a connector one second."""


class Job(Protocol):
    """Work that one thread does and another watches over."""

    id: str

    def run(self) -> None: ...
    def cancel(self, error: OsirisError) -> None: ...
    def interrupt(self) -> None: ...
    def abandon(self, error: OsirisError) -> None: ...
    @property
    def failing(self) -> bool: ...


def run_flow(scene: Scene, steps: Sequence[ManifestStep], first_attempt: int) -> Flow:
    """Run the flow, again after a failure that may pass, as often as its steps' `retry` allows.

    A request that waits does so for a system that is busy, too. A flow that was decided is not begun anew: its next
    attempt goes on with the commit. Returns the flow that was committed; raises the last attempt's OsirisError.
    """
    retry = max((step.retry for step in steps), key=lambda retry: retry.attempts)
    flow: Flow | None = None
    number = 1
    for attempt in count(first_attempt):
        if flow is None or not flow.decided:
            flow = Flow(scene, steps, attempt)
        try:
            supervise(flow, scene.request.cancellation, scene.environment.clean_up_s, _hastiest(steps))
        except OsirisError as error:
            over = flow.decided and flow.abandoned
            if scene.request.wait and isinstance(error, Busy) and not flow.decided:
                _tell_wait(scene, error)
                _sleep(scene, BUSY_S)
                continue
            if over or number >= retry.attempts or not error.retryable:
                raise
            wait_s = _wait_s(retry, number, error)
            text, about = "attempt %d of %d failed, the next starts in %g s: %s", {"step": error.step}
            log.warning(text, number, retry.attempts, wait_s, error, extra=about)
            data = {"attempt": number, "wait_s": wait_s, "message": str(error)}
            scene.sink.emit(Event("flow.retried", error.step, data))
            _sleep(scene, wait_s)
            number += 1
        else:
            return flow
    raise InternalError("a flow ended without a result")


def supervise(job: Job, cancellation: Cancellation, clean_up_s: float, limit: ManifestStep | None = None) -> None:
    """Drive the job in a thread of its own, so that this one can see signals, the clock and a cancellation.

    `limit` is the step whose timeout ends the job. A job that is to end has `clean_up_s` for it, or until the stop is
    urgent, and is then abandoned; one that heeds not even that is left behind after the same time, or `LEAVE_S`.
    Raises what the job raised, as an OsirisError.
    """
    raised: list[BaseException] = []
    ended = threading.Event()  # not Thread.join: Ctrl-C inside it makes Python 3.11 take the thread for ended

    def work() -> None:
        try:
            job.run()
        except BaseException as error:  # noqa: BLE001 - carried to the supervising thread, which raises it
            raised.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=work, name=f"osiris-flow-{job.id}", daemon=True)
    watch = _Watch(job, cancellation, clean_up_s, limit)
    thread.start()
    while not ended.is_set():
        try:
            ended.wait(POLL_S)
            watch.look()
        except KeyboardInterrupt:
            if cancellation.urgent:
                raise
            cancellation.request()
    if raised:
        known = _known(raised[0])
        raise known from known.__cause__


class _Watch:
    """Looks after one job: why it has to stop, and since when it is stopping."""

    def __init__(self, job: Job, cancellation: Cancellation, clean_up_s: float, limit: ManifestStep | None) -> None:
        self._job = job
        self._cancellation = cancellation
        self._clean_up_s = clean_up_s
        self._limit = limit
        self._started = time.monotonic()
        self._reason: OsirisError | None = None
        self._stopping_since: float | None = None
        self._abandoned_since: float | None = None

    def look(self) -> None:
        """Take notice of what has happened meanwhile. Raises when the job is to be left behind."""
        now = time.monotonic()
        if self._reason is None:
            self._reason = self._stop_reason(now)
            if self._reason is not None:
                self._stopping_since = now
                self._job.cancel(self._reason)
        if self._job.failing:
            self._stopping_since = self._stopping_since or now
            self._job.interrupt()
        since = self._stopping_since
        if since is not None and (self._cancellation.urgent or now - since > self._clean_up_s):
            self._abandon(now)

    def _abandon(self, now: float) -> None:
        reason = self._reason or TimedOut(f"cleaning up took longer than {self._clean_up_s:g} s")
        self._abandoned_since = self._abandoned_since or now
        self._job.abandon(reason)
        if now - self._abandoned_since > (LEAVE_S if self._cancellation.urgent else self._clean_up_s):
            log.warning("%s heeds no interrupt and is left behind", self._job.id)
            raise reason

    def _stop_reason(self, now: float) -> OsirisError | None:
        if self._cancellation.requested:
            return self._cancellation.error()
        timeout_s = self._limit.timeout_s if self._limit is not None else None
        if self._limit is None or timeout_s is None or now - self._started < timeout_s:
            return None
        late = TimedOut(f"it took longer than {timeout_s:g} s", code="step.timeout")
        late.hint = "raise the step's timeout, or give it less to do"
        late.step = self._limit.id
        return late


def _known(error: BaseException) -> OsirisError:
    if isinstance(error, OsirisError):
        return error
    wrapped = InternalError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _hastiest(steps: Sequence[ManifestStep]) -> ManifestStep | None:
    """The step with the shortest timeout: the steps of a flow run together, so it ends all of them."""
    return min(
        (step for step in steps if step.timeout_s is not None), key=lambda step: step.timeout_s or 0, default=None
    )


def _tell_wait(scene: Scene, error: OsirisError) -> None:
    """Once for each that is waited for, not for each time that it is looked for."""
    sentence = f"{error.step}: waiting, {error}"
    if scene.request.progress.message != sentence:
        scene.request.progress.message = sentence
        log.info("%s", sentence, extra={"step": error.step})


def _wait_s(retry: Retry, number: int, error: OsirisError) -> float:
    wait_s: float = min(retry.backoff_s * 2 ** (number - 1), retry.max_backoff_s)
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return max(wait_s, error.retry_after_s)
    return wait_s


def _sleep(scene: Scene, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    scene.request.cancellation.raise_if_requested()
    while (left_s := until - time.monotonic()) > 0:
        time.sleep(min(POLL_S, left_s))
        scene.request.cancellation.raise_if_requested()
