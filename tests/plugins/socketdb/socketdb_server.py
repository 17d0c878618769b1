"""A small database server for tests: tables in SQLite, JSON lines over TCP, staged writes, and faults on request.

    python -m socketdb_server FOLDER        prints its port; ends when its standard input does

A client sends one JSON object a line and gets lines back, the last of which has `done` or `error`. Sessions begin with
`login`; a control connection sends `fault`, `hits`, `release` and `sql` instead. A database is a file in FOLDER.

A write: `begin` makes staging, `stage` fills it from any number of sessions, `commit` makes it visible and notes the
commit id, all in one transaction. Staging is a table, or lives in the memory of the session that began it and dies with
it.
"""

from __future__ import annotations

import json
import socket
import socketserver
import sqlite3
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
PASSWORD = "open, please"
LIMIT_S = 60.0


@dataclass
class Fault:
    """What goes wrong when `on` is asked for `table`, from the row after `rows` on, `times` times after `skip` others.

    refuse (error `code`), drop (hang up), crash (hang up on all sessions), stall (never answer), slow (`ms` before each
    answer), hold (do it when released, though the client is gone), lost (do it and hang up), mute (do it and
    never answer), miscount, twist (values of another type).
    """

    on: str
    kind: str
    table: str | None = None
    rows: int = 0
    times: int = 1
    code: str = "broken"
    ms: int = 0
    skip: int = 0
    seen: int = 0


class Refused(Exception):
    """An answer with an error code."""


class HangUp(Exception):
    """The connection ends here."""


@dataclass
class World:
    """What all sessions share."""

    folder: Path
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    released: dict[str, bool] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    commits: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    staged: dict[tuple[str, str], list[list[Any]]] = field(default_factory=dict)
    peak_sessions: Counter[str] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    sockets: dict[str, set[socket.socket]] = field(default_factory=lambda: defaultdict(set))

    def fault(self, database: str, request: Answer) -> Fault | None:
        """The fault that this request meets now, counted down."""
        with self.changed:
            for fault in self.faults[database]:
                if fault.on == request["do"] and fault.table in (None, request.get("table")) and fault.times:
                    fault.seen += len(request.get("rows", ()))
                    fault.skip -= 1
                    if fault.skip >= 0:
                        continue
                    if request["do"] != "stage" or fault.seen > fault.rows:
                        fault.times -= 1
                        return fault
        return None

    def hit(self, database: str, fault: Fault) -> None:
        with self.changed:
            self.hits[database, fault.kind] += 1
            self.changed.notify_all()


