"""`osiris validate`: check a pipeline and say all that is wrong with it at once."""

from __future__ import annotations

from typing import Any

import click

from osiris.cli.face import Face, error_to_json
from osiris.cli.parameters import PARAMETERS, PIPELINE, PROFILE, parameters
from osiris.cli.verb import Verb, pass_face
from osiris.errors import EXIT_CONFIG, EXIT_OK, OsirisError


@click.command("validate", cls=Verb)
@PIPELINE
@PARAMETERS
@PROFILE
@pass_face
def command(face: Face, /, pipeline: str, param: tuple[str, ...], profile: str | None) -> int:
    """Check a pipeline and say all that is wrong with it.

    PIPELINE is checked against its components and connections; nothing is run.
    """
    face.failure = _refused
    checked = face.project(profile).check(pipeline, parameters(param))
    face.output.document(checked.to_json())
    face.output.errors(*(issue.error() for issue in checked.errors))
    face.output.errors(*(issue.error() for issue in checked.warnings), kind="warning")
    if checked.errors:
        many = len(checked.errors)
        face.output.note(f"\n{many} {'error' if many == 1 else 'errors'} in {pipeline}")
        return EXIT_CONFIG
    face.output.done(f"{pipeline} is valid")
    return EXIT_OK


def _refused(error: OsirisError) -> dict[str, Any]:
    return {"valid": False, "errors": [error_to_json(error)], "warnings": []}
