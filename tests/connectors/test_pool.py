"""Clients, taken and given back: reused when they are well, never after an interrupt, and always closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris.connectors import registry
from osiris.connectors.base import Client, Connection
from osiris.connectors.pool import Pool
from osiris.errors import Cancelled, NetworkFailed, OsirisError
from tests.plugins import lab


@pytest.fixture
def pool() -> Iterator[Pool]:
    with lab.installed():
        pool = Pool(registry.load())
        yield pool
        pool.close()
        assert opened(pool) == []


def opened(pool: Pool) -> list[Any]:
    found: list[Any] = pool.registry.client("hostile").opened  # type: ignore[attr-defined]
    return found


def connection(alias: str = "main", **fields: Any) -> Connection:
    return Connection("hostile", alias, Path(), fields)


def test_a_client_that_was_given_back_is_used_again(pool: Pool) -> None:
    with pool.group().lease(connection()) as first:
        pass
    with pool.group().lease(connection()) as second:
        assert second is first
        with pool.group().lease(connection()) as third:
            assert third is not first
    with pool.group().lease(connection("other")) as fourth:
        assert fourth not in (first, third)


def test_a_client_that_must_be_new_is_new(pool: Pool) -> None:
    with pool.group().lease(connection()) as first:
        pass
    with pool.group().lease(connection(), reuse=False) as second:
        assert second is not first


def test_a_client_whose_work_failed_is_closed(pool: Pool) -> None:
    with pytest.raises(ValueError, match="work"), pool.group().lease(connection()):
        raise ValueError("the work failed")
    assert opened(pool) == []


def test_an_interrupted_group_gives_out_no_client_and_reuses_none(pool: Pool) -> None:
    group = pool.group()
    client = group.take(connection())
    group.interrupt()
    assert client.stopped.is_set()  # type: ignore[attr-defined]
    with pytest.raises(Cancelled):
        group.take(connection())
    group.give_back(client)
    assert opened(pool) == []
    with pool.group().lease(connection()) as another:
        assert another is not client


def test_an_interrupt_reaches_a_client_that_is_being_opened(pool: Pool) -> None:
    group = pool.group()
    seen: list[Client] = []
    caught: list[OsirisError] = []

    def take() -> None:
        try:
            group.take(connection(hangs=True), watch=seen.append)
        except OsirisError as error:
            caught.append(error)

    taker = threading.Thread(target=take)
    taker.start()
    lab.until(lambda: seen, "the client is made")
    group.interrupt()
    taker.join(lab.LIMIT_S)
    assert caught[0].message == "interrupted"
    assert caught[0].__cause__ is not None


def test_an_interrupt_that_raises_does_not_spare_the_others(pool: Pool) -> None:
    group = pool.group()
    clients = [group.take(connection(stumbles=True)), group.take(connection())]
    group.interrupt()
    assert all(client.stopped.is_set() for client in clients)  # type: ignore[attr-defined]
    group.close()


def test_closing_a_group_closes_what_is_in_use_and_ends_it(pool: Pool) -> None:
    group = pool.group()
    client = group.take(connection())
    group.close()
    assert opened(pool) == []
    group.give_back(client)
    group.drop(client)
    with pytest.raises(Cancelled):
        group.take(connection())


def test_a_client_that_cannot_be_opened_is_a_classified_error(pool: Pool) -> None:
    wrong = Connection("socketdb", "x", Path(), {"host": "127.0.0.1", "port": 1, "database": "x"})
    with pytest.raises(NetworkFailed):
        pool.group().take(wrong)
