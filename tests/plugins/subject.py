"""The subject that socketdb, and every broken connector made of it, is tested with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing
from tests.plugins import lab
from tests.plugins.lab import PASSWORD, Database, Server

NAMES = itertools.count()
TYPES = {"int": pa.int64(), "real": pa.float64(), "text": pa.string()}
ROWS = pa.table(
    {
        "word": pa.array([None, *(f"w{n}" for n in range(1, 40))]),
        "n": pa.array(range(40), pa.int64()),
        "part": pa.array([None, *(n / 4 for n in range(1, 40))], pa.float64()),
    }
)


class SocketdbConformance(Conformance):
    """A database of its own on one server for each subject. A broken one's tests have another `family`."""

    server: ClassVar[Server]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def serving(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with lab.installed():
            cls.server = Server.start(tmp_path_factory.mktemp("server"))
            yield
            cls.server.stop()

    def subject(self, folder: Path) -> Subject:
        database = Database(self.server, f"kit{next(NAMES)}")
        for name, rows in (("known", ROWS), ("empty", ROWS.slice(0, 0))):
            database.sql(f"CREATE TABLE {name} (word text, n int, part real)")
            values = json.dumps([list(row.values()) for row in rows.to_pylist()])
            cells = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(3))
            database.sql(f"INSERT INTO {name} SELECT {cells} FROM json_each(?)", values)
        fields = {"host": "127.0.0.1", "port": self.server.port, "database": database.name, "password": PASSWORD}
        return Subject(
            family=self.family,
            root=folder,
            fields=fields,
            broken={"a wrong password": {"password": "closed, please"}, "nobody there": {"port": 1}},
            discovered=("known", "empty"),
            changes={
                "host": "127.0.0.2",
                "port": 1,
                "database": f"kit{next(NAMES)}",
                "password": "closed, please",
                "timeout_s": Change(5, unseen="it shows only when an answer is late"),
            },
            reading=Reading(
                component=f"{self.family}.extractor",
                options={"table": "known", "batch_rows": 5},
                rows=ROWS,
                empty={"table": "empty"},
                missing={"table": "missing"},
                several={"split_by": "n"},
                changes={"table": "empty", "split_by": "n", "batch_rows": 3},
            ),
            writing=writing(database, f"{self.family}.writer"),
        )


def writing(database: Database, component: str) -> Writing:
    def look() -> pa.Table | None:
        if "target" not in database.tables():
            return None
        columns = [(row[1], TYPES[row[2].lower()]) for row in database.sql('PRAGMA table_info("target")')]
        rows = database.sql("SELECT * FROM target")
        arrays = [pa.array([row[place] for row in rows], kind) for place, (_, kind) in enumerate(columns)]
        return pa.table(arrays, schema=pa.schema(columns))

    return Writing(
        component=component,
        options={"table": "target"},
        look=look,
        traces=database.tables,
        changes={
            "table": "other",
            "primary_key": Change(["name"], {"write_mode": "upsert", "primary_key": ["id"]}),
            "create_if_missing": False,
            "staging": "session",
            "batch_rows": Change(1, unseen="more messages carry the same rows"),
        },
    )
