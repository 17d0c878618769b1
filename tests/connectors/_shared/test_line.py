"""The socket below a connection: names, addresses that do not answer, and being cut before it was there."""

from __future__ import annotations

import socket
import threading

import pytest

from osiris.connectors._shared.line import Line, waited
from osiris.errors import Cancelled, NetworkFailed
from tests.connectors.patience import Blocked


def test_a_lookup_that_hangs_is_left_when_the_line_is_cut() -> None:
    """Nobody can interrupt getaddrinfo itself."""
    line, over = Line(), threading.Event()
    blocked = Blocked(lambda: waited(over.wait, 600, line.raise_if_cut))
    assert isinstance(blocked.interrupted_by(line.cut), Cancelled)
    over.set()


def test_a_lookup_that_takes_too_long_is_left() -> None:
    over = threading.Event()
    assert waited(over.wait, 0.1, lambda: None) is None
    over.set()


def test_a_name_has_its_addresses() -> None:
    assert (socket.AF_INET, ("127.0.0.1", 3306)) in Line().resolve("localhost", 3306, 10)


def test_an_address_that_refuses_is_followed_by_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        addresses = [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET, server.getsockname())]
        with Line().connect(addresses, 10) as connected:
            assert connected.getpeername() == server.getsockname()


def test_an_address_that_does_not_answer_leaves_time_for_the_next(silent_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        addresses = [(socket.AF_INET, ("127.0.0.1", silent_port)), (socket.AF_INET, server.getsockname())]
        with Line().connect(addresses, 1) as connected:
            assert connected.getpeername() == server.getsockname()


def test_the_last_failure_is_raised() -> None:
    with pytest.raises(ConnectionRefusedError):
        Line().connect([(socket.AF_INET, ("127.0.0.1", 1))] * 2, 10)
    with pytest.raises(NetworkFailed):
        Line().connect([], 10)


def test_a_line_that_was_cut_connects_to_nothing() -> None:
    line = Line()
    line.cut()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Cancelled):
        line.connect([(socket.AF_INET, server.getsockname())], 10)
