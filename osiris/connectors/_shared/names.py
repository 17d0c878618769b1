"""`Name`, a table's place, and `split`, which takes `schema.table` apart: for every family that speaks SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from osiris.errors import ConfigError

RESERVED: Final = "_osiris_"
"""Tables and columns whose names start so are Osiris's own."""


@dataclass(frozen=True, slots=True)
class Name:
    """A table's place. A family says how names are quoted, and which of them its databases take for one."""

    schema: str
    table: str
    MARK: ClassVar[str] = '"'

    @property
    def sql(self) -> str:
        return f"{self.quoted(self.schema)}.{self.quoted(self.table)}"

    def __str__(self) -> str:
        """As it is written in an option: `split` takes it apart again."""
        parts = (self.quoted(part) if re.search(r'[."`]', part) else part for part in (self.schema, self.table))
        return ".".join(parts)

    @classmethod
    def quoted(cls, name: str) -> str:
        """`name` as an SQL identifier, whatever is in it."""
        return cls.MARK + name.replace(cls.MARK, cls.MARK * 2) + cls.MARK

    @staticmethod
    def folded(name: str) -> str:
        """What names are compared by."""
        return name


def split(text: str, schema: str | None, marks: str, folded: Callable[[str], str] = str) -> tuple[str | None, str]:
    """The schema, if there is one, and the table of `text`: `table`, `schema.table`, or either part in one of the quote
    marks, which it needs when it has a dot or begins with such a mark. Raises ConfigError for other forms, and for a
    schema that is not the one of the option `schema`."""
    part = "|".join(f"{mark}(?:[^{mark}]|{mark}{mark})+{mark}" for mark in marks) + f"|[^{marks}.][^.]*"
    found = re.fullmatch(rf"(?:({part})\.)?({part})", text)
    if found is None:
        example, kind = f"sales.{marks[0]}2024.orders{marks[0]}", _MARKS[marks[0]]
        hint = f"write table or schema.table; a part with a dot, or a quote mark in front, goes in {kind}: {example}"
        raise ConfigError(f"{text!r} does not name a table", code="table.name", hint=hint)
    first, last = (_bare(part, marks) if part else None for part in found.groups())
    if first and schema and folded(first) != folded(schema):
        raise ConfigError(f"the table {text!r} and the option schema ({schema!r}) disagree", code="table.name")
    return first or schema, last or ""


def alike(names: Iterable[str], folded: Callable[[str], str]) -> str | None:
    """The first two columns that are one name, with their places, for people."""
    seen: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        shown = f"{name!r} (column {place})"
        if folded(name) in seen:
            return f"{seen[folded(name)]} and {shown}"
        seen[folded(name)] = shown
    return None


def check_columns(names: Sequence[str], kind: type[Name], system: str) -> None:
    """Raises ConfigError for columns that no table of `system` can have: none, reserved, or two that are one name."""
    if not names:
        raise ConfigError("there is no column", code="column.none")
    for name in names:
        if not name or kind.folded(name).startswith(RESERVED):
            raise ConfigError(f"a column cannot be named {name!r}: {RESERVED}… is reserved", code="column.name")
    if (pair := alike(names, kind.folded)) is not None:
        raise ConfigError(
            f"two columns are one name to {system}: {pair}",
            code="column.duplicate",
            hint="rename one of them before this step",
        )


def _bare(part: str, marks: str) -> str:
    mark = part[0]
    return part[1:-1].replace(mark * 2, mark) if mark in marks else part


_MARKS: Final = {'"': "double quotes", "`": "backticks"}
