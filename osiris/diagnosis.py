"""Running a connection's checks inside a deadline, and the `Diagnosis` that comes of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from osiris.errors import OsirisError, SourceError, TimedOut
from osiris.secrets import redactor

Level = Literal["quick", "full", "write"]
log = logging.getLogger(__name__)
MOMENT_S = 0.2
"""How long a connection may take to close, and once more after it was interrupted."""
LEVELS: tuple[Level, ...] = ("quick", "full", "write")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw when that is more than a plain success: a warning, with what to do about it."""

    message: str
    status: Literal["ok", "warning"] = "warning"
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a diagnosis. `id` is stable (`net.tcp`, `auth.login`).

    `probe` returns a text (fine), a `Finding` (fine, or a warning) or raises an OsirisError, whose class gives the
    category. It runs at `level` and at every higher one.
    """

    id: str
    probe: Callable[[], str | Finding]
    level: Level = "quick"


@dataclass(frozen=True, slots=True)
class CheckResult:
    id: str
    status: Literal["ok", "warning", "failure"]
    ms: float
    message: str
    category: str = "ok"
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of one connection. `category` is `ok` or that of the first failed check; `latency_ms` is the sum of
    all checks."""

    status: Literal["success", "warning", "failure", "untestable"]
    category: str
    latency_ms: float
    message: str
    hint: str | None
    checks: tuple[CheckResult, ...]

    @property
    def ok(self) -> bool:
        return self.status in ("success", "warning")

    @classmethod
    def of(cls, checks: Sequence[CheckResult]) -> Diagnosis:
        """Sum up: the first failure counts, else the first warning, else the last check's message."""
        if not checks:
            return cls("untestable", "unknown", 0.0, "this connector declares no checks", None, ())
        latency_ms = round(sum(check.ms for check in checks), 1)
        failed = next((check for check in checks if check.status == "failure"), None)
        warned = next((check for check in checks if check.status == "warning"), None)
        if failed is not None:
            return cls("failure", failed.category, latency_ms, failed.message, failed.hint, tuple(checks))
        if warned is not None:
            return cls("warning", "ok", latency_ms, warned.message, warned.hint, tuple(checks))
        return cls("success", "ok", latency_ms, checks[-1].message, None, tuple(checks))


def error_of(check: CheckResult) -> OsirisError:
    """A failed check as the error that it was: its class by the category, message and hint as shown."""
    kinds = [kind for kind in _kinds(OsirisError) if kind.category == check.category != OsirisError.category]
    return (kinds or [OsirisError])[0](check.message, hint=check.hint)


def _kinds(kind: type[OsirisError]) -> Iterator[type[OsirisError]]:
    """All classes below `kind`, the nearest first: of several with one category the one that says least."""
    yield from kind.__subclasses__()
    for below in kind.__subclasses__():
        yield from _kinds(below)


def diagnose(
    checks: Sequence[Check],
    *,
    timeout_s: float,
    interrupt: Callable[[], None],
    classify: Callable[[Exception], OsirisError],
    finish: Callable[[], None],
) -> Diagnosis:
    """Run `checks` in order in a daemon thread until one fails or `timeout_s` is over, then `finish` in that thread.

    A check that is still running then is interrupted, given a moment, and abandoned: a server that accepts and never
    answers cannot hold the caller. The deadline counts from the first check; what ended before it counts, whatever
    `finish` does. Never raises for what a connector does.
    """
    work = _Work(checks, classify, finish)
    thread = threading.Thread(target=work.run, name="osiris-doctor", daemon=True)
    thread.start()
    if work.done.wait(timeout_s):
        thread.join(MOMENT_S)
    diagnosis = Diagnosis.of(work.results_now(timeout_s))
    given_up_at = time.monotonic() + MOMENT_S
    while thread.is_alive() and time.monotonic() < given_up_at:
        _quietly(interrupt)
        thread.join(MOMENT_S / 4)
    return diagnosis


class _Work:
    """The checks of one diagnosis. `done` is set when the last one has ended, before `finish`."""

    def __init__(
        self, checks: Sequence[Check], classify: Callable[[Exception], OsirisError], finish: Callable[[], None]
    ) -> None:
        self.done = threading.Event()
        self._checks = checks
        self._classify = classify
        self._finish = finish
        self._lock = threading.Lock()
        self._results: list[CheckResult] = []
        self._running: tuple[str, float] | None = None
        self._given_up = False

    def run(self) -> None:
        """All checks, then `finish`; for a thread of its own."""
        for check in self._checks:
            with self._lock:
                if self._given_up:
                    break
                self._running = (check.id, time.perf_counter())
            result = _run(check, self._classify)
            with self._lock:
                self._running = None
                if not self._given_up:
                    self._results.append(result)
            if result.status == "failure":
                break
        self.done.set()
        _quietly(self._finish)

    def results_now(self, timeout_s: float) -> list[CheckResult]:
        """What is known at this moment; a check that is still running has failed. What comes later does not count."""
        with self._lock:
            self._given_up = True
            results, running = list(self._results), self._running
        if running is not None:
            check, since = running
            error = TimedOut(f"no answer within {round(timeout_s, 2):g} s")
            hint = "it accepts but does not answer, or is very slow: check host, port and firewall, or raise --timeout"
            results.append(CheckResult(check, "failure", _ms_since(since), error.message, error.category, hint))
        return results


def _run(check: Check, classify: Callable[[Exception], OsirisError]) -> CheckResult:
    started = time.perf_counter()
    try:
        found = check.probe()
    except BaseException as error:  # noqa: BLE001 - a probe may fail in any way, SystemExit included
        known = _known(error, classify)
        return CheckResult(
            check.id, "failure", _ms_since(started), redactor.text(known.message), known.category, _masked(known.hint)
        )
    if isinstance(found, Finding):
        message = redactor.text(found.message)
        return CheckResult(check.id, found.status, _ms_since(started), message, "ok", _masked(found.hint))
    return CheckResult(check.id, "ok", _ms_since(started), redactor.text(found))


def _known(error: BaseException, classify: Callable[[Exception], OsirisError]) -> OsirisError:
    if isinstance(error, Exception):
        try:
            return classify(error)
        except Exception as second:  # noqa: BLE001 - a connector's classify may be wrong itself
            log.debug("classifying %s failed: %s", type(error).__name__, type(second).__name__)
    return SourceError(f"{type(error).__name__}: {error}")


def _quietly(call: Callable[[], None]) -> None:
    """Let go of a connection; the diagnosis stands, whatever comes of that."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - a foreign library may fail in any way while it closes
        log.debug("after a diagnosis: %s", redactor.text(f"{type(error).__name__}: {error}"))


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _masked(hint: str | None) -> str | None:
    return redactor.text(hint) if hint else None
