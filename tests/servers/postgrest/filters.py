"""Filters of the query string as conditions of SQL: `age=gte.18`, `or=(a.gt.1,and(a.eq.1,b.gt.2))`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.servers.postgrest.errors import Failure, unreadable
from tests.servers.postgrest.sql import array, literal, name

OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "LIKE",
    "ilike": "ILIKE",
    "match": "~",
    "imatch": "~*",
    "isdistinct": "IS DISTINCT FROM",
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
}
SEARCHES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
TRUTHS = {
    "null": "NULL",
    "not_null": "NOT NULL",
    "true": "TRUE",
    "false": "FALSE",
    "unknown": "UNKNOWN",
}
RESERVED = frozenset({"select", "columns", "order", "limit", "offset", "on_conflict", "apikey"})
LOGIC = {"and": (" AND ", False), "or": (" OR ", False), "not.and": (" AND ", True), "not.or": (" OR ", True)}


def conditions(query: tuple[tuple[str, str], ...], table: str, arguments: frozenset[str] = frozenset()) -> list[str]:
    """One condition for each parameter that is a filter. `table` is SQL; `arguments` of a function are none."""
    found = []
    for key, value in query:
        if key in LOGIC:
            found.append(Tree(value, table).logic(key))
        elif key not in RESERVED and key not in arguments:
            found.append(_condition(field(key, table), value))
    return found


def field(text: str, table: str) -> str:
    """A column, maybe with a path into its JSON: `a`, `"a b"`, `data->x->>0`."""
    head, *steps = re.split(r"(->>?)", text) if not text.startswith('"') else [text]
    column = f"{table}.{name(unquoted(head))}" if table else name(unquoted(head))
    if not steps:
        return column
    path = [
        arrow + (key if re.fullmatch(r"-?\d+", key) else literal(unquoted(key)))
        for arrow, key in zip(steps[::2], steps[1::2], strict=True)
    ]
    return f"to_jsonb({column}){''.join(path)}"


def unquoted(text: str) -> str:
    text = text.strip(" ") if not text.startswith('"') else text
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def split(text: str, mark: str = ",") -> list[str]:
    """The parts between marks that are neither in quotes nor in brackets."""
    parts, depth, start = [], 0, 0
    for place, sign in _bare(text):
        depth += (sign in "({") - (sign in ")}")
        if sign == mark and not depth:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _bare(text: str) -> Iterator[tuple[int, str]]:
    """Each character outside of double quotes, with its place. They quote where a name or value begins."""
    quoted = escaped = False
    before = ","
    for place, sign in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and sign == "\\":
            escaped = True
        elif sign == '"' and (quoted or before in ",({.:>"):
            quoted = not quoted
        elif not quoted:
            yield place, sign
        before = sign


class Tree:
    """The conditions of one `and` or `or`, nested as deep as they come."""

    def __init__(self, text: str, table: str) -> None:
        self._text = text
        self._table = table

    def logic(self, key: str) -> str:
        glue, negated = LOGIC[key]
        text = self._text.strip()
        if not (text.startswith("(") and text.endswith(")")):
            raise unreadable("logic tree", f"{key}{text}", "end of input expecting (")
        inside = glue.join(self._part(part.strip()) for part in split(text[1:-1]))
        return f"NOT ({inside})" if negated else f"({inside})"

    def _part(self, text: str) -> str:
        nested = re.match(r"(not\.)?(and|or)(?=\()", text)
        if nested:
            return Tree(text[nested.end() :], self._table).logic(nested[0])
        key, *rest = split(text, ".")
        if not rest:
            raise unreadable("logic tree", self._text, "end of input")
        value = text[len(key) + 1 :]
        quoted = re.fullmatch(r'((?:not\.)?[a-z]+(?:\(\w+\))?\.)("(?:[^"\\]|\\.)*")', value, flags=re.DOTALL)
        if quoted:
            value = quoted[1] + unquoted(quoted[2])
        return _condition(field(key, self._table), value)


def _condition(column: str, text: str) -> str:
    if text.startswith("not."):
        return f"NOT ({_condition(column, text[4:])})"
    word, dot, value = text.partition(".")
    found = re.fullmatch(r"([a-z]+)(?:\((\w+)\))?", word)
    if not dot or found is None:
        raise unreadable("filter", text, 'end of input expecting "not" or operator (eq, gt, ...)')
    operator, extra = found[1], found[2]
    if operator == "in":
        return f"{column} = ANY ({array(_elements(value))})"
    if operator == "is":
        return f"{column} IS {_truth(value)}"
    if operator in SEARCHES:
        language = f"{literal(extra)}, " if extra else ""
        return f"to_tsvector({language}{column}::text) @@ {SEARCHES[operator]}({language}{literal(value)})"
    return _comparison(column, (operator, extra), value)


def _comparison(column: str, operator: tuple[str, str | None], value: str) -> str:
    sign = OPERATORS.get(operator[0])
    if sign is None:
        raise Failure(400, "PGRST100", f'"failed to parse filter ({operator[0]}.{value})" (line 1, column 1)')
    if operator[0] in ("like", "ilike"):
        value = value.replace("*", "%")
    if operator[1] in ("any", "all"):
        return f"{column} {sign} {operator[1]} ({literal(value)})"
    return f"{column} {sign} {literal(value)}"


def _elements(text: str) -> list[str]:
    text = text.strip()
    if not (text.startswith("(") and text.endswith(")")):
        raise unreadable("filter", f"in.{text}", "end of input expecting (")
    return [] if text == "()" else [unquoted(part) for part in split(text[1:-1])]


def _truth(text: str) -> str:
    truth = TRUTHS.get(text.lower())
    if truth is None:
        raise unreadable("filter", f"is.{text}", "value expecting null, not_null, true, false or unknown")
    return truth
