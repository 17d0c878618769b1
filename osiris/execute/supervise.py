"""Running a flow to its end: attempts, timeout, cancellation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from osiris.compile.manifest import ManifestStep, Retry
from osiris.errors import InternalError, OsirisError, RateLimited, TimedOut
from osiris.events import Event
from osiris.execute.flow import Flow
from osiris.execute.scene import Scene

log = logging.getLogger(__name__)
POLL_S = 0.05


def run_flow(scene: Scene, steps: Sequence[ManifestStep], first_attempt: int) -> Flow:
    """Run the flow, again after a failure that may pass, as often as its steps' `retry` allows.

    Returns the flow that was committed; raises the last attempt's OsirisError, its staging removed.
    """
    retry = max((step.retry for step in steps), key=lambda retry: retry.attempts)
    for number in range(1, max(1, retry.attempts) + 1):
        flow = Flow(scene, steps, first_attempt + number - 1)
        try:
            _supervise(scene, flow, _timeout_s(steps))
        except OsirisError as error:
            if number >= retry.attempts or not error.retryable or scene.request.cancellation.requested:
                raise
            wait_s = _wait_s(retry, number, error)
            log.warning("attempt %d of %d failed, the next starts in %g s: %s", number, retry.attempts, wait_s, error)
            scene.sink.emit(
                Event("flow.retried", error.step, {"attempt": number, "wait_s": wait_s, "message": str(error)})
            )
            _sleep(scene, wait_s)
        else:
            return flow
    raise InternalError("a flow ended without a result")


def _supervise(scene: Scene, flow: Flow, timeout_s: float | None) -> None:
    """Drive the flow in a thread of its own, so that this one can see signals, the clock and a cancellation."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            flow.run()
        except BaseException as error:  # noqa: BLE001 - carried to the supervising thread, which raises it
            raised.append(error)

    thread = threading.Thread(target=work, name=f"osiris-flow-{flow.id}", daemon=True)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    thread.start()
    stopping = False
    while thread.is_alive():
        try:
            thread.join(POLL_S)
            if not stopping and scene.request.cancellation.requested:
                stopping = flow.cancel(scene.request.cancellation.error())
            elif not stopping and deadline is not None and time.monotonic() > deadline:
                stopping = flow.cancel(_late(flow, timeout_s))
                deadline = None
            if flow.failing:
                flow.interrupt()
        except KeyboardInterrupt:
            if scene.request.cancellation.requested:
                raise
            scene.request.cancellation.request()
    if raised:
        raise _known(raised[0])


def _known(error: BaseException) -> BaseException:
    if isinstance(error, OsirisError) or not isinstance(error, Exception):
        return error
    wrapped = InternalError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _late(flow: Flow, timeout_s: float | None) -> TimedOut:
    error = TimedOut(f"the steps {', '.join(flow.steps)} took longer than {timeout_s:g} s", code="step.timeout")
    error.hint = "raise the step's timeout, or give it less to do"
    return error


def _timeout_s(steps: Sequence[ManifestStep]) -> float | None:
    """The shortest timeout of the flow's steps: they run together, so it ends all of them."""
    return min((step.timeout_s for step in steps if step.timeout_s is not None), default=None)


def _wait_s(retry: Retry, number: int, error: OsirisError) -> float:
    wait_s: float = min(retry.backoff_s * 2 ** (number - 1), retry.max_backoff_s)
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return max(wait_s, error.retry_after_s)
    return wait_s


def _sleep(scene: Scene, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        if scene.request.cancellation.requested:
            raise scene.request.cancellation.error()
        time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))
