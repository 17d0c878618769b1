"""The fault proxy between real sockets: each fault does what it says, at the byte that it names."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from osiris.testing.faults import Fault, FaultProxy, chaos

LIMIT_S = 10.0


class Echo:
    """A server that keeps what it got of each connection and sends it back."""

    def __init__(self) -> None:
        self.got: list[bytearray] = []
        self.ended = threading.Condition()
        self.ends: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.got.append(bytearray())
            self._threads.append(threading.Thread(target=self._serve, args=(sock, self.got[-1]), daemon=True))
            self._threads[-1].start()

    def _serve(self, sock: socket.socket, got: bytearray) -> None:
        end = "closed"
        with sock:
            try:
                while chunk := sock.recv(4096):
                    got.extend(chunk)
                    sock.sendall(chunk)
            except ConnectionError:
                end = "reset"
        with self.ended:
            self.ends.append(end)
            self.ended.notify_all()

    def wait_for_end(self) -> str:
        with self.ended:
            assert self.ended.wait_for(lambda: self.ends, LIMIT_S), "the server's connection never ended"
        return self.ends[0]

    def close(self) -> None:
        with suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT_S)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


def talk(proxy: FaultProxy, *messages: bytes, limit_s: float = LIMIT_S) -> tuple[bytes, str]:
    """Send the messages, each after the answer to the one before; what came back, and how it ended."""
    got = b""
    try:
        with socket.create_connection((proxy.host, proxy.port), limit_s) as sock:
            for message in messages:
                sock.sendall(message)
                wanted = len(got) + len(message)
                while len(got) < wanted:
                    chunk = sock.recv(4096)
                    if not chunk:
                        return got, "closed"
                    got += chunk
    except ConnectionError:
        return got, "reset"
    except TimeoutError:
        return got, "silent"
    return got, "answered"


def test_without_faults_every_byte_goes_both_ways(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port) as proxy:
        assert talk(proxy, b"one", b"x" * 500_000) == (b"one" + b"x" * 500_000, "answered")
    # Once it is closed: a byte is counted after it was passed on, so the client may be ahead of the count.
    assert proxy.bytes_passed == {"to_server": 500_003, "to_client": 500_003}
    assert proxy.hits == {}


def test_what_has_arrived_is_counted(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port) as proxy, socket.create_connection((proxy.host, proxy.port)) as sock:
        sock.settimeout(LIMIT_S)
        for count in range(1, 1000):
            sock.sendall(b"a")
            assert sock.recv(1) == b"a"
            assert proxy.bytes_passed == {"to_server": count, "to_client": count}


def test_it_cuts_after_so_many_bytes(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port, Fault("cut", "to_client", after_bytes=5)) as proxy:
        assert talk(proxy, b"abc", b"defgh") == (b"abcde", "closed")
        assert proxy.hits == {"cut": 1}


def test_it_resets(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port, Fault("reset", "to_server", at=b"boom")) as proxy:
        assert talk(proxy, b"fine", b"boom") == (b"fine", "reset")
        assert echo.wait_for_end() == "reset"
        assert bytes(echo.got[0]) == b"fine"


def test_the_server_never_gets_the_pattern_whole_though_it_comes_in_two_chunks(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port, Fault("cut", "to_server", at=b"COMMIT")) as proxy:
        assert talk(proxy, b"insert", b"COM", b"MIT;") == (b"insertCOM", "closed")
        echo.wait_for_end()
        assert bytes(echo.got[0]) == b"insertCOM"


def test_a_pattern_that_is_too_long_to_be_looked_for_is_refused() -> None:
    Fault("cut", at=b"x" * 256)
    with pytest.raises(ValueError, match="257 bytes"):
        Fault("cut", at=b"x" * 257)


def test_a_lost_answer_is_lost_after_the_server_has_done_its_work(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port, Fault("cut", "to_server", at=b"COMMIT", lose_answer=True)) as proxy:
        assert talk(proxy, b"insert", b"COMMIT") == (b"insert", "closed")
        echo.wait_for_end()
        assert bytes(echo.got[0]) == b"insertCOMMIT"


def test_a_half_close_ends_one_way_only(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port, Fault("half_close", "to_server", after_bytes=3)) as proxy:
        assert talk(proxy, b"abcdef") == (b"abc", "closed")
        assert echo.wait_for_end() == "closed"


@pytest.mark.parametrize("fault", [Fault("stall", "to_client", after_bytes=2), Fault("stall", "to_server")])
def test_a_stall_keeps_the_connection_and_says_nothing(echo: Echo, fault: Fault) -> None:
    with FaultProxy("127.0.0.1", echo.port, fault) as proxy:
        assert talk(proxy, b"abc", limit_s=0.3) == (b"ab" if fault.after_bytes else b"", "silent")
        assert proxy.hits == {"stall": 1}


def test_a_blackhole_accepts_and_is_silent_even_without_a_server() -> None:
    with FaultProxy("127.0.0.1", 1, Fault("blackhole")) as proxy:
        assert talk(proxy, b"hello", limit_s=0.3) == (b"", "silent")


def test_without_a_server_the_client_sees_a_failure() -> None:
    with FaultProxy("127.0.0.1", 1) as proxy:
        assert talk(proxy, b"hello")[1] in ("closed", "reset")


@pytest.mark.parametrize(("kind", "least_s"), [("delay", 0.2), ("drip", 0.3)])
def test_slow_lines_are_slow_and_lose_nothing(echo: Echo, kind: str, least_s: float) -> None:
    """A lower limit: waiting less is impossible, waiting longer on a busy machine is not."""
    fault = Fault("delay", wait_s=0.2) if kind == "delay" else Fault("drip", wait_s=0.03)
    with FaultProxy("127.0.0.1", echo.port, fault) as proxy:
        started = time.monotonic()
        assert talk(proxy, b"0123456789") == (b"0123456789", "answered")
        assert time.monotonic() - started >= least_s


def test_a_fault_can_be_for_one_connection_and_be_mended(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port, Fault("cut", "to_server", connection=0)) as proxy:
        assert talk(proxy, b"a") == (b"", "closed")
        assert talk(proxy, b"a") == (b"a", "answered")
        proxy.mend(Fault("cut", "to_server"))
        assert talk(proxy, b"a") == (b"", "closed")
        proxy.mend()
        assert talk(proxy, b"a") == (b"a", "answered")
        assert proxy.connections == 4


def test_hanging_up_closes_what_is_open_and_new_connections_are_taken(echo: Echo) -> None:
    with FaultProxy("127.0.0.1", echo.port) as proxy:
        with socket.create_connection((proxy.host, proxy.port)) as sock:
            sock.settimeout(LIMIT_S)
            sock.sendall(b"a")
            assert sock.recv(1) == b"a"
            proxy.hang_up()
            assert sock.recv(1) == b""
        assert talk(proxy, b"a") == (b"a", "answered")


def test_chaos_is_the_same_for_a_seed() -> None:
    assert chaos(7, 20) == chaos(7, 20)
    assert chaos(7, 20) != chaos(8, 20)
    assert {fault.kind for fault in chaos(1, 200)} == {"reset", "cut", "half_close", "stall", "drip", "delay"}


def test_closing_ends_every_thread_and_every_blocked_end(echo: Echo) -> None:
    before = threading.active_count()
    proxy = FaultProxy("127.0.0.1", echo.port, Fault("stall"), Fault("blackhole", connection=1)).__enter__()
    with socket.create_connection((proxy.host, proxy.port)) as one, socket.create_connection((proxy.host, proxy.port)):
        one.sendall(b"x")
        deadline = time.monotonic() + LIMIT_S
        while len(proxy.hits) < 2:
            assert time.monotonic() < deadline, proxy.hits
            time.sleep(0.01)
        proxy.close()
        one.settimeout(LIMIT_S)
        assert one.recv(1) == b""
    echo.wait_for_end()
    echo.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("osiris-proxy")] == []
    assert threading.active_count() <= before
