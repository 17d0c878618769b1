"""A line of YAML that may hold secrets, shown without its values: keys, signs and names of variables stay."""

from __future__ import annotations

import re
from dataclasses import dataclass

from osiris.secrets import MASK

VARIABLE = re.compile(r"(\$\{\w+\})")


@dataclass(frozen=True, slots=True)
class Shown:
    """The text, and where the letter of interest stands in it, counted from 1; 0 without one."""

    text: str
    column: int


def without_values(line: str, column: int) -> Shown | None:
    """`line` with each value masked, and where its letter at `column` stands then. None for what is no line of YAML."""
    import yaml

    start_of_text = len(line) - len(line.lstrip())
    shown, ended, place = line[:start_of_text], start_of_text, 0
    key_follows = value_follows = False
    try:
        for token in yaml.scan(line[start_of_text:]):
            start, stop = token.start_mark.index + start_of_text, token.end_mark.index + start_of_text
            if isinstance(token, yaml.KeyToken):
                if value_follows:
                    return None  # `password: a: b`: is `a` a key or half of a secret?
                key_follows = True
            if start == stop:
                continue
            gap = line[ended:start]
            shown += gap if not gap.strip() else " "  # a comment
            is_value = isinstance(token, yaml.ScalarToken) and not key_follows
            if column > ended and not place:
                place = len(shown) + 1 + (0 if is_value else max(0, column - 1 - start)) if column <= stop else 0
            text = line[start:stop]
            shown += _masked(text) if is_value else text
            ended = stop
            key_follows, value_follows = False, isinstance(token, yaml.ValueToken)
    except yaml.YAMLError:
        return None
    return Shown(shown, place)


def _masked(value: str) -> str:
    """Quotes and variables stay: `"${HOST}/***"`. What stands for a variable that is not set is a value, too."""
    quote = value[0] if value[0] in "\"'" and value[0] == value[-1] else ""
    inside = value[1:-1] if quote else value
    parts = [part if VARIABLE.fullmatch(part) else MASK for part in VARIABLE.split(inside) if part]
    return f"{quote}{''.join(parts)}{quote}"
