"""Writing over REST to the stand-in for PostgREST: what is sent, what the table has got, and what is refused before."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Batches, Options, Part, Run, Token, Workspace, Written
from osiris.connectors.supabase.client import Client
from osiris.connectors.supabase.writer import Writer
from osiris.errors import (
    ConfigError,
    DataError,
    NetworkFailed,
    NotFound,
    OsirisError,
    PermissionDenied,
    SourceError,
    WriteFailed,
)
from tests.connectors.supabase.projects import made, over_rest
from tests.servers.postgrest.faults import Fault, dropped, page, unavailable
from tests.servers.postgrest.server import Rest
from tests.servers.web import Reply

pytestmark = pytest.mark.server
NUMBERS = itertools.count(1)
TABLE = "CREATE TABLE t (id INT PRIMARY KEY, name TEXT)"


@dataclass(slots=True)
class Target:
    """A table over REST: written through the connector, looked at in the database."""

    rest: Rest
    root: Path
    run: Run = field(default_factory=lambda: Run(f"run{next(NUMBERS)}", "pipeline", "load", 1))

    @contextmanager
    def client(self, **fields: Any) -> Generator[Client]:
        client = over_rest(self.rest, **fields)
        try:
            client.open()
            yield client
        finally:
            client.close()

    def writer(self, client: Client, **options: Any) -> Writer:
        return Writer(client, Options({"table": "t", **options}), Workspace(self.root / "scratch", self.root))

    def staged(self, rows: pa.Table, **options: Any) -> tuple[Token, Part]:
        with self.client() as client:
            writer = self.writer(client, **options)
            token = writer.token(rows.schema, self.run)
            writer.begin(token, rows.schema)
            batches = Batches.of(rows.schema, rows.to_batches(max_chunksize=7), "rows")
            return token, writer.write(token, batches)

    def committed(self, token: Token, part: Part, **options: Any) -> Written:
        with self.client() as client:
            return self.writer(client, **options).commit(token, [part], None)

    def call(self, name: str, *arguments: Any) -> Any:
        with self.client() as client:
            return getattr(self.writer(client), name)(*arguments)

    def write(self, rows: pa.Table, **options: Any) -> tuple[Part, Written]:
        token, part = self.staged(rows, **options)
        return part, self.committed(token, part, **options)

    def rows(self) -> list[tuple[Any, ...]]:
        return self.rest.database.sql("SELECT * FROM t ORDER BY 1")

    @property
    def sent(self) -> list[bytes]:
        """The bodies of rows that were sent."""
        return [asked.body for asked in self.rest.asked if asked.method == "POST" and asked.body != b"[]"]


@pytest.fixture
def target(rest: Rest, tmp_path: Path) -> Target:
    rest.database.sql(TABLE)
    rest.reload()
    return Target(rest, tmp_path)


def table(*rows: tuple[int, str | None]) -> pa.Table:
    return pa.table({"id": pa.array([one for one, _ in rows], pa.int32()), "name": pa.array([two for _, two in rows])})


MANY = table(*((n, f"ř {n}") for n in range(100)))


def test_an_append_sends_nothing_before_the_commit_and_labels_itself(target: Target) -> None:
    token, part = target.staged(MANY, batch_rows=30)
    assert (part.rows, part.superseded, target.rows(), target.sent) == (100, 0, [], [])
    written = target.committed(token, part)
    assert written.rows == 100
    assert "at-least-once" in written.notes[0]
    assert target.rows() == [(n, f"ř {n}") for n in range(100)]
    assert len(target.sent) == 4


def test_an_upsert_keeps_the_last_row_of_a_key(target: Target) -> None:
    target.rest.database.sql("INSERT INTO t VALUES (1, 'old'), (9, 'other')")
    rows = table((1, "a"), (2, "b"), (1, "c"))
    part, written = target.write(rows, write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded, written.rows) == (2, 1, 2)
    assert target.rows() == [(1, "c"), (2, "b"), (9, "other")]


def test_a_second_commit_changes_nothing(target: Target) -> None:
    token, part = target.staged(MANY)
    assert target.call("settle", token, [part]) == "not_committed"
    target.committed(token, part)
    assert target.call("settle", token, [part]) == "committed"
    assert target.committed(token, part).rows == 100
    assert len(target.rows()) == 100
    target.call("finish", token)
    assert list(target.root.glob("*")) == []


def test_a_commit_that_failed_goes_on_where_it_was(target: Target) -> None:
    target.rest.database.sql("ALTER TABLE t ADD CHECK (id <> 75)")
    token, part = target.staged(MANY, batch_rows=30)
    with pytest.raises(DataError, match=r"rows 61 to 90: .*rows 1 to 60 are written") as caught:
        target.committed(token, part)
    assert len(target.rows()) == 60
    assert "remove rows 1 to 60" in (caught.value.hint or "")
    target.rest.database.sql("ALTER TABLE t DROP CONSTRAINT t_id_check")
    assert target.committed(token, part).rows == 100
    assert len(target.rows()) == 100


def test_what_a_crash_took_from_the_staged_rows_is_noticed_before_any_is_sent(target: Target) -> None:
    token, part = target.staged(MANY, batch_rows=30)
    (file,) = target.root.glob("*.rows")
    whole = file.read_bytes()
    for size in (whole.rindex(b'{"first"'), len(whole) - 1, 0):
        file.write_bytes(whole[:size])
        with pytest.raises(WriteFailed) as caught:
            target.committed(token, part)
        assert caught.value.code == "write.no_staging"
    assert target.sent == []


def test_keys_with_a_null_are_like_no_other(target: Target) -> None:
    target.rest.database.sql(
        "ALTER TABLE t DROP CONSTRAINT t_pkey", "ALTER TABLE t ALTER id DROP NOT NULL, ADD UNIQUE (id)"
    )
    target.rest.reload()
    rows = pa.table({"id": pa.array([None, None, 1, 1], pa.int32()), "name": ["a", "b", "c", "d"]})
    part, _ = target.write(rows, write_mode="upsert", primary_key="id")
    assert (part.rows, part.superseded) == (3, 1)
    assert sorted(name for _, name in target.rows()) == ["a", "b", "d"]


def test_requests_that_take_too_long_or_are_too_large_are_halved(target: Target) -> None:
    target.rest.settings.max_body = 500
    target.write(MANY)
    assert len(target.rows()) == 100
    assert len(target.sent[0]) > 500
    assert sum(len(body) <= 500 for body in target.sent) == 8


def test_rows_that_only_the_database_calls_the_same_are_halved_apart(target: Target) -> None:
    target.rest.database.sql(
        "CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "DROP TABLE t",
        "CREATE TABLE t (id TEXT COLLATE same PRIMARY KEY, n INT)",
    )
    target.rest.reload()
    rows = pa.table({"id": ["a", "A", "b"], "n": pa.array([1, 2, 3], pa.int32())})
    target.write(rows, write_mode="upsert", primary_key=["id"])
    assert target.rest.database.sql("SELECT n FROM t ORDER BY 1") == [(2,), (3,)]


def test_a_lost_answer_to_an_append_is_not_sent_again_by_itself(target: Target) -> None:
    token, part = target.staged(MANY)
    target.rest.faults.append(dropped(method="POST"))
    with pytest.raises(NetworkFailed) as caught:
        target.committed(token, part)
    assert "may have been done" in (caught.value.hint or "")
    assert not caught.value.retryable
    assert len(target.rows()) == 100
    assert len(target.sent) == 1


def test_a_lost_answer_to_an_upsert_is_sent_again(target: Target) -> None:
    token, part = target.staged(MANY, write_mode="upsert", primary_key="id")
    target.rest.faults.append(dropped(method="POST"))
    target.committed(token, part, write_mode="upsert", primary_key="id")
    assert len(target.rows()) == 100
    assert len(target.sent) == 2


def test_a_server_that_is_away_for_a_moment_is_asked_again(target: Target) -> None:
    token, part = target.staged(MANY)
    target.rest.faults.append(unavailable("0", method="POST"))
    target.committed(token, part)
    assert len(target.rows()) == 100


def test_a_yes_from_something_else_is_no_commit(target: Target) -> None:
    """Only the count of rows shows that they were taken."""
    token, part = target.staged(MANY)
    target.rest.faults.append(Fault(Reply(201, b""), method="POST"))
    with pytest.raises(WriteFailed, match="not how many rows it took") as caught:
        target.committed(token, part)
    assert (caught.value.code, target.call("settle", token, [part])) == ("write.unconfirmed", "not_committed")


def test_rows_that_a_trigger_keeps_out_are_missed(target: Target) -> None:
    target.rest.database.sql(
        "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER keep_out BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION keep_out()",
    )
    with pytest.raises(WriteFailed, match="the server took 99 of 100 rows") as caught:
        target.write(MANY)
    assert caught.value.code == "write.count"


def test_a_page_of_a_proxy_is_no_commit(target: Target) -> None:
    token, part = target.staged(MANY)
    target.rest.faults.append(page())
    with pytest.raises(SourceError, match="a page of HTML"):
        target.committed(token, part)
    assert target.call("settle", token, [part]) == "not_committed"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"write_mode": "replace"}, "replace"),
        ({"create_if_missing": True}, "create_if_missing"),
        ({"on_schema_change": "add_columns"}, "add_columns"),
        ({"table": "api.t"}, "in the schema of the connection"),
        ({"write_mode": "upsert"}, "primary_key"),
    ],
)
def test_what_rest_cannot_do_is_refused_before_anything_is_asked(
    tmp_path: Path, options: dict[str, Any], what: str
) -> None:
    client = made(url="http://127.0.0.1:1", key="sb_secret_x")
    workspace = Workspace(tmp_path, tmp_path)
    with pytest.raises(ConfigError, match=what) as caught:
        Writer(client, Options({"table": "t", **options}), workspace).token(MANY.schema, Run("r", "p", "s", 1))
    assert caught.value.exit_code == 2
    assert what == "primary_key" or "dsn" in (caught.value.hint or "") or "schema" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("rows", "error", "what"),
    [
        (pa.table({"id": [1], "nickname": ["x"]}), DataError, "no column 'nickname'"),
        (pa.table({"id": ["1"]}), DataError, "'id'"),
    ],
)
def test_rows_that_the_table_cannot_take_are_refused_before_anything_is_sent(
    target: Target, rows: pa.Table, error: type[OsirisError], what: str
) -> None:
    with pytest.raises(error, match=what):
        target.staged(rows)
    assert target.sent == []
    assert list(target.root.glob("*")) == []


def test_a_missing_table_a_missing_right_and_a_key_without_an_index_are_told_at_the_beginning(target: Target) -> None:
    with pytest.raises(NotFound) as caught:
        target.staged(MANY, table="nothing")
    assert "dsn" in (caught.value.hint or "")
    with pytest.raises(OsirisError, match="unique or exclusion constraint"):
        target.staged(MANY, write_mode="upsert", primary_key="name")
    target.rest.database.sql("REVOKE INSERT ON t FROM service_role")
    with pytest.raises(PermissionDenied):
        target.staged(MANY)


def test_a_dry_run_sends_nothing_and_says_what_is_promised(target: Target) -> None:
    with target.client() as client:
        writer = target.writer(client)
        told = writer.foresee(writer.token(MANY.schema, target.run), MANY.schema)
    assert "at-least-once" in told[0]
    assert [asked.method for asked in target.rest.asked] == ["GET"] * len(target.rest.asked)


def test_an_anon_key_writes_what_policies_let_it(target: Target) -> None:
    with target.client(key=target.rest.publishable_key) as client:
        writer = target.writer(client)
        token = writer.token(MANY.schema, target.run)
        assert len(writer.foresee(token, MANY.schema)) == 2
        writer.begin(token, MANY.schema)
        part = writer.write(token, Batches.of(MANY.schema, MANY.to_batches(), "rows"))
        writer.commit(token, [part], None)
    assert len(target.rows()) == 100
