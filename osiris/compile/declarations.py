"""What a pipeline declares of its params and profiles, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osiris.compile.issues import Issues
from osiris.compile.keys import PARAM, PARAM_NAME, PROFILE
from osiris.compile.param_types import FORMER_TYPES, TYPES, check_value, type_of
from osiris.errors import ConfigError, did_you_mean

NOT_GIVEN: Any = object()


@dataclass(frozen=True, slots=True)
class Param:
    """A declared param. `default` is NOT_GIVEN when a value must be given."""

    name: str
    type: str
    default: Any = NOT_GIVEN
    enum: tuple[Any, ...] | None = None
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return variable(self.name)


def variable(name: str) -> str:
    return "OSIRIS_PARAM_" + name.upper().replace("-", "_")


def fit(param: Param, value: Any) -> Any:
    """`value` if the param can have it, else ConfigError."""
    value = check_value(param.type, value)
    if param.enum is not None and value not in param.enum:
        shown = ", ".join(str(each) for each in param.enum)
        hint = did_you_mean(str(value), [str(each) for each in param.enum])
        raise ConfigError(f"{value!r} is none of {shown}", code="param.value", hint=hint or None)
    return value


def declarations(section: Any, issues: Issues) -> dict[str, Param]:
    """The params of a pipeline's `params`; faults go to `issues`."""
    if section is None:
        return {}
    if not isinstance(section, dict):
        issues.error("param.shape", '"params" must be a mapping of names to {type, default}', "params")
        return {}
    found: dict[str, Param] = {}
    variables: dict[str, str] = {}
    for name, body in section.items():
        if not PARAM_NAME.fullmatch(name):
            hint = "use letters, digits, _ and -, a letter first"
            issues.error("param.name", f'"{name}" is no name of a param', "params", name, hint=hint, key=True)
            continue
        other = variables.setdefault(variable(name), name)
        if other != name:
            message = f'the params "{other}" and "{name}" share the variable {variable(name)}'
            issues.error("param.name", message, "params", name, hint="rename one of them", key=True)
        found[name] = _declaration(name, body, issues)
    return found


def _declaration(name: str, body: Any, issues: Issues) -> Param:
    at = ("params", name)
    if body is None:
        return Param(name, "string")
    if not isinstance(body, dict):
        return Param(name, type_of(body), body)
    for key in body:
        if key not in PARAM:
            hint = did_you_mean(key, list(PARAM)) or f"known: {', '.join(PARAM)}"
            issues.error(
                "param.unknown_key", f'unknown key "{key}" of the param "{name}"', *at, key, hint=hint, key=True
            )
    default = body.get("default", NOT_GIVEN)
    kind = _kind(body, default, issues, at)
    secret = body.get("secret", False)
    if not isinstance(secret, bool):
        issues.error("param.shape", '"secret" must be true or false', *at, "secret")
        secret = True
    param = Param(name, kind, default, _enum(name, kind, body, issues), secret)
    return _without_inline_secret(param, body, issues) if secret else _with_default(param, issues)


def _kind(body: Mapping[str, Any], default: Any, issues: Issues, at: tuple[str, str]) -> str:
    suggested = "string" if default is NOT_GIVEN else type_of(default)
    kind = body.get("type", suggested)
    if kind in TYPES:
        return str(kind)
    if isinstance(kind, str) and kind in FORMER_TYPES:
        now = FORMER_TYPES[kind]
        issues.warn("param.deprecated", f'the type "{kind}" is now called "{now}"', *at, "type", hint=f"write {now}")
        return now
    hint = did_you_mean(str(kind), list(TYPES)) or f"types: {', '.join(TYPES)}"
    issues.error("param.type", f'"{kind}" is no type of a param', *at, "type", hint=hint)
    return suggested


def _enum(name: str, kind: str, body: Mapping[str, Any], issues: Issues) -> tuple[Any, ...] | None:
    values = body.get("enum")
    if values is None:
        return None
    if not isinstance(values, list) or not values:
        issues.error("param.shape", '"enum" must be a list of values', "params", name, "enum")
        return None
    for place, value in enumerate(values):
        try:
            check_value(kind, value)
        except ConfigError as error:
            issues.error("param.value", f'"enum" of "{name}": {error.message}', "params", name, "enum", place)
            return None
    return tuple(values)


def _without_inline_secret(param: Param, body: Mapping[str, Any], issues: Issues) -> Param:
    for key in ("default", "enum"):
        if key in body:
            message = f'the secret param "{param.name}" must not have a value in the file'
            hint = f"remove {key}; give it by {param.variable} or --param"
            issues.error("param.inline_secret", message, "params", param.name, key, hint=hint)
    return Param(param.name, param.type, secret=True)


def _with_default(param: Param, issues: Issues) -> Param:
    if param.default is NOT_GIVEN or param.default is None:
        return param
    try:
        fit(param, param.default)
    except ConfigError as error:
        issues.error(
            "param.value",
            f'the default of "{param.name}": {error.message}',
            "params",
            param.name,
            "default",
            hint=error.hint,
        )
    return param


def profile_params(section: Any, profile: str, declared: Mapping[str, Param], issues: Issues) -> dict[str, Any]:
    """The params that `profile` sets. Every profile of the section is checked, not only the chosen one."""
    if section is None:
        return {}
    if not isinstance(section, dict):
        issues.error("profile.shape", '"profiles" must be a mapping of names to {params: {...}}', "profiles")
        return {}
    checked = {name: _profile(name, body, declared, issues) for name, body in section.items()}
    if profile not in checked and profile != "default":
        hint = did_you_mean(profile, list(checked)) or f"known: {', '.join(checked)}"
        issues.error("profile.unknown", f'there is no profile "{profile}"', "profiles", hint=hint, key=True)
    return checked.get(profile, {})


def _profile(name: str, body: Any, declared: Mapping[str, Param], issues: Issues) -> dict[str, Any]:
    body = {} if body is None else body
    if not isinstance(body, dict) or not isinstance(body.get("params", {}), dict):
        message, hint = f'the profile "{name}" must be a mapping with params', "write params: {name: value}"
        issues.error("profile.shape", message, "profiles", name, hint=hint)
        return {}
    for key in body:
        if key not in PROFILE:
            hint = f"write it under params: {{{key}: ...}}" if key in declared else did_you_mean(key, list(PROFILE))
            message = f'unknown key "{key}" of the profile "{name}"'
            issues.error("profile.unknown_key", message, "profiles", name, key, hint=hint or None, key=True)
    found: dict[str, Any] = {}
    for key, value in body.get("params", {}).items():
        at = ("profiles", name, "params", key)
        if key not in declared:
            hint = did_you_mean(key, list(declared)) or "declare it under params"
            issues.error("param.unknown", f'there is no param "{key}"', *at, hint=hint, key=True)
        elif declared[key].secret:
            message, hint = f'the secret param "{key}" must not have a value in the file', "remove it"
            issues.error("param.inline_secret", message, *at, hint=hint, key=True)
        else:
            try:
                found[key] = fit(declared[key], value)
            except ConfigError as error:
                issues.error("param.value", f'"{key}": {error.message}', *at, hint=error.hint)
                found[key] = value
    return found
