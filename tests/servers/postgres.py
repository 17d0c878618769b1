"""`PostgreSQL`: a private server in a folder of its own, for as long as a test process lives."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import private
from tests.servers.account import as_account, own
from tests.servers.private import PASSWORD, USER, Private, new_name

__all__ = ["PASSWORD", "USER", "Database", "PostgreSQL"]
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


@dataclass(slots=True)
class PostgreSQL(Private):
    """Has a socket file in `folder` as well. `settings` are those of postgresql.conf."""

    program = "postgres"
    end_signal = "QUIT"
    port_taken = "could not bind"

    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, *, tls: bool = True, hba: Sequence[str] = ANYBODY, **settings: str) -> PostgreSQL:
        """A new server that answers."""
        made = cls(cls.new_folder(), settings={**SETTINGS, **settings})
        return made._begun(lambda: made._install(tls=tls, hba=hba))

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().partition("\n")[0])

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
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.encode())
            return list(cursor) if cursor.description else []

    def fields(self, **more: Any) -> dict[str, Any]:
        return Private.fields(self, **{"database": "postgres", **more})

    def database(self) -> Database:
        """A new, empty database."""
        made = Database(self, new_name())
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
            cert, key = self._certify()
            key.chmod(0o600)
            files = {"ssl_ca_file": self.ca, "ssl_cert_file": str(cert), "ssl_key_file": str(key)}
            self.settings |= {"ssl": "on", **files}
        own(self.folder)

    def _command(self) -> list[str]:
        places = {"unix_socket_directories": str(self.folder), "port": str(self.port)}
        options = [word for pair in (self.settings | places).items() for word in ("-c", "=".join(pair))]
        return as_account(str(_programs() / "postgres"), "-D", str(self.folder / "data"), *options)

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.connect().close()
            return True
        return False


class Database(private.Database[PostgreSQL]):
    """A database of its own on `server`."""

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return self.server.connect(self.name)

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
