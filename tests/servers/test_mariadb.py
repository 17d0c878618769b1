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

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
STARTS_ONE = """
import sys
from tests.servers.mariadb import MariaDB
server = MariaDB.start()
print(server.folder, (server.folder / "pid").read_text(), flush=True)
sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_server_ends_with_a_test_process_that_is_killed() -> None:
    command = [sys.executable, "-c", STARTS_ONE]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder, pid = process.stdout.readline().split()
        assert is_running(int(pid))
        process.send_signal(signal.SIGKILL)
    until(lambda: not is_running(int(pid)) and not Path(folder).exists())


def test_a_server_that_is_stopped_leaves_nothing() -> None:
    server = MariaDB.start(tls=False)
    pid = int((server.folder / "pid").read_text())
    server.stop()
    assert not is_running(pid)
    assert not server.folder.exists()


def test_what_is_committed_outlives_a_kill_of_the_server() -> None:
    server = MariaDB.start(tls=False)
    try:
        server.sql("CREATE DATABASE d", "CREATE TABLE d.t (x INT)", "INSERT INTO d.t VALUES (1)")
        port = server.port
        server.kill()
        server.resume()
        assert (server.port, server.sql("SELECT x FROM d.t")) == (port, [(1,)])
    finally:
        server.stop()


def test_without_a_server_the_way_out_is_told() -> None:
    environment = {**os.environ, "OSIRIS_TEST_MARIADBD": "/no/such/mariadbd"}
    done = subprocess.run(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "OSIRIS_TEST_MARIADBD=/path/to/mariadbd" in done.stderr


def test_a_server_that_does_not_start_shows_its_log() -> None:
    with pytest.raises(RuntimeError, match="no-such-setting"):
        MariaDB.start(tls=False, no_such_setting="1")
