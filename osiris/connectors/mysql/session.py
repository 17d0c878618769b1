"""What a session is set to, and what the server said of itself before that."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pymysql import err
from pymysql.constants import ER

log = logging.getLogger(__name__)
Flavour = Literal["mariadb", "mysql"]
SETTINGS = {
    "time_zone": "'+00:00'",  # TIMESTAMP is shown in the session's zone
    "net_write_timeout": "3600",  # the server gives up on a slow reader after 60 s
    "net_read_timeout": "3600",
    "wait_timeout": "28800",
    "lock_wait_timeout": "120",  # DDL would else wait a day for a forgotten transaction
    "sql_select_limit": "18446744073709551615",  # another limit cuts results without a word
    "sql_notes": "1",  # a note may say that a value was cut
    "sql_auto_is_null": "0",  # else `id IS NULL` finds the row that was inserted last
}
OURS = ("STRICT_ALL_TABLES", "NO_AUTO_VALUE_ON_ZERO")
"""Nothing is clipped, and an id of 0 stays 0."""
NOT_OURS = frozenset(("ANSI", "ANSI_QUOTES", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"))
NOT_OURS |= {"NO_BACKSLASH_ESCAPES", "EMPTY_STRING_IS_NULL", "PAD_CHAR_TO_FULL_LENGTH"}
"""They change how a statement is read or what values are: https://mariadb.com/kb/en/sql-mode/"""
LOOK_ONLY = "SET SESSION TRANSACTION READ ONLY"
"""Then the server itself refuses what would change a row or make a table."""
PLACE = "CONCAT(@@hostname, ':', @@port)"
"""Which server of several behind one name this is."""


class Asks(Protocol):
    """What can be asked in SQL."""

    def rows(self, sql: str, args: Sequence[object] = ()) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class Server:
    """What the server is. `sql_mode` is what it gave the session; `place` (None when it does not tell) and
    `connection_id` name this connection."""

    flavour: Flavour
    version: tuple[int, ...]
    version_text: str
    sql_mode: frozenset[str]
    connection_id: int
    place: str | None


def describe(database: Asks) -> Server:
    """Ask the server what it is."""
    sql = f"SELECT VERSION(), @@SESSION.sql_mode, CONNECTION_ID(), {PLACE}"
    text, modes, connection_id, place = database.rows(sql)[0]
    flavour: Flavour = "mariadb" if "mariadb" in text.lower() else "mysql"
    return Server(flavour, version_of(text), text, _modes(modes), int(connection_id), place)


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of `10.11.6-MariaDB-log`, `5.5.5-10.11.6-MariaDB` (a prefix for old replicas) or `8.0.36-28`."""
    found = re.match(r"(?:5\.5\.5-)?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, found.group(1).split("."))) if found else ()


def prepare(execute: Callable[[str], int], server: Server) -> None:
    """Set the session; a variable that this server does not have is left out."""
    wanted = {"sql_mode": f"'{','.join(sorted((server.sql_mode - NOT_OURS) | set(OURS)))}'", **SETTINGS}
    try:
        execute(_assignment(wanted))
    except err.MySQLError as error:
        if error.args[0] != ER.UNKNOWN_SYSTEM_VARIABLE:
            raise
        _one_by_one(execute, wanted)


def _one_by_one(execute: Callable[[str], int], wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        try:
            execute(_assignment({name: value}))
        except err.MySQLError as error:
            if error.args[0] != ER.UNKNOWN_SYSTEM_VARIABLE:
                raise
            log.debug("the server has no variable %s", name)


def _assignment(values: dict[str, str]) -> str:
    return "SET " + ", ".join(f"SESSION {name} = {value}" for name, value in values.items())


def _modes(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))
