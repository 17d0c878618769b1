"""`Type`: what the catalog says of a column's type, domains resolved down to what they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

BUILT_IN: Final = "pg_catalog"
Kind = Literal["base", "enum", "composite", "range", "multirange", "pseudo"]
_KINDS: Final[dict[str, Kind]] = {
    "b": "base",
    "e": "enum",
    "c": "composite",
    "r": "range",
    "m": "multirange",
    "p": "pseudo",
}


@dataclass(frozen=True, slots=True)
class Type:
    """`text` is the type as people write it (`numeric(10,2)`, `integer[]`, a domain's own name). `name`, `schema`,
    `kind`, `modifier` are those of what a domain is over. `element` is that of an array, whatever its dimensions."""

    oid: int
    text: str
    name: str
    schema: str
    kind: Kind
    modifier: int = -1
    element: Type | None = None
    domain: str | None = None

    @property
    def is_built_in(self) -> bool:
        return self.schema == BUILT_IN

    @property
    def precision(self) -> int | None:
        """Of a numeric that declares it."""
        return ((self.modifier - HEADER) >> 16) & 0xFFFF if self._is_numeric else None

    @property
    def scale(self) -> int | None:
        """Of a numeric that declares precision; from PostgreSQL 15 on it may be negative, or above the precision."""
        return (((self.modifier - HEADER) & 0x7FF) ^ 0x400) - 0x400 if self._is_numeric else None

    @property
    def length(self) -> int | None:
        """How many characters (of varchar and bpchar) or bits (of bit and varbit) the column takes, None: any."""
        if self.modifier < 0:
            return None
        if self.name in ("varchar", "bpchar"):
            return self.modifier - HEADER
        return self.modifier if self.name in ("bit", "varbit") else None

    @property
    def _is_numeric(self) -> bool:
        return self.name == "numeric" and self.is_built_in and self.modifier >= HEADER


class Asks(Protocol):
    """What can be asked in SQL."""

    def rows(self, sql: str, args: tuple[object, ...]) -> list[tuple[Any, ...]]: ...


def types_of(database: Asks, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Type]:
    """The types of (OID, modifier), as pg_attribute and a result's header have them."""
    wanted = list(dict.fromkeys(wanted))
    facts: dict[int, tuple[Any, ...]] = {}
    missing = {oid for oid, _ in wanted}
    while missing:
        facts |= {row[0]: row[1:] for row in database.rows(_TYPES, (sorted(missing),))}
        related = {other for fact in facts.values() for other in (fact[3], fact[5]) if other}  # domains, arrays
        missing = related - facts.keys()
    named = database.rows(_TEXTS, ([oid for oid, _ in wanted], [modifier for _, modifier in wanted]))
    texts = {(oid, modifier): text for oid, modifier, text in named}
    return {pair: _made(facts, *pair, texts[pair]) for pair in wanted}


def _made(facts: dict[int, tuple[Any, ...]], oid: int, modifier: int, text: str) -> Type:
    name, schema, letter, base, base_modifier, element = facts[oid]
    if letter == "d":
        under = _made(facts, base, base_modifier if base_modifier >= 0 else modifier, text)
        return Type(oid, text, under.name, under.schema, under.kind, under.modifier, under.element, text)
    of = _made(facts, element, modifier, facts[element][0]) if element else None
    return Type(oid, text, name, schema, _KINDS[letter], modifier, of)


HEADER: Final = 4
"""What the modifiers of numeric, varchar and bpchar begin with: the size of a value's header."""
# only true arrays have an element here: name, point and the like can be subscripted too, but are none
_TYPES: Final = """
SELECT t.oid::int8, t.typname::text, n.nspname::text, t.typtype::text, t.typbasetype::int8, t.typtypmod,
  CASE WHEN t.typlen = -1 AND e.typarray = t.oid THEN t.typelem::int8 ELSE 0 END
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
WHERE t.oid = ANY(%s::oid[])
"""
_TEXTS: Final = """
SELECT w.oid::int8, w.modifier, pg_catalog.format_type(w.oid, w.modifier)
FROM unnest(%s::oid[], %s::int4[]) AS w(oid, modifier)
"""
