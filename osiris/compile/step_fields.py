"""The fields of a step beside its config: durations, `retry`, `columns`, `needs`, `inputs`."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from osiris.compile import keys
from osiris.compile.issues import Issues, Path
from osiris.compile.keys import DURATION, MAX_ATTEMPTS
from osiris.compile.manifest import ColumnMap, Retry
from osiris.errors import ConfigError, did_you_mean
from osiris.stream.type_names import meaning

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
CURES = {
    ("step", "connection"): "write it under config",
    ("step", "depends_on"): "it is called needs",
    ("step", "type"): "it is called component",
    ("step", "uses"): "it is called component",
    ("step", "with"): "it is called config",
    ("pipeline", "version"): "it is called oml_version",
    ("pipeline", "tasks"): "they are called steps",
    ("pipeline", "connectors"): "connections stand in osiris_connections.yaml",
    ("pipeline", "outputs"): "a write step says where the rows go",
    ("pipeline", "schedule"): "Osiris keeps no schedule: let one call osiris run",
}
"""What to do about keys that other versions and other tools have, and that are near no key of ours."""


def seconds(value: Any) -> float | None:
    """`30`, `1.5`, `"30s"`, `"5m"`, `"500ms"` as seconds; None for anything else."""
    if isinstance(value, str) and (found := DURATION.fullmatch(value.strip())):
        length = float(found[1]) * SECONDS[found[2]]
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12:
        length = float(value)
    else:
        return None
    return length if math.isfinite(length) else None


def timeout(value: Any, issues: Issues, path: Path) -> float | None:
    if value is None:
        return None
    length_s = seconds(value)
    if length_s is None or length_s <= 0:
        hint = 'write seconds, or a text such as "30s", "5m", "1h"'
        issues.error("step.timeout", '"timeout" must be a duration above zero', *path, hint=hint)
        return None
    return length_s


def retry(value: Any, issues: Issues, path: Path) -> Retry:
    """`3` or `{attempts: 3, backoff: 1s, max_backoff: 1m}`."""
    if value is None:
        return Retry()
    body = {"attempts": value} if isinstance(value, int) else value
    if not isinstance(body, dict):
        issues.error(
            "step.retry", '"retry" must be a number of attempts or a mapping', *path, hint="write {attempts: 3}"
        )
        return Retry()
    unknown_keys(body, keys.RETRY, issues, path, "retry.unknown_key")
    attempts = body.get("attempts", 1)
    if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= MAX_ATTEMPTS:
        message = f'"attempts" must be a whole number from 1 to {MAX_ATTEMPTS}'
        issues.error("step.retry", message, *path, "attempts", hint="1 means: no retry")
        attempts = 1
    plain = Retry()
    return Retry(
        attempts,
        _wait(body, "backoff", plain.backoff_s, issues, path),
        _wait(body, "max_backoff", plain.max_backoff_s, issues, path),
    )


def _wait(body: dict[str, Any], key: str, default_s: float, issues: Issues, path: Path) -> float:
    if key not in body:
        return default_s
    length_s = seconds(body[key])
    if length_s is None or length_s < 0:
        hint = 'write seconds, or a text such as "30s"'
        issues.error("step.retry", f'"{key}" must be a duration', *path, key, hint=hint)
        return default_s
    return length_s


def columns(value: Any, issues: Issues, path: Path) -> tuple[ColumnMap, ...]:
    """`[{from: a, to: b, type: int64}]`; `to` is `from` when it is absent."""
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        hint = "write columns: [{from: a, to: b, type: int64}]"
        issues.error("columns.shape", '"columns" must be a list of mappings', *path, hint=hint)
        return ()
    found: list[ColumnMap] = []
    targets: set[str] = set()
    for place, entry in enumerate(value):
        column = _column(entry, issues, (*path, place))
        if column is None:
            continue
        if column.target in targets:
            message = f'two columns would be called "{column.target}"'
            issues.error("columns.duplicate", message, *path, place, hint="rename one with to:")
        targets.add(column.target)
        found.append(column)
    return tuple(found)


def _column(entry: Any, issues: Issues, path: Path) -> ColumnMap | None:
    if not isinstance(entry, dict):
        issues.error("columns.shape", "a column must be a mapping", *path, hint="write {from: a, to: b, type: int64}")
        return None
    unknown_keys(entry, keys.COLUMN, issues, path, "columns.unknown_key")
    source, kind = entry.get("from"), entry.get("type")
    target = entry.get("to", source)
    if not isinstance(source, str) or not isinstance(target, str) or not source or not target:
        issues.error("columns.shape", '"from" is required and must be text, as must "to"', *path, hint="quote a number")
        return None
    if kind is None:
        return ColumnMap(source, target)
    try:
        meaning(str(kind))
    except ConfigError as error:
        issues.error(error.code, error.message, *path, "type", hint=error.hint)
        return None
    return ColumnMap(source, target, str(kind))


def unknown_keys(body: dict[str, Any], known: Collection[str], issues: Issues, path: Path, code: str) -> None:
    """Report each key of `body` that is not known; the first word of `code` names its owner."""
    owner = code.partition(".")[0]
    for key in body:
        if key not in known:
            hint = CURES.get((owner, key)) or did_you_mean(key, list(known)) or f"known: {', '.join(known)}"
            issues.error(code, f'unknown key "{key}" of {owner}', *path, key, hint=hint, key=True)


def needs(value: Any, issues: Issues, path: Path) -> tuple[str, ...] | None:
    """The steps that are named; None when `needs` is absent."""
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        issues.error("step.needs", '"needs" must be a list of step ids', *path, hint="write needs: [a, b], [] for none")
        return ()
    return tuple(names)


def inputs(value: Any, issues: Issues, path: Path) -> dict[str, str] | None:
    """Input name to step id, from `{df: "${step.df}"}` or `{df: step}`; None when `inputs` is absent."""
    if value is None:
        return None
    if not isinstance(value, dict) or not value or not all(isinstance(name, str) for name in value.values()):
        hint = 'write inputs: {df: "${step.df}"}'
        issues.error("step.inputs", '"inputs" must be a mapping of names to steps', *path, hint=hint)
        return {}
    return {key: name.removesuffix(".df") for key, name in value.items()}
