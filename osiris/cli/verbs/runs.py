"""`osiris runs`: what was run, how it went, and which of it is to go."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.numbers import moment, size
from osiris.cli.report import show_end, show_report
from osiris.cli.verb import VerbGroup, pass_face, unknown_name
from osiris.errors import did_you_mean

if TYPE_CHECKING:
    from osiris.project import Project
    from osiris.runs import RunFolder

STATUSES = ("success", "failure", "cancelled", "running", "unfinished")
NOTHING = "nothing was run here yet: osiris run PIPELINE"

command = VerbGroup("runs", help="Show past runs, failed ones included, and remove old ones.")
PIPELINE = click.option(
    "--pipeline", metavar="NAME", shell_complete=words.run_pipelines, help="Only the runs of this pipeline."
)


@command.command("list")
@PIPELINE
@click.option("--status", type=click.Choice(STATUSES), help="Only the runs that ended so, or have not ended.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N of them.")
@pass_face
def list_runs(face: Face, /, pipeline: str | None, status: str | None, limit: int | None) -> None:
    """List the runs of the project, the newest first.

    PIPELINE is meant by the name that its file gives it. A run is unfinished when its process was killed or left
    something behind; osiris run settles it.
    """
    project = face.project()
    runs = project.runs(pipeline, status=status, limit=limit)
    face.output.document({"runs": [dataclasses.asdict(run) for run in runs]})
    if runs:
        rows = [(r.run_id, r.pipeline, r.profile, r.status, moment(r.started_at), r.duration_s) for r in runs]
        columns = ("run", "pipeline", "profile", "status", "started (UTC)", "seconds")
        face.output.table(columns, rows, right=("seconds",))
    else:
        face.output.note(_nothing(project, pipeline, status))


@command.command("show")
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=words.runs)
@pass_face
def show_run(face: Face, /, run_id: str | None) -> None:
    """Show the report of a run.

    RUN is its id or the start of it; without one it is the newest run.
    """
    with unknown_name():
        report = face.project().report(run_id)
    face.output.document(report)
    show_report(face.output, report)
    show_end(face.output, report)


@command.command("prune")
@click.option("--keep-runs", metavar="N", type=click.IntRange(min=0), help="Keep the newest N runs of each pipeline.")
@click.option("--keep-days", metavar="N", type=click.IntRange(min=0), help="Keep only runs of the last N days.")
@PIPELINE
@click.option("--dry-run", is_flag=True, help="Say what would be removed: remove nothing.")
@pass_face
def prune_runs(
    face: Face, /, keep_runs: int | None, keep_days: int | None, pipeline: str | None, dry_run: bool
) -> None:
    """Remove the folders of old runs.

    What an option does not say is taken from retention in osiris.yaml. Runs that have not ended are always kept, since
    osiris run has yet to settle them.
    """
    from osiris.runs import retention

    project = face.project()
    keep = project.retention(keep_runs, keep_days)
    old = project.old_runs(keep, pipeline)
    going = [{**_about(project, run), "size_bytes": retention.size_bytes(run)} for run in old.finished]
    kept = [_about(project, run) for run in old.unfinished]
    if not dry_run:
        for run in old.finished:
            retention.remove(run)
    freed_bytes = sum(row["size_bytes"] for row in going)
    document = {"dry_run": dry_run, "keep_runs": keep.runs, "keep_days": keep.days, "removed": going}
    face.output.document({**document, "kept_unfinished": kept, "freed_bytes": freed_bytes})
    _show_pruned(face, going, kept, f"{'would be ' if dry_run else ''}")
    if not project.runs(pipeline, limit=1) and not going:
        face.output.note(_nothing(project, pipeline, None))


def _about(project: Project, run: RunFolder) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "pipeline": run.pipeline,
        "profile": run.profile,
        "status": run.status(project.is_running),
        "started_at": run.started_at,
        "folder": str(run.path),
    }


def _show_pruned(face: Face, going: list[dict[str, Any]], kept: list[dict[str, Any]], would: str) -> None:
    names = ("run_id", "pipeline", "profile", "status")
    if going:
        rows = [(*(row[n] for n in names), moment(row["started_at"]), size(row["size_bytes"])) for row in going]
        columns = ("run", "pipeline", "profile", "status", "started (UTC)", "size")
        face.output.table(columns, rows, right=("size",))
    for row in kept:
        face.output.line(f"kept: run {row['run_id']} of {row['pipeline']} is {row['status']}", "warning")
    many = len(going)
    freed = size(sum(row["size_bytes"] for row in going))
    face.output.line(f"{many} {'run' if many == 1 else 'runs'} {would}removed, {freed} {would}freed")


def _nothing(project: Project, pipeline: str | None, status: str | None) -> str:
    """Why there is nothing to show."""
    known = sorted({run.pipeline for run in project.runs()})
    if not known:
        return NOTHING
    if pipeline is not None and pipeline not in known:
        hint = did_you_mean(pipeline, known) or f"pipelines that were: {', '.join(known)}"
        return f"no pipeline {pipeline!r} was run here; {hint}"
    return f"no run is {status}" if pipeline is None else f"no run of {pipeline} is {status}"
