"""Decimals as PostgreSQL's numeric: digits to the base 10,000, split off by division, a whole column at once.

The server takes leading and trailing zeros, so that all values of a type have one width:
https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/numeric.c (numeric_recv)
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from osiris.connectors._shared.misfits import strictly
from osiris.connectors._shared.postgres.encode_rows import Bytes

Words = NDArray[np.uint64]
GROUP: Final = 4
"""Decimal digits in one of PostgreSQL's."""
IN_ONE_WORD: Final = 18
MINUS: Final = 0x4000


def numerics(array: pa.Array) -> Bytes:
    """Of decimals with a scale of 0 or more, each exactly, with as many digits after the point as its type has."""
    precision, scale = array.type.precision, array.type.scale
    before, after = -(-max(0, precision - scale) // GROUP), -(-scale // GROUP)
    words, negative = _magnitudes(array)
    limbs = [words[:, 0].copy()] if precision <= IN_ONE_WORD else _halves(words)
    made = np.zeros((len(array), 4 + before + after), ">i2")
    made[:, 0], made[:, 1], made[:, 3] = before + after, before - 1, scale
    made[:, 2] = np.where(negative, MINUS, 0)
    place = made.shape[1] - 1
    if scale % GROUP:
        made[:, place] = _split_off(limbs, 10 ** (scale % GROUP)) * np.uint64(10 ** (GROUP - scale % GROUP))
        place -= 1
    for at in range(place, 3, -1):
        made[:, at] = _split_off(limbs, 10**GROUP)
    return made.view(np.uint8).reshape(len(array), 2 * made.shape[1])


def wide(array: pa.Array) -> pa.Array:
    """The decimals in one of the two widths that are read here, and with a scale that is not negative."""
    kind = array.type
    if kind.scale < 0:
        return strictly(array, pa.decimal256(76, 0), "has more than 76 digits")
    if pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind):
        return array
    return pc.cast(array, pa.decimal128(kind.precision, kind.scale))


def _magnitudes(array: pa.Array) -> tuple[Words, NDArray[np.bool_]]:
    """The numbers without their sign as words, the lowest first, and which of them are negative."""
    size, count = array.type.bit_width // 64, len(array)
    raw = np.frombuffer(array.buffers()[1] or b"", np.uint64)[array.offset * size : (array.offset + count) * size]
    words = raw.reshape(count, size).copy()
    negative = words[:, -1].view(np.int64) < 0
    carry = negative.copy()
    for place in range(size):
        turned = ~words[negative, place] + carry[negative]
        words[negative, place] = turned
        carry[negative] &= turned == 0
    return words, negative


def _halves(words: Words) -> list[Words]:
    """Words of 32 bits, the lowest first, each with room for the rest of a division."""
    small = words.view(np.uint32)
    return [small[:, place].astype(np.uint64) for place in range(small.shape[1])]


def _split_off(limbs: list[Words], by: int) -> Words:
    """Divide the numbers in place; returns what remains."""
    divisor = np.uint64(by)
    rest = np.zeros(len(limbs[0]), np.uint64)
    for place in range(len(limbs) - 1, -1, -1):
        number = limbs[place] + (rest << np.uint64(32)) if place < len(limbs) - 1 else limbs[place]
        limbs[place] = number // divisor
        rest = number - limbs[place] * divisor
    return rest
