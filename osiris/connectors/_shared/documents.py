"""Lists, structs and maps as JSON, for databases that have no such types."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pyarrow as pa

from osiris.connectors._shared.misfits import Misfit


def documents(array: pa.Array) -> pa.Array:
    """Lists, structs and maps as JSON, value by value: numbers digit by digit, dates and timestamps as ISO 8601."""
    found: list[str | None] = []
    for place in range(len(array)):
        try:
            value = array[place].as_py(maps_as_pydicts="strict")
            found.append(None if value is None else _document(value))
        except (ValueError, KeyError, OverflowError) as error:
            raise Misfit(place, f"cannot be JSON: {error}") from error
    return pa.array(found, pa.large_string())


def _document(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_document(name)}:{_document(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_document, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    plain = value.isoformat() if isinstance(value, date) else value
    return json.dumps(plain, allow_nan=False, ensure_ascii=False)
