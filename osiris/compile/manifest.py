"""The manifest: a compiled pipeline, frozen, the same byte for byte for the same inputs on any machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["read", "write", "transform"]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One entry of a write step's `columns`: take `source` under the name `target`, cast strictly to `type` if given."""

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
    `connection` the reference (`@family.alias`), None where the family needs none. `spec` is the digest of its spec.
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

    `fingerprints` holds digests of `pipeline`, `params`, `compiler` and, under `specs`, of each used component with the
    distribution and version that gave it. `fingerprint` is the digest of all of it.
    """

    name: str
    profile: str
    steps: tuple[ManifestStep, ...]
    fingerprints: Mapping[str, Any]
    fingerprint: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
