"""Whether the distributions that a component needs are installed, seen from their metadata, without importing them."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from importlib import metadata

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?P<versions>[<>=!~].*)?")
_VERSION = re.compile(r"\s*(?P<sign>>=|<=|==|!=|<|>)\s*(?P<version>\d+(?:\.\d+)*)\s*")
_SIGNS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def missing(requirements: Sequence[str]) -> list[str]:
    """Those of `requirements` (`pymysql>=1.1,<2`) that are not installed in a fitting version."""
    return [requirement for requirement in requirements if not _met(requirement)]


def name_of(requirement: str) -> str:
    """The distribution that `requirement` names."""
    found = _REQUIREMENT.fullmatch(requirement.strip())
    return found["name"] if found else requirement


def is_valid(requirement: str) -> bool:
    """A name, an extra in brackets, and versions by `>= <= == != < >`; no markers, no addresses."""
    found = _REQUIREMENT.fullmatch(requirement.strip())
    return found is not None and all(_VERSION.fullmatch(part) for part in (found["versions"] or ">=0").split(","))


def _met(requirement: str) -> bool:
    found = _REQUIREMENT.fullmatch(requirement.strip())
    if found is None:
        return False
    try:
        installed = _release(metadata.version(found["name"]))
    except metadata.PackageNotFoundError:
        return False
    for part in (found["versions"] or ">=0").split(","):
        limit = _VERSION.fullmatch(part)
        if limit is None or not _SIGNS[limit["sign"]](installed, _release(limit["version"])):
            return False
    return True


def _release(version: str) -> tuple[int, ...]:
    """`1.10.0rc1` as (1, 10): trailing zeros and what follows the release do not count."""
    leading = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in leading.group().split(".")] if leading else [0]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
