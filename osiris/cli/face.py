"""What one call of `osiris` carries along: the shared options, where things are shown, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris.cli.render import Output
from osiris.errors import ConfigError, OsirisError

if TYPE_CHECKING:
    from osiris.project import Project


def error_to_json(error: OsirisError) -> dict[str, Any]:
    """An error as JSON documents have it; a run's own, which its report keeps, has the place in its message."""
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "file": error.file,
        "line": error.line,
        "column": error.column,
        **({"step": error.step} if error.step else {}),
    }


def plain_failure(error: OsirisError) -> dict[str, Any]:
    """The document of a verb that has no place of its own for errors; `errors` when there are several at once."""
    several = error.details.get("errors", ())
    return {"error": error_to_json(error), **({"errors": several} if several else {})}


def each(error: OsirisError) -> list[OsirisError]:
    """The errors that one exception tells of, such as all of a pipeline's."""
    several = error.details.get("errors", ())
    return [ConfigError(**one) for one in several] or [error]


@dataclass(slots=True)
class Face:
    """`failure` gives the JSON document of the running verb for an error; `stop` is given by a verb that can end its
    work in order, and called with the exit code when a signal comes."""

    folder: str | None = None
    output: Output = field(default_factory=Output)
    failure: Callable[[OsirisError], dict[str, Any]] = plain_failure
    stop: Callable[[int], None] | None = None

    def project(self, profile: str | None = None) -> Project:
        """The project in `--project`, else in the current folder; ConfigError when there is no such folder."""
        from osiris.project import Project

        root = Path(self.folder or ".")
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise ConfigError(f"the project folder {root} {what}", code="project.missing", hint="osiris init makes one")
        return Project(root, profile=profile)
