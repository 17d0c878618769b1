"""Testing many connections at once, each inside its deadline, and the report that comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from osiris.components.requirements import name_of
from osiris.connections import Examined, Fault
from osiris.connectors.registry import install_command
from osiris.diagnosis import Check, CheckResult, Diagnosis, Level, diagnose
from osiris.errors import EXIT_FAILED, EXIT_OK, EXIT_UNTESTABLE, ConfigError, NotFound, OsirisError, SourceError
from osiris.secrets import SHORT, redactor

if TYPE_CHECKING:
    from osiris.components.catalog import Catalog
    from osiris.connections import Connections
    from osiris.connectors.base import Client, Connection
    from osiris.connectors.registry import Registry

OnResult = Callable[[str, Diagnosis], None]
SUMMARY = {"success": "ok", "warning": "warn", "failure": "fail", "untestable": "untestable"}
LEAST_S = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """A connection to test, with what a pipeline replaces of it and wants to read through it."""

    reference: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        return self.reference.removeprefix("@").partition(".")[0]

    @property
    def alias(self) -> str:
        return self.reference.partition(".")[2]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The diagnoses by reference, in the order in which the connections are written."""

    results: Mapping[str, Diagnosis]

    @property
    def exit_code(self) -> int:
        """0 when all is well, 1 when a check failed, 3 when none failed but something could not be tested."""
        found = {diagnosis.status for diagnosis in self.results.values()}
        return EXIT_FAILED if "failure" in found else EXIT_UNTESTABLE if "untestable" in found else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """The document of `connections doctor --json`, masked."""
        summary = dict.fromkeys(SUMMARY.values(), 0)
        results: dict[str, dict[str, Any]] = {}
        for reference, diagnosis in self.results.items():
            target = Target(reference)
            summary[SUMMARY[diagnosis.status]] += 1
            results.setdefault(target.family, {})[target.alias] = diagnosis_to_json(diagnosis)
        return {"ok": self.exit_code == EXIT_OK, "summary": summary, "results": redactor.leaves(results)}


def diagnosis_to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """One connection's part of the document."""
    checks = [
        {"id": check.id, "status": check.status, "ms": check.ms, "message": check.message}
        | ({"hint": check.hint} if check.hint else {})
        for check in diagnosis.checks
    ]
    return {
        "status": diagnosis.status,
        "ok": diagnosis.ok,
        "category": diagnosis.category,
        "latency_ms": diagnosis.latency_ms,
        "message": diagnosis.message,
        "hint": diagnosis.hint,
        "checks": checks,
    }


