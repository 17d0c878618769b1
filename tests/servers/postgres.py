"""`PostgreSQL`: a private server in a folder of its own, for as long as a test process lives."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.account import as_account, own
from tests.servers.certificates import Authority

USER, PASSWORD = "osiris", "s3cret-osiris"
"""A superuser."""
LEASH = Path(__file__).with_name("leash.py")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # what is committed survives the end of the process, not of the machine
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "timezone": "Asia/Kathmandu",  # nobody's zone by accident
}
ANYBODY = ("local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256")
TLS_ONLY = ("local all all scram-sha-256", "hostssl all all 127.0.0.1/32 scram-sha-256")
"""Lines of pg_hba.conf."""
NUMBERS = itertools.count(1)


@dataclass(slots=True)
class PostgreSQL:
    """Listens on `port` of 127.0.0.1 and on a socket file in `folder`. `settings` are those of postgresql.conf.
    `authority` has signed its certificate, for localhost and 127.0.0.1; None is without TLS."""

    folder: Path
    settings: dict[str, str]
    authority: Authority | None = None
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(cls, *, tls: bool = True, hba: Sequence[str] = ANYBODY, **settings: str) -> PostgreSQL:
        """A new server that answers."""
        made = cls(Path(tempfile.mkdtemp(prefix="osiris-postgres-")), {**SETTINGS, **settings})
        try:
            made._install(tls=tls, hba=hba)
            try:
                made.resume()
            except RuntimeError:
                if "could not bind" not in made.log:
                    raise
                made.port = 0  # somebody took the port before the server did
                made.resume()
        except BaseException:
            made.stop()
            raise
        return made

    @property
    def ca(self) -> str:
        """The file of the CA that has signed its certificate."""
        assert self.authority is not None
        return str(self.authority.ca)

    @property
    def log(self) -> str:
        """What the server wrote about itself."""
        path = self.folder / "log.err"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        """Of the postmaster, once it has started."""
        return int((self.folder / "data" / "postmaster.pid").read_text().partition("\n")[0])

    def resume(self) -> None:
        """Start it, again after `kill`, on the same port and data."""
        self.port = self.port or _free_port()
        places = {"unix_socket_directories": str(self.folder), "port": str(self.port)}
        options = [word for pair in (self.settings | places).items() for word in ("-c", "=".join(pair))]
        server = as_account(str(_programs() / "postgres"), "-D", str(self.folder / "data"), *options)
        command = [sys.executable, str(LEASH), str(self.folder), "QUIT", *server]
        with (self.folder / "log.err").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, start_new_session=True)
        self._wait()

    def kill(self) -> None:
        """End the server at once, as a crash would; its data stays, for `resume`."""
        process = self._process
        assert process is not None
        os.kill(self.pid, signal.SIGQUIT)
        self._process = None
        assert process.stdin is not None
        process.wait(60)
        process.stdin.close()

    def stop(self) -> None:
        """End it and remove its folder."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of psycopg's own, as the superuser, through the socket file; it commits each statement."""
        return psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname=database or "postgres",
            autocommit=True,
        )

    def sql(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements as the superuser; the rows of the last one."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.encode())
            return list(cursor) if cursor.description else []

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection that works, over TCP as the superuser."""
        place = {"host": "127.0.0.1", "port": self.port, "database": "postgres"}
        return {**place, "user": USER, "password": PASSWORD, **more}

    def database(self) -> Database:
        """A new, empty database."""
        made = Database(self, f"db_{os.getpid()}_{next(NUMBERS)}")
        self.sql(f"CREATE DATABASE {made.name}")
        return made

    def _install(self, *, tls: bool, hba: Sequence[str]) -> None:
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        own(self.folder)
        command = [str(_programs() / "initdb"), f"--pgdata={self.folder / 'data'}", f"--username={USER}", "--no-sync"]
        command += [
            f"--pwfile={self.folder / 'password'}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
        ]
        done = subprocess.run(as_account(*command), capture_output=True, text=True, check=False, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        (self.folder / "data" / "pg_hba.conf").write_text("\n".join(hba) + "\n", encoding="utf-8")
        if tls:
            self.authority = Authority.make(self.folder / "tls")
            cert, key = self.authority.sign("server", "DNS:localhost", "IP:127.0.0.1")
            key.chmod(0o600)
            files = {"ssl_ca_file": self.ca, "ssl_cert_file": str(cert), "ssl_key_file": str(key)}
            self.settings |= {"ssl": "on", **files}
        own(self.folder)

    def _wait(self) -> None:
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at:
            with suppress(psycopg.OperationalError):
                self.connect().close()
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"postgres does not start:\n{self.log[-4000:]}")


@dataclass(frozen=True, slots=True)
class Database:
    """A database of its own on `server`."""

    server: PostgreSQL
    name: str

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return self.server.connect(self.name)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in it as the superuser; the rows of the last one."""
        return self.server.sql(*statements, database=self.name)

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection to it that works."""
        return self.server.fields(database=self.name, **more)

    def clear(self) -> None:
        """Make it as a new one is, its other sessions ended."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            f"ALTER DATABASE {self.name} RESET ALL",
            "DO $$ DECLARE name text; BEGIN FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' "
            "AND nspname <> 'information_schema' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP; END $$",
            "CREATE SCHEMA public",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        )

    def drop(self) -> None:
        self.server.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


def _programs() -> Path:
    """The folder of initdb and postgres: Debian has one for each version, and none of them on the PATH."""
    given = os.environ.get("OSIRIS_TEST_POSTGRES")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("initdb", path=given or os.pathsep.join([*map(str, installed), os.environ.get("PATH", "")]))
    if not found:
        raise RuntimeError(
            "these tests need a PostgreSQL server: `make test` installs it on Debian and Ubuntu; elsewhere install it, "
            "or set OSIRIS_TEST_POSTGRES=/path/to/folder/of/initdb"
        )
    return Path(found).resolve().parent


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
