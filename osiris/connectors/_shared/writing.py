"""`Wanted`, what the options of a step ask of the table that it writes, and how a writer refuses what does not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from osiris.connectors._shared.names import RESERVED, Name
from osiris.errors import ConfigError, DataError, NotFound, did_you_mean

if TYPE_CHECKING:
    from osiris.connectors.base import Options, Run

N = TypeVar("N", bound=Name)
Problems = Sequence[tuple[str, str]]
"""(column, what is wrong with it)"""


@dataclass(frozen=True, slots=True)
class Wanted(Generic[N]):
    """What the options ask of the target."""

    name: N
    mode: str
    keys: tuple[str, ...]
    create_if_missing: bool
    add_columns: bool

    @classmethod
    def of(cls, options: Options, name: N) -> Wanted[N]:
        """Raises ConfigError for a table of Osiris's own, and for an upsert without a key."""
        if name.folded(name.table).startswith(RESERVED):
            raise ConfigError(f"{name}: tables named {RESERVED}… are Osiris's own", code="table.name")
        keys = options.get("primary_key", ())
        mode = options.get("write_mode", "append")
        if mode == "upsert" and not keys:
            raise ConfigError("upsert needs primary_key, the columns that name a row", code="option.missing")
        return cls(
            name=name,
            mode=mode,
            keys=(keys,) if isinstance(keys, str) else tuple(keys),
            create_if_missing=bool(options.get("create_if_missing", True)),
            add_columns=options.get("on_schema_change", "fail") == "add_columns",
        )

    def is_key(self, column: str) -> bool:
        return self.name.folded(column) in map(self.name.folded, self.keys)

    def check_keys(self, columns: Sequence[str]) -> None:
        """Raises ConfigError for a key that is none of the columns."""
        known = set(map(self.name.folded, columns))
        for key in self.keys:
            if self.name.folded(key) not in known:
                hint = did_you_mean(key, list(columns)) or f"columns: {', '.join(columns)}"
                raise ConfigError(f"primary_key: there is no column {key!r}", code="column.missing", hint=hint)

    def check_may_make(self) -> None:
        """Raises NotFound when a table that is not there may not be made."""
        if not self.create_if_missing:
            raise NotFound(
                f"there is no table {self.name}", code="table.missing", hint="make it, or set create_if_missing: true"
            )

    def refuse(self, problems: Problems, unknown: Problems) -> None:
        """Raises DataError for all that is wrong at once; `unknown` are columns that the table lacks."""
        wrong = [*problems, *unknown]
        if wrong:
            raise DataError(
                f"{self.name}: {'; '.join(text for _, text in wrong)}",
                code="write.schema",
                data_column=wrong[0][0],
                hint=_TYPES if problems else _COLUMNS,
            )


def place_of(run: Run) -> str:
    """What names the staging of one attempt: a digest of run, step and attempt."""
    return hashlib.sha256(f"{run.id}\0{run.step}\0{run.attempt}".encode()).hexdigest()[:16]


_TYPES: Final = "cast the column under columns of the write step, or change the table"
_COLUMNS: Final = "set on_schema_change: add_columns, or leave the column out under columns of the write step"
