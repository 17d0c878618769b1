"""What a step gets to work with: folders, memory, and a way to report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from osiris.events import Metric, NullSink, Sink
from osiris.stream import FirstError

MEMORY_BYTES = 64 * 1024 * 1024
"""How many bytes of batches may be in flight in a run unless `osiris.yaml` says otherwise."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a connector may put things, and how much memory it may take.

    `scratch` is private to the step and removed when its flow ends; `output_dir` stays with the run (rejected rows).
    `memory_bytes` is for what the connector buffers itself, such as a database engine inside this process.
    """

    scratch: Path
    output_dir: Path
    memory_bytes: int = 8 * MEMORY_BYTES


@dataclass(frozen=True, slots=True)
class Context:
    """What a driver may use of its run."""

    step: str
    workspace: Workspace
    first_error: FirstError = field(default_factory=FirstError)
    sink: Sink = field(default_factory=NullSink)

    @property
    def output_dir(self) -> Path:
        return self.workspace.output_dir

    @property
    def cancelled(self) -> bool:
        return self.first_error.happened.is_set()

    def log_metric(self, name: str, value: float, unit: str = "rows") -> None:
        self.sink.emit(Metric(name, value, unit, self.step))
