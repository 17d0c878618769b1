"""The columns of a result, and the Arrow field that holds every value of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from osiris.connectors._shared.postgres.kind_lists import Lists
from osiris.connectors._shared.postgres.kinds import (
    AS_TEXT,
    Binaries,
    Booleans,
    Dates,
    Decimals,
    JsonB,
    Kind,
    LongDecimals,
    Numbers,
    Specials,
    Texts,
    Times,
    Timestamps,
    Uuids,
)
from osiris.connectors._shared.postgres.types import Type
from osiris.errors import ConfigError, DataError

MOST_DIGITS: Final = 76
"""Of Arrow's decimals."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user chose. `special_values`, for infinity, NaN and 24:00:00, which Arrow has no value for: `error`
    names column and row, `null` counts them, `string` reads all columns of such types as text. `decimals` has
    (precision, scale) for columns of numeric that declare none themselves. `cents` is the scale of money. `lists`:
    arrays are lists, not texts."""

    special_values: Specials = "error"
    decimals: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cents: int = 2
    lists: bool = False

    @classmethod
    def of(cls, special_values: Specials, dtypes: Mapping[str, str], *, lists: bool = False) -> Policy:
        """`dtypes` are texts such as `decimal(20,4)`. Raises ConfigError for other ones."""
        return cls(special_values, {name: _digits(name, text) for name, text in dtypes.items()}, lists=lists)


@dataclass(frozen=True, slots=True)
class Column:
    """`nullable` and `primary_key` are None when not known: of an expression, or of a query's rows."""

    name: str
    type: Type
    nullable: bool | None = None
    primary_key: bool | None = None

    def kind(self, policy: Policy) -> Kind:
        """Raises ConfigError for decimals of a column that is no number, DataError for a type that has no values."""
        digits = policy.decimals.get(self.name)
        if digits is not None:
            return self._decimals(digits)
        if self.type.element is not None and policy.lists:
            element = replace(self, type=self.type.element).kind(replace(policy, decimals={}))
            return Lists(element) if Lists.can(element) else Texts(AS_TEXT)
        if self.type.kind == "enum":
            return Texts()
        if not self.type.is_built_in:
            return Texts(AS_TEXT)
        if self.type.kind == "pseudo" and self.type.name not in _PSEUDO:
            raise DataError(
                f"column {self.name!r} is of the type {self.type.text}, which has no values to read",
                code="data.type",
                data_column=self.name,
                hint="leave it out",
            )
        if self.type.name in _SPECIAL and policy.special_values == "string":
            return Texts(AS_TEXT)
        made = _KINDS.get(self.type.name)
        return made(self, policy) if made else Texts(AS_TEXT)

    def field(self, policy: Policy) -> pa.Field:
        metadata = {"osiris.type": self.type.text}
        if self.nullable is not None:
            special = policy.special_values == "null" and self.type.name in _SPECIAL
            metadata["osiris.nullable"] = _FLAGS[self.nullable or special]
        if self.primary_key is not None:
            metadata["osiris.primary_key"] = _FLAGS[self.primary_key]
        return pa.field(self.name, self.kind(policy).arrow, metadata=metadata)

    def _decimals(self, digits: tuple[int, int]) -> Kind:
        if self.type.name not in _WHOLE or not self.type.is_built_in:
            raise ConfigError(
                f"dtypes: column {self.name!r} is of the type {self.type.text}, but decimals are for numbers",
                code="column.type",
            )
        return _long(*digits)


def _long(precision: int, scale: int) -> Kind:
    return LongDecimals(pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale))


def _numeric(column: Column, policy: Policy) -> Kind:
    precision, scale = column.type.precision, column.type.scale
    if precision is None or scale is None or policy.special_values == "string":
        return Texts(AS_TEXT)
    # a negative scale, or one above the precision: PostgreSQL 15 has such, Arrow's readers do not all
    precision, scale = max(precision - min(scale, 0), scale), max(scale, 0)
    if Decimals.can(precision, scale):
        return Decimals(precision, scale)
    return _long(precision, scale) if precision <= MOST_DIGITS else Texts(AS_TEXT)


def _money(_: Column, policy: Policy) -> Kind:
    # its text depends on the database's language, its number does not
    made = _long(19, policy.cents)
    made.cast = "{}::pg_catalog.numeric::pg_catalog.text"
    return made


def _digits(name: str, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", text)
    precision, scale = map(int, found.groups()) if found else (0, 0)
    if not 1 <= precision <= MOST_DIGITS or scale > precision:
        raise ConfigError(
            f"dtypes: {text!r} for {name!r} is no decimal(precision,scale) of up to {MOST_DIGITS} digits",
            code="column.type",
        )
    return precision, scale


_FLAGS: Final = {False: "false", True: "true"}
_PSEUDO: Final = ("record", "unknown", "cstring")
_SPECIAL: Final = ("date", "timestamp", "timestamptz", "time", "numeric")
_WHOLE: Final = ("numeric", "int2", "int4", "int8")
_Made = Callable[[Column, Policy], Kind]
_KINDS: Final[Mapping[str, _Made]] = {
    "bool": lambda *_: Booleans(),
    "int2": lambda *_: Numbers(pa.int16(), ">i2"),
    "int4": lambda *_: Numbers(pa.int32(), ">i4"),
    "int8": lambda *_: Numbers(pa.int64(), ">i8"),
    "oid": lambda *_: Numbers(pa.uint32(), ">u4"),
    "float4": lambda *_: Numbers(pa.float32(), ">f4"),
    "float8": lambda *_: Numbers(pa.float64(), ">f8"),
    "numeric": _numeric,
    "money": _money,
    "text": lambda *_: Texts(),
    "varchar": lambda *_: Texts(),
    "bpchar": lambda *_: Texts(),
    "name": lambda *_: Texts(),
    "json": lambda *_: Texts(arrow=pa.json_()),
    "jsonb": lambda *_: JsonB(),
    "bytea": lambda *_: Binaries(),
    "uuid": lambda *_: Uuids(),
    "date": lambda *_: Dates(),
    "time": lambda *_: Times(),
    "timestamp": lambda *_: Timestamps(pa.timestamp("us")),
    "timestamptz": lambda *_: Timestamps(pa.timestamp("us", "UTC")),
    "inet": lambda *_: Texts("pg_catalog.abbrev({})"),  # as text it would have a /32 at its end
}
"""By the built-in types' names; the server casts what is not here to text."""
