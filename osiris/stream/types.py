"""Arrow's types by the names that users write, and the names by which they are shown."""

from __future__ import annotations

import pyarrow as pa

from osiris.stream.type_names import meaning

JSON = pa.json_(pa.string())
_SHOWN = {
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
    JSON: "json",
}


def parse(name: str) -> pa.DataType:
    """The Arrow type of `int64`, `decimal(12,2)`, `timestamp(us, UTC)` …; ConfigError for an unknown name."""
    make, *given = meaning(name)
    return getattr(pa, make)(*given)


def spell(type_: pa.DataType) -> str:
    """The name that `parse` would take back, where there is one; else Arrow's."""
    if type_ in _SHOWN:
        return _SHOWN[type_]
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if pa.types.is_timestamp(type_):
        return f"timestamp({type_.unit}, {type_.tz})" if type_.tz else f"timestamp({type_.unit})"
    return str(type_)
