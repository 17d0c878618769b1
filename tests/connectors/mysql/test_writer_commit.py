"""The end of a MySQL write: all of it visible or nothing, whoever is cut off, killed, late, or in the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest

import osiris
from osiris.connectors.base import Part, Run, State, Token
from osiris.connectors.mysql.client import Client
from osiris.testing.faults import Fault, FaultProxy, Way
from tests.connectors.mysql.target import Target, endless, in_pieces, new_run
from tests.connectors.patience import Blocked, until
from tests.servers.mariadb import MariaDB

pytestmark = pytest.mark.server
PEOPLE = pa.table({"id": [1, 2, 3, 1], "name": ["a", "b", None, "d"]})
MODES: dict[str, dict[str, Any]] = {
    "append": {},
    "replace": {"write_mode": "replace"},
    "upsert": {"write_mode": "upsert", "primary_key": "id"},
}
BEFORE = "CREATE OR REPLACE TABLE t AS SELECT 1 AS id, 'old' AS name UNION ALL SELECT 9, 'old'"
WIDE = "ALTER TABLE t MODIFY id BIGINT, MODIFY name TEXT"
OLD = [(1, "old"), (9, "old")]
AFTER = {
    "append": [(1, "a"), (1, "d"), (1, "old"), (2, "b"), (3, None), (9, "old")],
    "replace": [(1, "a"), (1, "d"), (2, "b"), (3, None)],
    "upsert": [(1, "d"), (2, "b"), (3, None), (9, "old")],
}
AFTER["made"] = AFTER["replace"]
STATE = State(1, {"high": 9})
WAYS: tuple[Way, ...] = ("to_server", "to_client")
CUTS = int(os.environ.get("OSIRIS_TEST_CUTS", "6"))
"""At how many moments of a commit the connection is cut, for each way of the bytes."""
Runs = Callable[[], Run]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sole", "durable"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Makes runs in which the writer is alone in its flow, or stages durably."""
    return lambda: new_run(sole=request.param, key="k")


@pytest.fixture(params=MODES)
def mode(target: Target, request: pytest.FixtureRequest) -> str:
    """A write mode, to a table with rows."""
    target.sql(BEFORE, WIDE)
    return str(request.param)


def staged(target: Target, client: Client, run: Run, **options: Any) -> tuple[Any, Token, Part]:
    """A writer with all rows staged, its token and part."""
    writer = target.writer(client, **options)
    token = writer.token(PEOPLE.schema, run)
    writer.begin(token, PEOPLE.schema)
    return writer, token, writer.write(token, in_pieces(PEOPLE))


def again(target: Target, run: Run, mode: str) -> None:
    """The next attempt of the same run."""
    later = Run(run.id, run.pipeline, run.step, run.attempt + 1, key=run.key, sole=run.sole)
    target.write(PEOPLE, run=later, state=STATE, **MODES[mode])


def test_a_second_commit_changes_nothing(target: Target, run: Runs, mode: str) -> None:
    """LESSONS 11: inserts retried after a lost answer duplicated rows."""
    options = MODES[mode]
    with target.client() as client:
        writer = target.writer(client, **options)
        token = writer.token(PEOPLE.schema, run())
        assert writer.settle(token, []) == "not_committed"
        writer.begin(token, PEOPLE.schema)
        part = writer.write(token, in_pieces(PEOPLE))
        assert writer.settle(token, [part]) == "not_committed"
        assert target.rows() == OLD
        assert writer.commit(token, [part], STATE).rows == part.rows
        assert writer.commit(token, [part], STATE).rows == part.rows
        writer.finish(token)
    assert target.fresh("settle", token, [part], **options) == "committed"
    assert target.fresh("commit", token, [part], STATE, **options).rows == part.rows
    target.fresh("finish", token, **options)
    target.fresh("abort", token, **options)
    assert target.rows() == AFTER[mode]
    assert target.staging() == set()
    assert target.fresh("last", "k") == STATE


def test_an_abort_leaves_no_trace_on_any_client(target: Target, run: Runs, mode: str) -> None:
    with target.client() as client:
        _, token, _ = staged(target, client, run(), **MODES[mode])
    for _ in range(2):
        target.fresh("abort", token, **MODES[mode])
    assert target.rows() == OLD
    assert target.tables() == {"t", "_osiris_commits", "_osiris_state"}
    assert target.sql("SELECT * FROM _osiris_commits") == []


