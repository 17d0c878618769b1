"""The subject that the reference connector, and every broken one made of it, is tested with."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa

from osiris.testing.connector import Conformance, Processing, Reading, Subject, Writing
from tests.kit.reference.osiris_reference.extractor import TYPES
from tests.kit.reference.osiris_reference.table import Header, Table

KEY = "open/sesame & more"
KNOWN = pa.table(
    {
        "word": pa.array([None, None, "c", "d", "e"]),
        "id": pa.array([1, 2, 3, 4, 5], pa.int64()),
        "amount": pa.array([None, None, 1.5, 2.5, 0.0], pa.float64()),
    }
)
KINDS = {kind: name for name, kind in TYPES.items()}


class ReferenceConformance(Conformance):
    """The reference family's tests; a broken one's has another `family`."""

    silent = True

    def subject(self, folder: Path) -> Subject:
        tables = folder / "tables"
        tables.mkdir()
        (tables / ".key").write_text(KEY, encoding="utf-8")
        for name, table in (("known", KNOWN), ("empty", KNOWN.slice(0, 0))):
            columns = [(field.name, KINDS[field.type]) for field in table.schema]
            Table(tables / f"{name}.jsonl").replace(Header(columns), [list(row.values()) for row in table.to_pylist()])
        roles = self.scope.components
        return Subject(
            family=self.family,
            root=folder,
            fields={"folder": "tables", "key": KEY},
            broken={"a wrong key": {"key": "open/nothing & less"}, "no folder": {"folder": "nowhere"}},
            silent={"lag_s": 30.0},
            discovered=("known", "empty"),
            changes={"folder": "nowhere", "key": "wrong & wrong", "lag_s": self.lag()},
            reading=self.reading(tables) if "extractor" in roles else None,
            writing=self.writing(tables) if "writer" in roles else None,
            processing=self.processing() if "processor" in roles else None,
        )

    def lag(self) -> object:
        from osiris.testing.connector import Change

        return Change(0.001, unseen="it takes time, and no test measures time")

    def reading(self, tables: Path) -> Reading:
        def spoil() -> None:
            path = tables / "known.jsonl"
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join([*lines[:4], "[1, \n"]), encoding="utf-8")

        return Reading(
            component=f"{self.family}.extractor",
            options={"table": "known"},
            rows=KNOWN,
            empty={"table": "empty"},
            missing={"table": "missing"},
            several={"batch_rows": 1},
            spoil=spoil,
            changes={"table": "empty", "columns": ["id"], "batch_rows": 1},
        )

    def writing(self, tables: Path) -> Writing:
        target = Table(tables / "target.jsonl")

        def look() -> pa.Table | None:
            if not target.exists():
                return None
            columns, rows = target.header().columns, target.all_rows()
            arrays = [pa.array([row[place] for row in rows], TYPES[kind]) for place, (_, kind) in enumerate(columns)]
            return pa.table(arrays, schema=pa.schema([(name, TYPES[kind]) for name, kind in columns]))

        def traces() -> Collection[str]:
            return {path.name for path in tables.iterdir()}

        return Writing(
            component=f"{self.family}.writer",
            options={"table": "target"},
            look=look,
            traces=traces,
            changes={"table": "other", "primary_key": ["name"]} | {"primary_key": self.key_change()},
        )

    def key_change(self) -> object:
        from osiris.testing.connector import Change

        return Change(["name"], {"write_mode": "upsert", "primary_key": ["id"]})

    def processing(self) -> Processing:
        ids = pa.table({"id": pa.array(range(10), pa.int64()), "word": [f"w{n}" for n in range(10)]})
        tables = pa.Table.from_batches([batch for n in range(0, 10, 2) for batch in ids.slice(n, 2).to_batches()])
        return Processing(
            component=f"{self.family}.processor",
            options={"minimum": 3},
            inputs={"numbers": tables},
            rows=ids.slice(3),
            twice={"twice": True},
            early={"limit": 2},
            changes={"minimum": 7, "twice": True},
        )
