"""What an executor is given and gives back: environment, request, progress, cancellation, `Report`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from osiris.compile.manifest import Manifest, ManifestStep
from osiris.connectors.base import Connection, Options
from osiris.connectors.registry import Registry
from osiris.errors import EXIT_SIGINT, Cancelled
from osiris.runs import Report
from osiris.step import MEMORY_BYTES
from osiris.stream import Batches

StepState = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Binding:
    """A manifest's step on this machine: its class, its connection resolved, its options with secrets filled in."""

    implementation: type[Any]
    connection: Connection | None
    options: Options


@dataclass(frozen=True, slots=True)
class Environment:
    """What the executor needs of a project. `bind` resolves connections and secret parameters, when a step starts.

    A flow that is stopped, by its failure too, has `clean_up_s` to remove its staging; then the next run has to.
    """

    root: Path
    registry: Registry
    bind: Callable[[ManifestStep], Binding]
    memory_bytes: int = MEMORY_BYTES
    jobs: int = 2
    spill_limit_bytes: int | None = None
    clean_up_s: float = 60.0


@dataclass(slots=True)
class StepProgress:
    """How far a step has come; read it at any time from any thread."""

    id: str
    component: str
    state: StepState = "waiting"
    streams: list[Batches] = field(default_factory=list)
    inputs: list[Batches] = field(default_factory=list)
    """What a processor takes; `streams` is what it gives."""
    waits_for: str = ""
    """What somebody else has to do before it goes on, as far as that is known."""

    @property
    def rows(self) -> int:
        return sum(stream.rows for stream in self.streams)

    @property
    def rows_taken(self) -> int:
        return sum(stream.rows for stream in self.inputs)

    @property
    def size_bytes(self) -> int:
        return sum(stream.size_bytes for stream in self.streams)


@dataclass(slots=True)
class Progress:
    """Filled in while a run goes on; a face polls it. `message` says what is going on besides steps."""

    steps: dict[str, StepProgress] = field(default_factory=dict)
    message: str = ""


class Cancellation:
    """Asks a run to stop in order: from a signal handler, so without a lock, or from another thread."""

    def __init__(self) -> None:
        self.requested = False
        self.urgent = False
        """Asked for more than once: what cannot be ended at once is left to the next run."""
        self.exit_code = EXIT_SIGINT

    def request(self, exit_code: int = EXIT_SIGINT) -> None:
        if self.requested:
            self.urgent = True
        else:
            self.exit_code = exit_code
            self.requested = True

    def error(self) -> Cancelled:
        error = Cancelled("the run was stopped; nothing that was not committed is visible")
        error.exit_code = self.exit_code
        return error

    def raise_if_requested(self) -> None:
        if self.requested:
            raise self.error()


@dataclass(frozen=True, slots=True)
class Request:
    """How to run: `again` starts anew after settling, `wait` waits for another run on the same target to end.

    `warnings` are what was known before the run; its report tells them too.
    """

    again: bool = False
    wait: bool = False
    dry_run: bool = False
    warnings: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    cancellation: Cancellation = field(default_factory=Cancellation)


class Executor(ABC):
    """Runs a manifest. Never raises for a failure of the work: the `Report` says it."""

    @abstractmethod
    def run(self, manifest: Manifest, request: Request) -> Report:
        """Settle unfinished runs of the pipeline, then run it. Raises OsirisError only before a run folder exists."""
