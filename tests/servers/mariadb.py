"""`MariaDB`: a private server in a folder of its own, for as long as a test process lives."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from tests.servers import private
from tests.servers.private import PASSWORD, USER, Private, new_name

__all__ = ["PASSWORD", "USER", "Database", "MariaDB"]
SETTINGS = {
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "innodb-flush-log-at-trx-commit": "2",  # what is committed survives the end of the process, not of the machine
    "innodb-doublewrite": "0",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "32M",
    "innodb-buffer-pool-dump-at-shutdown": "0",
    "innodb-buffer-pool-load-at-startup": "0",
    "key-buffer-size": "1M",
    "aria-pagecache-buffer-size": "4M",
    "max-connections": "60",
    "local-infile": "1",
    "character-set-server": "utf8mb4",
}
INSTALLED: list[Path] = []


@dataclass(slots=True)
class MariaDB(Private):
    """Has a `socket` as well. `settings` are options of mariadbd, without the dashes; None takes one of ours away."""

    program = "mariadbd"
    end_signal = "KILL"
    port_taken = "Address already in use"

    settings: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def start(cls, *, tls: bool = True, **settings: str | None) -> MariaDB:
        """A new server that answers. Underscores in the names of `settings` stand for dashes."""
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        made = cls(cls.new_folder(), settings={**SETTINGS, **given})
        return made._begun(lambda: made._install(tls=tls))

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def connect(self, database: str | None = None) -> pymysql.Connection[Cursor]:
        """A connection of PyMySQL's own, as the account with all rights, through the socket."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user=USER,
            password=PASSWORD,
            database=database,
            autocommit=True,
            ssl_disabled=True,
            local_infile=True,
        )

    def sql(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor)

    def database(self) -> Database:
        """A new, empty database."""
        made = Database(self, new_name())
        self.sql(f"CREATE DATABASE `{made.name}`")
        return made

    def _install(self, *, tls: bool) -> None:
        shutil.copytree(_installed(self.folder), self.folder / "data")
        if tls:
            cert, key = self._certify()
            self.settings |= {"ssl-ca": self.ca, "ssl-cert": str(cert), "ssl-key": str(key)}
        (self.folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n",
            encoding="utf-8",
        )

    def _command(self) -> list[str]:
        own = {
            "datadir": self.folder / "data",
            "socket": self.socket,
            "port": self.port,
            "pid-file": self.folder / "pid",
            "log-error": self.folder / "log.err",
            "init-file": self.folder / "init.sql",
            "tmpdir": self.folder,
        }
        options = {**self.settings, **own}
        arguments = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return [str(_mariadbd()), "--no-defaults", *_as_root(), *arguments]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(self.socket))
            return bool(probe.recv(1))
        return False


class Database(private.Database[MariaDB]):
    """A database of its own on `server`."""

    def drop(self) -> None:
        self.server.sql(f"DROP DATABASE IF EXISTS `{self.name}`")


def _installed(folder: Path) -> Path:
    """A data folder as it is installed: that of a server of this process which is still there, or one in `folder`."""
    for known in INSTALLED:
        if known.exists():
            return known
    made = folder / "installed"
    command = [str(_installer()), "--no-defaults", f"--datadir={made}", "--skip-test-db", *_as_root()]
    command += ["--auth-root-authentication-method=normal", "--innodb-log-file-size=32M"]
    # two installers that share a folder for temporary tables may take the same names
    own = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=own)
    assert done.returncode == 0, done.stdout + done.stderr
    INSTALLED.append(made)
    return made


def _mariadbd() -> Path:
    given = os.environ.get("OSIRIS_TEST_MARIADBD")
    found = given or shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/libexec")
    if not found or not Path(found).is_file():
        raise RuntimeError(
            "these tests need a MariaDB server: `make test` installs it on Debian and Ubuntu; elsewhere install it, or "
            "set OSIRIS_TEST_MARIADBD=/path/to/mariadbd"
        )
    return Path(found)


def _installer() -> Path:
    near = [_mariadbd().parent.parent / place for place in ("bin", "scripts")]
    path = os.pathsep.join([*map(str, near), os.environ.get("PATH", "")])
    found = shutil.which("mariadb-install-db", path=path)
    assert found is not None, f"mariadb-install-db is not beside {_mariadbd()}"
    return Path(found)


def _as_root() -> Sequence[str]:
    """It does not run as root without being told so."""
    return ("--user=root",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
