"""`osiris run`: run a pipeline or a manifest, with its progress shown, and say how it went."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from osiris.cli import words
from osiris.cli.face import Face, plain_failure
from osiris.cli.parameters import PARAMETERS, PROFILE, parameters
from osiris.cli.report import show_report
from osiris.cli.verb import Verb, pass_face
from osiris.errors import Cancelled, OsirisError

if TYPE_CHECKING:
    from osiris.project import Project
    from osiris.runs import Report


@click.command("run", cls=Verb)
@click.argument("pipeline", metavar="PIPELINE|MANIFEST", shell_complete=words.pipelines)
@PARAMETERS
@PROFILE
@click.option("--again", is_flag=True, help="Start anew, after an unfinished run of the pipeline was settled.")
@click.option("--wait", is_flag=True, help="Wait for another run that writes to the same target.")
@click.option("--dry-run", is_flag=True, help="Check and plan only: touch no target.")
@click.option(
    "--allow-drift", is_flag=True, help="Run a manifest though connectors have changed since it was compiled."
)
@pass_face
def command(face: Face, /, pipeline: str, **options: Any) -> int:
    """Run a pipeline, or a manifest that was compiled.

    An unfinished run of the same pipeline is settled before: finished from its staging, or undone.
    """
    face.failure = partial(_refused, pipeline)
    project = face.project(options.pop("profile"))
    report = run_shown(face, project, pipeline, params=parameters(options.pop("param")), **options)
    document = report.to_json()
    face.output.document(document)
    if not face.output.quiet:
        show_report(face.output, document)
    for text in report.warnings:
        face.output.note(f"warning: {text}", "warning")
    face.output.errors(*report.errors)
    return report.exit_code


def run_shown(face: Face, /, project: Project, pipeline: str, **options: Any) -> Report:
    """Run it with progress on stderr; Ctrl-C and SIGTERM stop it in order."""
    from osiris.cli.progress import RunView
    from osiris.execute.base import Cancellation, Progress

    progress, cancellation = Progress(), Cancellation()
    face.stop = cancellation.request
    dry = options.get("dry_run", False)
    try:
        with nullcontext() if dry else face.output.progress(RunView(progress, cancellation)):
            return project.run(pipeline, progress=progress, cancel=cancellation, **options)
    finally:
        face.stop = None


def _refused(pipeline: str, error: OsirisError) -> dict[str, Any]:
    """The document of a run that never began."""
    return {
        "status": "cancelled" if isinstance(error, Cancelled) else "failure",
        "run_id": None,
        "pipeline": pipeline,
        "fingerprint": None,
        "duration_s": 0.0,
        "peak_memory_mb": 0.0,
        "report": None,
        "steps": [],
        **plain_failure(error),
    }
