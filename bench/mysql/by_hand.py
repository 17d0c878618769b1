"""Moves a CSV file into the table `target` as by hand: python by_hand.py <load|insert> <connection> <file>."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pymysql

STATEMENT_BYTES = 2**20


def main(how: str, connection: str, file: str) -> None:
    """In one transaction; `load` by way of a staging table, for LOAD DATA alone cannot be trusted with the target."""
    with pymysql.connect(**json.loads(connection), local_infile=True) as session, session.cursor() as cursor:
        if how == "load":
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
