"""`dumps`: plain data as YAML, in one spelling that does not depend on a library's version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from osiris.documents.scalars import BOOLEANS, NULLS

PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dumps(value: Any) -> str:
    """Block style with keys in their order, texts in double quotes, so that any YAML parser reads the same.

    Raises TypeError for what is not plain data.
    """
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{_key(key)}:", item)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from _item(item)
    else:
        yield _scalar(value)


def _entry(key: str, item: Any) -> Iterator[str]:
    if isinstance(item, dict | list | tuple) and item:
        yield key
        for line in _lines(item):
            yield f"  {line}"
    else:
        yield f"{key} {_scalar(item)}"


def _item(item: Any) -> Iterator[str]:
    for place, line in enumerate(_lines(item)):
        yield f"- {line}" if place == 0 else f"  {line}"


def _key(key: str) -> str:
    plain = PLAIN_KEY.fullmatch(key) and key not in NULLS and key not in BOOLEANS
    return key if plain else _scalar(key)


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return json.dumps(value, allow_nan=False)
