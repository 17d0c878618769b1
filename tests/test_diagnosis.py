"""Diagnoses: order, levels, deadlines, and connectors that misbehave in every way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from osiris import errors
from osiris.diagnosis import Check, CheckResult, Diagnosis, Finding, diagnose, error_of
from osiris.errors import AuthFailed, NetworkFailed, OsirisError, SourceError
from osiris.secrets import redactor


def classify(error: Exception) -> OsirisError:
    return error if isinstance(error, OsirisError) else SourceError(str(error))


def nothing() -> None:
    return


def run(
    *checks: Check,
    timeout_s: float = 5.0,
    interrupt: Callable[[], None] = nothing,
    finish: Callable[[], None] = nothing,
    known: Callable[[Exception], OsirisError] = classify,
) -> Diagnosis:
    return diagnose(checks, timeout_s=timeout_s, interrupt=interrupt, classify=known, finish=finish)


def fine(name: str = "net.tcp", message: str = "there") -> Check:
    return Check(name, lambda: message)


def failing(error: BaseException, name: str = "auth.login") -> Check:
    def probe() -> str:
        raise error

    return Check(name, probe)


def waiting(event: threading.Event, name: str = "net.tcp") -> Check:
    def probe() -> str:
        event.wait(30)
        raise ConnectionAbortedError("interrupted")

    return Check(name, probe)


def test_all_well_is_told_by_the_last_check() -> None:
    found = run(fine(), fine("server.version", "PostgreSQL 17"))
    assert (found.status, found.category, found.message, found.ok) == ("success", "ok", "PostgreSQL 17", True)
    assert [(check.id, check.status) for check in found.checks] == [("net.tcp", "ok"), ("server.version", "ok")]


def test_the_first_failure_ends_it_and_counts() -> None:
    """After one refused login nothing else is tried: hosts block repeat offenders."""
    tried: list[str] = []

    def probe() -> str:
        tried.append("again")
        return ""

    found = run(fine(), failing(AuthFailed("denied", hint="check it")), Check("perm.read", probe))
    assert (found.status, found.category, found.message, found.hint) == ("failure", "auth", "denied", "check it")
    assert [check.id for check in found.checks] == ["net.tcp", "auth.login"]
    assert tried == []


def test_a_warning_is_no_failure() -> None:
    found = run(Check("clock.skew", lambda: Finding("2 s late", hint="set the clock")), fine("server.version"))
    assert (found.status, found.category, found.ok, found.hint) == ("warning", "ok", True, "set the clock")


def test_a_finding_that_is_fine_is_a_success() -> None:
    assert run(Check("server.version", lambda: Finding("17", status="ok"))).status == "success"


def test_a_connector_without_checks_is_untestable() -> None:
    """LESSONS 18: what could not be tested passed."""
    assert run().status == "untestable"
    assert not run().ok


def test_a_server_that_never_answers_holds_nobody() -> None:
    """LESSONS 18: doctor took 6 s with a limit of 2 s."""
    stopped = threading.Event()
    started = time.monotonic()
    found = run(fine("net.dns"), waiting(stopped), timeout_s=0.2, interrupt=stopped.set)
    assert time.monotonic() - started < 5
    assert (found.status, found.category) == ("failure", "timeout")
    assert found.message == "no answer within 0.2 s"
    assert [(check.id, check.status) for check in found.checks] == [("net.dns", "ok"), ("net.tcp", "failure")]
    assert found.checks[1].ms >= 190


def test_a_check_that_ignores_the_interrupt_is_abandoned() -> None:
    never = threading.Event()
    found = run(waiting(never), timeout_s=0.1)
    never.set()
    assert found.category == "timeout"


def test_what_failed_in_time_is_told_though_closing_hangs() -> None:
    stopped = threading.Event()

    def close() -> None:
        stopped.wait(30)

    found = run(failing(AuthFailed("denied")), timeout_s=0.3, interrupt=stopped.set, finish=close)
    assert (found.category, found.message) == ("auth", "denied")
    assert stopped.is_set()


def test_a_success_stays_one_though_closing_hangs_or_fails() -> None:
    stopped = threading.Event()

    def hang() -> None:
        stopped.wait(30)

    def fail() -> None:
        raise OSError("already closed")

    assert run(fine(), interrupt=stopped.set, finish=hang).ok
    assert run(fine(), finish=fail).ok


def test_an_interrupt_that_fails_is_no_matter() -> None:
    def interrupt() -> None:
        raise OSError("no such socket")

    never = threading.Event()
    found = run(waiting(never), timeout_s=0.1, interrupt=interrupt)
    never.set()
    assert found.category == "timeout"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ZeroDivisionError("x")], ids=repr)
def test_whatever_a_check_raises_is_a_failure(error: BaseException) -> None:
    found = run(failing(error), fine())
    assert found.status == "failure"
    assert len(found.checks) == 1


def test_a_classify_that_fails_itself_is_no_crash() -> None:
    def wrong(error: Exception) -> OsirisError:
        raise KeyError(str(error))

    found = run(failing(ValueError("strange answer")), known=wrong)
    assert (found.status, found.category) == ("failure", "server")
    assert "strange answer" in found.message


def test_the_close_runs_once_after_the_checks_and_in_their_thread() -> None:
    seen: list[tuple[str, int]] = []

    def probe() -> str:
        seen.append(("probe", threading.get_ident()))
        return ""

    run(Check("net.tcp", probe), finish=lambda: seen.append(("close", threading.get_ident())))
    assert [name for name, _ in seen] == ["probe", "close"]
    assert seen[0][1] == seen[1][1] != threading.get_ident()


def test_no_text_of_a_diagnosis_shows_a_secret() -> None:
    """LESSONS 15."""
    redactor.add("canary-of-doctor")
    denied = AuthFailed("denied for canary-of-doctor", hint="is it canary-of-doctor?")
    found = run(fine(message="at canary-of-doctor"), failing(denied))
    warned = run(Check("server.version", lambda: Finding("canary-of-doctor", hint="canary-of-doctor")))
    assert "canary" not in repr((found, warned))
    assert found.message == "denied for ***"


def test_the_latency_is_the_sum_of_the_checks() -> None:
    checks = [CheckResult("a", "ok", 1.25, ""), CheckResult("b", "failure", 2.5, "x", "network")]
    assert Diagnosis.of(checks).latency_ms == 3.8


def test_the_category_is_that_of_the_class() -> None:
    assert run(failing(NetworkFailed("refused"), "net.tcp")).category == "network"


def test_a_failed_check_can_be_raised_with_the_class_of_its_category() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OsirisError)]
    for kind in kinds:
        error = error_of(CheckResult("auth.login", "failure", 1.0, "it failed", kind.category, "do this"))
        assert (error.message, error.hint, error.category) == ("it failed", "do this", kind.category)
        assert error.exit_code == (2 if kind.category == "config" else 1), kind
    assert type(error_of(CheckResult("x", "failure", 1.0, "m", "no such category"))) is OsirisError
