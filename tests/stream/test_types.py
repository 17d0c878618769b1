"""The type names that users write: what they mean, and what is said of one that is none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from osiris.errors import ConfigError
from osiris.stream import types

MEANINGS = {
    "int64": pa.int64(),
    "BIGINT": pa.int64(),
    " text ": pa.string(),
    "uint64": pa.uint64(),
    "date": pa.date32(),
    "decimal(12,2)": pa.decimal128(12, 2),
    "numeric(38)": pa.decimal128(38, 0),
    "decimal(39, 4)": pa.decimal256(39, 4),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "timestamp(ms)": pa.timestamp("ms"),
    "timestamp(ns, Europe/Prague)": pa.timestamp("ns", tz="Europe/Prague"),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_name_means_a_type(name: str) -> None:
    assert types.parse(name) == MEANINGS[name]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("intt64", 'did you mean "int64"?'), ("timestmp", 'did you mean "timestamp"?'), ("money", "types: bool")],
)
def test_an_unknown_name_is_answered_with_the_nearest_one(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="is not a type") as caught:
        types.parse(name)
    assert str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize("name", ["decimal(0,0)", "decimal(77,2)", "decimal(5,6)"])
def test_a_decimal_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="1 to 76 digits"):
        types.parse(name)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Prague", "+02:00"])
def test_a_time_zone_is_kept_as_it_is_written(zone: str) -> None:
    assert types.parse(f"timestamp(us, {zone})") == pa.timestamp("us", tz=zone)


@pytest.mark.parametrize("zone", ["Mars", "Europe/Nowhere", "+2", "../etc/passwd"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    """Arrow takes any text for a zone, and fails only when somebody looks at the values."""
    with pytest.raises(ConfigError) as refused:
        types.parse(f"timestamp(us, {zone})")
    assert refused.value.code in ("type.zone", "type.unknown")


@pytest.mark.parametrize(
    "type_",
    [pa.timestamp("ns"), pa.timestamp("ms", "Europe/Prague"), pa.date32(), pa.decimal128(9, 2), pa.json_(pa.string())],
)
def test_arrow_s_own_spelling_and_ours_are_both_understood(type_: pa.DataType) -> None:
    assert types.parse(str(type_)) == type_
    assert types.parse(types.spell(type_)) == type_
