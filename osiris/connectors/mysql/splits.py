"""Cutting a table into ranges of its key, of about as many rows each, by the server's own estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from osiris.connectors.mysql import halving
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.keys import KeyColumn, Values, after, equal, upto
from osiris.connectors.mysql.names import quoted
from osiris.connectors.mysql.selection import estimated
from osiris.connectors.mysql.tables import Key, Table

FINE: Final = 4
"""Ranges are halved until the largest is this part of a split."""
MOST_HALVINGS: Final = 16
"""For each split; keys with wide gaps need most."""


@dataclass(slots=True)
class Ranges:
    """The ranges of one table's key. A range goes from behind the end of the one before it up to its own end."""

    client: Client
    table: Table
    key: Key
    columns: tuple[KeyColumn, ...]
    _orders: dict[int, dict[str, int]] = field(default_factory=dict)

    def cut(self, wanted: int) -> tuple[Values, ...]:
        """The ends of at most `wanted` ranges of about as many rows; the last one is the largest key that there is.
        None when there are no rows."""
        last = self._last()
        return () if last is None else self._cut(last, wanted)

    def _last(self) -> Values | None:
        order = ", ".join(f"{column.sql} DESC" for column in self.columns)
        found = self._ask(", ".join(column.shown for column in self.columns), f"ORDER BY {order} LIMIT 1")
        return tuple(map(str, found[0])) if found else None

    def _cut(self, last: Values, wanted: int) -> tuple[Values, ...]:
        ends, rows = [last], [self._rows(None, last)]
        most = max(1, rows[0] // (FINE * wanted))
        stuck: set[Values] = set()
        for _ in range(MOST_HALVINGS * wanted if wanted > 1 else 0):
            sizes = [0 if end in stuck else count for end, count in zip(ends, rows, strict=True)]
            place = sizes.index(max(sizes))
            if sizes[place] <= most:
                break
            before, end = ends[place - 1] if place else None, ends[place]
            middle = self._middle(before, end)
            if middle is None:
                stuck.add(end)
                continue
            ends.insert(place, middle)
            rows[place : place + 1] = [self._rows(before, middle), self._rows(middle, end)]
        return _merged(ends, rows, wanted)

    def _middle(self, before: Values | None, end: Values) -> Values | None:
        """An end for a range of its own between two ends, by the first column that has a value there."""
        prefix = _common(before or (), end)
        while len(prefix) < len(self.columns):
            depth = len(prefix)
            given = before[depth] if before and before[:depth] == prefix and len(before) > depth else None
            high = end[depth] if end[:depth] == prefix and len(end) > depth else self._edge(prefix, "DESC")
            low = given if given is not None else self._edge(prefix, "ASC")
            if low is None or high is None:
                return None
            middle = self._between(depth, low, high, open_below=given is not None)
            if middle is not None:
                return (*prefix, middle)
            prefix = (*prefix, high)
        return None

    def _between(self, depth: int, low: str, high: str, *, open_below: bool) -> str | None:
        column = self.columns[depth]
        sign = "<" if open_below else "<="
        for guess in halving.between(column, low, high, self._order(depth)):
            first, middle, last = map(column.literal, (low, guess, high))
            if self.client.rows(f"SELECT {first} {sign} {middle} AND {middle} < {last}") == [(1,)]:
                return guess
        return None

    def _edge(self, prefix: Values, direction: str) -> str | None:
        """The first or last value of the next column in the rows that begin with `prefix`."""
        column = self.columns[len(prefix)]
        tail = f"WHERE {equal(self.columns, prefix)} ORDER BY {column.sql} {direction} LIMIT 1"
        found = self._ask(column.shown, tail)
        return str(found[0][0]) if found else None

    def _rows(self, before: Values | None, end: Values) -> int:
        """About how many rows a range has: the server looks at a few pages of the index."""
        where = [upto(self.columns, end), *([after(self.columns, before)] if before else [])]
        return estimated(self.client, self._select(self.columns[0].sql, f"WHERE {' AND '.join(where)}")) or 0

    def _order(self, depth: int) -> dict[str, int]:
        """The places of `halving.SYMBOLS` in the collation of a text column; empty for others."""
        column = self.columns[depth]
        if column.kind != "text":
            return {}
        if depth not in self._orders:
            about = column.column
            numbers = " UNION ALL ".join(f"SELECT {ord(symbol)} AS n" for symbol in halving.SYMBOLS)
            symbol = f"CONVERT(CHAR(n USING ascii) USING {about.charset}) COLLATE {about.collation}"
            alike = f"SELECT GROUP_CONCAT(n) FROM ({numbers}) AS q GROUP BY {symbol} ORDER BY {symbol}"
            found = enumerate(self.client.rows(alike))
            self._orders[depth] = {chr(int(n)): place for place, (group,) in found for n in group.split(",")}
        return self._orders[depth]

    def _ask(self, what: str, tail: str) -> list[tuple[object, ...]]:
        return self.client.rows(self._select(what, tail))

    def _select(self, what: str, tail: str) -> str:
        return f"SELECT {what} FROM {self.table.name.sql} FORCE INDEX ({quoted(self.key.name)}) {tail}"


def _common(one: Values, other: Values) -> Values:
    found = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:found]


def _merged(ends: Sequence[Values], rows: Sequence[int], wanted: int) -> tuple[Values, ...]:
    """Neighbouring ranges put together until there are no more than `wanted`, of about as many rows each."""
    sums = list(accumulate(rows))
    chosen = {len(ends) - 1}
    for number in range(1, wanted):
        distances = [abs(rows_up_to - sums[-1] * number / wanted) for rows_up_to in sums]
        chosen.add(distances.index(min(distances)))
    return tuple(ends[place] for place in sorted(chosen))
