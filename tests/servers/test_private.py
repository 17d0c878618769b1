"""The private servers themselves: they end with the test process, however that ends, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.connectors.patience import until
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import PostgreSQL

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
STARTS_ONE = """
import sys
from tests.servers.{module} import {name}
server = {name}.start(tls=False)
print(server.folder, server.pid, flush=True)
sys.stdin.read()
"""
KINDS: dict[str, type[MariaDB | PostgreSQL]] = {"mariadb": MariaDB, "postgres": PostgreSQL}
VARIABLES = {"mariadb": "OSIRIS_TEST_MARIADBD=/path/to/mariadbd", "postgres": "OSIRIS_TEST_POSTGRES=/path/to/folder"}


def starting_one(module: str) -> list[str]:
    """The command of a test process that starts a server."""
    return [sys.executable, "-c", STARTS_ONE.format(module=module, name=KINDS[module].__name__)]


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.parametrize("module", KINDS)
def test_a_server_ends_with_a_test_process_that_is_killed(module: str) -> None:
    command = starting_one(module)
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder, pid = process.stdout.readline().split()
        assert is_running(int(pid))
        process.send_signal(signal.SIGKILL)
    until(lambda: not is_running(int(pid)) and not Path(folder).exists())


@pytest.mark.parametrize("module", KINDS)
def test_what_is_committed_outlives_a_kill_of_the_server_and_a_stop_leaves_nothing(module: str) -> None:
    server = KINDS[module].start(tls=False)
    try:
        database = server.database()
        database.sql("CREATE TABLE t (x INT)", "INSERT INTO t VALUES (1)")
        port = server.port
        server.kill()
        server.resume()
        assert (server.port, database.sql("SELECT x FROM t")) == (port, [(1,)])
        pid = server.pid
    finally:
        server.stop()
    assert not is_running(pid)
    assert not server.folder.exists()


@pytest.mark.parametrize("module", KINDS)
def test_without_a_server_the_way_out_is_told(module: str) -> None:
    variable = VARIABLES[module]
    environment = {**os.environ, variable.partition("=")[0]: "/no/such/place"}
    command = starting_one(module)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert variable in done.stderr


@pytest.mark.parametrize("module", KINDS)
def test_a_server_that_does_not_start_shows_its_log(module: str) -> None:
    with pytest.raises(RuntimeError, match=r"no.such.setting"):
        KINDS[module].start(tls=False, no_such_setting="1")
