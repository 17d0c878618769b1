"""Which connections doctor tests, and what a pipeline wants of each."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris.connectors.base import Client, Extractor, Options
from osiris.errors import ConfigError, OsirisError, did_you_mean
from osiris.project.doctor import Target
from osiris.project.folder import Folder
from osiris.step import Workspace

if TYPE_CHECKING:
    from osiris.compile.manifest import ManifestStep


def wanted(folder: Folder, references: Sequence[str], family: str | None, pipeline: str | Path | None) -> list[Target]:
    """The connections that are named, or that `pipeline` uses, or all; of `family` only. Raises ConfigError when there
    is none, and for an unknown reference or family."""
    named = list(dict.fromkeys(references))
    for reference in named:
        folder.connections.split(reference)
    known = [*dict.fromkeys([*folder.registry.families(), *folder.connections.families()])]
    if family is not None and family not in known:
        hint = did_you_mean(family, known) or f"known families: {', '.join(known)}"
        raise ConfigError(f'there is no connector family "{family}"', code="family.unknown", hint=hint)
    if pipeline is not None:
        targets = _used(folder, pipeline)
    else:
        targets = [Target(reference) for reference in folder.connections.references()]
    if named:
        used = {target.reference: target for target in targets}
        targets = [used.get(reference, Target(reference)) for reference in named]
    if family is not None:
        prefix = f"@{family}."
        targets = [target for target in targets if target.reference.startswith(prefix)]
    if not targets:
        raise _nothing(family, pipeline)
    return targets


def _used(folder: Folder, pipeline: str | Path) -> list[Target]:
    """The connections that a pipeline uses, with what its steps replace and read."""
    targets: dict[str, Target] = {}
    for step in folder.compile(pipeline, write=False).manifest.steps:
        if step.connection is not None:
            before = targets.get(step.connection, Target(step.connection, step.overrides))
            names = dict.fromkeys([*before.resources, *_read(folder, step)])
            targets[step.connection] = Target(step.connection, before.overrides, tuple(names))
    return list(targets.values())


def _nothing(family: str | None, pipeline: str | Path | None) -> ConfigError:
    which = f"no connection of {family}" if family is not None else "no connection"
    where = f"{pipeline} uses {which}" if pipeline is not None else f"{which} is configured"
    hint = "list them under connections: in osiris_connections.yaml"
    return ConfigError(where, code="connection.none", hint=hint)


def _read(folder: Folder, step: ManifestStep) -> tuple[str, ...]:
    """The name of the dataset that a read step asks for; none for other steps, for a query, which names several or
    none, and where the connection cannot be resolved, which doctor then reports."""
    if step.mode != "read" or step.connection is None or step.options.get("query") is not None:
        return ()
    family = step.component.partition(".")[0]
    scratch = Path(tempfile.gettempdir())
    try:
        connection = folder.connections.resolve(family, step.connection, step.overrides)
        client = folder.registry.client(family)(connection)
        extractor: Extractor[Client] = folder.registry.implementation(step.component)(
            client, Options(step.options), Workspace(scratch, scratch)
        )
        return (extractor.dataset().name,)
    except OsirisError:
        return ()
