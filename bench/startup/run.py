"""Times the start of the `osiris` command beside bare Python, a completion, a one-row run, and a check of 200 steps."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 15
OSIRIS = str(Path(sys.executable).parent / "osiris")
WORD = ["env", "_OSIRIS_COMPLETE=bash_complete", "COMP_LINE=osiris run "]


@dataclass(frozen=True, slots=True)
class Case:
    """A command, and the most it may take: `limit_s` seconds, given those of bare Python in the same run."""

    name: str
    command: Sequence[str]
    limit_s: Callable[[float], float]


def main() -> int:
    """Print one line a case; 1 when one is over its limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        seconds = measure(CASES, folder)
    bare = statistics.median(seconds[CASES[0].name])
    over = False
    print(f"{'median of ' + str(ROUNDS):32} {'ms':>8} {'x bare':>7} {'limit ms':>9}")
    for case in CASES:
        took_s = statistics.median(seconds[case.name])
        limit_s = case.limit_s(bare)
        over |= took_s > limit_s
        verdict = "OVER" if took_s > limit_s else "ok"
        print(f"{case.name:32} {took_s * 1000:8.1f} {took_s / bare:7.2f} {limit_s * 1000:9.1f} {verdict}")
    return int(over)


CASES = [
    Case("python -c pass", [sys.executable, "-c", "pass"], lambda bare: bare),
    Case("osiris --version", [OSIRIS, "--version"], lambda bare: 2 * bare),
    Case("osiris --help", [OSIRIS, "--help"], lambda _: 0.150),
    Case("a word is completed", [*WORD, OSIRIS], lambda _: 0.200),
    Case("osiris run, one row", [OSIRIS, "run", "one.yaml"], lambda _: 0.600),
    Case("osiris validate, 200 steps", [OSIRIS, "validate", "long.yaml"], lambda _: 1.0),
]


def measure(cases: Sequence[Case], folder: Path) -> dict[str, list[float]]:
    """Seconds of each case, the cases taking turns so that a busy moment of the machine hits all of them."""
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    for number in range(ROUNDS + 1):
        for case in cases:
            started = time.perf_counter()
            subprocess.run(case.command, cwd=folder, check=True, capture_output=True)
            if number:  # the first round warms the disk cache
                seconds[case.name].append(time.perf_counter() - started)
    return seconds


def prepare(folder: Path) -> None:
    """A project with a pipeline of one row and one of 200 steps."""
    (folder / "one.csv").write_text("id,name\n1,Ada\n", encoding="utf-8")
    (folder / "one.yaml").write_text(pipeline("one", [read("read"), write("write", "out/one.csv")]), encoding="utf-8")
    steps = [step for n in range(100) for step in (read(f"read-{n}"), write(f"write-{n}", f"out/{n}.csv"))]
    (folder / "long.yaml").write_text(pipeline("long", steps), encoding="utf-8")


def pipeline(name: str, steps: Sequence[str]) -> str:
    return f'oml_version: "0.1.0"\nname: {name}\nsteps:\n{"".join(steps)}'


def read(name: str) -> str:
    return step(name, "filesystem.csv_extractor", "read", "[]", "one.csv")


def write(name: str, path: str) -> str:
    return step(name, "filesystem.csv_writer", "write", f"[{name.replace('write', 'read')}]", path)


def step(name: str, component: str, mode: str, needs: str, path: str) -> str:
    lines = [f"id: {name}", f"component: {component}", f"mode: {mode}", f"needs: {needs}", f"config: {{path: {path}}}"]
    return "  - " + "\n    ".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
