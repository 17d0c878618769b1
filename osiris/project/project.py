"""`Project`: a folder with pipelines and connections, and what can be done with it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris.errors import ConfigError
from osiris.project.discover import Discovered
from osiris.project.doctor import Doctor, DoctorReport, OnResult
from osiris.project.folder import Folder
from osiris.project.targets import wanted
from osiris.settings import Retention

if TYPE_CHECKING:
    from osiris.diagnosis import Level
    from osiris.execute.base import Cancellation, Progress
    from osiris.project.session import Session
    from osiris.runs import Report, RunFolder, RunSummary
    from osiris.runs.retention import Old


class Project(Folder):
    """A project folder and its verbs. `environ` stands for the environment, `profile` for the one of osiris.yaml."""

    def run(  # noqa: PLR0913 - the options of one command
        self,
        pipeline: str | Path,
        params: Mapping[str, str] | None = None,
        *,
        again: bool = False,
        wait: bool = False,
        dry_run: bool = False,
        allow_drift: bool = False,
        progress: Progress | None = None,
        cancel: Cancellation | None = None,
    ) -> Report:
        """Run a pipeline, or a manifest that was compiled (its file or folder); an unfinished run is settled first.

        What is wrong before the first step (files, options, a target in use) raises an OsirisError; what fails later
        is told by the report. `progress` is filled while it runs, `cancel` stops it in order.
        """
        from osiris.compile import manifest
        from osiris.execute.base import Cancellation, Progress, Request
        from osiris.project import run

        path = self.path(pipeline)
        if path.is_dir() or path.name == manifest.FILE:
            compiled = run.load_manifest(self, path, params or {}, allow_drift=allow_drift)
        else:
            compiled = self.compile(pipeline, params, write=not dry_run)
        request = Request(again, wait, dry_run, compiled.warnings, progress or Progress(), cancel or Cancellation())
        return run.run(self, compiled.manifest, params or {}, request)

    def runs(
        self, pipeline: str | None = None, *, status: str | None = None, limit: int | None = None
    ) -> list[RunSummary]:
        """The runs that were not pruned, newest first, failed and unfinished ones included: of one pipeline, with one
        status, at most `limit`."""
        from osiris import runs

        return runs.summaries(self.root, pipeline or "*", status, limit, self.is_running)

    def find_run(self, run_id: str | None = None) -> RunFolder:
        """A run's folder, by its id or the start of it, without one the newest; NotFound for an unknown one."""
        from osiris import runs

        return runs.get(self.root, run_id)

    def is_running(self, run: RunFolder) -> bool:
        """Whether a process is at work on the run: settling it, or going on with it."""
        from osiris.execute import lease
        from osiris.runs import ledger

        held = lease.is_held(self.root, lease.of_pipeline(run.pipeline, run.profile))
        return held and ledger.finished(run.path) is None

    def retention(self, keep_runs: int | None = None, keep_days: int | None = None) -> Retention:
        """What is to be kept, else what osiris.yaml says; ConfigError when neither says anything."""
        said = self.settings.retention
        keep = Retention(
            said.runs if keep_runs is None else keep_runs,
            said.days if keep_days is None else keep_days,
        )
        if keep == Retention():
            hint = "give --keep-runs N or --keep-days N, or set retention in osiris.yaml"
            raise ConfigError("it is not said which runs are to be kept", code="retention.missing", hint=hint)
        return keep

    def old_runs(self, keep: Retention, pipeline: str | None = None) -> Old:
        """The runs that `keep` lets go, those of one pipeline or of each."""
        from osiris.runs import retention

        return retention.old(self.root, pipeline=pipeline or "*", keep_runs=keep.runs, keep_days=keep.days)

    def report(self, run_id: str | None = None) -> dict[str, Any]:
        """The report of a run, by its id or the start of it, without one of the newest; NotFound for an unknown one. A
        run that was killed before it wrote a report has only its id, pipeline and status."""
        found = self.find_run(run_id)
        known = found.report() or {"run_id": found.run_id, "pipeline": found.pipeline, "steps": []}
        return {**known, "status": found.status(self.is_running)}

    @contextmanager
    def connect(self, reference: str) -> Generator[Session]:
        """A connection to read and write through, closed at the end with all that was opened on it.

        `reference` is `@family.alias`; a family alone means its default connection, or none where it needs none.
        """
        from osiris.project.session import Session

        family, found = self._meant(reference)
        if found is not None:
            self.connections.resolve(family, found)
        session = Session(self.root, self.registry, self.catalog, self.connections, family, found)
        try:
            yield session
        finally:
            session.close()

    def discover(self, reference: str, like: str | None = None) -> Discovered:
        """What there is to read through a connection, of names that match the glob `like`. Raises an OsirisError."""
        with self.connect(reference) as session:
            return Discovered(session.reference or session.family, session.discover(like))

    def doctor(  # noqa: PLR0913 - the options of one command
        self,
        references: Sequence[str] = (),
        *,
        family: str | None = None,
        pipeline: str | Path | None = None,
        level: Level = "quick",
        timeout_s: float = 5.0,
        jobs: int = 8,
        on_result: OnResult | None = None,
    ) -> DoctorReport:
        """Test connections at the same time: those named, those that `pipeline` uses, or all; only those of `family`.

        `on_result` is called from the testing threads. Raises ConfigError for an unknown reference or family, for a
        pipeline with faults, and when there is nothing to test.
        """
        targets = wanted(self, references, family, pipeline)
        doctor = Doctor(self.registry, self.catalog, self.connections, level, timeout_s)
        return doctor.report(targets, jobs, on_result)

    def _meant(self, reference: str) -> tuple[str, str | None]:
        """Family and reference; the latter None for a family that has no connections."""
        if reference in self.registry.providers:
            return reference, self.connections.reference(reference, None)
        return self.connections.split(reference)[0], reference