@dataclass(frozen=True, slots=True)
class Doctor:
    """Diagnoses connections of one project."""

    registry: Registry
    catalog: Catalog
    connections: Connections
    level: Level = "quick"
    timeout_s: float = 5.0

    def report(self, targets: Sequence[Target], jobs: int = 8, on_result: OnResult | None = None) -> DoctorReport:
        """Diagnose all of `targets`, `jobs` at a time. `on_result` is called from the testing threads."""

        def work(target: Target) -> Diagnosis:
            diagnosis = self.diagnose(target)
            if on_result is not None:
                on_result(target.reference, diagnosis)
            return diagnosis

        import osiris.components.violations  # noqa: F401 - it takes a while, which is no connection's doing

        pool = ThreadPoolExecutor(max_workers=min(jobs, len(targets)), thread_name_prefix="osiris-doctor")
        try:
            found = list(pool.map(work, targets))
        finally:
            pool.shutdown(cancel_futures=True)
        return DoctorReport({target.reference: diagnosis for target, diagnosis in zip(targets, found, strict=True)})

    def diagnose(self, target: Target) -> Diagnosis:
        """Everything that is known of one connection within the deadline. Never raises for what is wrong with it."""
        started = time.monotonic()
        try:
            self.catalog.connection_rules(target.family)
        except NotFound as error:
            return Diagnosis.of([_failed("config.schema", error)])
        except ConfigError as error:
            return _untestable(error.message, error.hint, ())
        found = self._examine(target)
        if isinstance(found, Diagnosis):
            return found
        examined, took_ms = found
        checks = _config_checks(examined, took_ms)
        if examined.connection is None:
            return Diagnosis.of(checks)
        lacking = self._lacking(target.family)
        if lacking is not None:
            return _untestable(*lacking, checks)
        left_s = max(LEAST_S, self.timeout_s - (time.monotonic() - started))
        return self._connect(target, examined.connection, checks, left_s)

    def _examine(self, target: Target) -> tuple[Examined, float] | Diagnosis:
        """The connection resolved, and how long it took: a plugin that fetches secrets may hang, so this has the
        deadline too."""
        found: list[Examined] = []

        def probe() -> str:
            found.append(self.connections.examine(target.family, target.reference, target.overrides))
            return ""

        diagnosis = self._guarded("secrets.resolved", probe)
        return (found[0], diagnosis.latency_ms) if found else diagnosis

    def _connect(
        self, target: Target, connection: Connection, checks: Sequence[CheckResult], timeout_s: float
    ) -> Diagnosis:
        made: list[Client] = []

        def probe() -> str:
            made.append(self.registry.client(target.family)(connection))
            return ""

        failed = self._guarded("config.schema", probe)
        if not made:
            return _untestable(failed.message, failed.hint, checks)
        found = made[0].doctor(timeout_s, self.level, target.resources)
        warned = next((check for check in checks if check.status == "warning"), None)
        found = replace(found, checks=(*checks, *found.checks))
        if found.status == "success" and warned is not None:
            found = replace(found, status="warning", message=warned.message, hint=warned.hint)
        return found

    def _guarded(self, check: str, probe: Callable[[], str]) -> Diagnosis:
        """Run code that may be a third party's: inside the deadline, whatever it raises."""
        checks = (Check(check, probe),)
        return diagnose(
            checks, timeout_s=self.timeout_s, interrupt=_nothing, classify=_as_osiris_error, finish=_nothing
        )

    def _lacking(self, family: str) -> tuple[str, str] | None:
        """What is not installed, and what to type."""
        for component in self.catalog.of_family(family):
            missing = component.missing_requirements()
            if missing:
                command = install_command(self.registry.provider(family), name_of(missing[0]))
                return f"needs {', '.join(missing)}, which is not installed", f"run: {command}"
        return None


def _config_checks(examined: Examined, took_ms: float) -> list[CheckResult]:
    """The two checks that need no connection; what takes time of them is fetching secrets."""
    schema = [fault for fault in examined.faults if fault.check == "config.schema"]
    secrets = [fault for fault in examined.faults if fault.check == "secrets.resolved"]
    found = [
        _of_faults("config.schema", schema, "the fields are as the family wants them"),
        replace(_of_faults("secrets.resolved", secrets, "all variables and secrets are there"), ms=took_ms),
    ]
    if examined.short_secrets and not secrets:
        message = (
            f"{', '.join(examined.short_secrets)}: a secret under {SHORT} characters cannot be masked in every place"
        )
        found[1] = replace(found[1], status="warning", message=message, hint="use a longer one")
    return found


def _of_faults(check: str, faults: Sequence[Fault], fine: str) -> CheckResult:
    if not faults:
        return CheckResult(check, "ok", 0.0, fine)
    message = "; ".join(fault.message for fault in faults)
    hint = "; ".join(fault.hint for fault in faults if fault.hint) or None
    return CheckResult(check, "failure", 0.0, redactor.text(message), "config", redactor.text(hint) if hint else None)


def _failed(check: str, error: OsirisError) -> CheckResult:
    return CheckResult(check, "failure", 0.0, redactor.text(error.message), "config", error.hint)


def _untestable(message: str, hint: str | None, checks: Sequence[CheckResult]) -> Diagnosis:
    return Diagnosis("untestable", "config", 0.0, redactor.text(message), hint, tuple(checks))


def _as_osiris_error(error: Exception) -> OsirisError:
    return error if isinstance(error, OsirisError) else SourceError(f"{type(error).__name__}: {error}")


def _nothing() -> None:
    return
