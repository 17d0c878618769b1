"""Strict casts between Arrow types: a value that would come out as another one is refused."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_DIGITS_OF_INT64 = 20
_MOST_DIGITS = 76
_DIGITS_OF_UNIT = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_WORDS_FOR_INFINITY = r"^\s*[+-]?inf(inity)?\s*$"


def strictly(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """`array` as `wanted`. Raises ArrowInvalid when a value would be altered, ArrowNotImplementedError for types
    between which there is no cast, or none that keeps the whole of a value.

    A float may be narrowed to float32, which is what the type means, but not to infinity; what a text says is for the
    reading of text to judge; everything else must be the same when it is cast back.
    """
    array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    found = _cast(array, wanted)
    kept = array.null_count == len(array) or _is_text(wanted) or _is_kept(array, found)
    if not kept:
        raise pa.ArrowInvalid(f"a value cannot be {wanted} as it is")
    return found


def shown(value: pa.Array) -> str:
    """The only value of an array, for messages: texts in quotes, others as they are written."""
    plain = pa.types.is_temporal(value.type) or pa.types.is_primitive(value.type) or pa.types.is_decimal(value.type)
    return str(pc.cast(value, pa.string())[0].as_py()) if plain else repr(value[0].as_py())


def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    moments = [pa.types.is_temporal(each) for each in (array.type, wanted)]
    if any(moments) and not all(moments) and not (_is_text(array.type) or _is_text(wanted)):
        # Arrow would count a number in the unit of the type, from 1970: seconds would become microseconds.
        raise pa.ArrowNotImplementedError(f"no cast from {array.type} to {wanted}")
    if pa.types.is_duration(array.type) and _is_text(wanted):
        array = _clocked(array)
    if pa.types.is_integer(array.type) and pa.types.is_decimal(wanted):
        # Arrow itself wants room for every number of the integer's type, however small the numbers are.
        digits = min(_MOST_DIGITS, _DIGITS_OF_INT64 + max(0, wanted.scale))
        array = pc.cast(array, pa.decimal256(digits, max(0, wanted.scale)))
    return pc.cast(array, wanted, safe=True)


def _clocked(array: pa.Array) -> pa.Array:
    """Durations as `-838:59:59.000000`: hours, minutes, seconds and the digits that the unit has. Arrow itself would
    write a number without its unit."""
    digits = _DIGITS_OF_UNIT[array.type.unit]
    count = array.cast(pa.int64())
    seconds, fraction = _divided(pc.abs_checked(count), 10**digits)
    minutes, seconds = _divided(seconds, 60)
    hours, minutes = _divided(minutes, 60)
    clock = pc.binary_join_element_wise(*(_padded(part, 2) for part in (hours, minutes, seconds)), ":")
    text = pc.binary_join_element_wise(clock, _padded(fraction, digits), ".") if digits else clock
    return pc.binary_join_element_wise(pc.if_else(pc.less(count, 0), "-", ""), text, "")


def _divided(numbers: pa.Array, by: int) -> tuple[pa.Array, pa.Array]:
    """Of numbers that are not negative: the quotients, and what remains."""
    found = pc.divide(numbers, by)
    return found, pc.subtract(numbers, pc.multiply(found, by))


def _padded(numbers: pa.Array, width: int) -> pa.Array:
    return pc.ascii_lpad(pc.cast(numbers, pa.string()), width, "0")


def _is_kept(array: pa.Array, found: pa.Array) -> bool:
    if pa.types.is_floating(found.type) and (_is_text(array.type) or pa.types.is_floating(array.type)):
        return _all(_is_infinite(array.filter(pc.is_inf(found))))
    if _is_text(array.type):
        return not pa.types.is_integer(found.type) or _all(pc.invert(pc.match_substring(array, "x", ignore_case=True)))
    kinds = {pa.types.is_floating(array.type), pa.types.is_floating(found.type)}
    exact = pa.types.is_decimal(array.type) or pa.types.is_decimal(found.type)
    # Arrow's way from decimal to float and back is not exact; that by the shortest text is.
    between = pc.cast(found, pa.string()) if exact and True in kinds else found
    back = pc.cast(between, array.type, safe=False)
    return _all(pc.equal(array, back))


def _all(claims: pa.Array) -> bool:
    return bool(pc.all(claims, min_count=0).as_py())


def _is_infinite(values: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):
        return pc.is_inf(values)
    return pc.match_substring_regex(values, _WORDS_FOR_INFINITY, ignore_case=True)


def _is_text(type_: pa.DataType) -> bool:
    return any(test(type_) for test in _TEXTS)


_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
