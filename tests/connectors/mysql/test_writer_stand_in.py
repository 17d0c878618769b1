"""What the writer says to a MySQL 8: over a stand-in that keeps no rows, so it proves the words and no more.

Each write is of no rows, which makes, moves and replaces tables all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlglot

import osiris
from osiris.connectors.base import Connection, Options, Workspace, Written
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.writer import Writer
from tests.connectors.mysql.target import in_pieces, new_run
from tests.servers.mimic import Mimic, Rows

NOTHING = pa.table(
    {
        "id": pa.array([], pa.string()),
        "u": pa.array([], pa.uuid()),
        "j": pa.array([], pa.json_()),
        "n": pa.array([], pa.uint64()),
    }
)
ORDERS: Rows = [
    # name, type, nullable, character set, collation, EXTRA, whether it has a default: as MySQL 8 has it
    ("id", "varchar(50)", "NO", "utf8mb4", "utf8mb4_0900_ai_ci", "", 0),
    ("u", "char(36)", "YES", "ascii", "ascii_general_ci", "", 0),
    ("j", "json", "YES", None, None, "", 0),
    ("n", "bigint unsigned", "YES", None, None, "", 0),
    ("at", "timestamp", "NO", None, None, "DEFAULT_GENERATED on update CURRENT_TIMESTAMP", 1),
    ("twice", "bigint unsigned", "YES", None, None, "STORED GENERATED", 0),
]
KEYLESS: Rows = [
    ("my_row_id", "bigint unsigned", "NO", None, None, "auto_increment INVISIBLE", 0),
    ("n", "bigint unsigned", "YES", None, None, "", 0),
]
"""As MySQL makes a table without a key when it is told to give each one."""
COLUMN = re.compile(r"`(?P<name>\w+)` (?P<type>[a-z]+(?:\(\d+\))?(?: unsigned)?)", re.IGNORECASE)


@dataclass(slots=True)
class Catalog:
    """The tables of a server, by name, with their columns."""

    tables: dict[str, Rows] = field(default_factory=dict)

    def answer(self, sql: str) -> Rows | None:
        self._change(sql)
        for piece, rows in (
            ("@@max_allowed_packet", [(67108864,)]),
            ("@@GLOBAL.local_infile", [(0,)]),
            ("SELECT COUNT(*) FROM `shop`.`_osiris_", [(0,)]),
            ("_LOCK(", [(1,)]),
            ("SHOW CREATE TABLE", [("t", ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4")]),
            ("JOIN information_schema.ENGINES", [("YES",)]),
        ):
            if piece in sql:
                return rows
        return self._known(sql) if "information_schema." in sql else None if sql.startswith(("SET", "SELECT")) else []

    def _change(self, sql: str) -> None:
        if found := re.match(r"CREATE TABLE (?:IF NOT EXISTS )?`shop`\.`(\w+)`", sql):
            self.tables[found[1]] = self.tables["orders"] if " LIKE " in sql else self._made(sql.partition("(")[2])
        for old, new in re.findall(r"`shop`\.`(\w+)` TO `shop`\.`(\w+)`", sql):
            self.tables[new] = self.tables.pop(old)
        if found := re.match(r"DROP TABLE IF EXISTS `shop`\.`(\w+)`", sql):
            self.tables.pop(found[1], None)

    def _made(self, definitions: str) -> Rows:
        """The columns of a table that is made; each text has the character set of those of `orders`."""
        found = [] if "PRIMARY KEY" in definitions else [KEYLESS[0]]
        known = {row[0]: row for row in ORDERS}
        for column in COLUMN.finditer(definitions):
            name, kind = column["name"], column["type"].lower()
            text = (None, None) if name not in known else known[name][3:5]
            found.append((name, kind, "YES", *text, "", 0))
        return found

    def _known(self, sql: str) -> Rows:
        named = [name for name in self.tables if f"'{name}'" in sql]
        if "SELECT COUNT(*) FROM information_schema.TABLES" in sql:
            return [(len(named),)]
        if "COLUMN_TYPE" in sql:
            return self.tables[named[0]] if named else []
        if "TABLE_TYPE" in sql:
            return [(name, "BASE TABLE", "InnoDB", 3) for name in named]
        return [(1,)] if sql.startswith("SELECT 1 FROM information_schema.TABLES") and named else []


@dataclass(slots=True)
class Told:
    """What a write has said."""

    statements: list[str]
    written: Written

    def of(self, start: str) -> list[str]:
        return [sql for sql in self.statements if sql.startswith(start)]


@contextmanager
def serving(version: str, catalog: Catalog, **refusals: int) -> Iterator[Mimic]:
    with Mimic(version, refusals, answer=catalog.answer) as server:
        yield server


def write(
    server: Mimic, rows: pa.Table = NOTHING, *, sole: bool = True, before_commit: Any = None, **options: Any
) -> Told:
    client = Client(Connection("mysql", "x", Path(), server.fields(database="shop")))
    client.open()
    del server.statements[:]
    try:
        writer = Writer(client, Options({"table": "orders", **options}), Workspace(Path("scratch"), Path("out")))
        token = writer.token(rows.schema, new_run(sole=sole))
        writer.begin(token, rows.schema)
        part = writer.write(token, in_pieces(rows))
        if before_commit is not None:
            before_commit()
        written = writer.commit(token, [part], None)
        writer.finish(token)
        return Told(list(server.statements), written)
    except Exception as error:
        raise Client.classify(error) from error
    finally:
        client.close()


@pytest.mark.parametrize(
    ("version", "collation"),
    [
        ("8.0.36-28", "utf8mb4_0900_bin"),
        ("8.4.3", "utf8mb4_0900_bin"),
        ("8.0.16", "utf8mb4_bin"),
        ("5.7.44", "utf8mb4_bin"),
    ],
)
def test_a_table_is_made_of_types_that_the_server_has(version: str, collation: str) -> None:
    with serving(version, Catalog()) as server:
        told = write(server, primary_key="id")
    (made,) = told.of("CREATE TABLE `shop`.`_osiris_new_")
    assert f"`id` VARCHAR(255) COLLATE {collation} NOT NULL, " in made
    assert "`u` CHAR(36) NULL, `j` JSON NULL, `n` BIGINT UNSIGNED NULL, PRIMARY KEY (`id`)" in made
    assert len(told.of("RENAME TABLE")) == 1


def test_append_and_upsert_move_rows_without_words_that_only_some_servers_know() -> None:
    """Neither ON DUPLICATE KEY UPDATE nor the row alias of 8.0.20 nor VALUES(): a row that meets another one in some
    other unique index must not change it."""
    for version in ("8.0.36", "8.0.19", "5.7.44"):
        with serving(version, Catalog({"orders": ORDERS})) as server:
            append = write(server, sole=False)
            upsert = write(server, write_mode="upsert", primary_key="id")
        (moved,) = append.of("INSERT INTO `shop`.`orders`")
        assert re.fullmatch(r"INSERT INTO \S+ \(`id`, `u`, `j`, `n`\) SELECT .* ORDER BY `_osiris_row`", moved)
        (staged,) = upsert.of("CREATE TABLE `shop`.`_osiris_stage_")
        assert "`id` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL" in staged
        (changed,) = upsert.of("UPDATE")
        assert "JOIN `shop`.`_osiris_stage_" in changed
        assert "t.`u` = s.`u`" in changed
        told = " ".join((*append.statements, *upsert.statements))
        assert "ON DUPLICATE" not in told
        assert "VALUES(" not in told
        for statement in (*append.statements, *upsert.statements):
            sqlglot.parse_one(statement, read="mysql")


def test_replace_keeps_the_table_and_its_next_number() -> None:
    catalog = Catalog({"orders": ORDERS})
    with serving("8.0.36", catalog) as server:
        told = write(server, write_mode="replace")
    (made,) = told.of("CREATE TABLE `shop`.`_osiris_new_")
    assert made.endswith(" LIKE `shop`.`orders`")
    assert told.of("ALTER TABLE")[0].endswith(" AUTO_INCREMENT = 7")
    (moved,) = told.of("RENAME TABLE")
    assert re.fullmatch(r"RENAME TABLE `shop`.`orders` TO \S+_old_\w+`, \S+_new_\w+` TO `shop`.`orders`", moved)
    assert set(catalog.tables) == {"orders", "_osiris_commits", "_osiris_state"}


def test_the_key_that_the_server_gives_to_a_table_without_one_is_not_moved() -> None:
    """sql_generate_invisible_primary_key: both the staging and the table that was made meanwhile have a my_row_id."""
    catalog = Catalog()
    with serving("8.0.36", catalog) as server:
        told = write(server, NOTHING.select(["n"]), before_commit=lambda: catalog.tables.update(orders=KEYLESS))
    (moved,) = told.of("INSERT INTO `shop`.`orders`")
    assert moved.startswith("INSERT INTO `shop`.`orders` (`n`) SELECT `n` FROM")


@pytest.mark.parametrize("number", [3750, 3098])
def test_a_server_that_takes_no_table_without_a_key_asks_for_one(number: int) -> None:
    refusals = {"CREATE TABLE `shop`.`_osiris_new_": number}
    with (
        serving("8.0.36", Catalog(), **refusals) as server,
        pytest.raises(osiris.ConfigError, match=rf"error {number}") as caught,
    ):
        write(server)
    assert caught.value.code == "table.invalid"
    assert "primary_key" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (3572, osiris.Busy, "mysql.locked"),
        (3819, osiris.DataError, "data.constraint"),
        (3140, osiris.DataError, "data.value"),
        (3948, osiris.ConfigError, "mysql.local_infile"),
        (4031, osiris.NetworkFailed, "connection.lost"),
        (3169, osiris.NetworkFailed, "connection.killed"),
        (1290, osiris.PermissionDenied, "server.read_only"),
    ],
)
def test_errors_of_the_move_have_their_class(number: int, kind: type[osiris.OsirisError], code: str) -> None:
    catalog = Catalog({"orders": ORDERS})
    refusals = {"INSERT INTO `shop`.`orders`": number}
    with serving("8.0.36", catalog, **refusals) as server, pytest.raises(kind) as caught:
        write(server, write_mode="upsert", primary_key="id")
    assert (type(caught.value), caught.value.code) == (kind, code)
