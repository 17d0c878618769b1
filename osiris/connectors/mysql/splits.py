"""Cutting a table into ranges of its key, of about as many rows each, by the server's own estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from osiris.connectors.mysql import halving
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.keys import KeyColumn, Values, after, equal, precedes, upto
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
    _orders: dict[str, dict[str, int]] = field(default_factory=dict)

    def cut(self, wanted: int) -> tuple[Values, ...]:
        """The ends of at most `wanted` ranges of about as many rows; the last one is the largest key that there is.
        Empty when there are no rows."""
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
        """A key, or the first columns of one, that cuts the range between two ends in two, by the first column that
        has several values there; None when there is only one row."""
        prefix = self._common(before or (), end)
        given = before[len(prefix)] if before and len(before) > len(prefix) else None
        while len(prefix) < len(self.columns):
            column = self.columns[len(prefix)]
            low = self._edge(prefix, "ASC", f" AND {column.sql} > {column.literal(given)}" if given else "")
            high = end[len(prefix)] if len(end) > len(prefix) else self._edge(prefix, "DESC")
            if low is None or high is None:
                return None
            for guess in (*halving.between(column, low, high, self._order(column, low, high)), low):
                # a value that is there, since the next cut would else be between two that are not
                value = self._edge(prefix, "DESC", f" AND {column.sql} <= {column.literal(guess)}")
                if value is not None and self._is_between(before, (*prefix, value), end):
                    return (*prefix, value)
            prefix, given = (*prefix, high), None
        return None

    def _common(self, one: Values, other: Values) -> Values:
        """The first values of `other` that are those of `one` too, in whatever spelling."""
        for place, (column, a, b) in enumerate(zip(self.columns, one, other, strict=False)):
            if a != b and self.client.rows(f"SELECT {column.literal(a)} = {column.literal(b)}") != [(1,)]:
                return other[:place]
        return other[: len(one)]

    def _is_between(self, before: Values | None, middle: Values, end: Values) -> bool:
        """In the server's order, in which two spellings may be one value."""
        found = [precedes(self.columns, middle, end), *([precedes(self.columns, before, middle)] if before else [])]
        return self.client.rows(f"SELECT {' AND '.join(found)}") == [(1,)]

    def _edge(self, prefix: Values, direction: str, condition: str = "") -> str | None:
        """The first or last value of the next column in the rows that begin with `prefix`."""
        column = self.columns[len(prefix)]
        tail = f"WHERE {equal(self.columns, prefix)}{condition} ORDER BY {column.sql} {direction} LIMIT 1"
        found = self._ask(column.shown, tail)
        return str(found[0][0]) if found else None

    def _rows(self, before: Values | None, end: Values) -> int:
        """About how many rows a range has: the server looks at a few pages of the index."""
        where = [upto(self.columns, end), *([after(self.columns, before)] if before else [])]
        return estimated(self.client, self._select(self.columns[0].sql, f"WHERE {' AND '.join(where)}")) or 0

    def _order(self, column: KeyColumn, *values: str) -> dict[str, int]:
        """The place of each character, of `values` and of guesses, in the collation of a text column; those that count
        as equal share one. Empty for other columns."""
        if column.kind != "text":
            return {}
        about = column.column
        order = self._orders.get(about.name, {})
        wanted = dict.fromkeys([*halving.SYMBOLS, *order, *"".join(halving.text(column, value) for value in values)])
        if len(wanted) > len(order):
            texts = [f"CONVERT(_utf8mb4 X'{symbol.encode().hex()}' USING {about.charset})" for symbol in wanted]
            numbered = " UNION ALL ".join(f"SELECT {n} AS n, {text} AS t" for n, text in enumerate(texts))
            collated = f"t COLLATE {about.collation}"
            alike = f"SELECT GROUP_CONCAT(n) FROM ({numbered}) AS q GROUP BY {collated} ORDER BY {collated}"
            groups = [group.split(",") for (group,) in self.client.rows(alike)]
            places = {int(n): place for place, group in enumerate(groups) for n in group}
            self._orders[about.name] = order = {symbol: places[n] for n, symbol in enumerate(wanted)}
        return order

    def _ask(self, what: str, tail: str) -> list[tuple[object, ...]]:
        return self.client.rows(self._select(what, tail))

    def _select(self, what: str, tail: str) -> str:
        return f"SELECT {what} FROM {self.table.name.sql} FORCE INDEX ({quoted(self.key.name)}) {tail}"


def _merged(ends: Sequence[Values], rows: Sequence[int], wanted: int) -> tuple[Values, ...]:
    """Neighbouring ranges put together until there are no more than `wanted`, of about as many rows each."""
    sums = list(accumulate(rows))
    chosen = {len(ends) - 1}
    for number in range(1, wanted):
        distances = [abs(rows_up_to - sums[-1] * number / wanted) for rows_up_to in sums]
        chosen.add(distances.index(min(distances)))
    return tuple(ends[place] for place in sorted(chosen))
