"""`Selection`: what a step's options ask for over REST: columns with their types, order, key, and the query."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from osiris.connectors._shared.postgres.columns import Column, Policy
from osiris.connectors._shared.postgres.kinds import Specials
from osiris.connectors.base import Options
from osiris.connectors.supabase.rest import filters, keyset, quoting
from osiris.connectors.supabase.rest.api import Api, Query
from osiris.connectors.supabase.rest.description import Table, table_of
from osiris.connectors.supabase.rest.keyset import Keyset
from osiris.connectors.supabase.rest.types import type_of
from osiris.connectors.supabase.rest.values import Reader
from osiris.errors import ConfigError, did_you_mean

DECIMAL: Final = re.compile(r"decimal\(\d+, ?\d+\)")
SELECT_CHARACTERS: Final = 4000
"""Longer lists of columns may not fit a URL; all of them together are had by `*`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`columns` in the order in which they are given; `keyset` is None where pages are counted by rows."""

    path: str
    columns: tuple[Column, ...]
    policy: Policy
    order: str
    keyset: Keyset | None
    conditions: Query
    is_whole: bool

    @property
    def query(self) -> Query:
        """Of each page, but for where it begins and how long it is."""
        order = [("order", self.order)] if self.order else []
        return [("select", self._select()), *self.conditions, *order]

    def readers(self) -> list[Reader]:
        return [Reader(column, self.policy) for column in self.columns]

    def _select(self) -> str:
        casts = [(reader.column.name, reader.cast) for reader in self.readers()]
        known = {name for name, _ in casts}
        casts += [(name, None) for name in (self.keyset.columns if self.keyset else ()) if name not in known]
        made = [quoting.name(name) + (f"::{cast}" if cast else "") for name, cast in casts]
        if self.is_whole and sum(map(len, made)) > SELECT_CHARACTERS:
            # of two values of one name the last one counts
            made = ["*", *(one for one, (_, cast) in zip(made, casts, strict=True) if cast)]
        return ",".join(made)


def selection_of(api: Api, options: Options) -> Selection:
    """Raises ConfigError for options that do not go with the table, or that leave a type or the key unknown."""
    function, table = options.get("rpc"), _table(api, options)
    policy, declared = _policy(options)
    columns, is_whole = _columns(table, options.get("columns"), declared, policy)
    key = _listed(options.get("primary_key")) or (table.key if table else ())
    columns = tuple(c if table else replace(c, primary_key=c.name in key) for c in columns)
    order, pages = _order(options, table, key)
    arguments = [(name, filters.argument(name, value)) for name, value in options.get("arguments", {}).items()]
    return Selection(
        path=f"rpc/{function}" if function else str(options["table"]),
        columns=columns,
        policy=policy,
        order=order,
        keyset=pages,
        conditions=[*arguments, *filters.conditions(options.get("filters", ()))],
        is_whole=is_whole,
    )


def _table(api: Api, options: Options) -> Table | None:
    """None for a function, and where the key may not read the description: the server has the last word then."""
    if options.get("rpc") is not None:
        return None
    name = options.get("table")
    if name is None:
        raise ConfigError("over rest a read needs table or rpc", code="option.missing")
    document = api.description()
    return table_of(document, name) if document is not None else None


def _policy(options: Options) -> tuple[Policy, Mapping[str, str]]:
    """The policy, and the types that are declared otherwise than as decimals."""
    given: Mapping[str, str] = options.get("dtypes", {})
    try:
        special: Specials | None = options["special_values"]
    except KeyError:
        special = "error"
    decimals = {name: text for name, text in given.items() if DECIMAL.fullmatch(text)}
    # in YAML an unquoted null is no text, but None
    policy = Policy.of(special or "null", decimals, lists=options.get("arrays", "string") == "list")
    return policy, {name: text for name, text in given.items() if name not in decimals}


def _columns(
    table: Table | None, wanted: Sequence[str] | None, declared: Mapping[str, str], policy: Policy
) -> tuple[tuple[Column, ...], bool]:
    """The columns, and whether they are all that there are, as far as one knows."""
    types = {name: type_of(text) for name, text in {**dict.fromkeys(policy.decimals, "numeric"), **declared}.items()}
    if table is None:
        names = list(wanted or types)
        untold = [name for name in names if name not in types]
        if untold or not names:
            raise ConfigError(
                f"the types of the columns are not known: {', '.join(untold) or 'nor the columns'}",
                code="rest.types_unknown",
                hint="declare them (dtypes: {id: bigint, name: text}): this key may not read the API's description, "
                "and that of a function has none; or use a secret key, or give dsn",
            )
        return tuple(Column(name, types[name]) for name in names), False
    for name in [*(wanted or ()), *types]:
        if name not in table.names:
            hint = did_you_mean(name, table.names) or f"columns: {', '.join(table.names[:30])}"
            raise ConfigError(f"the table {table.name} has no column {name!r}", code="column.missing", hint=hint)
    known = {column.name: column for column in table.columns}
    for name, text in declared.items():
        known[name] = replace(known[name], type=type_of(text))
    return tuple(known[name] for name in wanted or table.names), not wanted


def _order(options: Options, table: Table | None, key: tuple[str, ...]) -> tuple[str, Keyset | None]:
    """What to sort by, and the keyset of it where pages go by one."""
    given = [_direction(text) for text in options.get("order_by", ())]
    columns = tuple(dict.fromkeys([*(name for name, _ in given), *key]))
    descending = frozenset(name for name, is_down in given if is_down)
    if options.get("paging", "keyset") == "offset":
        return keyset.order(columns, descending), None
    if not key:
        raise ConfigError(
            "no key of the rows is known, by which to read them page after page",
            code="rest.no_key",
            hint="name columns that are together unique and never null (primary_key), or set paging: offset, which can "
            "skip or repeat rows that come and go meanwhile; or give dsn",
        )
    nullable = {column.name for column in table.columns if column.nullable} if table else set()
    unsure = [name for name, _ in given if name not in key and (table is None or name in nullable)]
    if unsure:
        raise ConfigError(
            f"order_by: {unsure[0]!r} may be null, and pages cannot go on after a null",
            code="rest.order_null",
            hint="set paging: offset, or leave order_by out and sort later; or give dsn",
        )
    pages = Keyset(columns, descending)
    return pages.order, pages


def _direction(text: str) -> tuple[str, bool]:
    found = re.fullmatch(r"(.+?)(?:\s+(asc|desc))?", text.strip(), re.IGNORECASE | re.DOTALL)
    if found is None:
        raise ConfigError("order_by: a name is empty", code="column.missing")
    return found[1], (found[2] or "asc").lower() == "desc"


def _listed(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())
