"""`Reader`: a column's values in JSON, as PostgREST answers, become Arrow's, each as exactly as the server wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.misfits import first_failing
from osiris.connectors._shared.postgres.columns import Column, Policy
from osiris.connectors._shared.postgres.kind_lists import Lists
from osiris.connectors._shared.postgres.kinds import HINT, Kind
from osiris.connectors.supabase.rest import moments
from osiris.errors import DataError, SourceError

AS_THEY_ARE: Final = frozenset(
    {
        *("bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "varchar", "bpchar", "name"),
        *("bytea", "uuid", "date", "time", "timestamp", "timestamptz", "inet"),
    }
)
"""Types of which JSON says all that there is: numbers digit by digit, the others as text."""
SPECIAL: Final = frozenset({"date", "time", "timestamp", "timestamptz"})
SHOWN: Final = 80
Texts = list[Any]


@dataclass(slots=True)
class Reader:
    """Reads one column. `rows` were given before; `counts` learns how many values became null by the user's policy."""

    column: Column
    policy: Policy
    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    @property
    def kind(self) -> Kind:
        return self.column.kind(self.policy)

    @property
    def cast(self) -> str | None:
        """What the server is asked to make of the values first."""
        kind, made = self.column.type, self.kind
        if isinstance(made, Lists):
            return "_text"
        if kind.is_built_in and kind.name == "money":
            return "numeric"
        is_told = kind.is_built_in and kind.name in AS_THEY_ARE
        as_text = kind.name in SPECIAL and made.arrow == pa.string()
        return None if is_told and not as_text else "text"

    def read(self, found: Texts) -> pa.Array:
        """The next values. Raises DataError for one that Arrow has no value for, SourceError for other JSON than it
        has to be."""
        kind = self.kind
        made = self._lists(found, kind) if isinstance(kind, Lists) else self._array(found, kind.arrow)
        self.rows += len(found)
        return made

    def _array(self, found: Texts, arrow: pa.DataType) -> pa.Array:
        if pa.types.is_boolean(arrow):
            return pa.array([None if value is None else value in (True, "true") for value in found], arrow)
        try:
            texts = pa.array(found, pa.string())
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise SourceError(
                f"column {self.column.name!r}: the server's JSON is not of its type {self.column.type.text}",
                code="source.protocol",
                hint="run again; the table may have been changed meanwhile",
            ) from error
        for test, read in _READERS:
            if test(arrow):
                return read(self, texts, arrow)
        return self.cast_to(texts, arrow)

    def _lists(self, found: Texts, kind: Lists) -> pa.Array:
        """The elements of all lists as one column."""
        offsets: list[int] = [0]
        elements: Texts = []
        for place, value in enumerate(found):
            if any(isinstance(element, list) for element in value or ()):
                raise self.error(place, "an array of several dimensions", "is no list", "set arrays: string to read it")
            elements += value or ()
            offsets.append(len(elements))
        nulls = [value is None for value in found]
        made = self._array(elements, kind.arrow.value_type)
        mask = pa.array(nulls, pa.bool_()) if any(nulls) else None
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), made, type=kind.arrow, mask=mask)

    def cast_to(self, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
        """By Arrow's own reader of texts."""
        try:
            return pc.cast(texts, arrow)
        except pa.ArrowInvalid:
            place = first_failing(texts, lambda part: pc.cast(part, arrow))
            raise self.error(place, texts[place].as_py(), f"does not fit {arrow}", _DIGITS) from None

    def without(self, texts: pa.Array, special: Sequence[bool], why: str) -> pa.Array:
        """The texts, the special ones as null if the user chose that; else raises DataError for the first of them."""
        if self.policy.special_values != "null":
            place = list(special).index(True)
            raise self.error(place, texts[place].as_py(), why, HINT)
        self.counts["special_values"] += sum(special)
        return pc.if_else(pa.array(special, pa.bool_()), pa.scalar(None, texts.type), texts)

    def error(self, place: int, shown: str, reason: str, hint: str | None = None) -> DataError:
        name, row = self.column.name, self.rows + place + 1
        text = shown[:SHOWN] + ("…" if len(shown) > SHOWN else "")
        return DataError(
            f"column {name!r}, row {row}: '{text}' {reason}", code="data.value", data_column=name, row=row, hint=hint
        )


def _texts(_: Reader, texts: pa.Array, __: pa.DataType) -> pa.Array:
    return texts


def _json(_: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    return pa.ExtensionArray.from_storage(arrow, texts)


def _binary(reader: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    """Of the form `\\x00ff`."""
    found: list[bytes | None] = []
    for place, text in enumerate(texts.to_pylist()):
        try:
            found.append(None if text is None else bytes.fromhex(_after(text, "\\x")))
        except ValueError:
            hint = "the database's bytea_output has to be hex"
            raise reader.error(place, text, "is no bytea in hexadecimal digits", hint) from None
    return pa.array(found, arrow)


def _uuids(_: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    plain = pc.replace_substring(texts, "-", "").to_pylist()
    storage = pa.array([None if text is None else bytes.fromhex(text) for text in plain], pa.binary(16))
    return pa.ExtensionArray.from_storage(arrow, storage)


def _decimals(reader: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    special = pc.is_in(texts, value_set=pa.array(["NaN", "Infinity", "-Infinity"]))
    if pc.any(special).as_py():
        texts = reader.without(texts, special.to_pylist(), "is no number that Arrow's decimals can say")
    return reader.cast_to(texts, arrow)


def _dates(reader: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    return _counted(reader, texts, arrow, moments.days, "is no day of a calendar")


def _timestamps(reader: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    def since(text: str) -> int | None:
        return moments.micros(text, with_zone=arrow.tz is not None)

    return _counted(reader, texts, arrow, since, "is no moment that Arrow's microseconds can say")


def _times(reader: Reader, texts: pa.Array, arrow: pa.DataType) -> pa.Array:
    late = pc.starts_with(texts, "24:")
    if pc.any(late).as_py():
        texts = reader.without(texts, late.fill_null(False).to_pylist(), "is no time within a day")
    dated = pc.binary_join_element_wise("1970-01-01T", texts, "")
    return reader.cast_to(dated, pa.timestamp("us")).view(pa.int64()).view(arrow)


def _counted(
    reader: Reader, texts: pa.Array, arrow: pa.DataType, count: Callable[[str], int | None], why: str
) -> pa.Array:
    """By Arrow where it knows all of the texts, else one by one: before Christ, after the year 9999, infinity."""
    try:
        return pc.cast(texts, arrow)
    except pa.ArrowInvalid:
        found: list[int | None] = []
        for place, text in enumerate(texts.to_pylist()):
            try:
                found.append(None if text is None else count(text))
            except ValueError:
                raise reader.error(place, text, f"cannot be read as {arrow}") from None
    special = [number is None and texts[place].is_valid for place, number in enumerate(found)]
    if any(special):
        reader.without(texts, special, why)
    return pa.array(found, arrow)


def _after(text: str, mark: str) -> str:
    if not text.startswith(mark):
        raise ValueError(text)
    return text[len(mark) :]


_DIGITS: Final = "declare what it holds under dtypes, with as many digits as the column has"
_READERS: Final[
    tuple[tuple[Callable[[pa.DataType], bool], Callable[[Reader, pa.Array, pa.DataType], pa.Array]], ...]
] = (
    (pa.types.is_string, _texts),
    (pa.types.is_binary, _binary),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_date, _dates),
    (pa.types.is_timestamp, _timestamps),
    (pa.types.is_time, _times),
    (lambda arrow: arrow == pa.json_(), _json),
    (lambda arrow: arrow == pa.uuid(), _uuids),
)
"""The others are numbers."""
