"""Eight decimal digits at a time: texts of numbers as 64-bit words, all rows of a column at once.

A word is loaded little-endian, so its highest byte is the last character. XOR with `0` turns digits into their values.
Three multiplications then add neighbours: bytes to pairs, pairs to fours, fours to one number
<https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/>.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from osiris.connectors.mysql.values import Flags, Ints, Words

U8: Final = np.uint64
HIGH_BITS: Final = U8(0x8080808080808080)


def known(words: Words, limits: np.uint64) -> bool:
    """Whether no byte is more than 0x7f less its byte in `limits`: 0x76 lets 0 to 9 pass, 0x7f only 0."""
    carried = words + limits
    carried |= words
    return not np.bitwise_or.reduce(carried) & HIGH_BITS


def keep_last(words: Words, lengths: Ints) -> Words:
    """The last `lengths` bytes of each word, 0 to 8 of them, the others zero. Changes nothing in place."""
    shift = ((8 - lengths) << 3).view(U8)  # a shift by 64 gives 0 in numpy
    kept = words >> shift
    kept <<= shift
    return kept


def number(words: Words) -> Words:
    """The numbers of which each word has eight digits, as values of 0 to 9. Changes `words` in place."""
    words *= U8(10 << 8 | 1)
    words >>= U8(8)
    words &= U8(0x00FF00FF00FF00FF)
    words *= U8(100 << 16 | 1)
    words >>= U8(16)
    words &= U8(0x0000FFFF0000FFFF)
    words *= U8(10000 << 32 | 1)
    words >>= U8(32)
    return words


def pairs(words: Words) -> Words:
    """Byte i becomes ten times byte i plus byte i + 1, for each i: what stands there as two digits. In place."""
    words *= U8(10 << 8 | 1)
    words >>= U8(8)
    return words


def byte(words: Words, place: int) -> Words:
    return (words >> U8(8 * place)) & U8(0xFF)


@dataclass(frozen=True, slots=True)
class Form:
    """Eight characters as the server writes them: `0` is any digit, `_` is not looked at, others are themselves."""

    text: str
    xor: np.uint64 = field(init=False)
    """Turns the characters into the values of digits, and zero where there is none."""
    limits: np.uint64 = field(init=False)
    seen: np.uint64 = field(init=False)

    def __post_init__(self) -> None:
        text = self.text.ljust(8, "_")
        object.__setattr__(self, "xor", _word(0 if one == "_" else ord(one) for one in text))
        object.__setattr__(self, "limits", _word(0x76 if one == "0" else 0x7F for one in text))
        object.__setattr__(self, "seen", _word(0 if one == "_" else 0xFF for one in text))

    def values(self, words: Words, nulls: Flags | None = None) -> Words | None:
        """The values of the digits, zero for nulls; None when a word does not have this form."""
        found = words ^ self.xor
        if "_" in self.text or len(self.text) < 8:
            found &= self.seen
        if nulls is not None:
            found[nulls] = 0
        return found if known(found, self.limits) else None


def _word(values: Iterable[int]) -> np.uint64:
    return U8(int.from_bytes(bytes(values), "little"))


DIGITS: Final = Form("00000000")
