"""What a pipeline's step reads through its connection, named for doctor, without opening anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

from osiris.compile.manifest import ManifestStep
from osiris.connections import Connections
from osiris.connectors.base import Client, Extractor, Options
from osiris.connectors.registry import Registry
from osiris.errors import OsirisError
from osiris.step import Workspace


def resources(registry: Registry, connections: Connections, step: ManifestStep) -> tuple[str, ...]:
    """The name of the dataset that a read step asks for; none for other steps, and where the connection cannot be
    resolved, which doctor then reports."""
    if step.mode != "read" or step.connection is None:
        return ()
    family = step.component.partition(".")[0]
    folder = Path(tempfile.gettempdir())
    try:
        connection = connections.resolve(family, step.connection, step.overrides)
        client = registry.client(family)(connection)
        extractor: Extractor[Client] = registry.implementation(step.component)(
            client, Options(step.options), Workspace(folder, folder)
        )
        return (extractor.dataset().name,)
    except OsirisError:
        return ()
