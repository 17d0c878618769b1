"""Running a connection's checks inside a deadline, and the `Diagnosis` that comes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from osiris.errors import OsirisError, TimedOut
from osiris.secrets import redactor

Level = Literal["quick", "full", "write"]
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

    `probe` returns a text (fine), a `Finding` (fine, or a warning) or raises an OsirisError, whose class gives the category.
    It runs at `level` and at every higher one.
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
    """What is known of one connection. `category` is `ok` or that of the first failed check; `latency_ms` is all checks'."""

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
    answers cannot hold the caller. The deadline counts from the first check.
    """
    results: list[CheckResult] = []
    running: list[tuple[str, float]] = []

    def work() -> None:
        try:
            for check in checks:
                running[:] = [(check.id, time.perf_counter())]
                result = _run(check, classify)
                running.clear()
                results.append(result)
                if result.status == "failure":
                    break
        finally:
            finish()

    thread = threading.Thread(target=work, name="osiris-doctor", daemon=True)
    deadline = time.monotonic() + timeout_s
    thread.start()
    thread.join(timeout_s)
    while thread.is_alive() and time.monotonic() < deadline + 0.2:
        interrupt()
        thread.join(0.05)
    seen = list(results)
    late = [r for r in seen if r.status == "failure"]
    if thread.is_alive() or time.monotonic() > deadline:
        stuck, since = running[0] if running else (late[-1].id if late else checks[len(seen) - 1].id, deadline - timeout_s)
        seen = [r for r in seen if r.status != "failure"]
        ms = round((time.perf_counter() - since) * 1000, 1) if running else round(timeout_s * 1000, 1)
        error = TimedOut(f"no answer within {timeout_s:g} s")
        hint = "the server accepts but does not answer, or is very slow: check host, port and firewall, or raise --timeout"
        seen.append(CheckResult(stuck, "failure", ms, error.message, error.category, hint))
    return Diagnosis.of(seen)


def _run(check: Check, classify: Callable[[Exception], OsirisError]) -> CheckResult:
    started = time.perf_counter()
    try:
        found = check.probe()
    except Exception as error:  # noqa: BLE001 - a probe may fail in any way; classify() is the one place that maps it
        known = classify(error)
        ms = round((time.perf_counter() - started) * 1000, 1)
        hint = redactor.text(known.hint) if known.hint else None
        return CheckResult(check.id, "failure", ms, redactor.text(known.message), known.category, hint)
    ms = round((time.perf_counter() - started) * 1000, 1)
    if isinstance(found, Finding):
        hint = redactor.text(found.hint) if found.hint else None
        return CheckResult(check.id, found.status, ms, redactor.text(found.message), "ok", hint)
    return CheckResult(check.id, "ok", ms, redactor.text(found))
