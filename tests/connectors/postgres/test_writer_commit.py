"""The end of a PostgreSQL write: all of it visible or nothing, whoever is cut off, late, or in the way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pyarrow as pa
import pytest

import osiris
from osiris.connectors.base import Part, Run, State, Token
from osiris.connectors.postgres.client import Client
from osiris.testing.faults import Fault, FaultProxy, Way
from tests.connectors.patience import Blocked, until
from tests.connectors.postgres.target import Target, endless, in_pieces, new_run
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgreSQL

pytestmark = pytest.mark.server
PEOPLE = pa.table({"id": [1, 2, 3, 1], "name": ["a", "b", None, "d"]})
MODES: dict[str, dict[str, Any]] = {
    "append": {},
    "replace": {"write_mode": "replace"},
    "upsert": {"write_mode": "upsert", "primary_key": "id"},
}
BEFORE = (
    "DROP TABLE IF EXISTS t",
    "CREATE TABLE t (id bigint, name text)",
    "INSERT INTO t VALUES (1, 'old'), (9, 'old')",
)
OLD = [(1, "old"), (9, "old")]
AFTER = {
    "append": [(1, "a"), (1, "d"), (1, "old"), (2, "b"), (3, None), (9, "old")],
    "replace": [(1, "a"), (1, "d"), (2, "b"), (3, None)],
    "upsert": [(1, "d"), (2, "b"), (3, None), (9, "old")],
}
STATE = State(1, {"high": 9})
WAYS: tuple[Way, ...] = ("to_server", "to_client")
CUTS = int(os.environ.get("OSIRIS_TEST_CUTS", "4"))
"""At how many moments of a commit the connection is cut, for each way of the bytes."""
Runs = Callable[[], Run]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["sole", "durable"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Makes runs in which the writer is alone in its flow, or stages durably."""
    return lambda: new_run(sole=request.param, key="k")


@pytest.fixture(params=MODES)
def mode(target: Target, request: pytest.FixtureRequest) -> str:
    """A write mode, to a table with rows."""
    target.sql(*BEFORE)
    return str(request.param)


def rows(target: Target) -> list[tuple[Any, ...]]:
    return target.rows(order="1, 2")


def staged(target: Target, client: Client, run: Run, **options: Any) -> tuple[Any, Token, Part]:
    """A writer with all rows staged, its token and part."""
    writer = target.writer(client, **options)
    token = writer.token(PEOPLE.schema, run)
    writer.begin(token, PEOPLE.schema)
    return writer, token, writer.write(token, in_pieces(PEOPLE))


def classified(client: Client, call: Callable[[], Any]) -> Any:
    """The call, its errors classified as the drivers do."""
    try:
        return call()
    except psycopg.Error as error:
        raise client.classify(error) from error


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
        assert rows(target) == OLD
        assert writer.commit(token, [part], STATE).rows == part.rows
        assert writer.commit(token, [part], STATE).rows == part.rows
        writer.finish(token)
    assert target.fresh("settle", token, [part], **options) == "committed"
    assert target.fresh("commit", token, [part], STATE, **options).rows == part.rows
    target.fresh("finish", token, **options)
    target.fresh("abort", token, **options)
    assert rows(target) == AFTER[mode]
    assert target.staging() == set()
    assert target.fresh("last", "k") == STATE


def test_an_abort_leaves_no_trace_on_any_client(target: Target, run: Runs, mode: str) -> None:
    with target.client() as client:
        _, token, _ = staged(target, client, run(), **MODES[mode])
    for _ in range(2):
        target.fresh("abort", token, **MODES[mode])
    assert rows(target) == OLD
    assert target.tables() == {"t", "_osiris_commits", "_osiris_state"}
    assert target.sql("SELECT * FROM _osiris_commits") == []


@pytest.mark.parametrize("call", ["settle", "abort"])
def test_a_session_that_is_still_at_work_is_ended(target: Target, mode: str, call: str) -> None:
    """As after a lost connection, when the server has not noticed: what it began is undone, and can do no more."""
    with target.client() as client:
        writer, token, part = staged(target, client, new_run(), **MODES[mode])
        known: list[list[Part]] = [[part]] if call == "settle" else []
        assert target.fresh(call, token, *known, **MODES[mode]) in ("not_committed", None)
        with pytest.raises(osiris.NetworkFailed) as caught:
            classified(client, lambda: writer.commit(token, [part], None))
        assert caught.value.retryable
    assert rows(target) == OLD


def test_a_zombie_that_wakes_up_after_the_retry_is_fenced_off(target: Target, mode: str) -> None:
    first, options = new_run(key="k"), MODES[mode]
    with target.client() as sleeping, target.client() as awake:
        zombie, old, old_part = staged(target, sleeping, first, **options)
        retry = Run(first.id, first.pipeline, first.step, 2, key="k")
        writer, new, part = staged(target, awake, retry, **options)
        assert old.commit_id == new.commit_id
        assert writer.commit(new, [part], STATE).rows == part.rows
        assert zombie.commit(old, [old_part], STATE).rows == part.rows
    assert rows(target) == AFTER[mode]
    assert target.staging() == set()


