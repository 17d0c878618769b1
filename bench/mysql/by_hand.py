"""The least that can be done: python by_hand.py <load|insert|receive> <connection> <CSV file for `target`>."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pymysql
from pymysql.constants import COMMAND

STATEMENT_BYTES = 2**20


def main(how: str, connection: str, file: str) -> None:
    """`receive` takes what the server sends of the whole table, and looks at nothing but its end.

    The others write in one transaction; `load` by way of a staging table, for LOAD DATA alone cannot be trusted with
    the target.
    """
    with pymysql.connect(**json.loads(connection), local_infile=True) as session, session.cursor() as cursor:
        if how == "receive":
            receive(session)
        elif how == "load":
            cursor.execute("CREATE TABLE staging LIKE target")
            cursor.execute(
                f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE staging CHARACTER SET utf8mb4 "
                "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES"
            )
            cursor.execute("INSERT INTO target SELECT * FROM staging")
            session.commit()
            cursor.execute("DROP TABLE staging")
        else:
            for statement in inserts(file):
                cursor.execute(statement)
            session.commit()


def receive(session: pymysql.Connection) -> None:
    session._execute_command(COMMAND.COM_QUERY, b"SELECT * FROM lineitem")
    view = memoryview(bytearray(2**20))
    while True:
        end = view[max(0, (count := session._sock.recv_into(view)) - 9) : count].tobytes()
        if not count or (end[:3] == b"\5\0\0" and end[4] == 0xFE):  # an EOF packet
            return


def inserts(file: str) -> Iterator[str]:
    with Path(file).open(encoding="utf-8", newline="") as text:
        rows = csv.reader(text)
        head = f"INSERT INTO target ({', '.join(next(rows))}) VALUES "
        held, size = [], 0
        for row in rows:
            held.append("('" + "','".join([value.replace("\\", "\\\\").replace("'", "''") for value in row]) + "')")
            size += len(held[-1])
            if size > STATEMENT_BYTES:
                yield head + ",".join(held)
                held, size = [], 0
        if held:
            yield head + ",".join(held)


if __name__ == "__main__":
    main(*sys.argv[1:])
