"""`osiris logs`: what a run tells, while it goes on and after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from osiris.cli import words
from osiris.cli.face import Face
from osiris.cli.numbers import moment
from osiris.cli.verb import Verb, pass_face, unknown_name
from osiris.errors import NotFound, did_you_mean
from osiris.events import LEVELS

if TYPE_CHECKING:
    from osiris.project import Project
    from osiris.runs import LogEntry, RunFolder


@click.command("logs", cls=Verb)
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=words.runs)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is added, until the run has ended.")
@click.option("--step", metavar="STEP", shell_complete=words.run_steps, help="Only what is about this step.")
@click.option("--level", type=click.Choice(LEVELS), default="info", help="Only this level and what is worse.")
@click.option("--tail", metavar="N", type=click.IntRange(min=0), help="Begin with the last N entries.")
@pass_face
def command(face: Face, /, run_id: str | None, **options: Any) -> None:
    """Show the events and log messages of a run, in the order of time.

    RUN is its id or the start of it; without one it is the newest run. --follow works for a run of another process,
    too. With --json it waits until the run has ended and prints one document then.
    """
    project = face.project()
    with unknown_name():
        run = project.find_run(run_id)
        choice = _Choice(options["level"], _known_step(run, options["step"]), options["tail"])
    parts = choice.of(_parts(project, run, follow=options["follow"]))
    if face.output.json:
        entries = [entry.to_json() for part in parts for entry in part]
        face.output.document({**_about(project, run), "entries": entries})
        return
    about = _about(project, run)
    face.output.note(f"run {run.run_id} of {run.pipeline} ({run.profile}): {about['status']}")
    _show(face, parts, max(map(len, run.steps()), default=1))
    if about["status"] == "running" and options["follow"]:
        face.output.note(f"run {run.run_id} of {run.pipeline} ({run.profile}): {_about(project, run)['status']}")


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which entries are wanted: of this level or a worse one, about this step, the last `tail` of the first part."""

    level: str
    step: str | None
    tail: int | None

    def of(self, parts: Iterable[list[LogEntry]]) -> Iterator[list[LogEntry]]:
        for number, part in enumerate(parts):
            wanted = [entry for entry in part if self._wants(entry)]
            yield wanted[max(0, len(wanted) - self.tail) :] if number == 0 and self.tail is not None else wanted

    def _wants(self, entry: LogEntry) -> bool:
        lesser = LEVELS[: LEVELS.index(self.level)]
        return entry.level not in lesser and self.step in (None, entry.step)


def _parts(project: Project, run: RunFolder, *, follow: bool) -> Iterator[list[LogEntry]]:
    from osiris.runs import RunLog

    if follow:
        yield from RunLog(run.path).follow(lambda: not project.is_running(run))
    else:
        yield RunLog(run.path).new(over=not project.is_running(run))


def _known_step(run: RunFolder, step: str | None) -> str | None:
    """`step`, or NotFound: else a misspelt one would look like one that has nothing to tell."""
    if step is not None and step not in (known := run.steps()):
        hint = did_you_mean(step, known) or f"its steps: {', '.join(known)}"
        raise NotFound(f"run {run.run_id} has no step {step!r}", code="step.unknown", hint=hint)
    return step


def _about(project: Project, run: RunFolder) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "pipeline": run.pipeline,
        "profile": run.profile,
        "status": run.status(project.is_running),
        "folder": str(run.path),
    }


def _show(face: Face, parts: Iterable[list[LogEntry]], width: int) -> None:
    for part in parts:
        for entry in part:
            first, *below = entry.text.split("\n")
            at = f"{moment(entry.at)}{entry.at[19:23]}"
            face.output.line(f"{at}  {entry.level:<7}  {entry.step or '-':<{width}}  {first}", entry.level)
            for line in below:
                face.output.line(f"  {line}", entry.level)
        face.output.flush()
