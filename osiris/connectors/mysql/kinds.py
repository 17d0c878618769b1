"""How the values of each Arrow type are read from the text of a column."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE

from osiris.connectors.mysql.columns import Column, Policy
from osiris.connectors.mysql.values import Values
from osiris.errors import InternalError


class Kind(Protocol):
    def read(self, values: Values) -> pa.Array: ...


def kind_of(column: Column, wanted: pa.DataType, policy: Policy, counts: Counter[str]) -> Kind:
    if column.type_code == FIELD_TYPE.FLOAT:
        raise InternalError("FLOAT in text rows has lost digits: read it by a prepared statement, or cast to DOUBLE")
    if pa.types.is_string(wanted):
        return Texts()
    if pa.types.is_binary(wanted):
        return Binaries()
    if column.dated:
        return Dates(wanted, policy, counts)
    if wanted == pa.json_():
        return Extension(wanted)
    parse = _parse(column, wanted)
    return Slow(wanted, parse) if parse else Cast(wanted)


def _parse(column: Column, wanted: pa.DataType) -> Callable[[bytes], Any] | None:
    if wanted == pa.uuid():
        return lambda value: uuid.UUID(value.decode()).bytes
    if pa.types.is_boolean(wanted):
        return _bit1 if column.type_code == FIELD_TYPE.BIT else {b"0": False, b"1": True}.__getitem__
    if column.type_code == FIELD_TYPE.BIT:
        return int.from_bytes
    return _time if pa.types.is_duration(wanted) else None


def _bit1(b: bytes) -> bool:
    return {b"\0": False, b"\1": True}[b]


def _time(b: bytes) -> timedelta:
    text = b.decode()
    sign = -1 if text[0] == "-" else 1
    h, m, s = text.lstrip("-").split(":")
    whole, _, part = s.partition(".")
    return sign * timedelta(hours=int(h), minutes=int(m), seconds=int(whole), microseconds=int(part.ljust(6, "0")))


@dataclass(frozen=True, slots=True)
class Cast:
    type: pa.DataType

    def read(self, values: Values) -> pa.Array:
        try:
            return pc.cast(pc.cast(values.binary(), pa.string()), self.type)
        except pa.ArrowInvalid as error:
            raise values.error(0, f"… {error}") from error


@dataclass(frozen=True, slots=True)
class Slow:
    type: pa.DataType
    parse: Callable[[bytes], Any]

    def read(self, values: Values) -> pa.Array:
        return pa.array([None if v is None else self.parse(v) for v in values.each()], self.type)


@dataclass(frozen=True, slots=True)
class Dates:
    type: pa.DataType
    policy: Policy
    counts: Counter[str]

    def read(self, values: Values) -> pa.Array:
        try:
            return pc.cast(pc.cast(values.binary(), pa.string()), self.type)
        except pa.ArrowInvalid:
            return pa.array([self._one(values, i, v) for i, v in enumerate(values.each())], self.type)

    def _one(self, values: Values, place: int, value: bytes | None) -> date | datetime | None:
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(value.decode())
        except ValueError:
            if self.policy.zero_dates == "null":
                self.counts["zero_dates"] += 1
                return None
            raise values.error(place, "is a date that no calendar has", "set zero_dates: null or string") from None
        return found.date() if pa.types.is_date32(self.type) else found


class Binaries:
    def read(self, values: Values) -> pa.Array:
        return values.binary()


class Texts:
    def read(self, values: Values) -> pa.Array:
        try:
            return pc.cast(values.binary(), pa.string())
        except pa.ArrowInvalid:
            for place, value in enumerate(values.each()):
                try:
                    (value or b"").decode()
                except UnicodeDecodeError:
                    raise values.error(place, "is not UTF-8") from None
            raise


class Extension(Texts):
    def __init__(self, wanted: pa.DataType) -> None:
        self.type = wanted

    def read(self, values: Values) -> pa.Array:
        return pa.ExtensionArray.from_storage(self.type, super().read(values))
