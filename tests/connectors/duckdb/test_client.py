"""The DuckDB client: opening, locks, errors, interrupts, doctor and discover."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import osiris
from osiris.connectors.base import Batches, Options, Split
from osiris.connectors.duckdb.client import Client
from osiris.connectors.duckdb.extractor import Extractor
from tests.connectors.duckdb.place import Place

ROOT = Path(__file__).parents[3]
HOLD = """
import duckdb, sys
con = duckdb.connect({path!r}, read_only={read_only})
print("open", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that has the file open until it is told to end."""

    def __init__(self, place: Place, read_only: bool = False) -> None:
        script = HOLD.format(path=str(place.file), read_only=read_only)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> int:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "open\n"
        return self.process.pid

    def __exit__(self, *_: object) -> None:
        self.process.communicate("")


def test_opening_a_file_that_is_not_there_makes_no_file(place: Place) -> None:
    with place.client() as client:
        assert not client.is_open
    assert not place.file.exists()


def test_reading_a_file_that_is_not_there_is_an_error_and_makes_no_file(place: Place) -> None:
    with pytest.raises(osiris.NotFound, match=r"no database file .*x\.duckdb") as caught:
        place.read(table="t")
    assert "writer makes the file" in str(caught.value.hint)
    assert not place.file.exists()


def test_a_read_only_connection_needs_its_file_and_cannot_make_it(place: Place) -> None:
    with pytest.raises(osiris.NotFound), place.client(read_only=True):
        pass
    place.sql("CREATE TABLE t (a INTEGER)")
    with pytest.raises(osiris.ConfigError, match="read-only"), place.client(read_only=True) as client:
        client.create()


def test_a_missing_folder_is_named(place: Place) -> None:
    with pytest.raises(osiris.NotFound, match="nowhere"), place.client(path="nowhere/x.duckdb") as client:
        client.create()


def test_a_database_in_memory_opens_but_is_nothing_to_read_from_or_write_to(place: Place) -> None:
    with place.client(path=":memory:") as client:
        assert client.is_open
        with pytest.raises(osiris.ConfigError, match="gone when the step ends"):
            client.dataset("t")


def test_a_file_locked_by_another_process_is_busy_and_names_it(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    with Holder(place) as pid, pytest.raises(osiris.Busy, match=f"process {pid}") as caught, place.client():
        pass
    assert caught.value.retryable
    with place.client() as client:
        assert client.is_open


def test_two_processes_may_read_when_both_open_read_only(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    with Holder(place, read_only=True), place.client(read_only=True) as client:
        assert client.rows("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("content", [b"", b"hello, this is no database" * 500])
def test_a_file_that_is_no_database_is_said_to_be_none(place: Place, content: bytes) -> None:
    place.file.write_bytes(content)
    with pytest.raises(osiris.SourceError, match="not a valid DuckDB") as caught, place.client():
        pass
    assert caught.value.code == "duckdb.not_a_database"


def test_a_truncated_database_is_said_to_be_damaged(place: Place) -> None:
    place.sql("CREATE TABLE t AS FROM range(100000)")
    place.file.write_bytes(place.file.read_bytes()[:6000])
    with pytest.raises(osiris.SourceError) as caught, place.client():
        pass
    assert caught.value.code == "duckdb.not_a_database"


def test_connections_with_other_settings_on_one_file_are_told_apart(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    with place.client(), pytest.raises(osiris.ConfigError, match="other settings"), place.client(read_only=True):
        pass


def test_an_interrupt_ends_a_query_that_is_running(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    client = place.new_client()
    client.open()
    raised: list[Exception] = []

    def work() -> None:
        try:
            client.rows("SELECT count(*) FROM range(1000000000) a(i), range(100000) b(j) WHERE i * j % 7 = 3")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            raised.append(Client.classify(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        client.interrupt()
        thread.join(0.05)
    client.close()
    assert isinstance(raised[0], osiris.Cancelled)


def test_an_interrupt_is_sticky_and_ends_a_read_between_two_batches(place: Place) -> None:
    place.sql("CREATE TABLE t AS FROM range(1000000)")
    with place.client() as client:
        extractor = Extractor(client, Options({"table": "t"}), place.workspace)
        stream = iter(Batches(extractor.schema(), extractor.read(Split(0))))
        next(stream)
        client.interrupt()
        with pytest.raises(osiris.Cancelled):
            next(stream)
        with pytest.raises(osiris.Cancelled):
            client.rows("SELECT 1")


def test_no_progress_is_shown_where_duckdb_would_show_it(place: Place) -> None:
    """Under `python -c` DuckDB takes the process for an interactive one, and prints into what we print."""
    script = """
import sys
from pathlib import Path
import duckdb
from tests.connectors.duckdb.place import Place
ask = "SELECT * FROM (SHOW enable_progress_bar)"
place = Place(Path(sys.argv[1]))
with place.client() as client:
    client.create()
    print(duckdb.connect().execute(ask).fetchone(), client.rows(ask), place.transform(ask, {})[0].to_pylist())
"""
    command = [sys.executable, "-c", script, str(place.root)]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown == "(True,) [(False,)] [{'enable_progress_bar': False}]\n"


def test_a_closed_client_is_closed_again_without_an_error_and_can_be_interrupted(place: Place) -> None:
    client = place.new_client()
    client.create()
    client.close()
    client.close()
    client.interrupt()
    assert not client.is_open


def test_doctor_is_content_with_a_good_file_and_leaves_nothing_in_it(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    found = place.new_client().doctor(timeout_s=30, level="write", resources=["t"])
    assert found.status == "success", found
    assert [check.id for check in found.checks] == ["auth.login", "server.version", "perm.read", "perm.write"]
    assert place.sql("SHOW TABLES") == [("t",)]


def test_doctor_warns_of_a_file_that_a_writer_still_has_to_make(place: Place) -> None:
    found = place.new_client().doctor(timeout_s=30, level="write")
    assert (found.status, found.ok) == ("warning", True)
    assert "no file" in found.message
    assert not place.file.exists()


def test_doctor_warns_of_a_table_that_is_not_there(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    found = place.new_client().doctor(timeout_s=30, level="full", resources=["nope"])
    assert (found.status, found.message) == ("warning", "there is no table nope")


def test_doctor_says_busy_for_a_locked_file(place: Place) -> None:
    place.sql("CREATE TABLE t (a INTEGER)")
    with Holder(place):
        found = place.new_client().doctor(timeout_s=30)
    assert (found.status, found.category) == ("failure", "busy")


def test_doctor_fails_on_a_missing_folder(place: Place) -> None:
    found = place.new_client(path="nowhere/x.duckdb").doctor(timeout_s=30)
    assert (found.status, found.category) == ("failure", "not_found")


def test_discover_lists_tables_and_views_sorted_and_hides_our_own(place: Place) -> None:
    place.sql(
        "CREATE TABLE zebra (id INTEGER PRIMARY KEY, price DECIMAL(12, 2) NOT NULL, note VARCHAR)",
        "INSERT INTO zebra VALUES (1, 2.5, NULL)",
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id BIGINT)",
        "CREATE VIEW cheap AS SELECT id FROM zebra",
        "CREATE TABLE _osiris_commits (token VARCHAR)",
    )
    with place.client() as client:
        found = list(client.discover())
        assert [(r.schema, r.name, r.type) for r in found] == [
            ("main", "cheap", "view"),
            ("main", "zebra", "table"),
            ("sales", "orders", "table"),
        ]
        assert [(f.name, f.type, f.nullable, f.primary_key) for f in found[1].fields] == [
            ("id", "INTEGER", False, True),
            ("price", "DECIMAL(12,2)", False, False),
            ("note", "VARCHAR", True, False),
        ]
        assert found[1].estimated_rows == 1
        assert [r.name for r in client.discover("SALES.*")] == ["orders"]
        assert [r.name for r in client.discover("*e*")] == ["cheap", "zebra", "orders"]


def looking(place: Place) -> Client:
    return Client(replace(place.new_client().connection, look_only=True))


def test_a_client_that_looks_only_leaves_the_log_of_a_killed_process_where_it_is(place: Place) -> None:
    place.sql("CREATE TABLE t (i INTEGER)")
    program = "import duckdb, os; c = duckdb.connect('{}'); c.execute('INSERT INTO t VALUES (1)'); os._exit(0)"
    subprocess.run([sys.executable, "-c", program.format(place.file)], check=True)
    log = place.file.with_name(f"{place.file.name}.wal")
    before = place.file.read_bytes(), log.read_bytes()
    one, other = looking(place), looking(place)
    one.open()
    other.open()  # beside it, so in the same mode
    assert one.rows("FROM t") == other.rows("FROM t") == [(1,)]
    assert one.doctor().ok
    one.close()
    other.close()
    assert (place.file.read_bytes(), log.read_bytes()) == before
    with place.client() as client:
        assert client.rows("FROM t") == [(1,)]
        beside = looking(place)  # and beside one that writes
        beside.open()
        beside.close()
    assert not log.exists()
