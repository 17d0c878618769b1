"""Running a manifest of a project: refuse drift, hand over to the executor, then keep the runs `retention` allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from osiris.compile import manifest as manifests
from osiris.compile.check import Checked
from osiris.compile.issues import Issue
from osiris.compile.manifest import Manifest, ManifestStep
from osiris.compile.params import resolve_secret_params, secret_values
from osiris.compile.plan import drift
from osiris.connectors.base import Options
from osiris.errors import ConfigError
from osiris.execute.base import Binding, Environment, Request
from osiris.execute.local import LocalExecutor
from osiris.project.effective import check_effective
from osiris.project.folder import Compiled, Folder
from osiris.runs import Report
from osiris.runs.retention import prune


def run(project: Folder, manifest: Manifest, params: Mapping[str, str], request: Request) -> Report:
    """Run `manifest` here. Raises an OsirisError for what is wrong before the first step; the Report tells the rest."""
    bind = _binder(project, manifest, params)
    if not request.dry_run:  # which tells what is wrong step by step
        _bind_all(bind, manifest)
    settings = project.settings
    environment = Environment(
        project.root,
        project.registry,
        bind,
        memory_bytes=settings.memory_bytes,
        jobs=settings.jobs or min(4, os.cpu_count() or 1),
        spill_limit_bytes=settings.spill_limit_bytes,
    )
    report = LocalExecutor(environment).run(manifest, request)
    if not request.dry_run:
        keep = settings.retention
        prune(project.root, manifest.profile, manifest.name, keep_runs=keep.runs, keep_days=keep.days)
    return report


def _bind_all(bind: Callable[[ManifestStep], Binding], manifest: Manifest) -> None:
    """Raise for every connection that cannot be resolved now, not when earlier flows are committed."""
    faults: dict[str, ConfigError] = {}
    for step in manifest.steps:
        try:
            bind(step)
        except ConfigError as error:
            error.step = error.step or step.id
            faults.setdefault(str(error), error)
    if len(faults) > 1:
        raise Checked(tuple(Issue.of(fault) for fault in faults.values()), (), None).error()
    for fault in faults.values():
        raise fault


def load_manifest(project: Folder, path: Path, params: Mapping[str, str], *, allow_drift: bool) -> Compiled:
    """A compiled manifest. Refused when a connector it was compiled with has changed, unless `allow_drift`, and with
    params that are already compiled in."""
    manifest = manifests.load(path)
    fixed = sorted(set(params) - set(manifest.secret_params))
    if fixed:
        text = f"the manifest is compiled, so the param {fixed[0]!r} can no longer be set"
        raise ConfigError(text, code="param.compiled", file=str(path), hint="run the pipeline instead of its manifest")
    changed = drift(manifest, project.catalog)
    if changed and not allow_drift:
        text = f"the manifest's connectors have changed: {'; '.join(changed)}"
        hint = "compile the pipeline again, or give --allow-drift"
        raise ConfigError(text, code="manifest.drift", file=str(path), hint=hint)
    return Compiled(manifest, path, tuple(changed))


def _binder(project: Folder, manifest: Manifest, params: Mapping[str, str]) -> Callable[[ManifestStep], Binding]:
    """How a step finds its class, connection and options; secrets are filled in here and nowhere else."""
    secrets = secret_values(manifest.secret_params, params, project.environ)

    def bind(step: ManifestStep) -> Binding:
        component = project.catalog.get(step.component)
        implementation = project.registry.implementation(step.component)
        options = Options(resolve_secret_params(step.options, secrets))
        if component.role == "processor":
            return Binding(implementation, None, options)
        overrides = resolve_secret_params(step.overrides, secrets)
        connection = project.connections.resolve(component.family, step.connection, overrides)
        check_effective(component, options.to_json(), connection)
        return Binding(implementation, connection, options)

    return bind
