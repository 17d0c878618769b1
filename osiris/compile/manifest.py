"""The manifest: a compiled pipeline, frozen, the same byte for byte for the same inputs on any machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from osiris import canonical
from osiris.compile import files
from osiris.compile.files import FILE
from osiris.errors import ConfigError

__all__ = ["FILE", "ColumnMap", "Manifest", "ManifestStep", "Mode", "Retry", "freeze", "load", "write"]

Mode = Literal["read", "write", "transform"]
VERSION = 1
SHORT_HASH = 12


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One entry of a write step's `columns`: take `source` under the name `target`, cast strictly to any `type`."""

    source: str
    target: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` in all (1 = no retry); the n-th wait is `backoff_s * 2**(n-1)`, at most `max_backoff_s`."""

    attempts: int = 1
    backoff_s: float = 1.0
    max_backoff_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ManifestStep:
    """One step. `inputs` are the steps whose rows it takes, `after` those writers it only waits for.

    `options` holds spec defaults and the step's own options, `overrides` the connection fields that the step replaces,
    `connection` the reference (`@family.alias`), None where the family needs none. Secret params stand in both as
    `${params.x}`.
    """

    id: str
    component: str
    mode: Mode
    inputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    connection: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[ColumnMap, ...] = ()
    retry: Retry = field(default_factory=Retry)
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A compiled pipeline: `steps` in an order in which each comes after those it needs.

    `fingerprints` holds digests of `pipeline` and `params`, the `compiler`, and under `specs` for each used component
    the digest of its spec with the distribution and version that gave it. `fingerprint` is the digest of all of it.
    `secret_params` gives the type of each secret param that a step uses.
    """

    name: str
    profile: str
    steps: tuple[ManifestStep, ...]
    fingerprints: Mapping[str, Any]
    fingerprint: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` takes back."""
        body = manifest_body(self)
        return {"manifest_version": VERSION, "name": self.name, "fingerprint": self.fingerprint, **body}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """Raises ConfigError when it is of another version, or when its content is not what its fingerprint says."""
        if data.get("manifest_version") != VERSION:
            found = data.get("manifest_version")
            message = f"this is no manifest of version {VERSION}" + (f" but of version {found}" if found else "")
            raise ConfigError(message, code="manifest.version", hint="compile the pipeline again")
        try:
            steps = tuple(_step_from_json(step) for step in data["steps"])
            parts = {name: data[name] for name in ("profile", "fingerprints", "metadata", "secret_params")}
            manifest = cls(name=data["name"], fingerprint=data["fingerprint"], steps=steps, **parts)
            intact = fingerprint_of(manifest) == manifest.fingerprint
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"the manifest cannot be read: {type(error).__name__}: {error}"
            raise ConfigError(message, code="manifest.broken", hint="compile the pipeline again") from error
        if not intact:
            message = "the manifest was changed after it was compiled: its content does not match its fingerprint"
            raise ConfigError(message, code="manifest.changed", hint="compile the pipeline again")
        return manifest


def manifest_body(manifest: Manifest) -> dict[str, Any]:
    """All that the fingerprint covers, as plain data."""
    return {
        "name": manifest.name,
        "profile": manifest.profile,
        "metadata": dict(manifest.metadata),
        "secret_params": dict(manifest.secret_params),
        "fingerprints": dict(manifest.fingerprints),
        "steps": [_step_to_json(step) for step in manifest.steps],
    }


def fingerprint_of(manifest: Manifest) -> str:
    """`sha256:...` over everything in the manifest but its own `fingerprint`."""
    return canonical.digest({"manifest_version": VERSION, **manifest_body(manifest)})


def write(manifest: Manifest, build_dir: Path) -> Path:
    """Put the manifest and `cfg/<step>.json` under `build_dir/<profile>/<name>/<short hash>/`, all at once.

    Returns the path of its `manifest.yaml`. The same manifest is written once; a damaged copy is replaced.
    """
    short = manifest.fingerprint.partition(":")[2][:SHORT_HASH]
    folder = build_dir / manifest.profile / manifest.name / short
    data = manifest.to_json()
    if not files.is_same(folder, data):
        files.write_folder(folder, data)
    return folder / FILE


def freeze(manifest: Manifest, folder: Path) -> Path:
    """Put the whole manifest into one file, `folder/manifest.yaml`, synced to disk; the folder exists."""
    return files.write_file(folder / FILE, manifest.to_json())


def load(path: Path) -> Manifest:
    """The manifest at `path`: its file, of `write` or `freeze`, or the folder of it.

    Raises ConfigError when something is missing, or when a digest is not that of the content.
    """
    path = path / FILE if (path / FILE).is_file() else path
    try:
        return Manifest.from_json(files.read(path))
    except ConfigError as error:
        error.file = error.file or str(path)
        raise


def _step_to_json(step: ManifestStep) -> dict[str, Any]:
    columns = [{"from": column.source, "to": column.target, "type": column.type} for column in step.columns]
    retry = {
        "attempts": step.retry.attempts,
        "backoff_s": step.retry.backoff_s,
        "max_backoff_s": step.retry.max_backoff_s,
    }
    return {
        "id": step.id,
        "component": step.component,
        "mode": step.mode,
        "inputs": list(step.inputs),
        "after": list(step.after),
        "connection": step.connection,
        "columns": columns,
        "retry": retry,
        "timeout_s": step.timeout_s,
        "config": {"options": dict(step.options), "overrides": dict(step.overrides)},
    }


def _step_from_json(data: Mapping[str, Any]) -> ManifestStep:
    return ManifestStep(
        id=data["id"],
        component=data["component"],
        mode=data["mode"],
        inputs=tuple(data["inputs"]),
        after=tuple(data["after"]),
        connection=data["connection"],
        options=dict(data["config"]["options"]),
        overrides=dict(data["config"]["overrides"]),
        columns=tuple(ColumnMap(column["from"], column["to"], column["type"]) for column in data["columns"]),
        retry=Retry(**data["retry"]),
        timeout_s=data["timeout_s"],
    )
