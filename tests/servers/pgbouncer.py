"""`PgBouncer`: a pooler in transaction mode in front of a private PostgreSQL."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.account import as_account, own
from tests.servers.postgres import PASSWORD, USER, PostgreSQL
from tests.servers.private import LEASH

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {connections}
logfile = {folder}/log
"""


@dataclass(slots=True)
class PgBouncer:
    """Listens on `port` of 127.0.0.1 and knows the superuser of `server` only."""

    server: PostgreSQL
    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, server: PostgreSQL, mode: str = "transaction", connections: int = 10) -> PgBouncer:
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
        assert program is not None, "these tests need pgbouncer: `make test` installs it on Debian and Ubuntu"
        folder = Path(tempfile.mkdtemp(prefix="osiris-pgbouncer-"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
        text = SETTINGS.format(server=server.port, port=port, folder=folder, mode=mode, connections=connections)
        (folder / "settings.ini").write_text(text, encoding="utf-8")
        (folder / "users").write_text(f'"{USER}" "{PASSWORD}"\n', encoding="utf-8")
        own(folder)
        command = [
            sys.executable,
            str(LEASH),
            str(folder),
            "KILL",
            *as_account(program, "-q", str(folder / "settings.ini")),
        ]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        made = cls(server, folder, port, process)
        try:
            made._wait()
        except BaseException:
            made.stop()
            raise
        return made

    def fields(self, **more: Any) -> dict[str, Any]:
        return self.server.fields(port=self.port, **more)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at and self.process.poll() is None:
            with suppress(psycopg.OperationalError):
                psycopg.connect(
                    host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres"
                ).close()
                return
            time.sleep(0.02)
        log = self.folder / "log"
        raise RuntimeError(f"pgbouncer does not start:\n{log.read_text() if log.exists() else ''}")
