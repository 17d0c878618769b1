"""`check`: every fault of a pipeline at once; what `validate`, `compile` and `run` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris import canonical, documents
from osiris.compile import declarations, params, parse
from osiris.compile.check_steps import References, Settled, Specs, StepChecker
from osiris.compile.issues import Issue, Issues
from osiris.compile.manifest import Manifest, ManifestStep
from osiris.compile.plan import Pipeline, manifest_of
from osiris.compile.templates import Scope, used_secrets
from osiris.compile.wiring import Node, Wiring, wire
from osiris.documents import Document
from osiris.errors import ConfigError

DEFAULT_PROFILE = "default"


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a pipeline, in the order of the file; the `pipeline` when nothing is."""

    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    pipeline: Pipeline | None

    @property
    def valid(self) -> bool:
        return not self.errors

    def to_json(self) -> dict[str, Any]:
        """The shape of `validate --json`."""
        return {
            "valid": self.valid,
            "errors": [issue.to_json() for issue in self.errors],
            "warnings": [issue.to_json() for issue in self.warnings],
        }

    def manifest(self) -> Manifest:
        """The compiled pipeline. Raises ConfigError that tells all errors when there are any."""
        if self.pipeline is None:
            raise self.error()
        return manifest_of(self.pipeline)

    def error(self) -> ConfigError:
        """All errors as one exception; `details["errors"]` has each in the shape of `validate --json`."""
        if len(self.errors) == 1:
            error = self.errors[0].error()
        else:
            lines = "\n".join(f"  {issue}" for issue in self.errors)
            error = ConfigError(f"the pipeline has {len(self.errors)} errors:\n{lines}", code="pipeline.invalid")
        error.details["errors"] = [issue.to_json() for issue in self.errors]
        return error


def check(  # noqa: PLR0913 - all that a compile depends on, named; there is nothing more of it
    pipeline_path: str | Path,
    *,
    catalog: Specs,
    connections: References,
    params: Mapping[str, str],
    profile: str | None,
    environ: Mapping[str, str],
) -> Checked:
    """Hold a pipeline's file against the catalog and the connections. Never raises for a fault of the file."""
    try:
        document = documents.load(Path(pipeline_path))
    except ConfigError as error:
        return Checked((Issue.of(error),), (), None)
    issues = Issues(document)
    if not isinstance(document.value, dict):
        parse.top_level(document.value, issues)
        return Checked(issues.errors, (), None)
    return _Check(document, issues, catalog, connections).run(params, profile or DEFAULT_PROFILE, environ)


class _Check:
    """One check of one document."""

    def __init__(self, document: Document, issues: Issues, catalog: Specs, connections: References) -> None:
        self._document = document
        self._issues = issues
        self._catalog = catalog
        self._connections = connections

    def run(self, given: Mapping[str, str], profile: str, environ: Mapping[str, str]) -> Checked:
        issues = self._issues
        top = parse.top_level(self._document.value, issues)
        declared = declarations.declarations(top.get("params"), issues)
        if not parse.is_folder_name(profile):
            issues.error("profile.name", f"{profile!r} cannot name a profile", hint="a profile names a folder")
        chosen = declarations.profile_params(top.get("profiles"), profile, declared, issues)
        outside = params.Given(given, chosen, environ)
        values = params.values(declared, outside, issues)
        secrets = frozenset(name for name, param in declared.items() if param.secret)
        scope = Scope(values, secrets, unset=frozenset(declared) - secrets - frozenset(values))
        drafts = parse.steps(top.get("steps"), scope, issues)
        checker = StepChecker(self._catalog, self._connections, secrets, issues)
        settled = [checker.settle(draft) for draft in drafts]
        wiring = wire([Node(draft, one.role) for draft, one in zip(drafts, settled, strict=True)], issues)
        self._same_targets(drafts, settled, wiring)
        if issues.errors:
            return Checked(issues.errors, issues.warnings, None)
        steps = _steps(drafts, settled, wiring)
        used = used_secrets([[step.options, step.overrides] for step in steps], secrets)
        pipeline = Pipeline(
            name=top["name"],
            profile=profile,
            steps=steps,
            document=self._document,
            drafts={draft.id: draft for draft in drafts},
            declared=declared,
            params=values,
            origins={name: params.origin(param, outside) for name, param in declared.items()},
            secret_params={name: declared[name].type for name in sorted(used)},
            components={one.component.name: one.component for one in settled if one.component is not None},
        )
        return Checked((), issues.warnings, pipeline)

    def _same_targets(self, drafts: Sequence[parse.Draft], settled: Sequence[Settled], wiring: Wiring) -> None:
        """Two writers of one flow with one and the same config would write the same target at the same time."""
        for part in wiring.parts:
            first: dict[str, str] = {}
            for place in part:
                one = settled[place]
                if one.role != "write" or one.component is None:
                    continue
                config = [one.component.name, one.connection, one.options, one.overrides]
                other = first.setdefault(canonical.encode(config), drafts[place].id)
                if other != drafts[place].id:
                    message = f'"{drafts[place].id}" writes to the same target as "{other}", in the same flow'
                    hint = "remove one of them, or give it another target"
                    self._issues.error("step.same_target", message, *drafts[place].path, hint=hint)


def _steps(drafts: Sequence[parse.Draft], settled: Sequence[Settled], wiring: Wiring) -> tuple[ManifestStep, ...]:
    return tuple(
        ManifestStep(
            id=drafts[place].id,
            component=drafts[place].component,
            mode=settled[place].role or "read",
            inputs=tuple(drafts[source].id for source in wiring.inputs[place]),
            after=tuple(drafts[writer].id for writer in wiring.after[place]),
            connection=settled[place].connection,
            options=settled[place].options,
            overrides=settled[place].overrides,
            columns=drafts[place].columns,
            retry=drafts[place].retry,
            timeout_s=drafts[place].timeout_s,
        )
        for place in wiring.order
    )
