"""`Project`: a folder with pipelines and connections, and what can be done with it."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris import settings
from osiris.components import catalog
from osiris.components.catalog import Catalog
from osiris.connections import Connections
from osiris.connectors import registry
from osiris.connectors.registry import Registry
from osiris.errors import ConfigError, did_you_mean
from osiris.project.discover import Discovered
from osiris.project.doctor import Doctor, DoctorReport, OnResult, Target

if TYPE_CHECKING:
    from osiris.compile.check import Checked
    from osiris.compile.manifest import Manifest
    from osiris.diagnosis import Level
    from osiris.execute.base import Cancellation, Progress
    from osiris.project.session import Session
    from osiris.runs import Report, RunSummary
    from osiris.settings import Settings

BUILD = "build"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A manifest and where it was written; `path` is None when it was not. `warnings` are those of the check."""

    manifest: Manifest
    path: Path | None
    warnings: tuple[str, ...] = ()


class Project:
    """A project folder. Nothing is read before it is needed.

    `environ` stands for the environment, `profile` for the one that osiris.yaml names.
    """

    def __init__(
        self, root: str | Path = ".", *, environ: Mapping[str, str] | None = None, profile: str | None = None
    ) -> None:
        self.root = Path(root).absolute()
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self._profile = profile

    @cached_property
    def settings(self) -> Settings:
        """What osiris.yaml says."""
        return settings.load(self.root)

    @property
    def profile(self) -> str | None:
        return self._profile or self.settings.profile

    @cached_property
    def registry(self) -> Registry:
        """The families that this project may use."""
        return registry.load(self.settings.plugins)

    @cached_property
    def catalog(self) -> Catalog:
        return catalog.load(self.registry)

    @cached_property
    def connections(self) -> Connections:
        return Connections.load(self.root, self.catalog, self.environ)

    def path(self, name: str | Path) -> Path:
        """The file that `name` means: below the project's folder, else as seen from the current one."""
        inside = self.root / name
        if not inside.exists() and Path(name).exists():
            return Path(name).absolute()
        return Path(name) if self.root == Path.cwd() else inside

    def check(self, pipeline: str | Path, params: Mapping[str, str] | None = None) -> Checked:
        """Every fault of a pipeline. Raises only for what is wrong outside of it: osiris.yaml, the connections file."""
        from osiris.compile.check import check

        return check(self.path(pipeline), params=params or {}, **self._inputs())

    def compile(self, pipeline: str | Path, params: Mapping[str, str] | None = None, write: bool = True) -> Compiled:
        """Freeze a pipeline, into `build/` unless `write` is false. Raises ConfigError that tells all of its faults."""
        from osiris.compile import manifest

        checked = self.check(pipeline, params)
        found = checked.manifest()
        path = manifest.write(found, self.root / BUILD) if write else None
        return Compiled(found, path, tuple(str(warning) for warning in checked.warnings))

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

    def runs(self) -> list[RunSummary]:
        """Every run that was not pruned, newest first, failed and unfinished ones included."""
        from osiris import runs

        return runs.summaries(self.root)

    def report(self, run_id: str) -> dict[str, Any]:
        """The report of a run, by its id or the start of it; NotFound for an unknown one. A run that was killed before
        it wrote a report has only its id, pipeline and status."""
        from osiris import runs

        found = runs.get(self.root, run_id)
        status = found.state().finished or "unfinished"
        known = found.report() or {"run_id": found.run_id, "pipeline": found.pipeline, "steps": []}
        return {**known, "status": status}

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
        targets = self._targets(references, family, pipeline)
        doctor = Doctor(self.registry, self.catalog, self.connections, level, timeout_s)
        return doctor.report(targets, jobs, on_result)

    def _inputs(self) -> dict[str, Any]:
        """All that a check depends on besides the pipeline and its params."""
        return {
            "catalog": self.catalog,
            "connections": self.connections,
            "profile": self.profile,
            "environ": self.environ,
        }

    def _meant(self, reference: str) -> tuple[str, str | None]:
        """Family and reference; the latter None for a family that has no connections."""
        if reference in self.registry.providers:
            return reference, self.connections.reference(reference, None)
        return self.connections.split(reference)[0], reference

    def _targets(self, references: Sequence[str], family: str | None, pipeline: str | Path | None) -> list[Target]:
        named = list(dict.fromkeys(references))
        for reference in named:
            self.connections.split(reference)
        known = [*dict.fromkeys([*self.registry.families(), *self.connections.families()])]
        if family is not None and family not in known:
            hint = did_you_mean(family, known) or f"known families: {', '.join(known)}"
            raise ConfigError(f'there is no connector family "{family}"', code="family.unknown", hint=hint)
        if pipeline is not None:
            targets = self._used(pipeline)
        else:
            targets = [Target(reference) for reference in self.connections.references()]
        if named:
            used = {target.reference: target for target in targets}
            targets = [used.get(reference, Target(reference)) for reference in named]
        if family is not None:
            prefix = f"@{family}."
            targets = [target for target in targets if target.reference.startswith(prefix)]
        if not targets:
            raise self._nothing(family, pipeline)
        return targets

    def _used(self, pipeline: str | Path) -> list[Target]:
        """The connections that a pipeline uses, with what its steps replace and read."""
        from osiris.project.resources import resources

        targets: dict[str, Target] = {}
        for step in self.compile(pipeline, write=False).manifest.steps:
            if step.connection is not None:
                before = targets.get(step.connection, Target(step.connection, step.overrides))
                names = dict.fromkeys([*before.resources, *resources(self.registry, self.connections, step)])
                targets[step.connection] = Target(step.connection, before.overrides, tuple(names))
        return list(targets.values())

    def _nothing(self, family: str | None, pipeline: str | Path | None) -> ConfigError:
        which = f"no connection of {family}" if family is not None else "no connection"
        where = f"{pipeline} uses {which}" if pipeline is not None else f"{which} is configured"
        hint = "list them under connections: in osiris_connections.yaml"
        return ConfigError(where, code="connection.none", hint=hint)
