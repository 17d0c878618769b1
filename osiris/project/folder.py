"""`Folder`: a project's folder read: settings, families, components, connections, and its pipelines checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris import settings
from osiris.components import catalog
from osiris.components.catalog import Catalog
from osiris.connections import Connections
from osiris.connectors import registry
from osiris.connectors.registry import Registry

if TYPE_CHECKING:
    from osiris.compile.check import Checked
    from osiris.compile.example import Example
    from osiris.compile.explained import Explained
    from osiris.compile.manifest import Manifest
    from osiris.settings import Settings

BUILD = "build"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A manifest and where it was written; `path` is None when it was not. `warnings` are those of the check."""

    manifest: Manifest
    path: Path | None
    warnings: tuple[str, ...] = ()


class Folder:
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

    def schemas(self) -> dict[str, Mapping[str, Any]]:
        """The JSON Schemas of the project's files: `connections`, `pipeline`, `settings`."""
        from osiris.project import schemas

        return schemas.schemas(self.catalog)

    def path(self, name: str | Path) -> Path:
        """The file that `name` means: below the project's folder, else as seen from the current one."""
        inside = self.root / name
        if not inside.exists() and Path(name).exists():
            return Path(name).absolute()
        return Path(name) if self.root == Path.cwd() else inside

    def check(self, pipeline: str | Path, params: Mapping[str, str] | None = None) -> Checked:
        """Every fault of a pipeline. Raises only for what is wrong outside of it: osiris.yaml, the connections file."""
        from osiris.compile.check import check

        return check(
            self.path(pipeline),
            catalog=self.catalog,
            connections=self.connections,
            params=params or {},
            profile=self.profile,
            environ=self.environ,
        )

    def explain(self, pipeline: str | Path, params: Mapping[str, str] | None = None) -> Explained:
        """Where everything in a pipeline comes from; opens nothing. Raises ConfigError that tells all of its faults."""
        from osiris.compile.explain import explain

        checked = self.check(pipeline, params)
        if checked.pipeline is None:
            raise checked.error()
        found = explain(checked.pipeline, self.connections)
        return replace(found, warnings=tuple(warning.to_json() for warning in checked.warnings))

    def example(self, component: str) -> Example:
        """A pipeline around a component, and the connections that it needs. Raises NotFound for an unknown one."""
        from osiris.compile.example import example_of

        return example_of(self.catalog, component)

    def compile(self, pipeline: str | Path, params: Mapping[str, str] | None = None, write: bool = True) -> Compiled:
        """Freeze a pipeline, into `build/` unless `write` is false. Raises ConfigError that tells all of its faults."""
        from osiris.compile import manifest

        checked = self.check(pipeline, params)
        found = checked.manifest()
        path = manifest.write(found, self.root / BUILD) if write else None
        return Compiled(found, path, tuple(str(warning) for warning in checked.warnings))
