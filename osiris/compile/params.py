"""The values of params: `--param` over `OSIRIS_PARAM_X` over the profile over the default; secret ones at run only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from osiris.compile.declarations import NOT_GIVEN, Param, fit, variable
from osiris.compile.issues import Issues
from osiris.compile.param_types import value_of_text
from osiris.compile.templates import placeholder, used_secrets
from osiris.errors import ConfigError, did_you_mean
from osiris.secrets import redactor

Origin = Literal["command_line", "environment", "profile", "default", "unset"]


@dataclass(frozen=True, slots=True)
class Given:
    """What was given from outside: `--param` pairs, the chosen profile's params, the environment."""

    pairs: Mapping[str, str]
    profile: Mapping[str, Any]
    environ: Mapping[str, str]


def values(declared: Mapping[str, Param], given: Given, issues: Issues) -> dict[str, Any]:
    """The value of each param that is not secret; faults, missing values among them, go to `issues`."""
    for name in given.pairs:
        if name not in declared:
            hint = did_you_mean(name, list(declared)) or (f"known: {', '.join(declared)}" if declared else None)
            issues.error(
                "param.unknown", f"--param {name}: the pipeline has no such param", "params", hint=hint, key=True
            )
    secrets = frozenset(param.name for param in declared.values() if param.secret)
    found: dict[str, Any] = {}
    for param in declared.values():
        if param.secret:
            continue
        try:
            value = _value(param, given)
        except ConfigError as error:
            issues.error(error.code, error.message, "params", param.name, hint=error.hint, key=True)
            continue
        if used_secrets(value, secrets):
            message = f'the value of "{param.name}" names a secret param'
            issues.error(
                "param.spells_secret", message, "params", param.name, hint="use the secret param itself", key=True
            )
        found[param.name] = value
    return found


def origin(param: Param, given: Given) -> Origin:
    """Which of the places that may give a param its value does."""
    if param.name in given.pairs:
        return "command_line"
    if param.variable in given.environ:
        return "environment"
    if param.name in given.profile:
        return "profile"
    return "unset" if param.default is NOT_GIVEN else "default"


def _value(param: Param, given: Given) -> Any:
    place = origin(param, given)
    if place == "command_line":
        return _parsed(param, given.pairs[param.name], f"--param {param.name}")
    if place == "environment":
        return _parsed(param, given.environ[param.variable], param.variable)
    if place == "profile":
        return given.profile[param.name]
    if place == "unset":
        hint = f"give it by --param {param.name}=... or {param.variable}, or declare a default"
        raise ConfigError(f'the param "{param.name}" has no value', code="param.missing", hint=hint)
    return param.default


def _parsed(param: Param, text: str, source: str) -> Any:
    try:
        return fit(param, value_of_text(param.type, text))
    except ConfigError as error:
        raise ConfigError(f"{source}: {error.message}", code="param.value", hint=error.hint) from error


def secret_values(
    secret_params: Mapping[str, str], given: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, Any]:
    """The values of a manifest's secret params (name → type) when it runs, each told to the redactor.

    Raises ConfigError for one that is not given or does not parse; its text is never shown.
    """
    found: dict[str, Any] = {}
    for name, kind in secret_params.items():
        text = given.get(name, environ.get(variable(name)))
        if text is None:
            hint = f"set {variable(name)}, or give --param {name}=..."
            raise ConfigError(f'the secret param "{name}" has no value', code="param.missing", hint=hint)
        redactor.add(text)
        try:
            found[name] = value_of_text(kind, text)
        except ConfigError:
            message = f'the secret param "{name}" is not of type {kind}'
            raise ConfigError(message, code="param.value") from None
        _tell_redactor(found[name])
    return found


def resolve_secret_params(options: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A step's options, or overrides, with the placeholders of secret params filled in, for the run alone."""
    for value in values.values():
        _tell_redactor(value)
    return {key: _resolved(value, values) for key, value in options.items()}


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(item, values) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    marks = {placeholder(name): secret for name, secret in values.items()}
    if value in marks:
        return marks[value]
    if not marks:
        return value
    # one pass: a secret whose text looks like another's placeholder is not filled in again
    return re.sub("|".join(map(re.escape, marks)), lambda found: str(marks[found[0]]), value)


def _tell_redactor(value: Any) -> None:
    if isinstance(value, Mapping):
        for item in value.values():
            _tell_redactor(item)
    elif isinstance(value, list):
        for item in value:
            _tell_redactor(item)
    elif value is not None:
        redactor.add(value)
