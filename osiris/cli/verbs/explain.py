"""`osiris explain`: what a pipeline will do with what, and where each value comes from."""

from __future__ import annotations

import click

from osiris.cli.explain import show_explained
from osiris.cli.face import Face
from osiris.cli.parameters import PARAMETERS, PIPELINE, PROFILE, parameters
from osiris.cli.verb import Verb, pass_face
from osiris.errors import ConfigError


@click.command("explain", cls=Verb)
@PIPELINE
@PARAMETERS
@PROFILE
@pass_face
def command(face: Face, /, pipeline: str, param: tuple[str, ...], profile: str | None) -> None:
    """Show a pipeline's flows, and where each value comes from.

    For each step of PIPELINE: its component, its connection and how it was chosen, each option with its value. Nothing
    is opened, secrets are masked, and of variables it is told only whether they are set.
    """
    found = face.project(profile).explain(pipeline, parameters(param))
    face.output.document(found.to_json())
    show_explained(face.output, found)
    face.output.errors(*(ConfigError(**warning) for warning in found.warnings), kind="warning")