def test_an_abort_ends_the_session_that_is_still_at_work(target: Target, run: Runs, mode: str) -> None:
    """As after a lost connection, when the server has not noticed: what it began is undone, and can do no more."""
    with target.client() as client:
        writer, token, part = staged(target, client, run(), **MODES[mode])
        target.fresh("abort", token, **MODES[mode])
        assert target.staging() == set()
        with pytest.raises(osiris.OsirisError) as caught:
            with_client(client, lambda: writer.commit(token, [part], None))
        assert caught.value.retryable
    assert target.rows() == OLD


def with_client(client: Client, call: Callable[[], Any]) -> Any:
    """The call, its errors classified as the drivers do."""
    try:
        return call()
    except pymysql.err.MySQLError as error:
        raise client.classify(error) from error


def test_a_zombie_that_wakes_up_after_the_retry_is_fenced_off(target: Target, run: Runs, mode: str) -> None:
    first = run()
    options = MODES[mode]
    with target.client() as sleeping, target.client() as awake:
        zombie, old, old_part = staged(target, sleeping, first, **options)
        retry = Run(first.id, first.pipeline, first.step, 2, key="k", sole=first.sole)
        writer, new, part = staged(target, awake, retry, **options)
        assert old.commit_id == new.commit_id
        assert writer.commit(new, [part], STATE).rows == part.rows
        with suppress(osiris.Busy):  # what it was to replace is another table by now
            assert zombie.commit(old, [old_part], STATE).rows == part.rows
        writer.finish(new)
    target.fresh("abort", old, **options)
    assert target.rows() == AFTER[mode]
    assert target.staging() == set()


def test_staging_outlives_the_process_and_is_committed_by_another_instance(target: Target, mode: str) -> None:
    with target.client() as client:
        _, token, part = staged(target, client, new_run(sole=False, key="k"), **MODES[mode])
    assert token.durable
    assert target.rows() == OLD
    target.fresh("commit", token, [part], STATE, **MODES[mode])
    target.fresh("finish", token, **MODES[mode])
    assert target.rows() == AFTER[mode]
    assert target.staging() == set()
    assert target.fresh("last", "k") == STATE


@pytest.mark.parametrize("sql", ["SET autocommit = 0", "START TRANSACTION"])
def test_what_init_sql_sets_does_not_keep_rows_from_being_staged(target: Target, mode: str, sql: str) -> None:
    """The session may be no more when the rows are committed."""
    other = target.over(init_sql=sql)
    with other.client() as client:
        _, token, part = staged(other, client, new_run(sole=False, key="k"), **MODES[mode])
    other.fresh("commit", token, [part], STATE, **MODES[mode])
    other.fresh("finish", token, **MODES[mode])
    assert target.rows() == AFTER[mode]
    assert target.staging() == set()
    assert target.fresh("last", "k") == STATE


def test_staging_that_has_lost_rows_is_not_committed(target: Target, mode: str) -> None:
    """As after a crash of a server that does not flush."""
    with target.client() as client:
        _, token, part = staged(target, client, new_run(sole=False), **MODES[mode])
    (staging,) = target.staging()
    target.sql(f"DELETE FROM {staging} WHERE id = 2")
    with pytest.raises(osiris.WriteFailed, match=f"of {part.rows} rows that were staged there are {part.rows - 1}"):
        target.fresh("commit", token, [part], None, **MODES[mode])
    assert target.rows() == OLD


def test_commit_without_its_staging_is_an_error(target: Target, mode: str) -> None:
    with target.client() as client:
        writer, token, part = staged(target, client, new_run(sole=False), **MODES[mode])
        writer.abort(token)
        with pytest.raises(osiris.WriteFailed, match="staging"):
            writer.commit(token, [part], None)


def test_abort_removes_the_staging_of_its_own_token_only(target: Target) -> None:
    tokens = []
    for _ in range(2):
        with target.client() as client:
            tokens.append(staged(target, client, new_run(sole=False))[1])
    target.fresh("abort", tokens[0])
    (left,) = target.staging()
    assert left.endswith(tokens[1].data["place"])


