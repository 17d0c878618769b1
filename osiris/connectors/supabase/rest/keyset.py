"""`Keyset`: the order of a read that is paged by the values of its last row, and what comes after these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osiris.connectors.supabase.rest import quoting
from osiris.connectors.supabase.rest.api import Query


@dataclass(frozen=True, slots=True)
class Keyset:
    """Columns that are never null and together unique; those in `descending` are sorted the other way round."""

    columns: tuple[str, ...]
    descending: frozenset[str] = frozenset()

    @property
    def order(self) -> str:
        return order(self.columns, self.descending)

    def after(self, last: Sequence[str]) -> Query:
        """The condition for all that follows the row with these values, which are texts as the server wrote them."""
        if len(self.columns) == 1:
            return [(quoting.name(self.columns[0]), f"{self._beyond(self.columns[0])}.{last[0]}")]
        terms = []
        for place, column in enumerate(self.columns):
            same = [self._term(self.columns[before], "eq", last[before]) for before in range(place)]
            beyond = self._term(column, self._beyond(column), last[place])
            terms.append(f"and({','.join([*same, beyond])})" if same else beyond)
        return [("or", f"({','.join(terms)})")]

    def _beyond(self, column: str) -> str:
        return "lt" if column in self.descending else "gt"

    def _term(self, column: str, operator: str, value: str) -> str:
        return f"{quoting.name(column)}.{operator}.{quoting.quoted(value)}"


def order(columns: Sequence[str], descending: frozenset[str]) -> str:
    """The parameter `order`."""
    return ",".join(f"{quoting.name(column)}.{'desc' if column in descending else 'asc'}" for column in columns)
