"""`StepChecker`: one step against its component and connection, and what of it goes into the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from osiris.compile.issues import Issues, Path
from osiris.compile.keys import MODES
from osiris.compile.manifest import Mode
from osiris.compile.parse import Draft
from osiris.compile.templates import used_secrets
from osiris.components.component import Component
from osiris.components.problems import Problem, dotted
from osiris.errors import OsirisError, did_you_mean

CONNECTION = "connection"
COMPONENT_MODES: dict[Mode, str] = {"read": "extract", "write": "write", "transform": "transform"}
AT_KEY = ("option.unknown", "option.missing", "option.constraint")


class Specs(Protocol):
    """Where components are looked up: a `Catalog`."""

    def get(self, name: str) -> Component: ...


class References(Protocol):
    """What the checker asks of `Connections`."""

    def reference(self, family: str, given: str | None) -> str | None: ...
    def keys(self, reference: str) -> set[str]: ...


@dataclass(frozen=True, slots=True)
class Settled:
    """A step's config, split: `options` with the spec's defaults, `overrides` of connection fields, the reference.

    `component` is None when there is no such component; `role` then follows the mode alone, if it is one.
    """

    component: Component | None
    role: Mode | None
    connection: str | None
    options: Mapping[str, Any]
    overrides: Mapping[str, Any]


class StepChecker:
    """Checks steps one by one; faults go to `issues`."""

    def __init__(self, specs: Specs, references: References, secrets: frozenset[str], issues: Issues) -> None:
        self._specs = specs
        self._references = references
        self._secrets = secrets
        self._issues = issues
        self._known: dict[str, Component | OsirisError] = {}

    def settle(self, draft: Draft) -> Settled:
        """Check the step's component, mode and config."""
        component = self._component(draft)
        mode = next((mode for mode in MODES if mode == draft.mode), None)
        if component is None:
            self._mode(draft, None, mode)
            return Settled(None, mode, None, {}, {})
        role = next((mode for mode, name in COMPONENT_MODES.items() if name in component.modes), None)
        self._mode(draft, component, mode)
        if role != "write" and draft.columns:
            message = f'"columns" belongs to write steps, "{draft.id}" is none'
            self._issues.error("columns.mode", message, *draft.path, "columns", key=True)
        return self._config(draft, component, role)

    def _component(self, draft: Draft) -> Component | None:
        name = draft.component
        if not name:
            return None
        if name not in self._known:
            try:
                self._known[name] = self._specs.get(name)
            except OsirisError as error:
                self._known[name] = error
        found = self._known[name]
        if isinstance(found, OsirisError):
            self._issues.take(found, *draft.path, "component")
            return None
        return found

    def _mode(self, draft: Draft, component: Component | None, mode: Mode | None) -> None:
        at = (*draft.path, "mode")
        fits = [mode for mode, name in COMPONENT_MODES.items() if component is not None and name in component.modes]
        hint = f"write mode: {fits[0]}" if fits else did_you_mean(draft.mode, list(MODES)) or None
        if not draft.mode:
            return  # it follows from the component
        if mode is None:
            message = f'"{draft.mode}" is no mode; there are read, write and transform'
            self._issues.error("step.mode", message, *at, hint=hint)
        elif component is not None and mode not in fits:
            self._issues.error("step.mode", f"{component.name} cannot {mode}", *at, hint=hint)

    def _config(self, draft: Draft, component: Component, role: Mode | None) -> Settled:
        written = {key: value for key, value in draft.config.items() if key != CONNECTION}
        config, folded = component.fold_aliases(written)
        former = {new: old for old, new in folded}
        for old, new in folded:
            message = f'"{old}" of {component.name} is now called "{new}"'
            self._issues.warn("option.deprecated", message, *draft.path, "config", old, hint="rename it", key=True)
        reference, known = self._connection(draft, component, role)
        if role == "write" and not component.capabilities.get("atomic", False) and known is not None:
            self._not_atomic(draft, component, known | set(config))
        elsewhere = set(component.connection_names) if known is None else known
        names = component.connection_names if role != "transform" else frozenset()
        overrides = {key: value for key, value in config.items() if key in names}
        forbidden = set(self._forbidden(draft, component, overrides, reference))
        for path in self._inline_secrets(component, config):
            if path[0] not in forbidden:
                message = f'"{dotted(path)}" of {component.name} is a secret and must not stand in a pipeline'
                hint = "put it into the connection, or use a param with secret: true"
                self._issues.error("secret.inline", message, *_place(draft, path, former), hint=hint)
        effective = component.option_defaults() | config
        problems = component.problems(effective, elsewhere=elsewhere - set(config))
        if known is None:
            problems = [problem for problem in problems if not _is_about_others(problem, elsewhere - set(config))]
        for problem in problems:
            if not self._is_secret_param(effective, problem) and not _is_misspelt(problem, problems):
                self._tell(draft, problem, former)
        options = {key: value for key, value in effective.items() if key not in names}
        return Settled(component, role, reference, options, overrides)

    def _not_atomic(self, draft: Draft, component: Component, given: set[str]) -> None:
        """Warn of a writer that may leave rows, unless one of the fields that are `given` makes it atomic."""
        if given & component.atomic_with:
            return
        message = f"{component.name} is at-least-once: its target has no transaction, a failed run may leave rows"
        names = " or ".join(sorted(component.atomic_with))
        hint = f"give the connection {names}: then a step is written as a whole, or not at all" if names else None
        self._issues.warn("writer.at_least_once", message, *draft.path, "component", hint=hint)

    def _connection(self, draft: Draft, component: Component, role: Mode | None) -> tuple[str | None, set[str] | None]:
        """The reference that the step means, and the fields that it sets; None for these when nobody knows them,
        so that none of them is called missing."""
        given = draft.config.get(CONNECTION)
        at = (*draft.path, "config", CONNECTION)
        if role == "transform":
            if given is not None:
                message = f"{component.name} works on its inputs and takes no connection"
                self._issues.error("connection.unused", message, *at, hint="remove it", key=True)
            return None, set()
        if given is not None and not isinstance(given, str):
            hint = f'write connection: "@{component.family}.alias"'
            self._issues.error("connection.reference", '"connection" must be text', *at, hint=hint)
            return None, None
        try:
            reference = self._references.reference(component.family, given)
            return reference, self._references.keys(reference) if reference is not None else set()
        except OsirisError as error:
            self._issues.take(error, *at)
            return given or f"@{component.family}", None

    def _forbidden(
        self, draft: Draft, component: Component, overrides: Mapping[str, Any], reference: str | None
    ) -> Iterator[str]:
        """The overrides that the spec forbids. Without a connection there is nothing that a step could override."""
        if reference is None:
            return
        for name in overrides:
            at = (*draft.path, "config", *_former(component, draft, name))
            rule = component.override(name)
            if rule == "forbidden":
                message = f'a step must not replace "{name}" of the connection {reference}'
                hint = "remove it, or use another connection"
                self._issues.error("override.forbidden", message, *at, hint=hint, key=True)
                yield name
            elif rule == "warning":
                message = f'the step replaces "{name}" of the connection {reference}'
                self._issues.warn("override.warning", message, *at, hint="use a connection of its own", key=True)

    def _inline_secrets(self, component: Component, config: Mapping[str, Any]) -> Iterator[Path]:
        """The literals, not secret params, at or below the spec's secret pointers."""
        for pointer in component.secrets:
            value: Any = config
            path: Path = ()
            for part in pointer.split("/")[1:]:
                name = part.replace("~1", "/").replace("~0", "~")
                value = value.get(name) if isinstance(value, Mapping) else None
                path = (*path, name)
            yield from self._literals(value, path)

    def _literals(self, value: Any, path: Path) -> Iterator[Path]:
        if isinstance(value, Mapping | list):
            parts = value.items() if isinstance(value, Mapping) else enumerate(value)
            for name, part in parts:
                yield from self._literals(part, (*path, name))
        elif value not in (None, "") and not isinstance(value, bool) and not used_secrets(value, self._secrets):
            yield path

    def _is_secret_param(self, config: Mapping[str, Any], problem: Problem) -> bool:
        """Whether the fault is about a value that is known only when the pipeline runs."""
        value: Any = config
        for part in problem.path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return False
        return isinstance(value, str) and bool(used_secrets(value, self._secrets))

    def _tell(self, draft: Draft, problem: Problem, former: Mapping[str, str]) -> None:
        at = _place(draft, problem.path, former)
        self._issues.error(problem.code, problem.message, *at, hint=problem.hint, key=problem.code in AT_KEY)


def _is_about_others(problem: Problem, names: set[str]) -> bool:
    """Whether a constraint is broken only by fields that a connection, of which nothing is known, may have."""
    return problem.code == "option.constraint" and bool(problem.path) and problem.path[0] in names


def _is_misspelt(problem: Problem, problems: Sequence[Problem]) -> bool:
    """Whether a missing option is there under a misspelt name, which is told already: one mistake, one error."""
    if problem.code != "option.missing" or len(problem.path) != 1:
        return False
    meant = f'did you mean "{problem.path[0]}"?'
    return any(other.code == "option.unknown" and other.hint == meant for other in problems)


def _place(draft: Draft, path: Path, former: Mapping[str, str]) -> Path:
    """The path in the document of a path in the config, whose first name may have been folded."""
    first = tuple(former.get(str(name), name) for name in path[:1])
    return (*draft.path, "config", *first, *path[1:])


def _former(component: Component, draft: Draft, name: str) -> tuple[str]:
    """The name under which the step wrote an option."""
    old = next((old for old, new in component.aliases.items() if new == name and old in draft.config), name)
    return (name if name in draft.config else old,)
