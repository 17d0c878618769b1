"""The names of column types in files: read as users, Arrow and pandas write them, shown as `dtypes` takes them."""

from __future__ import annotations

import re

import pyarrow as pa

from osiris.stream import types

JSON = pa.json_(pa.string())
_FORMER = {
    "json": JSON,
    "extension<arrow.json>": JSON,
    "object": pa.string(),
    "str": pa.string(),
    "datetime64[ns]": pa.timestamp("ns"),
    "datetime64[us]": pa.timestamp("us"),
    "date32": pa.date32(),
    "date32[day]": pa.date32(),
}
_ARROW_DECIMAL = re.compile(r"decimal(?:128|256)\((.*)\)")
_ARROW_UNIT = re.compile(r"(timestamp)\[(\w+)(?:, *tz=([^\]]+))?\]")
_SHOWN = {
    pa.string(): "string",
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
    JSON: "json",
}


def parse(name: str) -> pa.DataType:
    """The type that `name` means; ConfigError for an unknown one."""
    text = name.strip()
    if text.lower() in _FORMER:
        return _FORMER[text.lower()]
    if found := _ARROW_DECIMAL.fullmatch(text):
        text = f"decimal({found[1]})"
    elif found := _ARROW_UNIT.fullmatch(text):
        text = f"{found[1]}({found[2]}, {found[3]})" if found[3] else f"{found[1]}({found[2]})"
    return types.parse(text)


def spell(type_: pa.DataType) -> str:
    """The name that `parse` would take back, where there is one; else Arrow's."""
    if type_ in _SHOWN:
        return _SHOWN[type_]
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if pa.types.is_timestamp(type_):
        return f"timestamp({type_.unit}, {type_.tz})" if type_.tz else f"timestamp({type_.unit})"
    return str(type_)
