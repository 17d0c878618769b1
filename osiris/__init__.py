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

    from osiris.project import Project as Project

_ERRORS = (
    "OsirisError ConfigError ConnectionFailed AuthFailed NetworkFailed TimedOut TlsFailed Busy PermissionDenied NotFound "
    "RateLimited SourceError DataError WriteFailed Cancelled InternalError"
).split()
__all__ = ["DISTRIBUTION", "Project", "__version__", *_ERRORS]  # noqa: PLE0604 - the names of the errors, one list


def __getattr__(name: str) -> Any:
    if name == "Project":
        from osiris.project import Project

        return Project
    if name in _ERRORS:
        from osiris import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'osiris' has no attribute {name!r}")
