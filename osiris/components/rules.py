"""`Rules`: the JSON Schema and constraints that a config must obey, and the check that finds every fault at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osiris.components.problems import Path, Problem, quoted, shown

CONSTRAINTS = ("exactly_one_of", "at_most_one_of", "all_or_none", "when")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a config must obey. `owner` is named in messages (`duckdb.extractor`), `noun` is what a key of it is called.

    Values under a JSON Pointer of `secrets` are never shown. `aliases` maps former names to present ones.
    """

    owner: str
    schema: Mapping[str, Any]
    constraints: Sequence[Mapping[str, Any]] = ()
    secrets: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    noun: str = "option"

    @property
    def names(self) -> list[str]:
        """The top-level keys that a config may have."""
        return list(self.schema.get("properties", {}))

    def is_secret(self, path: Path) -> bool:
        """Whether the value at `path` of a config is a secret or lies inside one."""
        pointer = "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
        return any(pointer == secret or pointer.startswith(f"{secret}/") for secret in self.secrets)

    def problems(
        self, config: Mapping[str, Any], *, present_only: bool = False, elsewhere: Collection[str] = ()
    ) -> list[Problem]:
        """Every fault of `config`, in the order of its keys.

        With `present_only` nothing is said of what is missing. `elsewhere` names keys that are set in a place that
        cannot be looked into (a connection): they count as present.
        """
        from osiris.components.violations import violations

        found = list(violations(self, config))
        if present_only or elsewhere:
            found = [p for p in found if not _excused(p, present_only, elsewhere)]
        present = {name for name, value in config.items() if value is not None} | set(elsewhere)
        for constraint in self.constraints:
            found.extend(self._broken(constraint, config, present, present_only))
        order = {name: place for place, name in enumerate(config)}
        return sorted(found, key=lambda p: order.get(str(p.path[0]), -1) if p.path else -1)

    def _broken(
        self, constraint: Mapping[str, Any], config: Mapping[str, Any], present: set[str], present_only: bool
    ) -> Iterator[Problem]:
        if "when" in constraint:
            texts = self._conditional(constraint, config, present, present_only)
        else:
            texts = self._counted(constraint, present, present_only)
        for path, text in texts:
            own = constraint.get("message")
            yield Problem(path, "option.constraint", f"{self.owner}: {own}" if own else text)

    def _counted(
        self, constraint: Mapping[str, Any], present: set[str], present_only: bool
    ) -> Iterator[tuple[Path, str]]:
        kind = next(name for name in CONSTRAINTS if name in constraint)
        names: list[str] = constraint[kind]
        given = [name for name in names if name in present]
        if kind == "all_or_none":
            if given and len(given) < len(names) and not present_only:
                missing = [name for name in names if name not in present]
                yield (given[0],), f"{self.owner}: {quoted(given)} needs {quoted(missing)} as well"
        elif len(given) > 1:
            yield (given[-1],), f"{self.owner}: {quoted(given)} exclude each other: give only one of them"
        elif not given and kind == "exactly_one_of" and not present_only:
            yield (), f"{self.owner} needs one of {quoted(names, 'or')}"

    def _conditional(
        self, constraint: Mapping[str, Any], config: Mapping[str, Any], present: set[str], present_only: bool
    ) -> Iterator[tuple[Path, str]]:
        when: Mapping[str, Any] = constraint["when"]
        if any(name not in config or not _same(config[name], value) for name, value in when.items()):
            return
        case = " and ".join(f'"{name}" is {shown(value)}' for name, value in when.items())
        for name in constraint.get("require", ()):
            if name not in present and not present_only:
                yield (next(iter(when)),), f'{self.owner}: "{name}" is required when {case}'
        for name in constraint.get("forbid", ()):
            if name in present:
                yield (name,), f'{self.owner}: "{name}" cannot be used when {case}'


def names_of(constraint: Mapping[str, Any]) -> set[str]:
    """The keys of a config that a constraint is about."""
    return {name for kind, names in constraint.items() if kind != "message" for name in names}


def _same(value: object, wanted: object) -> bool:
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _excused(problem: Problem, present_only: bool, elsewhere: Collection[str]) -> bool:
    missing = problem.code == "option.missing" and len(problem.path) == 1
    return missing and (present_only or problem.path[0] in elsewhere)
