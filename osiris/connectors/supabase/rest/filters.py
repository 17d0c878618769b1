"""`conditions`: the option `filters`, as parameters of PostgREST's query.

Operators: https://docs.postgrest.org/en/stable/references/api/tables_views.html#operators
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from osiris.connectors.supabase.rest import quoting
from osiris.connectors.supabase.rest.api import Query
from osiris.errors import ConfigError, did_you_mean

COMPARING: Final = ("eq", "neq", "gt", "gte", "lt", "lte", "isdistinct")
MATCHING: Final = ("like", "ilike", "match", "imatch", "fts", "plfts", "phfts", "wfts")
HOLDING: Final = ("cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj")
OPERATORS: Final = (*COMPARING, *MATCHING, *HOLDING, "in", "is")
STATES: Final = ("null", "not_null", "true", "false", "unknown")
"""What `is` asks for."""


def conditions(filters: Sequence[Mapping[str, Any]]) -> Query:
    """All of them have to hold. Raises ConfigError for an operator that is none, or a value that it cannot have."""
    return [(quoting.name(given["column"]), _condition(given)) for given in filters]


def argument(name: str, value: object) -> str:
    """A function's argument, as its parameter in the query."""
    if isinstance(value, list | tuple):
        return _array(value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        hint = "leave it out, so that the function's default counts"
        raise ConfigError(f"arguments: {name!r} is null, which a URL cannot say", code="filter.value", hint=hint)
    return _plain(value)


def _condition(given: Mapping[str, Any]) -> str:
    column, operator, value = given["column"], given.get("op", "eq"), given.get("value")
    if operator not in OPERATORS:
        hint = did_you_mean(str(operator), list(OPERATORS)) or f"operators: {', '.join(OPERATORS)}"
        raise ConfigError(
            f"filters: {operator!r} of column {column!r} is no operator", code="filter.operator", hint=hint
        )
    negation = "not." if given.get("not") else ""
    return f"{negation}{operator}.{_operand(column, operator, value)}"


def _operand(column: str, operator: str, value: object) -> str:
    if operator == "is":
        return _state(column, value)
    if value is None:
        raise _wrong(column, f"{operator} takes a value, but it is null", "op: is with value: null finds nulls")
    if operator == "in":
        return _choice(column, value)
    if operator in HOLDING and isinstance(value, list | tuple):
        return _array(value)
    if operator in HOLDING and isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple | Mapping):
        raise _wrong(column, f"{operator} takes one value", "op: in takes a list of values")
    return _plain(value)


def _state(column: str, value: object) -> str:
    state = "null" if value is None else _plain(value)
    if state not in STATES:
        raise _wrong(column, f"is takes one of {', '.join(STATES)}", "compare values with op: eq")
    return state


def _choice(column: str, value: object) -> str:
    if not isinstance(value, list | tuple) or any(one is None for one in value):
        raise _wrong(column, "in takes a list of values, without null", "value: [1, 2, 3]")
    return f"({','.join(quoting.quoted(_plain(one)) for one in value)})"


def _array(values: Sequence[object]) -> str:
    """As PostgreSQL writes arrays."""
    return f"{{{','.join('NULL' if one is None else quoting.quoted(_plain(one)) for one in values)}}}"


def _plain(value: object) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _wrong(column: str, problem: str, hint: str) -> ConfigError:
    return ConfigError(f"filters: column {column!r}: {problem}", code="filter.value", hint=hint)
