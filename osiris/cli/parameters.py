"""The options by which a pipeline's parameters and profile are given."""

from __future__ import annotations

from collections.abc import Sequence

import click

from osiris.errors import ConfigError

PARAMETERS = click.option("--param", metavar="NAME=VALUE", multiple=True, help="Set a parameter; may be repeated.")
PROFILE = click.option("--profile", metavar="NAME", help="Use this profile of the pipeline.")


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