def test_abort_and_settle_of_a_write_that_never_began_make_nothing(target: Target) -> None:
    with target.client() as client:
        writer = target.writer(client)
        token = writer.token(PEOPLE.schema, new_run(sole=False))
        writer.abort(token)
        assert writer.settle(token, []) == "not_committed"
        assert writer.last("k") is None
        writer.finish(token)
    assert target.tables() == set()


def test_state_is_kept_with_the_data(target: Target, run: Runs, mode: str) -> None:
    for high in (1, 2):
        target.write(PEOPLE, run=run(), state=State(1, {"high": high}), **MODES[mode])
        assert target.fresh("last", "k") == State(1, {"high": high})
    assert target.fresh("last", "other") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "made", "sole"),
    [
        ("append", False, True),
        ("append", False, False),
        ("append", True, True),
        ("append", True, False),
        ("replace", False, True),
        ("upsert", False, True),
    ],
)
def test_a_commit_that_is_cut_off_at_any_moment_ends_as_one_clean_run(
    target: Target, mode: str, made: bool, sole: bool
) -> None:
    """The connection is cut before the server has heard the rest, or after it has done it and before its answer came.
    Whatever it was: settle knows, and a commit, or a new attempt, leaves what one clean run would. `made` is a target
    that was not there."""
    outcomes = set()
    points: list[tuple[Way, float]] = [(way, 0.999 * at / (CUTS - 1)) for way in WAYS for at in range(CUTS)]
    sizes = dict.fromkeys(WAYS, 0)
    for way, point in [("to_server", 2.0), *points]:  # the first one is never reached: it measures
        target.sql("DROP TABLE IF EXISTS t, _osiris_state", *([] if made else [BEFORE, WIDE]))
        outcomes.add(cut(target, new_run(key="k", sole=sole), mode, (way, point), sizes))
        assert target.rows() == AFTER["made" if made else mode], (way, point)
        assert target.staging() == set(), (way, point)
        assert target.fresh("last", "k") == STATE, (way, point)
    assert outcomes == {"committed", "not_committed", "not cut"}


def cut(target: Target, run: Run, mode: str, moment: tuple[Way, float], sizes: dict[Way, int]) -> str:
    """Commit over a connection that is cut at `moment`, then settle and finish over another. What settle said.

    A moment is a part of the bytes of a commit, which `sizes` learns when nothing is cut.
    """
    options, (way, point) = MODES[mode], moment
    with FaultProxy("127.0.0.1", target.database.server.port) as proxy:
        through = target.over(host=proxy.host, port=proxy.port, ssl_mode="disabled")
        with suppress(osiris.OsirisError), through.client() as client:
            writer, token, part = staged(through, client, run, **options)
            before = dict(proxy.bytes_passed)
            at = before[way] + int(point * sizes[way])
            proxy.mend(*([Fault("cut", way, after_bytes=at)] if sizes[way] else []))
            writer.commit(token, [part], STATE)
            sizes.update({each: proxy.bytes_passed[each] - before[each] for each in WAYS})
            writer.finish(token)
            return "not cut"
    settled = str(target.fresh("settle", token, [part], **options))
    if settled == "not_committed" and not token.durable:
        target.fresh("abort", token, **options)
        again(target, run, mode)
        return settled
    if settled == "not_committed":
        target.fresh("commit", token, [part], STATE, **options)
    target.fresh("finish", token, **options)
    return settled


@pytest.mark.parametrize("way", ["abort", "commit"])
def test_a_swap_of_which_a_crash_has_left_a_half_is_undone_or_finished(target: Target, way: str) -> None:
    """Servers before MariaDB 10.6 and MySQL 8.0 rename one table after the other."""
    target.sql(BEFORE, WIDE)
    options = MODES["replace"]
    with target.client() as client:
        _, token, part = staged(target, client, new_run(), **options)
    target.sql(f"RENAME TABLE t TO _osiris_old_{token.data['place']}")
    target.fresh(way, token, *([[part], STATE] if way == "commit" else []), **options)
    target.fresh("finish", token, **options)
    assert target.rows() == (AFTER["replace"] if way == "commit" else OLD)
    assert target.staging() == set()


