"""`osiris runs`: what was run, and how it went."""

from __future__ import annotations

import dataclasses

import click

from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.numbers import moment
from osiris.cli.report import show_end, show_report
from osiris.cli.verb import VerbGroup, pass_face, unknown_name

command = VerbGroup("runs", help="Show past runs, failed ones included.")


@command.command("list")
@pass_face
def list_runs(face: Face, /) -> None:
    """List all runs of the project, the newest first."""
    runs = face.project().runs()
    face.output.document({"runs": [dataclasses.asdict(run) for run in runs]})
    rows = [(r.run_id, r.pipeline, r.profile, r.status, moment(r.started_at), r.duration_s) for r in runs]
    columns = ("run", "pipeline", "profile", "status", "started (UTC)", "seconds")
    face.output.table(columns, rows, right=("seconds",))
    if not runs:
        face.output.note("nothing was run here yet: osiris run PIPELINE")


@command.command("show")
@click.argument("run_id", metavar="ID", shell_complete=words.runs)
@pass_face
def show_run(face: Face, /, run_id: str) -> None:
    """Show the report of a run.

    The first letters of an ID are enough.
    """
    with unknown_name():
        report = face.project().report(run_id)
    face.output.document(report)
    show_report(face.output, report)
    show_end(face.output, report)
