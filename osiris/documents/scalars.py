"""What a YAML scalar means: the core rules of YAML 1.2, stricter where a guess would alter data.

Only `true` and `false` are booleans, so `on`, `yes` and `no` stay text. So do dates, numbers with leading zeros
(`00123`), `12:30`, `.inf`, `.nan` and numbers too large to hold. Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import math
import re

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
MAX_NUMBER_CHARACTERS = 400

Scalar = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar."""
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text[0] not in "0123456789+-." or len(text) > MAX_NUMBER_CHARACTERS:
        return text
    return _number(text)


def _number(text: str) -> Scalar:
    if INTEGER.fullmatch(text):
        return int(text)
    if BASED.fullmatch(text):
        return int(text, 0)
    number = float(text) if FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def fits(value: Scalar, tag: str) -> bool:
    """Whether `value` is what the tag (`int`, `float`, `bool`, `null`) says it is."""
    kinds = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
    return isinstance(value, kinds[tag]) and (tag == "bool" or not isinstance(value, bool))
