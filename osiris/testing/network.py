"""Tests of what becomes of a read and a write whose connection breaks or falls silent: a proxy does it to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from osiris.connectors.base import Batches, Client, Part, Token
from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.client import interrupted
from osiris.testing.commit import OLD
from osiris.testing.extractor import reading_of
from osiris.testing.faults import Fault, FaultProxy
from osiris.testing.rig import LIMIT_S, SLACK_S, Rig, raised, stage
from osiris.testing.shapes import SCHEMA, Shape
from osiris.testing.silence import proxied
from osiris.testing.writer import in_order, look, rows_of, write, writing_of

MANY = [shapes.rows(10 * number, 10) for number in range(20)]


class NetworkReadTests:
    """The promises are those of `Client.interrupt` in osiris/connectors/base.py."""

    @needs("extractor", "network")
    def test_interrupt_ends_a_read_that_gets_no_answer(self, rig: Rig) -> None:
        reading = reading_of(rig)
        with proxied(rig) as (proxy, fields):
            rig.read(reading.component, reading.options, client=rig.client(fields)).fine()
            size_bytes = proxy.bytes_passed["to_client"]
        with proxied(rig, Fault("stall", after_bytes=size_bytes * 2 // 3)) as (proxy, fields):
            client = rig.client(fields)
            _ends_in_time(client, proxy, lambda: rig.read(reading.component, reading.options, client=client).fine())


class NetworkWriteTests:
    """The promises are those of `Writer` and of `Client.interrupt` in osiris/connectors/base.py."""

    @needs("writer", "network", "transaction")
    def test_interrupt_ends_a_write_that_gets_no_answer(self, rig: Rig) -> None:
        with proxied(rig) as (proxy, fields):
            client = rig.client(fields)
            writer, token = _begun(rig, client)
            proxy.mend(Fault("stall"))
            _ends_in_time(client, proxy, lambda: writer.write(token, Batches.of(SCHEMA, MANY)))

    @needs("writer", "network", "transaction")
    def test_a_write_whose_connection_breaks_is_whole_or_an_error(self, rig: Rig) -> None:
        """LESSONS 1: the host was gone, and the write reported success."""
        write(rig, OLD)
        before = look(rig)
        with proxied(rig) as (proxy, fields):
            client = rig.client(fields)
            writer, token = _begun(rig, client)
            proxy.mend(Fault("cut", "to_server", connection=proxy.connections - 1))
            error = raised(lambda: writer.commit(token, [writer.write(token, Batches.of(SCHEMA, MANY))], None))
            client.close()
        whole = in_order((before or []) + rows_of(MANY))
        assert look(rig) == (whole if error is None else before), f"the write ended with {error!r}, and this is visible"

    @needs("writer", "network", "transaction")
    def test_a_commit_whose_connection_breaks_can_be_settled(self, rig: Rig, mode: str) -> None:
        """Wherever it breaks, also once the server has done its work: `settle` knows, and finishing gives each row
        once. LESSONS 11: a lost answer duplicated rows."""
        for number, fault in enumerate(_faults_of_a_commit(rig, mode), 1):
            write(rig, OLD, mode)
            new = [shapes.rows(100 * number, 3)]
            _commit_and_settle(rig, mode, new, fault)
            assert [row for row in look(rig) or [] if row["id"] >= 100 * number] == in_order(rows_of(new))


def _commit_and_settle(rig: Rig, mode: str, rows: Shape, fault: Fault) -> None:
    """A write whose commit meets the fault; done again when it was not committed."""
    name, options = writing_of(rig, mode)
    before = look(rig)
    token, part, error = _commit(rig, mode, rows, fault)
    settled = rig.fresh(name, options, lambda writer: writer.settle(token, [part]))
    assert settled in ("committed", "not_committed"), f"the server answers, and settle says {settled}"
    assert (look(rig) != before) == (settled == "committed"), f"settle says {settled}, and it is not so"
    assert settled == "committed" or error is not None, "the commit was lost, and is reported as done"
    if settled == "not_committed":
        rig.fresh(name, options, lambda writer: writer.abort(token))
        write(rig, rows, mode)


def _begun(rig: Rig, client: Client) -> tuple[Any, Token]:
    """A writer that has begun on `client`, and its token."""
    writer = rig.instance(*writing_of(rig), client)
    token = writer.token(SCHEMA, rig.run())
    writer.begin(token, SCHEMA)
    return writer, token


def _ends_in_time(client: Client, proxy: FaultProxy, call: Callable[[], object]) -> None:
    """The call meets the proxy's stall, and an interrupt ends it."""
    ended, took_s = interrupted(call, client.interrupt, reached=lambda: proxy.hits["stall"])
    assert ended, "Client.interrupt has to end a call that waits for an answer"
    assert took_s <= LIMIT_S + SLACK_S, f"it took {took_s:.1f} s to end a call that waits, 1 s is promised"


def _faults_of_a_commit(rig: Rig, mode: str) -> list[Fault]:
    """Cuts at three places of what a commit sends, counted from its start, and one after it, before the answer."""
    with proxied(rig) as (proxy, fields):
        client, (name, options) = rig.client(fields), writing_of(rig, mode)
        writer = rig.instance(name, options, client)
        token, part = stage(writer, OLD, SCHEMA, rig.run())
        start = proxy.bytes_passed["to_server"]
        writer.commit(token, [part], None)
        client.close()
        size_bytes = proxy.bytes_passed["to_server"] - start
    rig.fresh(name, options, lambda writer: writer.finish(token))
    cuts = [Fault("cut", "to_server", after_bytes=size_bytes * third // 3) for third in range(3)]
    return [*cuts, Fault("cut", "to_server", after_bytes=max(0, size_bytes - 8), lose_answer=True)]


def _commit(rig: Rig, mode: str, rows: Shape, fault: Fault) -> tuple[Token, Part, Exception | None]:
    """A write whose commit meets the fault; the error of that."""
    with proxied(rig) as (proxy, fields):
        client = rig.client(fields)
        writer = rig.instance(*writing_of(rig, mode), client)
        token, part = stage(writer, rows, SCHEMA, rig.run())
        proxy.mend(replace(fault, after_bytes=proxy.bytes_passed["to_server"] + fault.after_bytes))
        error = raised(lambda: writer.commit(token, [part], None))
        client.close()
    return token, part, error
