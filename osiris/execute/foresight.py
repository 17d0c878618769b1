"""`Foresight`: what can be known of a step before it runs, with all that stands in its way; nothing is changed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from osiris.compile.manifest import Manifest, ManifestStep
from osiris.connectors.base import Batches, Dataset, Run, Token
from osiris.connectors.pool import Group
from osiris.diagnosis import CheckResult, Diagnosis, error_of
from osiris.drivers import columns
from osiris.drivers.bound import Bound
from osiris.drivers.extract import ExtractDriver
from osiris.drivers.transform import TransformDriver
from osiris.drivers.write import WriteDriver
from osiris.errors import NotFound, OsirisError
from osiris.execute import rivals
from osiris.execute.base import Environment
from osiris.runs import StepPlan, StepReport
from osiris.step import Context, Workspace

CHECK_S = 10.0
"""How long the checks of one connection may take."""
LATER = "what it takes is known only when the pipeline runs, so it was not held against that"


class Interruptible(Protocol):
    """What a thread may be blocked in."""

    def interrupt(self) -> None: ...


@dataclass(slots=True)
class Foresight:
    """Looks at the steps one after the other, in the order in which they will run, and remembers what each will give.

    `writers` counts the writers of each step's flow. `active` is what it is blocked in, beside `clients`.
    """

    environment: Environment
    manifest: Manifest
    clients: Group
    folder: Path
    writers: dict[str, int]
    active: Interruptible | None = None
    _schemas: dict[str, pa.Schema] = field(default_factory=dict)
    _written: dict[Dataset, set[str]] = field(default_factory=dict)
    _unknown_target: bool = False
    _diagnoses: dict[str, Diagnosis] = field(default_factory=dict)

    def look_at(self, step: ManifestStep) -> tuple[StepReport, list[OsirisError]]:
        """The step's plan, and everything that would make it fail."""
        errors: list[OsirisError] = []
        look = {"read": self._read, "transform": self._transform, "write": self._write}[step.mode]
        report = StepReport(step.id, step.component, "planned")
        with _noting(errors):
            report = look(step, errors)
        for error in errors:
            error.step = step.id
        return (replace(report, status="failure") if errors else report), errors

    def _read(self, step: ManifestStep, errors: list[OsirisError]) -> StepReport:
        report = StepReport(step.id, step.component, "planned")
        driver = ExtractDriver(self._bind(step))
        wanted = self.environment.jobs
        try:
            plan = driver.plan(wanted)
        except NotFound as error:
            if not step.after and driver.dataset() not in self._written:
                raise
            return replace(report, notes=(f"not there yet, an earlier step may make it: {error}",))
        finally:
            driver.close()
        changes = self._changes_before(step, plan.datasets)
        if not changes:
            self._schemas[step.id] = plan.schema
        return replace(
            report,
            estimated_rows=None if changes else plan.estimated_rows,
            datasets=tuple(_shown(dataset) for dataset in plan.datasets),
            notes=("an earlier step writes what it reads: this is the plan for what is there now",) if changes else (),
            plan=StepPlan(
                splits_wanted=wanted,
                splits=len(plan.splits),
                why_one_split=plan.why_one_split if len(plan.splits) == 1 else None,
            ),
        )

    def _changes_before(self, step: ManifestStep, datasets: tuple[Dataset, ...]) -> bool:
        """Whether an earlier step may write what this one reads; of a query nobody knows which tables it reads."""
        if self._unknown_target and step.after:
            return True
        if any(dataset in self._written for dataset in datasets):
            return True
        spaces = {target.namespace for target in self._written}
        return step.options.get("query") is not None and any(dataset.namespace in spaces for dataset in datasets)

    def _transform(self, step: ManifestStep, errors: list[OsirisError]) -> StepReport:
        report = StepReport(step.id, step.component, "planned")
        driver = TransformDriver(self._bind(step))
        if any(name not in self._schemas for name in step.inputs):
            return replace(report, notes=(LATER,))
        with self._blocked_in(driver):
            schema = driver.schema({name: self._schemas[name] for name in step.inputs})
        if schema is None:
            return replace(report, notes=("its columns are known only when it runs",))
        self._schemas[step.id] = schema
        return report

    def _write(self, step: ManifestStep, errors: list[OsirisError]) -> StepReport:
        driver = WriteDriver(self._bind(step))
        schema, token = self._named(driver, step, errors)
        diagnosis = self._diagnosis(driver.bound)
        notes = [LATER] if step.inputs[0] not in self._schemas else []
        checks = diagnosis.checks
        if diagnosis.category == "not_found" and driver.foresees and token is not None:
            # whether that is in the way is for the writer to say: it may make a folder that is not there
            checks = tuple(replace(check, status="warning") if check.status == "failure" else check for check in checks)
        failed = [check for check in checks if check.status == "failure"]
        errors += [error_of(check) for check in failed]
        if token is not None and not failed:
            notes += self._foreseen(driver, step, token, schema, errors)
        return StepReport(
            step.id,
            step.component,
            "planned",
            datasets=(_shown(token.target),) if token is not None else (),
            notes=tuple(notes),
            plan=_writer_plan(step, checks),
        )

    def _named(
        self, driver: WriteDriver, step: ManifestStep, errors: list[OsirisError]
    ) -> tuple[pa.Schema, Token | None]:
        """What the writer will get, if that is known, and the write named by it."""
        known = self._schemas.get(step.inputs[0])
        self._unknown_target |= known is None
        if known is None:
            return pa.schema([]), None
        schema, token = known, None
        with _noting(errors):
            schema = columns.apply(Batches.of(known, ()), step.columns).schema
            run = Run("dry-run", self.manifest.name, step.id, attempt=1, sole=self.writers[step.id] == 1)
            token = driver.name(schema, run)
        return schema, token

    def _foreseen(
        self, driver: WriteDriver, step: ManifestStep, token: Token, schema: pa.Schema, errors: list[OsirisError]
    ) -> tuple[str, ...]:
        """Hold the write against its target, unless an earlier step changes that."""
        others = self._written.setdefault(token.target, set())
        before, notes = set(others), tuple[str, ...]()
        others.add(step.id)
        with _noting(errors):
            rivals.check(step, str(token.target), before, self.manifest.steps)
            if before:
                return (f"{', '.join(sorted(before))} writes there before it",)
            try:
                notes = driver.foresee(token, schema) if driver.foresees else ()
            finally:
                driver.close()
        return notes

    def _diagnosis(self, bound: Bound) -> Diagnosis:
        """The quick checks of a connection, once for all steps that use it in the same way."""
        connection = bound.connection
        assert connection is not None, "a writer has a connection"
        key = f"{connection.reference} {sorted(connection.overrides.items(), key=str)}"
        if key not in self._diagnoses:
            client = bound.unopened()
            with self._blocked_in(client):
                self._diagnoses[key] = client.doctor(CHECK_S, "quick")
        return self._diagnoses[key]

    def _bind(self, step: ManifestStep) -> Bound:
        binding = self.environment.bind(step)
        connection = binding.connection and replace(binding.connection, look_only=True)
        context = Context(step.id, Workspace(self.folder / step.id, self.folder / step.id))
        return Bound(binding.implementation, connection, binding.options, context, self.clients)

    @contextmanager
    def _blocked_in(self, active: Interruptible) -> Generator[None]:
        self.active = active
        try:
            yield
        finally:
            self.active = None


@contextmanager
def _noting(errors: list[OsirisError]) -> Generator[None]:
    """Collect what stands in the way, and go on."""
    try:
        yield
    except OsirisError as error:
        errors.append(error)


def _writer_plan(step: ManifestStep, checks: tuple[CheckResult, ...]) -> StepPlan:
    mode = step.options.get("write_mode")
    connection = step.connection or step.component.partition(".")[0]
    return StepPlan(write_mode=None if mode is None else str(mode), connection=connection, checks=checks)


def _shown(dataset: Dataset) -> dict[str, str]:
    return {"namespace": dataset.namespace, "name": dataset.name}
