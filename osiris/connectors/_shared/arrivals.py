"""What comes to be written to a database: which kinds of values Arrow's types hold, and the bare values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from osiris.errors import DataError

Kind = Literal[
    "null",
    "bool",
    "integer",
    "decimal",
    "float",
    "text",
    "binary",
    "date",
    "datetime",
    "moment",
    "time",
    "duration",
    "interval",
    "json",
    "uuid",
    "nested",
]
"""`moment` is a timestamp with a time zone, `datetime` one without; `interval` has months and days;
`nested` is written as JSON."""


def kind_of(kind: pa.DataType, column: str, system: str) -> Kind:
    """The kind of the values of an Arrow type. Raises DataError, naming the column, for what no `system` can hold."""
    bare = bare_type(kind)
    for name, test in _TESTS.items():
        if test(bare):
            return name
    if not _is_nested(bare) or not _json_can(bare):
        raise DataError(
            f"column {column!r} is of Arrow's type {kind}, which {system} cannot hold without changing values",
            code="data.type",
            data_column=column,
            hint="cast it before this step, or under columns of the write step",
        )
    return "nested"


def bare_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values that a dictionary or run-end encoding stands for."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return bare_type(kind.value_type)
    return kind


def bare(array: pa.Array) -> pa.Array:
    """The values themselves, without dictionary, run-end encoding and extension type."""
    if isinstance(array, pa.DictionaryArray):
        return bare(array.dictionary_decode())
    if isinstance(array, pa.RunEndEncodedArray):
        return bare(pc.run_end_decode(array))
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind) and not pa.types.is_union(kind))


def _json_can(kind: pa.DataType) -> bool:
    """Whether JSON can say every value of a type that is nested, or a part of one."""
    if pa.types.is_map(kind):
        return _is_text(bare_type(kind.key_type)) and _json_can(bare_type(kind.item_type))
    if pa.types.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        parts = [kind.field(place).type for place in range(kind.num_fields)]
        return len(set(names)) == len(names) and all(_json_can(bare_type(part)) for part in parts)
    if _is_nested(kind):
        return _json_can(bare_type(kind.value_type))
    return any(_TESTS[name](kind) for name in _IN_JSON)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def _is_binary(kind: pa.DataType) -> bool:
    fixed = pa.types.is_fixed_size_binary(kind) and not isinstance(kind, pa.BaseExtensionType)
    return bool(fixed or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or kind == pa.binary_view())


def _named(name: str) -> Callable[[pa.DataType], bool]:
    return lambda kind: isinstance(kind, pa.BaseExtensionType) and kind.extension_name == name


_TESTS: Final[dict[Kind, Callable[[pa.DataType], bool]]] = {
    "null": pa.types.is_null,
    "bool": lambda kind: pa.types.is_boolean(kind) or _named("arrow.bool8")(kind),
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "float": pa.types.is_floating,
    "text": _is_text,
    "binary": _is_binary,
    "date": pa.types.is_date,
    "datetime": lambda kind: pa.types.is_timestamp(kind) and kind.tz is None,
    "moment": lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None,
    "time": pa.types.is_time,
    "duration": pa.types.is_duration,
    "interval": pa.types.is_interval,
    "json": _named("arrow.json"),
    "uuid": _named("arrow.uuid"),
}
_IN_JSON: Final[tuple[Kind, ...]] = (
    "null",
    "bool",
    "integer",
    "float",
    "text",
    "decimal",
    "date",
    "datetime",
    "moment",
)
