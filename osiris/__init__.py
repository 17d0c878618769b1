"""Osiris moves data between systems: `Project` is the way in, and the errors say what went wrong.

    from osiris import Project
    with Project(".").connect("@duckdb.main") as db:
        for batch in db.read(table="orders"): ...

Importing `osiris` loads no database library; `Project` is loaded on first use.
"""

from __future__ import annotations

DISTRIBUTION = "osiris-elt"
__version__ = "0.1.0"

TYPE_CHECKING = False  # by hand, as type checkers allow: importing typing would double the time of `osiris --version`
if TYPE_CHECKING:
    from typing import Any

    from osiris.errors import *  # noqa: F403 - the whole tree of errors is public
    from osiris.project import Project as Project


def __getattr__(name: str) -> Any:
    if name == "Project":
        from osiris.project import Project

        return Project
    from importlib import import_module

    errors = import_module("osiris.errors")
    found = getattr(errors, name, None)
    if isinstance(found, type) and issubclass(found, errors.OsirisError):
        return found
    raise AttributeError(f"module 'osiris' has no attribute {name!r}")
