"""How the values of an Arrow type get into a column of a MySQL type unchanged, or that they cannot.

The server refuses what is out of a column's range, in strict mode. What it would bend without a word is found here:
https://mariadb.com/kb/en/sql-mode/ and, for each type, what MariaDB 10.11 was seen to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.arrivals import Kind
from osiris.connectors._shared.documents import documents
from osiris.connectors._shared.misfits import micros_of, refuse, strictly
from osiris.connectors.mysql import spelling
from osiris.connectors.mysql.declared import BLOBS, GEOMETRIES, INTEGERS, TEXTS, Declared

Form = Literal["number", "bits", "plain", "text", "bytes"]
"""How texts stand in SQL: `number` and `bits` bare, `plain` in quotes, `text` and `bytes` escaped in quotes."""
Spell = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True, slots=True)
class Way:
    """`spell` makes texts of a bare array; it raises Misfit for a value that the column cannot hold as it is."""

    form: Form
    spell: Spell


def way(kind: Kind, arrow: pa.DataType, column: Declared) -> Way | None:
    """How values of `arrow`, which are of this kind, get into `column`; None when some would be bent or guessed at."""
    return _WAYS[kind](arrow, column)


def _null(_: pa.DataType, __: Declared) -> Way:
    return Way("plain", spelling.nulls)


def _bool(_: pa.DataType, column: Declared) -> Way | None:
    if column.word == "bit":
        return Way("bits", spelling.bools)
    return Way("number", spelling.bools) if column.word in (*INTEGERS, "decimal") else None


def _integer(_: pa.DataType, column: Declared) -> Way | None:
    if column.word in _EXACT:
        limit = _EXACT[column.word]
        reason = f"has more digits than a {column.word.upper()} keeps"
        return Way("number", lambda array: spelling.integers(_limited(array, (-limit, limit), reason)))
    if column.word == "bit":
        return Way("bits", lambda array: spelling.integers(_limited(array, (0, 2**64 - 1), "is negative")))
    if column.word == "year":
        return Way("number", _years)
    return Way("number", spelling.integers) if column.word in (*INTEGERS, "decimal") else None


def _decimal(arrow: pa.DataType, column: Declared) -> Way | None:
    if column.word not in (*INTEGERS, "decimal"):
        return None
    scale = column.scale
    if arrow.scale <= scale:
        return Way("plain", spelling.decimals)
    reason = f"has more than {scale} digits after the point"
    return Way("plain", lambda array: spelling.decimals(strictly(array, pa.decimal256(76, scale), reason)))


def _float(_: pa.DataType, column: Declared) -> Way | None:
    if column.word not in _EXACT:
        return None
    if len(column.numbers) > 1 or column.word == "float":
        return Way("plain", lambda array: spelling.floats(_rounded(array, column)))
    return Way("plain", spelling.floats)


def _text(_: pa.DataType, column: Declared) -> Way | None:
    if column.word in ("enum", "set"):
        return Way("text", lambda array: spelling.texts(_listed(array, column)))
    if column.word in ("char", "varchar", *TEXTS):
        return Way("text", lambda array: _short(spelling.texts(array), column))
    return Way("text", spelling.texts) if column.word in ("json", "uuid", "inet4", "inet6") else None


def _json(arrow: pa.DataType, column: Declared) -> Way | None:
    return _text(arrow, column) if column.word in ("json", "char", "varchar", *TEXTS) else None


def _nested(_: pa.DataType, column: Declared) -> Way | None:
    if column.word not in ("json", *TEXTS):
        return None
    return Way("text", lambda array: _short(spelling.texts(documents(array)), column))


def _binary(_: pa.DataType, column: Declared) -> Way | None:
    if column.word in ("binary", "varbinary", *BLOBS):
        return Way("bytes", lambda array: _sized(spelling.texts(array), column))
    return Way("bytes", spelling.texts) if column.word in (*GEOMETRIES, "vector") else None


def _uuid(_: pa.DataType, column: Declared) -> Way | None:
    if column.word in ("binary", "varbinary"):
        fits = column.length == 16 or (column.word == "varbinary" and column.length > 16)
        return Way("bytes", spelling.texts) if fits else None
    long_enough = column.word == "uuid" or column.word in TEXTS or column.length >= 36
    return Way("plain", spelling.uuids) if long_enough and column.word in ("uuid", "char", "varchar", *TEXTS) else None


def _date(_: pa.DataType, column: Declared) -> Way | None:
    return Way("plain", spelling.dates) if column.word in ("date", "datetime") else None


def _datetime(_: pa.DataType, column: Declared) -> Way | None:
    return _clock(spelling.moments, column) if column.word == "datetime" else None


def _moment(_: pa.DataType, column: Declared) -> Way | None:
    return _clock(spelling.moments, column) if column.word in ("datetime", "timestamp") else None


def _time(_: pa.DataType, column: Declared) -> Way | None:
    return _clock(spelling.times, column) if column.word == "time" else None


def _duration(_: pa.DataType, column: Declared) -> Way | None:
    return _clock(spelling.durations, column) if column.word == "time" else None


def _interval(arrow: pa.DataType, column: Declared) -> Way | None:
    found = _duration(arrow, column)
    return found and Way(found.form, lambda array: found.spell(spelling.lengths(array)))


def _clock(spell: Spell, column: Declared) -> Way:
    """The server rounds a second to the digits that the column keeps of it."""
    unit, reason = 10 ** (6 - column.length), f"has more than {column.length} digits after the second"

    def checked(array: pa.Array) -> pa.Array:
        if unit > 1 and array.type.unit != "s":
            micros = micros_of(array)
            refuse(pc.not_equal(pc.multiply(pc.divide(micros, unit), unit), micros), reason)
        return spell(array)

    return Way("plain", checked)


def _limited(array: pa.Array, limits: tuple[int, int], reason: str) -> pa.Array:
    """The array, if each of its whole numbers is within `limits`, as far as its type can be out of them."""
    lowest, highest = _range(array.type)
    if lowest < limits[0]:
        refuse(pc.less(array, pa.scalar(limits[0], array.type)), reason)
    if highest > limits[1]:
        refuse(pc.greater(array, pa.scalar(limits[1], array.type)), reason)
    return array


def _range(kind: pa.DataType) -> tuple[int, int]:
    bits = kind.bit_width
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(kind) else (0, 2**bits - 1)


def _years(array: pa.Array) -> pa.Array:
    """Four digits each, since one or two of them would mean a year of this century or the last."""
    reason = "is no YEAR: that is 0, or 1901 to 2155"
    numbers = strictly(array, pa.int64(), reason)
    known = pc.or_(pc.equal(numbers, 0), pc.and_(pc.greater_equal(numbers, 1901), pc.less_equal(numbers, 2155)))
    refuse(pc.invert(known), reason)
    return pc.cast(pc.ascii_lpad(pc.cast(numbers, pa.string()), 4, "0"), spelling.TEXT)


def _rounded(array: pa.Array, column: Declared) -> pa.Array:
    """The array, if a FLOAT, or one of so many digits after the point, holds each of its numbers."""
    doubles = pc.cast(array, pa.float64())
    values = doubles.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        kept = np.round(values, column.scale) if len(column.numbers) > 1 else values
        kept = kept.astype(np.float32).astype(np.float64) if column.word == "float" else kept
        same = (kept == values) | ~np.isfinite(values)
    refuse(pc.and_(pa.array(~same), doubles.is_valid()), f"has more digits than a {column.word.upper()} keeps")
    return doubles


def _listed(array: pa.Array, column: Declared) -> pa.Array:
    """The array, if each text is one that the ENUM or SET shows just so; the server would also take `A` for `a`, and
    `1` for the first member."""
    kept = _members if column.word == "enum" else _subset
    odd = [text for text in pc.unique(array).to_pylist() if text is not None and not kept(text, column.members)]
    if odd:
        refuse(pc.is_in(array, pa.array(odd, array.type)), f"is not among the members of the {column.word.upper()}")
    return array


def _members(text: str, members: tuple[str, ...]) -> bool:
    return text in members


def _subset(text: str, members: tuple[str, ...]) -> bool:
    parts = text.split(",") if text else []
    return [member for member in members if member in parts] == parts


def _short(array: pa.Array, column: Declared) -> pa.Array:
    """The array, if no text is longer than the column, whose surplus spaces the server would drop."""
    limit = 2**32 - 1 if column.word == "json" else column.length
    text = pc.cast(array, pa.large_string())
    if (pc.max(pc.binary_length(array)).as_py() or 0) > limit:
        refuse(pc.greater(pc.utf8_length(text), limit), f"is longer than the {limit} that the column holds")
    if column.word == "char":
        refuse(pc.ends_with(text, " "), "ends with a space, which CHAR does not keep")
    return array


def _sized(array: pa.Array, column: Declared) -> pa.Array:
    size = pc.binary_length(array)
    if column.word == "binary":
        refuse(pc.not_equal(size, column.length), f"is not {column.length} bytes long: BINARY would fill it up")
    refuse(pc.greater(size, column.length), f"is longer than the {column.length} bytes that the column holds")
    return array


_EXACT: Final = {"float": 2**24, "double": 2**53}
_WAYS: Final[dict[Kind, Callable[[pa.DataType, Declared], Way | None]]] = {
    "null": _null,
    "bool": _bool,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "text": _text,
    "binary": _binary,
    "date": _date,
    "datetime": _datetime,
    "moment": _moment,
    "time": _time,
    "duration": _duration,
    "interval": _interval,
    "json": _json,
    "uuid": _uuid,
    "nested": _nested,
}
