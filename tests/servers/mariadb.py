"""`MariaDB`: a private server in a folder of its own, for as long as a test process lives."""

from __future__ import annotations

import itertools
import os
import shutil
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

import pymysql
from pymysql.cursors import Cursor

from tests.servers.certificates import Authority

USER, PASSWORD = "osiris", "s3cret-osiris"
"""An account with all rights, from everywhere."""
LEASH = Path(__file__).with_name("leash.py")
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
NUMBERS = itertools.count(1)
INSTALLED: list[Path] = []


@dataclass(slots=True)
class MariaDB:
    """Listens on `port` of 127.0.0.1 and on `socket`. `settings` are options of mariadbd, without the dashes; None
    takes one of ours away. `authority` has signed its certificate, for localhost and 127.0.0.1; None is without TLS."""

    folder: Path
    settings: dict[str, str | None]
    authority: Authority | None
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(cls, *, tls: bool = True, **settings: str | None) -> MariaDB:
        """A new server that answers. Underscores in the names of `settings` stand for dashes."""
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        made = cls(Path(tempfile.mkdtemp(prefix="osiris-mariadb-")), {**SETTINGS, **given}, None)
        try:
            made._install(tls=tls)
            try:
                made.resume()
            except RuntimeError:
                if "Address already in use" not in made.log:
                    raise
                made.port = 0  # somebody took the port before the server did
                made.resume()
        except BaseException:
            made.stop()
            raise
        return made

    @property
    def socket(self) -> Path:
        return self.folder / "s"

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

    def resume(self) -> None:
        """Start it, again after `kill`, on the same port and data."""
        self.port = self.port or _free_port()
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
        command = [
            sys.executable,
            str(LEASH),
            str(self.folder),
            "KILL",
            str(_mariadbd()),
            "--no-defaults",
            *_as_root(),
            *arguments,
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        self._wait()

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would; its data stays, for `resume`."""
        process = self._process
        assert process is not None
        os.kill(int((self.folder / "pid").read_text()), 9)
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
        """Run statements with all rights; the rows of the last one."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor)

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection that works, over TCP with all rights."""
        return {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, **more}

    def database(self) -> Database:
        """A new, empty database."""
        made = Database(self, f"db_{os.getpid()}_{next(NUMBERS)}")
        self.sql(f"CREATE DATABASE `{made.name}`")
        return made

    def _install(self, *, tls: bool) -> None:
        shutil.copytree(_installed(self.folder), self.folder / "data")
        if tls:
            self.authority = Authority.make(self.folder / "tls")
            cert, key = self.authority.sign("server", "DNS:localhost", "IP:127.0.0.1")
            self.settings |= {"ssl-ca": self.ca, "ssl-cert": str(cert), "ssl-key": str(key)}
        (self.folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n",
            encoding="utf-8",
        )

    def _wait(self) -> None:
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at:
            if self._answers():
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"mariadbd does not start:\n{self.log[-4000:]}")

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(self.socket))
            return bool(probe.recv(1))
        return False


@dataclass(frozen=True, slots=True)
class Database:
    """A database of its own on `server`."""

    server: MariaDB
    name: str

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in it with all rights; the rows of the last one."""
        return self.server.sql(*statements, database=self.name)

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection to it that works."""
        return self.server.fields(database=self.name, **more)

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


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
