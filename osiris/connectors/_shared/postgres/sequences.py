"""Sequences of identity and serial columns, moved past the values that came: the next INSERT without one works then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.connectors._shared.arrivals import bare
from osiris.connectors._shared.postgres.names import Name, literal

if TYPE_CHECKING:
    from osiris.connectors._shared.postgres.channel import Channel

Spans = dict[str, tuple[int, int]]
"""By column: the lowest and the highest value that came."""


class Counted:
    """What came for the columns `names`, which have whole numbers."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self.spans: Spans = {}

    def see(self, batch: pa.RecordBatch) -> None:
        for name in self._names:
            found = pc.min_max(bare(batch.column(batch.schema.get_field_index(name))))
            low, high = found["min"].as_py(), found["max"].as_py()
            if low is not None:
                known = self.spans.get(name, (int(low), int(high)))
                self.spans[name] = min(known[0], int(low)), max(known[1], int(high))


def together(parts: Iterable[Mapping[str, Iterable[int]]]) -> Spans:
    found: Spans = {}
    for part in parts:
        for name, (low, high) in part.items():
            known = found.get(name, (low, high))
            found[name] = min(known[0], low), max(known[1], high)
    return found


def advance(channel: Channel, table: Name, spans: Spans) -> tuple[str, ...]:
    """Move the sequences that the table's columns own as far as these values, never back; notes of those that this user
    may not move.

    Unlike all else, that is not taken back when the transaction fails: some numbers are left out then.
    """
    notes: list[str] = []
    for column, sequence, up, most, may in channel.rows(_OWNED, (table.sql,)) if spans else ():
        if column not in spans:
            continue
        if not may:
            notes.append(f"the sequence of {column} is not moved: GRANT SELECT, UPDATE ON SEQUENCE {sequence}")
            continue
        reached = min(spans[column][1], most) if up else max(spans[column][0], most)
        beyond = "<" if up else ">"
        channel.rows(
            f"SELECT pg_catalog.setval({literal(sequence)}::pg_catalog.regclass, {reached}) FROM {sequence} "
            f"WHERE last_value {beyond} {reached} OR (last_value = {reached} AND NOT is_called)"
        )
    return tuple(notes)


_OWNED: Final = """
SELECT a.attname::text, s.seqrelid::pg_catalog.regclass::text, s.seqincrement > 0,
  CASE WHEN s.seqincrement > 0 THEN s.seqmax ELSE s.seqmin END,
  has_sequence_privilege(s.seqrelid, 'SELECT') AND has_sequence_privilege(s.seqrelid, 'UPDATE')
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')
  AND d.refobjid = %s::pg_catalog.regclass
ORDER BY a.attnum
"""
