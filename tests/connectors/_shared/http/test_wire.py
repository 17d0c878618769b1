"""What lies below a request: time that runs out, interrupts, TLS and proxies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from osiris.connectors._shared.http.endpoint import Endpoint, Retries, Timeouts
from osiris.connectors._shared.http.limits import Limiter, Limits
from osiris.connectors._shared.http.session import Request, Session
from osiris.errors import Cancelled, ConfigError, NetworkFailed, OsirisError, TimedOut, TlsFailed
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors.patience import Blocked, until
from tests.servers.certificates import Authority
from tests.servers.talker import Talker
from tests.servers.web import Asked, Reply, Web

GET = Request("GET", "t")
ONCE = Retries(attempts=1)


@contextmanager
def opened(url: str, **endpoint: Any) -> Iterator[Session]:
    session = Session(Endpoint(url, retries=ONCE, **endpoint), Limiter(Limits()))
    try:
        yield session
    finally:
        session.close()


@contextmanager
def faulty(fault: Fault, times: Timeouts, scheme: str = "http") -> Iterator[tuple[FaultProxy, Session]]:
    """A session to a server behind a proxy with that fault."""
    with Web(well) as web, FaultProxy("127.0.0.1", web.port, fault) as proxy:
        url = f"{scheme}://127.0.0.1:{proxy.port}"
        session = Session(Endpoint(url, retries=ONCE, timeouts=times), Limiter(Limits()))
        yield proxy, session
        session.close()


def failure(session: Session) -> OsirisError:
    with pytest.raises(OsirisError) as failed:
        session.send(GET)
    return failed.value


def well(_: Asked) -> Reply:
    return Reply(body=b"[" + b"1," * 500 + b"1]")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("ca") / "ca")


@pytest.fixture(scope="module")
def secure(authority: Authority) -> Iterator[Web]:
    with Web(well, certificate=authority.sign("here", "DNS:localhost", "IP:127.0.0.1")) as web:
        yield web


# time


def test_a_server_that_says_nothing_is_left() -> None:
    with faulty(Fault("stall"), Timeouts(read_s=0.2)) as (_, session):
        error = failure(session)
    assert isinstance(error, TimedOut)
    assert "silent for 0.2 s" in str(error)


@pytest.mark.parametrize("after_bytes", [0, 300], ids=["headers", "body"])
def test_a_slow_drip_meets_the_total_time(after_bytes: int) -> None:
    """Each byte comes well within the time to read."""
    drip = Fault("drip", after_bytes=after_bytes, wait_s=0.01)
    with faulty(drip, Timeouts(read_s=30, total_s=0.3)) as (proxy, session):
        error = failure(session)
        assert (error.code, "0.3 s" in str(error)) == ("http.total_timeout", True)
        proxy.mend()
        assert session.send(GET).status == 200  # only that one request is over


def test_a_body_without_a_length_that_drips_is_not_taken_for_whole() -> None:
    words = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"1" * 1000
    times = Timeouts(read_s=30, total_s=0.3)
    with Talker(words) as talker, FaultProxy("127.0.0.1", talker.port, Fault("drip", wait_s=0.002)) as proxy:
        session = Session(Endpoint(f"http://127.0.0.1:{proxy.port}", retries=ONCE, timeouts=times), Limiter(Limits()))
        assert failure(session).code == "http.total_timeout"
        session.close()


def test_a_host_that_takes_no_connection_is_left(silent_port: int) -> None:
    with opened(f"http://127.0.0.1:{silent_port}", timeouts=Timeouts(connect_s=0.2)) as session:
        error = failure(session)
    assert isinstance(error, TimedOut)
    assert "within 0.2 s" in str(error)


def test_a_name_that_nobody_knows_is_told() -> None:
    with opened("http://nobody.invalid") as session:
        error = failure(session)
    assert (type(error), error.code) == (NetworkFailed, "connection.dns")


# interrupts


@pytest.mark.parametrize("where", ["handshake", "headers", "body"])
def test_a_request_is_interrupted_wherever_it_blocks(where: str) -> None:
    fault = Fault("stall", after_bytes=300 if where == "body" else 0)
    with faulty(fault, Timeouts(), "https" if where == "handshake" else "http") as (proxy, session):
        blocked = Blocked(lambda: session.send(GET))
        until(lambda: proxy.hits["stall"])
        assert isinstance(blocked.interrupted_by(session.interrupt), Cancelled)
        assert isinstance(failure(session), Cancelled)  # it holds


def test_a_connection_that_is_not_there_yet_is_interrupted(silent_port: int) -> None:
    with opened(f"http://127.0.0.1:{silent_port}") as session:
        assert isinstance(Blocked(lambda: session.send(GET)).interrupted_by(session.interrupt), Cancelled)


def test_a_wait_before_the_next_attempt_is_interrupted() -> None:
    came = threading.Event()

    def busy(_: Asked) -> Reply:
        came.set()
        return Reply(503)

    with Web(busy) as web:
        session = Session(Endpoint(web.url, retries=Retries(wait_s=600)), Limiter(Limits()))
        blocked = Blocked(lambda: session.send(GET))
        assert came.wait(30)
        assert isinstance(blocked.interrupted_by(session.interrupt), Cancelled)
        session.close()


# TLS


def test_a_certificate_of_the_named_authority_is_believed(secure: Web, authority: Authority) -> None:
    with opened(secure.url, ca=authority.ca) as session:
        assert len(session.send(GET).json()) == 501
        assert session.send(GET).status == 200


def test_a_certificate_of_nobody_is_not(secure: Web) -> None:
    with opened(secure.url) as session:
        error = failure(session)
    assert (type(error), error.code) == (TlsFailed, "http.certificate")
    assert "authority" in (error.hint or "")


def test_a_certificate_for_another_name_is_not(authority: Authority) -> None:
    there = authority.sign("there", "DNS:elsewhere.test")
    with Web(well, certificate=there) as web, opened(web.url, ca=authority.ca) as session:
        error = failure(session)
    assert (type(error), error.code) == (TlsFailed, "http.certificate")


def test_tls_towards_a_server_without_it_is_told() -> None:
    with Web(well) as web, opened(web.url.replace("http:", "https:")) as session:
        assert isinstance(failure(session), TlsFailed)


def test_no_tls_towards_a_server_with_it_is_told(secure: Web) -> None:
    with opened(secure.url.replace("https:", "http:")) as session:
        assert type(failure(session)) is NetworkFailed


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_handshake_that_is_cut_off_sent_nothing(secure: Web, authority: Authority, kind: Any) -> None:
    """So that even what must not happen twice is tried again."""
    secure.asked.clear()
    with FaultProxy("127.0.0.1", secure.port, Fault(kind, connection=0)) as proxy:
        retries = Retries(attempts=2, wait_s=0)
        endpoint = Endpoint(f"https://127.0.0.1:{proxy.port}", ca=authority.ca, retries=retries)
        session = Session(endpoint, Limiter(Limits()))
        assert session.send(Request("POST", "t", body=b"[1]")).status == 200
        session.close()
        assert (proxy.hits[kind], len(secure.asked)) == (1, 1)


def test_a_redirect_out_of_the_encryption_is_not_followed(authority: Authority) -> None:
    certificate = authority.sign("away", "IP:127.0.0.1")
    with Web(well) as plain, Web(lambda _: Reply(302, headers={"Location": plain.url}), certificate) as web:
        session = Session(Endpoint(web.url, ca=authority.ca), Limiter(Limits()))
        error = failure(session)
        assert (error.code, plain.asked) == ("http.redirect", [])
        session.close()


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none_is_told(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "ca.pem").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as failed:
        Session(Endpoint("https://api.test", ca=tmp_path / "ca.pem"), Limiter(Limits()))
    assert failed.value.code == "http.ca"


# proxies


def test_a_proxy_passes_plain_requests_on() -> None:
    with Web(well) as proxy, opened("http://api.test/v1", proxy=f"http://me:p%40w@127.0.0.1:{proxy.port}") as session:
        assert session.send(GET).status == 200
        (asked,) = proxy.asked
        assert asked.path == "http://api.test/v1/t"
        assert asked.headers["proxy-authorization"] == "Basic bWU6cEB3"


def test_a_proxy_that_allows_no_tunnel_is_told() -> None:
    with Web(lambda _: Reply(407)) as proxy, opened("https://api.test", proxy=proxy.url) as session:
        error = failure(session)
        assert [(asked.method, asked.path) for asked in proxy.asked] == [("CONNECT", "api.test:443")]
    assert (type(error), error.code) == (NetworkFailed, "http.proxy")
    assert "407" in str(error)


def test_what_a_proxy_was_asked_for_a_tunnel_is_no_request_that_left() -> None:
    with Web(lambda _: Reply(502)) as proxy:
        endpoint = Endpoint("https://api.test", proxy=proxy.url, retries=Retries(attempts=3, wait_s=0))
        session = Session(endpoint, Limiter(Limits()))
        with pytest.raises(NetworkFailed):
            session.send(Request("POST", "t", body=b"[1]"))
        session.close()
        assert len(proxy.asked) == 3
