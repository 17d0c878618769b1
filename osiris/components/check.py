"""`problems`: every fault of a config at once, by the rules that it must obey."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from osiris.components.problems import Path, Problem, quoted, shown
from osiris.components.rules import CONSTRAINTS, Rules


def problems(
    rules: Rules, config: Mapping[str, Any], *, present_only: bool = False, elsewhere: Collection[str] = ()
) -> list[Problem]:
    """Every fault of `config`, in the order of its keys.

    With `present_only` nothing is said of what is missing. `elsewhere` names keys that are set in a place that
    cannot be looked into (a connection): they count as present.
    """
    from osiris.components.violations import violations

    found = list(violations(rules, config))
    if present_only or elsewhere:
        found = [p for p in found if not _excused(p, present_only, elsewhere)]
    present = {name for name, value in config.items() if value is not None} | set(elsewhere)
    for constraint in rules.constraints:
        found.extend(_broken(rules, constraint, config, present, present_only))
    order = {name: place for place, name in enumerate(config)}
    return sorted(found, key=lambda p: order.get(str(p.path[0]), -1) if p.path else -1)


def _broken(
    rules: Rules, constraint: Mapping[str, Any], config: Mapping[str, Any], present: set[str], present_only: bool
) -> Iterator[Problem]:
    if "when" in constraint:
        texts = _conditional(rules, constraint, config, present, present_only)
    else:
        texts = _counted(rules, constraint, present, present_only)
    for path, text in texts:
        own = constraint.get("message")
        yield Problem(path, "option.constraint", f"{rules.owner}: {own}" if own else text)


def _counted(
    rules: Rules, constraint: Mapping[str, Any], present: set[str], present_only: bool
) -> Iterator[tuple[Path, str]]:
    kind = next(name for name in CONSTRAINTS if name in constraint)
    names: list[str] = constraint[kind]
    given = [name for name in names if name in present]
    if kind == "all_or_none":
        if given and len(given) < len(names) and not present_only:
            missing = [name for name in names if name not in present]
            yield (given[0],), f"{rules.owner}: {quoted(given)} needs {quoted(missing)} as well"
    elif len(given) > 1:
        yield (given[-1],), f"{rules.owner}: {quoted(given)} exclude each other: give only one of them"
    elif not given and kind == "exactly_one_of" and not present_only:
        yield (), f"{rules.owner} needs one of {quoted(names, 'or')}"


def _conditional(
    rules: Rules, constraint: Mapping[str, Any], config: Mapping[str, Any], present: set[str], present_only: bool
) -> Iterator[tuple[Path, str]]:
    when: Mapping[str, Any] = constraint["when"]
    if any(name not in config or not _same(config[name], value) for name, value in when.items()):
        return
    case = " and ".join(f'"{name}" is {shown(value)}' for name, value in when.items())
    for name in constraint.get("require", ()):
        if name not in present and not present_only:
            yield (next(iter(when)),), f'{rules.owner}: "{name}" is required when {case}'
    for name in constraint.get("forbid", ()):
        if name in present:
            yield (name,), f'{rules.owner}: "{name}" cannot be used when {case}'


def _same(value: object, wanted: object) -> bool:
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _excused(problem: Problem, present_only: bool, elsewhere: Collection[str]) -> bool:
    missing = problem.code == "option.missing" and len(problem.path) == 1
    return missing and (present_only or problem.path[0] in elsewhere)
