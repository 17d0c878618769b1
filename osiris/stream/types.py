"""The names of column types, in `columns` and `dtypes`: as users, Arrow and pandas write them, and as we show them."""

from __future__ import annotations

import re

import pyarrow as pa

from osiris.errors import ConfigError, did_you_mean

JSON = pa.json_(pa.string())
NAMES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "boolean": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "int": pa.int64(),
    "integer": pa.int64(),
    "bigint": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "string": pa.string(),
    "text": pa.string(),
    "varchar": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "date32": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "datetime": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "json": JSON,
    # as Arrow and pandas spell them
    "str": pa.string(),
    "object": pa.string(),
    "date32[day]": pa.date32(),
    "datetime64[us]": pa.timestamp("us"),
    "datetime64[ns]": pa.timestamp("ns"),
    "extension<arrow.json>": JSON,
}
_SHOWN = {
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
    JSON: "json",
}
_DECIMAL = re.compile(r"(?:decimal|decimal128|decimal256|numeric)\((\d+)(?:,\s*(-?\d+))?\)")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
_TIMESTAMP = re.compile(r"timestamp[(\[](s|ms|us|ns)(?:,\s*(?:tz=)?([\w/+:-]+))?[)\]]", re.IGNORECASE)


def parse(name: str) -> pa.DataType:
    """The Arrow type of `int64`, `decimal(12,2)`, `timestamp(us, UTC)` …; ConfigError for an unknown name."""
    text = name.strip().lower()
    if text in NAMES:
        return NAMES[text]
    if found := _DECIMAL.fullmatch(text):
        precision, scale = int(found[1]), int(found[2] or 0)
        if not 1 <= precision <= 76 or scale > precision:
            text = f"{name!r}: a decimal has 1 to 76 digits, and no more of them after the point"
            raise ConfigError(text, code="type.decimal")
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if found := _TIMESTAMP.fullmatch(name.strip()):
        return pa.timestamp(found[1].lower(), tz=_zone(name, found[2]))
    plain = [known for known in NAMES if known.isalnum()]
    hint = did_you_mean(text, plain) or f"types: {', '.join(plain)}, decimal(p,s), timestamp(unit, zone)"
    raise ConfigError(f"{name!r} is not a type", code="type.unknown", hint=hint)


def spell(type_: pa.DataType) -> str:
    """The name that `parse` would take back, where there is one; else Arrow's."""
    if type_ in _SHOWN:
        return _SHOWN[type_]
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if pa.types.is_timestamp(type_):
        return f"timestamp({type_.unit}, {type_.tz})" if type_.tz else f"timestamp({type_.unit})"
    return str(type_)


def _zone(name: str, zone: str | None) -> str | None:
    """`zone`, if it is one: Arrow would take any text."""
    if zone is None or _OFFSET.fullmatch(zone):
        return zone
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError) as error:
        hint = "write UTC, a name such as Europe/Prague, or an offset such as +02:00"
        raise ConfigError(f"{name!r}: {zone!r} is no time zone", code="type.zone", hint=hint) from error
