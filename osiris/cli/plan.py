"""A dry run as a page: what each step would read or write, what was checked, and that nothing was touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from osiris.cli.doctor import MARKS, STYLES
from osiris.cli.paths import shown_path

if TYPE_CHECKING:
    from osiris.cli.render import Output

COLUMNS = ("step", "component", "status", "rows expected", "splits", "reads or writes")
MOST_NAMES = 3
"""Of more files or tables only so many are named."""


def show_plan(output: Output, report: Mapping[str, Any]) -> None:
    """Show the document of a dry run (the `run` shape); its errors are for the caller to show."""
    steps: list[dict[str, Any]] = report["steps"]
    output.table(COLUMNS, [_row(step) for step in steps], right=("rows expected",))
    for step in steps:
        for text in _notes(step):
            output.line(f"{step['id']}: {text}")
    _show_checks(output, steps)
    many = len(report.get("errors", [1] if "error" in report else []))
    outcome = f"{report['status']}, {many} error{'' if many == 1 else 's'}" if many else "nothing stands in its way"
    output.line(f"dry run of {report['pipeline']}: {outcome}; no target was touched", report["status"])


def _row(step: Mapping[str, Any]) -> tuple[Any, ...]:
    plan = step.get("plan", {})
    splits = f"{plan['splits']} of {plan['splits_wanted']}" if plan.get("splits") is not None else "-"
    names = [shown_path(dataset["name"]) for dataset in step.get("datasets", ())]
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    touched = f"{plan.get('write_mode') or ''} {', '.join(names[:MOST_NAMES])}{more}".strip()
    return step["id"], step["component"], step["status"], step.get("estimated_rows"), splits, touched or "-"


def _notes(step: Mapping[str, Any]) -> Iterator[str]:
    plan = step.get("plan", {})
    why = plan.get("why_one_split")
    if why is not None and plan["splits_wanted"] > 1:
        yield f"one split, since {why}"
    yield from step.get("notes", ())


def _show_checks(output: Output, steps: list[dict[str, Any]]) -> None:
    """Those of each connection once, on one line where all is well."""
    checked = {
        step["plan"]["connection"]: step["plan"]["checks"] for step in steps if step.get("plan", {}).get("checks")
    }
    for connection, checks in checked.items():
        worst = max((check["status"] for check in checks), key=("ok", "warning", "failure").index)
        mark = MARKS[worst]
        output.line(f"{mark:<5}{connection}  {', '.join(check['id'] for check in checks)}", STYLES[mark])
        for check in checks:
            if check["status"] == "warning":
                output.line(f"     {check['id']}: {check['message']}")