def test_a_lost_answer_to_the_commit_is_asked_for(target: Target, run: Runs, mode: str) -> None:
    statement = b"RENAME TABLE" if mode == "replace" else b"\x07\x00\x00\x00\x03COMMIT"
    with FaultProxy("127.0.0.1", target.database.server.port) as proxy:
        through = target.over(host=proxy.host, port=proxy.port, ssl_mode="disabled")
        with through.client() as client:
            writer, token, part = staged(through, client, run(), **MODES[mode])
            proxy.mend(Fault("cut", "to_server", at=statement, lose_answer=True))
            with pytest.raises(osiris.NetworkFailed):
                with_client(client, lambda: writer.commit(token, [part], STATE))
        assert proxy.hits["cut"] == 1
    assert target.fresh("settle", token, [part], **MODES[mode]) == "committed"
    target.fresh("finish", token, **MODES[mode])
    assert target.rows() == AFTER[mode]
    assert target.fresh("last", "k") == STATE
    assert target.staging() == set()


def test_a_server_that_is_killed_in_the_middle_of_a_write_has_the_old_rows(tmp_path: Path, mode: str) -> None:
    server = MariaDB.start()
    try:
        target = Target(server.database(), tmp_path)
        target.sql(BEFORE, WIDE)
        batch = pa.concat_tables([PEOPLE.slice(0, 3)] * 10_000).combine_chunks().to_batches()[0]
        with target.client() as client:
            writer = target.writer(client, **MODES[mode])
            token = writer.token(batch.schema, new_run())
            writer.begin(token, batch.schema)
            killer = threading.Timer(0.5, server.kill)
            killer.start()
            with pytest.raises(osiris.NetworkFailed):
                with_client(client, lambda: writer.write(token, endless(batch)))
        killer.join()
        server.resume()
        assert target.fresh("settle", token, [], **MODES[mode]) == "not_committed"
        target.fresh("abort", token, **MODES[mode])
        assert target.rows() == OLD
        assert target.staging() == set()
    finally:
        server.stop()


def test_an_interrupted_write_ends_and_another_client_undoes_it(target: Target, run: Runs, mode: str) -> None:
    """Blocked in the server: the rows meet a table that another transaction has locked."""
    with target.client() as client:
        writer = target.writer(client, **MODES[mode])
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        blocked = Blocked(lambda: writer.write(token, endless(PEOPLE.slice(0, 3).to_batches()[0])))
        assert isinstance(blocked.interrupted_by(client.interrupt), osiris.Cancelled)
    target.fresh("abort", token, **MODES[mode])
    assert target.rows() == OLD
    assert target.staging() == set()


def test_a_write_that_waits_for_a_lock_can_be_interrupted(target: Target) -> None:
    target.sql("CREATE OR REPLACE TABLE t (id BIGINT PRIMARY KEY, name TEXT)")
    with target.database.server.connect(target.database.name) as other, target.client() as client:
        other.begin()
        other.cursor().execute("INSERT INTO t VALUES (2, 'mine')")
        writer = target.writer(client)
        token = writer.token(PEOPLE.schema, new_run())
        writer.begin(token, PEOPLE.schema)
        blocked = Blocked(lambda: writer.write(token, in_pieces(PEOPLE.slice(0, 3))))
        waiting = "SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
        # read more often than each 0.1 s it shows what it showed before
        until(lambda: target.sql(waiting), every_s=0.3)
        assert isinstance(blocked.interrupted_by(client.interrupt), osiris.Cancelled)
        target.fresh("abort", token)
        other.rollback()
    assert target.rows() == []


