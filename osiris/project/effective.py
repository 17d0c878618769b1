"""The last check of a config: options and a resolved connection held together, since some rules need both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osiris.components.catalog import Component
from osiris.connectors.base import Connection
from osiris.errors import ConfigError
from osiris.secrets import redactor


def check_effective(component: Component, options: Mapping[str, Any], connection: Connection) -> None:
    """Raise ConfigError, telling every fault, when `options` with the fields of `connection` break the spec."""
    fields = {name: connection.get(name) for name in component.connection_names}
    problems = component.problems({**options, **{n: value for n, value in fields.items() if value is not None}})
    if problems:
        message = "; ".join(problem.message for problem in problems)
        raise ConfigError(redactor.text(message), code=problems[0].code, hint=problems[0].hint)
