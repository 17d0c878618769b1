"""The types of params: what a value must be, and how a text from the command line or environment becomes one."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

from osiris.documents import loads
from osiris.errors import ConfigError

TYPES: dict[str, dict[str, str]] = {
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "list": {"type": "array"},
    "map": {"type": "object"},
    "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}
"""Each type, and the JSON Schema of a value of it."""
FORMER_TYPES = {"integer": "int", "float": "number", "boolean": "bool", "array": "list", "object": "map"}
WORDS = {
    "string": "text",
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "list": "a list",
    "map": "a mapping",
    "date": "a date such as 2026-01-31",
}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_DIGITS = 400


def type_of(value: Any) -> str:
    """The type that a default value suggests; a date looks like text, so it is `string`."""
    if isinstance(value, bool):
        return "bool"
    kinds: dict[type, str] = {int: "int", float: "number", list: "list", dict: "map"}
    return kinds.get(type(value), "string")


def check_value(kind: str, value: Any) -> Any:
    """`value` if it is of type `kind`, else ConfigError. A date stays text."""
    if kind == "date":
        if isinstance(value, str) and _is_date(value):
            return value
    elif kind == "bool":
        if isinstance(value, bool):
            return value
    elif isinstance(value, _classes(kind)) and not isinstance(value, bool):
        return value
    hint = "put it in quotes" if kind == "string" and isinstance(value, int | float) else None
    shown = repr(value) if isinstance(value, str) else "empty" if value is None else type_of(value)
    message = f"must be {WORDS[kind]}, not {shown}"
    raise ConfigError(message, code="param.value", hint=hint)


def value_of_text(kind: str, text: str) -> Any:
    """The value that `text` spells; ConfigError when it spells none of type `kind`."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ConfigError("must be UTF-8 text", code="param.value")
    if kind in ("string", "date"):
        return check_value(kind, text)
    word = text.strip()
    if kind == "bool" and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if kind == "int" and re.fullmatch(r"[-+]?\d+", word, re.ASCII) and len(word) <= MAX_DIGITS:
        return int(word)
    if kind == "number":
        number = _number(word)
        if number is not None:
            return number
    if kind in ("list", "map"):
        return check_value(kind, _parsed(kind, text))
    raise ConfigError(f"must be {WORDS[kind]}, not {text!r}", code="param.value")


def _parsed(kind: str, text: str) -> Any:
    try:
        return loads(text, "the text").value
    except ConfigError as error:
        raise ConfigError(f"must be {WORDS[kind]}: {error.message}", code="param.value") from error


def _number(word: str) -> int | float | None:
    if re.fullmatch(r"[-+]?\d+", word, re.ASCII) and len(word) <= MAX_DIGITS:
        return int(word)
    try:
        number = float(word.replace("_", "x"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_date(text: str) -> bool:
    try:
        return bool(DATE.fullmatch(text)) and dt.date.fromisoformat(text) is not None
    except ValueError:
        return False


def _classes(kind: str) -> tuple[type, ...]:
    return {"string": (str,), "int": (int,), "number": (int, float), "list": (list,), "map": (dict,)}[kind]
