"""A value between two others, to cut a key's range in about equal parts. A guess: whether it fits, the server says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Final

from osiris.connectors.mysql.keys import KeyColumn

SYMBOLS: Final = tuple(map(chr, range(0x20, 0x7F)))
"""What guesses for texts are made of: each server and character set has them."""
DEPTH: Final = 8
"""How many symbols a guess goes beyond what both ends have in common."""


def between(column: KeyColumn, low: str, high: str, order: Mapping[str, int]) -> list[str]:
    """Values from `low` on and before `high` that the column's type has, the likeliest first; maybe none.

    `order` has the place of each of `SYMBOLS`, and of the characters of both, in the collation of a text column.
    """
    if column.kind == "number":
        return [_number(low, high)]
    if column.kind == "moment":
        return _moment(low, high)
    if column.kind == "uuid":
        return [_uuid(low, high, places) for places in (_BACKWARD, _PLAIN)]
    if column.kind == "bytes":
        found = _fraction(bytes.fromhex(low), bytes.fromhex(high), 256)
        return [bytes(found).hex().upper()]
    return _text(column, low, high, order)


def _number(low: str, high: str) -> str:
    with localcontext(prec=100) as context:
        context.rounding = ROUND_FLOOR
        scale = Decimal(1).scaleb(Decimal(high).as_tuple().exponent)  # type: ignore[arg-type]
        return format(((Decimal(low) + Decimal(high)) / 2).quantize(scale), "f")


def _moment(low: str, high: str) -> list[str]:
    try:
        first, last = datetime.fromisoformat(low), datetime.fromisoformat(high)
    except ValueError:  # a date that no calendar has
        return []
    middle = first + (last - first) / 2
    return [middle.isoformat(" ", "microseconds")[: len(high)]]


def _uuid(low: str, high: str, places: Sequence[int]) -> str:
    """By the five parts in this order: MariaDB sorts most by the last part first, those of version 7 as written."""
    ends = ["".join(value.split("-")[place] for place in places) for value in (low, high)]
    digits = f"{(int(ends[0], 16) + int(ends[1], 16)) // 2:032x}"
    parts, start = [""] * 5, 0
    for place in places:
        parts[place] = digits[start : start + _LENGTHS[place]]
        start += _LENGTHS[place]
    for place in _KINDS:
        parts[place] = high.split("-")[place][0] + parts[place][1:]
    return "-".join(parts)


def text(column: KeyColumn, value: str) -> str:
    """The characters of a text's value; empty where Python does not know the column's character set."""
    try:
        return bytes.fromhex(value).decode(_CODECS.get(column.column.charset or "", "ascii"))
    except UnicodeDecodeError:
        return ""


def _text(column: KeyColumn, low: str, high: str, order: Mapping[str, int]) -> list[str]:
    symbols = {place: symbol for symbol, place in reversed(list(order.items()))}
    before, behind = ([order[symbol] for symbol in text(column, value)] for value in (low, high))
    found = "".join(symbols[place] for place in _fraction(before, behind, len(symbols)))
    return [found.encode(_CODECS.get(column.column.charset or "", "ascii")).hex().upper()]


def _fraction(low: Sequence[int], high: Sequence[int], base: int) -> list[int]:
    """The mean of two rows of digits, read as fractions; what is shorter comes first."""
    start = _common(low, high)
    ends = []
    for digits in (low, high):
        value = 0
        for place in range(start, start + DEPTH):
            value = value * (base + 1) + (digits[place] + 1 if place < len(digits) else 0)
        ends.append(value)
    mean, found = sum(ends) // 2, list[int]()
    for _ in range(DEPTH):
        mean, digit = divmod(mean, base + 1)
        found.insert(0, digit)
    while found and not found[-1]:
        found.pop()
    return [*low[:start], *(max(digit - 1, 0) for digit in found)]


def _common(low: Sequence[int], high: Sequence[int]) -> int:
    """How many digits both begin with."""
    return next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))


_LENGTHS: Final = (8, 4, 4, 4, 12)
_KINDS: Final = (2, 3)
"""The parts that begin with version and variant, by which MariaDB chooses the order."""
_PLAIN: Final = (0, 1, 2, 3, 4)
_BACKWARD: Final = (4, 3, 2, 1, 0)
_CODECS: Final = {
    "ascii": "ascii",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
    "utf32": "utf-32-be",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
}
