"""`osiris demo`: a small shop's data through a whole pipeline, and the proof that nothing was lost or altered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from osiris.cli import words
from osiris.cli.doctor import DoctorView
from osiris.cli.face import Face
from osiris.cli.paths import cd_to
from osiris.cli.report import show_report
from osiris.cli.starter import files_of, schema_files, write_over
from osiris.cli.verb import Verb, pass_face
from osiris.cli.verbs.run import run_shown
from osiris.errors import EXIT_FAILED, ConfigError

if TYPE_CHECKING:
    from osiris.cli.demo.truth import Finding
    from osiris.project import Project

MARKER = ".osiris-demo"
PIPELINE = "pipelines/shop.yaml"


@click.command("demo", cls=Verb)
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    default="osiris-demo",
    show_default=True,
    shell_complete=words.folders,
    help="Where to put it.",
)
@click.option(
    "--rows", metavar="N", type=click.IntRange(min=1), default=20_000, show_default=True, help="How many orders."
)
@pass_face
def command(face: Face, /, folder: str, rows: int) -> int:
    """Make a small project with data, and run it.

    The project joins generated customers and orders, nasty rows included, in SQL, and writes Parquet and CSV. It is
    kept, so that you can look around; running the demo again makes it anew.
    """
    from osiris.cli.demo import data, truth

    root = Path(face.folder or ".") / folder
    shop = data.generate(rows)
    _make(root)
    data.write_csv(shop, root / "input")
    face.folder = str(root)
    face.output.done(f"made {root}: {len(shop.customers)} customers, {rows:,} orders")
    project = face.project()
    document, code = _through(face, project)
    findings: list[Finding] = truth.compare(shop, root / "output") if code == 0 else []
    document["findings"] = [finding.to_json() for finding in findings]
    face.output.document({"project": str(root), **document})
    if code == 0:
        code = _show(face, findings)
    if code == 0:
        _what_next(face, root)
    return code


def _make(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is not a folder", code="demo.exists", hint="choose another one with --dir")
    if root.is_dir() and any(root.iterdir()) and not (root / MARKER).exists():
        raise ConfigError(f"{root} holds other things", code="demo.exists", hint="choose another folder with --dir")
    write_over(
        root, {**files_of("demo/project"), **schema_files(), MARKER: "made by osiris demo; it may be written over\n"}
    )
    (root / "output").mkdir(exist_ok=True)


def _through(face: Face, project: Project) -> tuple[dict[str, Any], int]:
    """Doctor, compile, run: the documents of the three, and the first exit code that is not 0."""
    _head(face, "osiris connections doctor")
    view = DoctorView(face.output)
    health = project.doctor(on_result=None if face.output.quiet else view.show)
    document: dict[str, Any] = {"doctor": health.to_json()}
    if not face.output.quiet:
        view.sum_up(document["doctor"]["summary"])
    if health.exit_code:
        return document, health.exit_code
    _head(face, f"osiris compile {PIPELINE}")
    compiled = project.compile(PIPELINE)
    document["compile"] = {"manifest": str(compiled.path), "fingerprint": compiled.manifest.fingerprint}
    face.output.done(f"{compiled.path}\n{compiled.manifest.fingerprint}")
    _head(face, f"osiris run {PIPELINE}")
    report = run_shown(face, project, PIPELINE)
    document["run"] = report.to_json()
    if not face.output.quiet:
        show_report(face.output, document["run"])
    if report.error is not None:
        face.output.errors(report.error)
    return document, report.exit_code


def _show(face: Face, findings: list[Finding]) -> int:
    _head(face, "what was written, against what was generated")
    for finding in findings:
        mark = "ok  " if finding.ok else "FAIL"
        text = finding.expected if finding.ok else f"{finding.found}, but expected {finding.expected}"
        face.output.line(f"{mark} {finding.what}: {text}", "success" if finding.ok else "failure")
    return 0 if all(finding.ok for finding in findings) else EXIT_FAILED


def _what_next(face: Face, root: Path) -> None:
    _head(face, "try next")
    for text in (
        cd_to(root),
        f"cat {PIPELINE}",
        f"osiris run {PIPELINE} --param since=2026-07-01",
        'osiris discover @filesystem.output --like "*.parquet"',
        "osiris components show filesystem.csv_extractor",
        "osiris runs list",
    ):
        face.output.done(f"  {text}")


def _head(face: Face, text: str) -> None:
    face.output.done(f"\n$ {text}" if text.startswith("osiris") else f"\n{text}")