def test_staging_outlives_the_process_and_is_committed_by_another_instance(target: Target, mode: str) -> None:
    with target.client() as client:
        _, token, part = staged(target, client, new_run(sole=False, key="k"), **MODES[mode])
    assert token.durable
    assert rows(target) == OLD
    target.fresh("commit", token, [part], STATE, **MODES[mode])
    target.fresh("finish", token, **MODES[mode])
    assert rows(target) == AFTER[mode]
    assert target.staging() == set()
    assert target.fresh("last", "k") == STATE


def test_a_table_is_made_by_another_instance_too(target: Target) -> None:
    for name, options in MODES.items():
        with target.client() as client:
            _, token, part = staged(target, client, new_run(sole=False), table=name, **options)
        assert name not in target.tables()
        target.fresh("commit", token, [part], None, table=name, **options)
        assert len(target.rows(name)) == part.rows
    assert target.types("upsert") == {"id": "bigint", "name": "text"}


def test_staging_that_has_lost_rows_is_not_committed(target: Target, mode: str) -> None:
    with target.client() as client:
        _, token, part = staged(target, client, new_run(sole=False), **MODES[mode])
    (staging,) = target.staging()
    target.sql("ALTER TABLE t ADD PRIMARY KEY (id)" if mode == "upsert" else "", f"DELETE FROM {staging} WHERE id = 2")
    with pytest.raises(osiris.WriteFailed, match=f"took {part.rows - 1} of {part.rows} rows"):
        target.fresh("commit", token, [part], None, **MODES[mode])
    assert rows(target) == OLD


def test_commit_without_its_staging_is_an_error(target: Target, run: Runs, mode: str) -> None:
    with target.client() as client:
        writer, token, part = staged(target, client, run(), **MODES[mode])
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
def test_a_commit_that_is_cut_off_at_any_moment_ends_as_one_clean_run(target: Target, mode: str) -> None:
    """The connection is cut before the server has heard the rest, or after it has done it and before its answer came.
    Whatever it was: settle knows, and a commit, or a new attempt, leaves what one clean run would."""
    outcomes = set()
    points: list[tuple[Way, float]] = [(way, 0.999 * at / (CUTS - 1)) for way in WAYS for at in range(CUTS)]
    sizes = dict.fromkeys(WAYS, 0)
    for sole in (True, False):
        for way, point in [("to_server", 2.0), *points]:  # the first one is never reached: it measures
            target.sql(*BEFORE, "DROP TABLE IF EXISTS _osiris_state")
            outcomes.add(cut(target, new_run(key="k", sole=sole), mode, (way, point), sizes))
            assert rows(target) == AFTER[mode], (way, point)
            assert target.staging() == set(), (way, point)
            assert target.fresh("last", "k") == STATE, (way, point)
        sizes = dict.fromkeys(WAYS, 0)
    assert outcomes == {"committed", "not_committed", "not cut"}


def cut(target: Target, run: Run, mode: str, moment: tuple[Way, float], sizes: dict[Way, int]) -> str:
    """Commit over a connection that is cut at `moment`, then settle and finish over another. What settle said.

    A moment is a part of the bytes of a commit, which `sizes` learns when nothing is cut.
    """
    options, (way, point) = MODES[mode], moment
    with FaultProxy("127.0.0.1", target.database.server.port) as proxy:
        through = target.over(host=proxy.host, port=proxy.port, sslmode="disable")
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
        later = Run(run.id, run.pipeline, run.step, run.attempt + 1, key=run.key)
        target.write(PEOPLE, run=later, state=STATE, **options)
    elif settled == "not_committed":
        target.fresh("commit", token, [part], STATE, **options)
    target.fresh("finish", token, **options)
    return settled


def test_a_lost_answer_to_the_commit_is_asked_for(target: Target, run: Runs, mode: str) -> None:
    with FaultProxy("127.0.0.1", target.database.server.port) as proxy:
        through = target.over(host=proxy.host, port=proxy.port, sslmode="disable")
        with through.client() as client:
            writer, token, part = staged(through, client, run(), **MODES[mode])
            proxy.mend(Fault("cut", "to_server", at=b"COMMIT\0", lose_answer=True))
            with pytest.raises(osiris.NetworkFailed):
                classified(client, lambda: writer.commit(token, [part], STATE))
        assert proxy.hits["cut"] == 1
    assert target.fresh("settle", token, [part], **MODES[mode]) == "committed"
    target.fresh("finish", token, **MODES[mode])
    assert rows(target) == AFTER[mode]
    assert target.fresh("last", "k") == STATE
    assert target.staging() == set()


@pytest.fixture(scope="module")
def pooler(postgres: PostgreSQL) -> Iterator[PgBouncer]:
    """In transaction mode: what follows a COMMIT may reach another session of the server."""
    made = PgBouncer.start(postgres, connections=2)
    yield made
    made.stop()


