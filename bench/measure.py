"""`Contender`: one of several commands that do the same in turns, what it took, and whether it was right."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With it a program would compile its modules each time that it starts, unlike those that pip has installed."""


@dataclass(slots=True)
class Contender:
    """`prepare` runs before each turn, `check` after the first; neither is timed. CPU is that of the process and of all
    that it starts, `fault` why its times mean nothing."""

    name: str
    command: Sequence[str | Path]
    folder: Path
    check: Callable[[], bool]
    prepare: Callable[[], object] = bool
    environment: dict[str, str] = field(default_factory=dict)
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peak_mb: float = 0
    fault: str = ""

    def run(self) -> None:
        """Its turn."""
        self.prepare()
        with tempfile.TemporaryFile() as said:
            started = time.perf_counter()
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**ENVIRONMENT, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            self.walls.append(time.perf_counter() - started)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
        self.cpus.append(usage.ru_utime + usage.ru_stime)
        self.peak_mb = max(self.peak_mb, usage.ru_maxrss / 1024)
        if process.returncode:
            self.fault = f"failed: {' '.join(lines)[-300:]}"
        elif len(self.walls) == 1 and not self.check():
            self.fault = "WRONG VALUES"

    @property
    def wall(self) -> float:
        return statistics.median(self.walls)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpus)


def pipeline_run(folder: Path, name: str, steps: list[dict[str, object]]) -> list[str | Path]:
    """The command that runs a new pipeline of these steps."""
    text = json.dumps({"oml_version": "0.1.0", "name": name, "steps": steps})
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return [Path(sys.executable).parent / "osiris", "run", f"{name}.yaml"]


def take_turns(contenders: Sequence[Contender], rounds: int) -> None:
    """So that a busy moment of the machine hits none of them alone."""
    for _ in range(rounds):
        for contender in contenders:
            if not contender.fault:
                contender.run()


def show(title: str, contenders: Iterable[Contender]) -> None:
    """A table of medians, the fastest first."""
    print(f"\n{title:38} {'wall s':>7} {'CPU s':>7} {'peak MB':>8} {'runs':>5}  values")
    for one in sorted(contenders, key=lambda one: one.wall):
        row = f"  {one.name:36} {one.wall:7.2f} {one.cpu:7.2f} {one.peak_mb:8.0f} {len(one.walls):5}"
        print(f"{row}  {one.fault or 'right'}", flush=True)


def at_most(what: str, ratio: float, limit: float) -> bool:
    """Prints a ratio beside its limit."""
    print(f"  {what}: {ratio:.2f}, at most {limit} {'ok' if ratio <= limit else 'OVER'}", flush=True)
    return ratio <= limit


def at_least(what: str, ratio: float, limit: float) -> bool:
    """Prints a ratio beside its limit."""
    print(f"  {what}: {ratio:.2f}, at least {limit} {'ok' if ratio >= limit else 'UNDER'}", flush=True)
    return ratio >= limit


def load() -> str:
    """How many processes wanted the processor in the last one, five and fifteen minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
