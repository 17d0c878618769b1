"""`Issues`: all that is wrong with a pipeline, each with its place, collected instead of raised."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from osiris.documents import Document
from osiris.errors import ConfigError, OsirisError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One error or warning. `code` is stable (`step.unknown_key`); line and column are 1-based, None without a file."""

    code: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None

    @classmethod
    def of(cls, error: OsirisError) -> Issue:
        return cls(error.code, error.message, error.hint, error.file, error.line, error.column)

    def to_json(self) -> dict[str, Any]:
        """The shape of an error in `validate --json`."""
        return asdict(self)

    def error(self) -> ConfigError:
        """The same as an exception."""
        return ConfigError(
            self.message, code=self.code, hint=self.hint, file=self.file, line=self.line, column=self.column
        )

    def __str__(self) -> str:
        return str(self.error()) + (f" ({self.hint})" if self.hint else "")


class Issues:
    """Errors and warnings about one document, each told once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._errors: dict[Issue, None] = {}
        self._warnings: dict[Issue, None] = {}

    @property
    def errors(self) -> tuple[Issue, ...]:
        return _sorted(self._errors)

    @property
    def warnings(self) -> tuple[Issue, ...]:
        return _sorted(self._warnings)

    def error(self, code: str, message: str, *path: str | int, hint: str | None = None, key: bool = False) -> None:
        """Note an error at `path`, or at its key."""
        self._errors[self._at(code, message, path, hint, key)] = None

    def warn(self, code: str, message: str, *path: str | int, hint: str | None = None, key: bool = False) -> None:
        self._warnings[self._at(code, message, path, hint, key)] = None

    def take(self, error: OsirisError, *path: str | int) -> None:
        """Note an exception; one that knows no file of its own gets the place of `path`."""
        if error.file is not None:
            self._errors[Issue.of(error)] = None
        else:
            self.error(error.code, error.message, *path, hint=error.hint)

    def _at(self, code: str, message: str, path: Path, hint: str | None, key: bool) -> Issue:
        line, column = self._document.position(*path, key=key)
        return Issue(code, message, hint or None, self._document.name, line, column)


def _sorted(issues: dict[Issue, None]) -> tuple[Issue, ...]:
    return tuple(sorted(issues, key=lambda issue: (issue.file or "", issue.line or 0, issue.column or 0)))