def test_a_write_through_a_pooler_is_the_same(target: Target, pooler: PgBouncer, run: Runs, mode: str) -> None:
    through = target.over(port=pooler.port)
    through.write(PEOPLE, run=run(), state=STATE, **MODES[mode])
    assert rows(target) == AFTER[mode]
    target.sql(*BEFORE)
    with through.client() as client:
        _, token, _ = staged(through, client, run(), **MODES[mode])
        assert through.fresh("settle", token, [], **MODES[mode]) == "not_committed"
    through.fresh("abort", token, **MODES[mode])
    assert rows(target) == OLD
    assert target.staging() == set()


def test_an_interrupted_write_ends_and_another_client_undoes_it(target: Target, run: Runs, mode: str) -> None:
    with target.client() as client:
        writer = target.writer(client, **MODES[mode])
        token = writer.token(PEOPLE.schema, run())
        writer.begin(token, PEOPLE.schema)
        blocked = Blocked(lambda: writer.write(token, endless(PEOPLE.slice(0, 3).to_batches()[0])))
        assert isinstance(blocked.interrupted_by(client.interrupt), osiris.Cancelled)
    target.fresh("abort", token, **MODES[mode])
    assert rows(target) == OLD
    assert target.staging() == set()


def test_a_write_that_waits_for_a_lock_can_be_interrupted(target: Target) -> None:
    target.sql("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
    with target.database.connect() as other, target.client() as client:
        other.execute("BEGIN; INSERT INTO t VALUES (2, 'mine')")
        writer = target.writer(client)
        token = writer.token(PEOPLE.schema, new_run())
        writer.begin(token, PEOPLE.schema)
        blocked = Blocked(lambda: writer.write(token, in_pieces(PEOPLE.slice(0, 3))))
        until(lambda: target.sql("SELECT 1 FROM pg_locks WHERE NOT granted"))
        assert isinstance(blocked.interrupted_by(client.interrupt), osiris.Cancelled)
        target.fresh("abort", token)
        other.execute("ROLLBACK")
    assert target.rows() == []


def test_a_lock_that_is_held_too_long_is_an_error_that_may_pass(target: Target, mode: str) -> None:
    hasty = target.over(lock_timeout_s=0.2)
    with target.database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE")
        with pytest.raises(osiris.Busy, match="lock timeout") as caught:
            hasty.write(PEOPLE, **MODES[mode])
        assert caught.value.retryable
    assert rows(target) == OLD
    assert target.staging() == set()


CHANGES = (
    "ALTER TABLE t ALTER name TYPE varchar(3)",
    "ALTER TABLE t DROP COLUMN name",
    "DROP TABLE t",
)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", ["replace", "upsert"], indirect=True)
def test_a_table_that_is_altered_while_rows_are_staged_is_left_alone(
    target: Target, run: Runs, mode: str, change: str
) -> None:
    with target.client() as client:
        writer, token, part = staged(target, client, run(), **MODES[mode])
        target.sql(change)
        with pytest.raises(osiris.Busy, match="altered or dropped"):
            writer.commit(token, [part], None)
        assert writer.settle(token, [part]) == "not_committed"
        writer.abort(token)
    assert target.staging() == set()
    if not change.startswith("DROP"):
        assert target.rows(columns="id") == [(1,), (9,)]


def test_a_table_that_somebody_else_makes_meanwhile_is_left_alone(target: Target) -> None:
    with target.client() as client:
        writer, token, part = staged(target, client, new_run(sole=False))
        target.sql("CREATE TABLE t (id bigint)")
        with pytest.raises(osiris.Busy, match="was made"):
            writer.commit(token, [part], None)
        writer.abort(token)
    assert target.rows() == []


def test_a_table_cannot_be_altered_while_rows_go_straight_into_it(target: Target) -> None:
    target.sql(*BEFORE)
    with target.client() as client:
        writer, token, part = staged(target, client, new_run())
        with pytest.raises(psycopg.errors.LockNotAvailable):
            target.sql("SET lock_timeout = '100ms'", "ALTER TABLE t DROP COLUMN name")
        writer.commit(token, [part], None)
    assert rows(target) == AFTER["append"]


def test_what_dead_runs_have_left_is_removed_after_a_month_and_not_before(target: Target) -> None:
    with target.client() as client:
        _, token, part = staged(target, client, new_run(sole=False))
    target.write(PEOPLE, table="other")
    (staging,) = target.staging()
    ((told,),) = target.sql(f"SELECT obj_description('{staging}'::regclass)")
    words = told.rpartition(" ")
    target.sql(f"COMMENT ON TABLE {staging} IS '{words[0]} {int(words[2]) - 31 * 86_400}'")
    target.write(PEOPLE, table="other")
    assert target.staging() == set()
    with pytest.raises(osiris.WriteFailed, match="staging"):
        target.fresh("commit", token, [part], None)