class Session(socketserver.StreamRequestHandler):
    """One connection, in a thread of its own."""

    world: World
    database = ""
    fault: Fault | None = None

    def handle(self) -> None:
        self.owned: list[str] = []
        try:
            for line in self.rfile:
                self.answer(json.loads(line))
        except (HangUp, ConnectionError):
            pass
        finally:
            for stage in self.owned:
                self.world.staged.pop((self.database, stage), None)
            if self.database:
                self.world.sessions[self.database] -= 1
                self.world.sockets[self.database].discard(self.connection)

    def answer(self, request: Answer) -> None:
        """Do what is asked, with the fault that is laid for it."""
        database = self.database or request.get("database", "")
        self.fault = fault = None if request["do"] in CONTROL else self.world.fault(database, request)
        try:
            if fault is not None and (not fault.rows or request["do"] == "stage"):
                self.before(fault, database)
            answers = getattr(self, f"do_{request['do']}")(request)
            for answer in self.spoilt(answers, fault, database) if fault else answers:
                self.send(answer)
        except Refused as refused:
            self.send({"error": refused.args[0], "text": refused.args[1]})
        except sqlite3.Error as error:
            self.send({"error": "broken", "text": str(error)})

    def send(self, answer: Answer) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")

    def before(self, fault: Fault, database: str) -> None:
        """Faults that strike before anything is done."""
        if fault.kind in ("refuse", "drop", "crash", "stall"):
            self.world.hit(database, fault)
        if fault.kind == "refuse":
            raise Refused(fault.code, f"refused by the test: {fault.code}")
        if fault.kind == "crash":
            for sock in list(self.world.sockets[database]):
                sock.shutdown(socket.SHUT_RDWR)
        if fault.kind in ("drop", "crash"):
            raise HangUp
        if fault.kind == "stall":
            self.wait_for_hang_up()
        if fault.on != "commit":
            self.hold()

    def spoilt(self, answers: Iterator[Answer], fault: Fault, database: str) -> Iterator[Answer]:
        """Faults that strike while or after it is done."""
        given = 0
        for answer in answers:
            if fault.kind == "slow":
                time.sleep(fault.ms / 1000)
            given += len(answer.get("rows", ()))
            if fault.rows and given > fault.rows:
                if fault.kind == "twist":
                    answer["rows"][-1] = [str(value) + "!" for value in answer["rows"][-1]]
                else:
                    self.before(fault, database)
            if "done" in answer and fault.kind in ("lost", "mute", "miscount"):
                self.world.hit(database, fault)
                if fault.kind == "lost":
                    raise HangUp
                if fault.kind == "mute":
                    self.wait_for_hang_up()
                answer["done"] -= 1
            yield answer

    def hold(self) -> None:
        """Until the test releases it; a commit is held in its middle."""
        if self.fault is not None and self.fault.kind == "hold":
            self.world.hit(self.database, self.fault)
            with self.world.changed:
                self.world.changed.wait_for(lambda: self.world.released.get(self.database), LIMIT_S)

    def wait_for_hang_up(self) -> None:
        self.connection.settimeout(LIMIT_S)
        self.connection.recv(1)
        raise HangUp

    # What a client may ask.

    def do_login(self, request: Answer) -> Iterator[Answer]:
        if request.get("password") != PASSWORD:
            raise Refused("denied", f"wrong password {request.get('password')!r}")
        self.database = request["database"]
        self.world.sessions[self.database] += 1
        self.world.sockets[self.database].add(self.connection)
        peak = max(self.world.peak_sessions[self.database], self.world.sessions[self.database])
        self.world.peak_sessions[self.database] = peak
        self.sql = connect(self.world.folder, self.database)
        yield {"done": True}

    def do_tables(self, _request: Answer) -> Iterator[Answer]:
        names = [
            row[0] for row in self.sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        found = [name for name in names if not name.startswith("_")]
        yield {"done": [[name, self.columns(name), self.count(name)] for name in found]}

    def do_describe(self, request: Answer) -> Iterator[Answer]:
        columns = self.columns(request["table"])
        if not columns:
            raise Refused("not_found", f"there is no table {request['table']!r}")
        yield {"done": columns}

    def do_bounds(self, request: Answer) -> Iterator[Answer]:
        column, table = quoted(request["column"]), quoted(request["table"])
        yield {"done": list(self.sql.execute(f"SELECT min({column}), max({column}) FROM {table}").fetchone())}

    def do_read(self, request: Answer) -> Iterator[Answer]:
        """`low` <= `column` < `high`; without `low` also what is null, without `high` all above."""
        names = ", ".join(quoted(name) for name, _ in self.columns(request["table"]))
        query, values = f"SELECT {names} FROM {quoted(request['table'])} WHERE true", []
        column = quoted(request["column"]) if request.get("column") else ""
        if column and request["high"] is not None:
            query += f" AND ({column} < ?" + (f" OR {column} IS NULL)" if request["low"] is None else ")")
            values.append(request["high"])
        if column and request["low"] is not None:
            query += f" AND {column} >= ?"
            values.append(request["low"])
        cursor, given = self.sql.execute(query + " ORDER BY rowid", values), 0
        while rows := cursor.fetchmany(request["batch_rows"]):
            given += len(rows)
            yield {"rows": [list(row) for row in rows]}
        yield {"done": given}

    def do_begin(self, request: Answer) -> Iterator[Answer]:
        stage = request["stage"]
        if request["staging"] == "session":
            self.world.staged[self.database, stage] = []
            self.owned.append(stage)
        else:
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in request["columns"])
            self.sql.execute(f"DROP TABLE IF EXISTS {quoted('_stage_' + stage)}")
            self.sql.execute(f"CREATE TABLE {quoted('_stage_' + stage)} ({columns})")
        yield {"done": True}

    def do_stage(self, request: Answer) -> Iterator[Answer]:
        stage, rows = request["stage"], request["rows"]
        if (memory := self.world.staged.get((self.database, stage))) is not None:
            memory.extend(rows)
        else:
            self.insert("_stage_" + stage, rows)
        yield {"done": len(rows)}

    def do_fold(self, request: Answer) -> Iterator[Answer]:
        """Of rows with one key keep the last; says how many went."""
        stage, names = request["stage"], [name for name, _ in request["columns"]]
        places = [names.index(name) for name in request["key"]]
        if (memory := self.world.staged.get((self.database, stage))) is not None:
            before, last = len(memory), {tuple(row[place] for place in places): row for row in memory}
            memory[:] = list(last.values())
            yield {"done": before - len(last)}
            return
        key = ", ".join(quoted(name) for name in request["key"])
        table = quoted("_stage_" + stage)
        kept = f"SELECT max(rowid) FROM {table} GROUP BY {key}"
        yield {"done": self.sql.execute(f"DELETE FROM {table} WHERE rowid NOT IN ({kept})").rowcount}

    def do_commit(self, request: Answer) -> Iterator[Answer]:
        with self.world.commits[request["commit"]]:
            self.hold()
            self.sql.execute("BEGIN IMMEDIATE")
            try:
                rows = self.committed(request["commit"])
                if rows is None:
                    rows = self.publish(request)
                    self.sql.execute("INSERT INTO _commits VALUES (?, ?)", (request["commit"], rows))
                self.sql.execute("COMMIT")
            except BaseException:
                self.sql.execute("ROLLBACK")
                raise
        yield {"done": rows}

    def do_settle(self, request: Answer) -> Iterator[Answer]:
        """Waits for a commit of this id that is under way. What a session has staged is thrown away unless it is
        committed, so that no commit of it, late on its way, comes true after the answer."""
        with self.world.commits[request["commit"]]:
            done = self.committed(request["commit"]) is not None
            if not done:
                self.world.staged.pop((self.database, request["stage"]), None)
        yield {"done": "committed" if done else "not_committed"}

    def do_drop(self, request: Answer) -> Iterator[Answer]:
        with self.world.commits[request["commit"]]:
            self.world.staged.pop((self.database, request["stage"]), None)
            self.sql.execute(f"DROP TABLE IF EXISTS {quoted('_stage_' + request['stage'])}")
        yield {"done": True}

    # What a test may ask on a control connection.

    def do_fault(self, request: Answer) -> Iterator[Answer]:
        with self.world.changed:
            self.world.faults[request["database"]].append(Fault(**request["fault"]))
        yield {"done": True}

    def do_mend(self, request: Answer) -> Iterator[Answer]:
        self.world.faults[request["database"]].clear()
        yield {"done": True}

    def do_hits(self, request: Answer) -> Iterator[Answer]:
        """How often a fault of that kind has struck."""
        yield {"done": self.world.hits[request["database"], request["kind"]]}

    def do_release(self, request: Answer) -> Iterator[Answer]:
        with self.world.changed:
            self.world.released[request["database"]] = True
            self.world.changed.notify_all()
        yield {"done": True}

    def do_sql(self, request: Answer) -> Iterator[Answer]:
        sql = connect(self.world.folder, request["database"])
        yield {"done": [list(row) for row in sql.execute(request["sql"], request["values"])]}
        sql.close()

    def do_sessions(self, request: Answer) -> Iterator[Answer]:
        name = request["database"]
        yield {"done": [self.world.sessions[name], self.world.peak_sessions[name]]}

    def publish(self, request: Answer) -> int:
        """Copy what is staged into the table, in the transaction that is open."""
        stage, table, mode = "_stage_" + request["stage"], request["table"], request["mode"]
        memory = self.world.staged.get((self.database, request["stage"]))
        if memory is None and not self.columns(stage):
            raise Refused("gone", f"nothing is staged as {request['stage']!r}")
        if mode == "replace":
            self.sql.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in request["columns"])
        self.sql.execute(f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({columns})")
        if memory is not None:
            self.sql.execute(f"CREATE TEMP TABLE {quoted(stage)} ({columns})")
            self.insert(stage, memory)
        if mode == "upsert":
            key = ", ".join(quoted(name) for name in request["key"])
            self.sql.execute(f"DELETE FROM {quoted(table)} WHERE ({key}) IN (SELECT {key} FROM {quoted(stage)})")
        names = ", ".join(quoted(name) for name, _ in request["columns"])
        rows = self.sql.execute(f"INSERT INTO {quoted(table)} ({names}) SELECT {names} FROM {quoted(stage)}").rowcount
        if memory is not None:
            self.sql.execute(f"DROP TABLE temp.{quoted(stage)}")
        return rows

    def insert(self, table: str, rows: list[list[Any]]) -> None:
        if rows:
            self.sql.executemany(f"INSERT INTO {quoted(table)} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def committed(self, commit: str) -> int | None:
        found = self.sql.execute("SELECT rows FROM _commits WHERE id = ?", (commit,)).fetchone()
        return None if found is None else int(found[0])

    def columns(self, table: str) -> list[list[str]]:
        return [[row[1], row[2].lower()] for row in self.sql.execute(f"PRAGMA table_info({quoted(table)})")]

    def count(self, table: str) -> int:
        return int(self.sql.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0])


CONTROL = ("fault", "mend", "hits", "release", "sql", "sessions")


def connect(folder: Path, database: str) -> sqlite3.Connection:
    sql = sqlite3.connect(folder / f"{database}.db", timeout=LIMIT_S, isolation_level=None)
    with CONNECTING:
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA synchronous = OFF")
        sql.execute("CREATE TABLE IF NOT EXISTS _commits (id TEXT PRIMARY KEY, rows INT)")
    return sql


CONNECTING = threading.Lock()
"""SQLite does not wait for another session that turns to the WAL as well, but says that the database is locked."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Server(socketserver.ThreadingTCPServer):
    """Listens on a port of its own choosing."""

    daemon_threads = True
    request_queue_size = 64


def main(folder: str) -> None:
    Session.world = World(Path(folder))
    server = Server(("127.0.0.1", 0), Session)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
