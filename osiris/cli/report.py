"""A run's report as a page: what each step did, and where more is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris.cli.numbers import duration, row_count
from osiris.cli.pages import page
from osiris.cli.paths import shown_path
from osiris.cli.plan import show_plan
from osiris.errors import OsirisError

if TYPE_CHECKING:
    from osiris.cli.render import Output

COLUMNS = ("step", "component", "status", "read", "written", "rejected", "superseded", "time", "stopped by")
NUMBERS = ("read", "written", "rejected", "superseded", "time")
UNREMARKABLE: dict[str, set[Any]] = {"rejected": {0}, "superseded": {0}, "stopped by": {"-", "exhausted"}}
"""A column in which nothing else stands is left out."""


def show_report(output: Output, report: dict[str, Any]) -> None:
    """Show the document of a run (the `run` shape); its error is for the caller to show."""
    if report.get("dry_run"):
        show_plan(output, report)
        return
    _show_steps(output, report["steps"])
    for text in report.get("settled", ()):
        output.sentence(f"settled first: {text}")
    for step in report["steps"]:
        for text in step.get("notes", ()):
            output.sentence(f"{step['id']}: {text}")
    output.sentence(summary(report), report["status"])
    if report.get("report"):
        output.line(f"folder: {shown_path(str(Path(report['report']).parent))}")


def show_end(output: Output, report: dict[str, Any]) -> None:
    """Show a past run's warnings and its error, which were shown on stderr when it ran."""
    for text in report.get("warnings", ()):
        output.line(f"warning: {text}", "warning")
    if (told := report.get("error")) is not None:
        error = OsirisError(told["message"], code=told["code"], hint=told["hint"])
        error.step = told["step"]
        for text in page(error):
            output.line(text, text.partition(":")[0])


def _show_steps(output: Output, steps: list[dict[str, Any]]) -> None:
    if not steps:
        return
    counts: list[list[Any]] = [[step[f"rows_{name}"] for name in NUMBERS[:-1]] for step in steps]
    rows: list[list[Any]] = [
        [
            step["id"],
            step["component"],
            step["status"],
            *count,
            duration(step["duration_s"]),
            step["stop_reason"] or "-",
        ]
        for step, count in zip(steps, counts, strict=True)
    ]
    places = [
        place
        for place, name in enumerate(COLUMNS)
        if name not in UNREMARKABLE or {row[place] for row in rows} - UNREMARKABLE[name]
    ]
    output.table([COLUMNS[place] for place in places], [[row[place] for place in places] for row in rows], NUMBERS)


def summary(report: dict[str, Any]) -> str:
    """One sentence: `run 3f2a… of orders: success, 12 rows out, 0.42 s, peak memory 120.0 MB`.

    Rows out are those of the steps that feed no other.
    """
    text = f"run {report['run_id']} of {report['pipeline']}: {report['status']}"
    if "duration_s" not in report:
        return f"{text}, and it left no report"
    written = sum(step["rows_written"] for step in report["steps"] if step["id"] in _last_steps(report))
    figures = f"{row_count(written)} out, {duration(report['duration_s'])}, peak memory {report['peak_memory_mb']} MB"
    return f"{text}, {figures}"


def _last_steps(report: dict[str, Any]) -> set[str]:
    """The steps that feed no other."""
    feeding = {edge["from"] for edge in report.get("edges", ())}
    return {step["id"] for step in report["steps"]} - feeding