@pytest.mark.parametrize("timeout", ["innodb_lock_wait_timeout", "lock_wait_timeout"])
def test_a_lock_that_is_held_too_long_is_an_error_that_may_pass(target: Target, mode: str, timeout: str) -> None:
    """Of a row, and of the whole table's metadata, as ALTER TABLE has it."""
    hasty = target.over(init_sql=f"SET {timeout} = 1")
    target.sql("ALTER TABLE t ADD PRIMARY KEY (id)")
    rows = PEOPLE.slice(1, 2) if mode == "append" else PEOPLE.slice(1)
    with target.database.server.connect(target.database.name) as other, other.cursor() as cursor:
        other.begin()
        cursor.execute("UPDATE t SET name = 'mine'" if timeout.startswith("innodb") else "SELECT * FROM t")
        if mode == "append" and timeout.startswith("innodb"):
            cursor.execute("INSERT INTO t VALUES (2, 'mine')")
        if (mode == "replace") == timeout.startswith("innodb"):
            if mode != "replace":  # a reader is in nobody's way
                hasty.write(rows, **MODES[mode])
            return
        with pytest.raises(osiris.Busy, match="ock wait timeout") as caught:
            hasty.write(rows, **MODES[mode])
        assert caught.value.retryable
        other.rollback()
    assert target.rows() == OLD
    assert target.staging() == set()


@pytest.mark.parametrize(
    ("change", "who"),
    [
        ("ALTER TABLE t ADD COLUMN more INT", ["replace"]),
        ("ALTER TABLE t MODIFY name VARCHAR(3)", ["replace", "upsert"]),
        ("ALTER TABLE t DROP COLUMN name", ["replace", "upsert"]),
        ("DROP TABLE t", ["upsert"]),
    ],
)
def test_a_table_that_is_altered_while_rows_are_staged_is_left_alone(
    target: Target, mode: str, change: str, who: list[str]
) -> None:
    if mode not in who:
        return
    with target.client() as client:
        writer, token, part = staged(target, client, new_run(), **MODES[mode])
        target.sql(change)
        with pytest.raises(osiris.Busy, match="altered or dropped"):
            writer.commit(token, [part], None)
        assert writer.settle(token, [part]) == "not_committed"
        writer.abort(token)
    assert target.staging() == set()
    if not change.startswith("DROP"):
        assert [row[0] for row in target.rows(columns="id", order="id")] == [1, 9]


def test_a_table_cannot_be_altered_while_rows_go_straight_into_it(target: Target) -> None:
    target.sql(BEFORE, WIDE)
    with target.client() as client:
        writer, token, part = staged(target, client, new_run())
        with pytest.raises(pymysql.err.OperationalError, match="Lock wait timeout"):
            target.sql("SET lock_wait_timeout = 1", "ALTER TABLE t DROP COLUMN name")
        writer.commit(token, [part], None)
    assert target.rows() == AFTER["append"]


def test_what_dead_runs_have_left_is_removed_after_a_month_and_not_before(target: Target) -> None:
    with target.client() as dead:
        _, old, old_part = staged(target, dead, new_run(sole=False))
    month = "SET timestamp = UNIX_TIMESTAMP() + 31 * 86400"
    with target.client() as living:
        _, mine, part = staged(target, living, new_run(sole=False))
        target.write(PEOPLE, table="other")
        assert len(target.staging()) == 2
        target.over(init_sql=month).write(PEOPLE, table="other")
        (left,) = target.staging()
        assert left.endswith(mine.data["place"])
    with pytest.raises(osiris.WriteFailed, match="staging"):
        target.fresh("commit", old, [old_part], None)
    target.fresh("commit", mine, [part], None)
    target.fresh("finish", mine)
    assert target.staging() == set()


def test_staging_that_was_promised_and_is_removed_for_age_is_no_commit(target: Target, mode: str) -> None:
    """Its absence would else mean that it has become the target."""
    with FaultProxy("127.0.0.1", target.database.server.port) as proxy:
        through = target.over(host=proxy.host, port=proxy.port, ssl_mode="disabled")
        with through.client() as client:
            writer, token, part = staged(through, client, new_run(sole=False), **MODES[mode])
            proxy.mend(Fault("cut", "to_server", at=b"RENAME" if mode == "replace" else b"COMMIT"))
            with pytest.raises(osiris.NetworkFailed):
                with_client(client, lambda: writer.commit(token, [part], STATE))
    assert len(target.staging()) == 1
    until(lambda: target.sql(f"SELECT IS_FREE_LOCK('_osiris_{token.data['place']}')") == [(1,)])
    target.over(init_sql="SET timestamp = UNIX_TIMESTAMP() + 31 * 86400").write(PEOPLE, table="other")
    assert target.staging() == set()
    assert target.fresh("settle", token, [part], **MODES[mode]) == "not_committed"
    assert target.rows() == OLD
