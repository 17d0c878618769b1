"""`osiris compile`: freeze a pipeline into a manifest."""

from __future__ import annotations

import click

from osiris.cli.face import Face
from osiris.cli.parameters import PARAMETERS, PIPELINE, PROFILE, parameters
from osiris.cli.verb import Verb, pass_face


@click.command("compile", cls=Verb)
@PIPELINE
@PARAMETERS
@PROFILE
@pass_face
def command(face: Face, /, pipeline: str, param: tuple[str, ...], profile: str | None) -> None:
    """Check a pipeline and write its manifest.

    The manifest of PIPELINE lies below build/ and is the same, byte for byte, for the same inputs on any machine.
    """
    compiled = face.project(profile).compile(pipeline, parameters(param))
    manifest = compiled.manifest
    face.output.document(
        {
            "manifest": str(compiled.path),
            "fingerprint": manifest.fingerprint,
            "steps": [
                {"id": step.id, "component": step.component, "needs": [*step.inputs, *step.after]}
                for step in manifest.steps
            ],
        }
    )
    face.output.done(f"compiled {len(manifest.steps)} steps, fingerprint {manifest.fingerprint}")
    face.output.line(str(compiled.path))
