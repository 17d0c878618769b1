"""How a pipeline, its parameters and its profile are given on the command line."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osiris.cli import words
from osiris.errors import ConfigError

PIPELINE = click.argument("pipeline", shell_complete=words.pipelines)
PARAMETERS = click.option(
    "--param",
    metavar="NAME=VALUE",
    multiple=True,
    shell_complete=words.parameters,
    help="Set a parameter; may be repeated.",
)
PROFILE = click.option(
    "--profile", metavar="NAME", shell_complete=words.profiles, help="Use this profile of the pipeline."
)


def parameters(given: Sequence[str]) -> dict[str, str]:
    """`--param` texts as a mapping; ConfigError for one without `=`, without a name, or given twice."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            # not the text itself: it may be a secret
            raise ConfigError("--param takes NAME=VALUE", code="usage", hint="such as: --param day=2026-01-31")
        if name.strip() in found:
            raise ConfigError(f"--param {name.strip()} is given twice", code="usage")
        found[name.strip()] = value
    return found
