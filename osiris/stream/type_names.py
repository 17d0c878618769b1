"""The names of column types, in `columns` and `dtypes`, as users, Arrow and pandas write them; Arrow is not loaded."""

from __future__ import annotations

import re

from osiris.errors import ConfigError, did_you_mean

Made = tuple[str, ...] | tuple[str, int, int]
"""How Arrow makes the type: the name of its function, and what that is given."""
NAMES: dict[str, tuple[str, ...]] = {
    "bool": ("bool_",),
    "boolean": ("bool_",),
    "int8": ("int8",),
    "int16": ("int16",),
    "int32": ("int32",),
    "int64": ("int64",),
    "int": ("int64",),
    "integer": ("int64",),
    "bigint": ("int64",),
    "uint8": ("uint8",),
    "uint16": ("uint16",),
    "uint32": ("uint32",),
    "uint64": ("uint64",),
    "float32": ("float32",),
    "float64": ("float64",),
    "float": ("float64",),
    "double": ("float64",),
    "string": ("string",),
    "text": ("string",),
    "varchar": ("string",),
    "binary": ("binary",),
    "date": ("date32",),
    "date32": ("date32",),
    "time": ("time64", "us"),
    "timestamp": ("timestamp", "us"),
    "datetime": ("timestamp", "us"),
    "timestamptz": ("timestamp", "us", "UTC"),
    "json": ("json_",),
    # as Arrow and pandas spell them
    "str": ("string",),
    "object": ("string",),
    "date32[day]": ("date32",),
    "datetime64[us]": ("timestamp", "us"),
    "datetime64[ns]": ("timestamp", "ns"),
    "extension<arrow.json>": ("json_",),
}
_DECIMAL = re.compile(r"(?:decimal|decimal128|decimal256|numeric)\((\d+)(?:,\s*(-?\d+))?\)")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
_TIMESTAMP = re.compile(r"timestamp[(\[](s|ms|us|ns)(?:,\s*(?:tz=)?([\w/+:-]+))?[)\]]", re.IGNORECASE)


def meaning(name: str) -> Made:
    """What is meant by `int64`, `decimal(12,2)`, `timestamp(us, UTC)` …; ConfigError for an unknown name."""
    text = name.strip().lower()
    if text in NAMES:
        return NAMES[text]
    if found := _DECIMAL.fullmatch(text):
        precision, scale = int(found[1]), int(found[2] or 0)
        if not 1 <= precision <= 76 or scale > precision:
            text = f"{name!r}: a decimal has 1 to 76 digits, and no more of them after the point"
            raise ConfigError(text, code="type.decimal")
        return "decimal128" if precision <= 38 else "decimal256", precision, scale
    if found := _TIMESTAMP.fullmatch(name.strip()):
        unit = ("timestamp", found[1].lower())
        return unit if found[2] is None else (*unit, _zone(name, found[2]))
    plain = [known for known in NAMES if known.isalnum()]
    hint = did_you_mean(text, plain) or f"types: {', '.join(plain)}, decimal(p,s), timestamp(unit, zone)"
    raise ConfigError(f"{name!r} is not a type", code="type.unknown", hint=hint)


def _zone(name: str, zone: str) -> str:
    """`zone`, if it is one: Arrow would take any text."""
    if _OFFSET.fullmatch(zone):
        return zone
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError) as error:
        hint = "write UTC, a name such as Europe/Prague, or an offset such as +02:00"
        raise ConfigError(f"{name!r}: {zone!r} is no time zone", code="type.zone", hint=hint) from error
