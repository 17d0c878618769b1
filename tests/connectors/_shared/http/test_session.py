"""Requests to real servers: what is sent, what is sent again, what is followed, and what is not taken."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol

import pytest

import osiris
from osiris.connectors._shared.http.answers import Answer, Refusal, by_status
from osiris.connectors._shared.http.endpoint import Caps, Endpoint, Retries
from osiris.connectors._shared.http.limits import Limiter, Limits
from osiris.connectors._shared.http.session import Request, Session
from osiris.errors import (
    AuthFailed,
    Busy,
    NetworkFailed,
    NotFound,
    OsirisError,
    RateLimited,
    SourceError,
)
from osiris.secrets import redactor
from osiris.testing.faults import Fault, FaultProxy
from tests.connectors._shared.http.clock import QuickClock
from tests.servers.talker import Talker
from tests.servers.web import Asked, Reply, Web

BOMB = gzip.compress(bytes(20 << 20), 1)
GET, POST = Request("GET", "t"), Request("POST", "t", body=b"[1]")


class Open(Protocol):
    def __call__(self, url: str, clock: QuickClock | None = None, **endpoint: Any) -> Session: ...


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Reply]], Web]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Web(answer))


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:

        def make(url: str, clock: QuickClock | None = None, **endpoint: Any) -> Session:
            clock = clock or QuickClock()
            session = Session(Endpoint(url, **endpoint), Limiter(Limits(), clock), clock)
            stack.callback(session.close)
            return session

        yield make


Serve = Callable[[Callable[[Asked], Reply]], Web]


def in_turn(*replies: Reply) -> Callable[[Asked], Reply]:
    left = iter(replies)
    return lambda _: next(left)


def failure(session: Session, request: Request) -> OsirisError:
    with pytest.raises(OsirisError) as failed:
        session.send(request)
    return failed.value


def test_a_request_says_who_asks_and_keeps_its_connection(serve: Serve, opened: Open) -> None:
    web = serve(lambda asked: Reply(body=asked.body or b"{}"))
    session = opened(web.url + "/v1", headers={"Accept-Profile": "shop"}, credentials={"apikey": "k"})
    assert session.send(replace(POST, headers={"Prefer": "return=minimal"})).json() == [1]
    assert session.send(GET).json() == {}
    posted, got = web.asked
    assert (posted.method, posted.path, posted.body, got.path) == ("POST", "/v1/t", b"[1]", "/v1/t")
    assert posted.headers["user-agent"] == f"osiris/{osiris.__version__}"
    assert {posted.headers[name] for name in ("accept-profile", "apikey", "prefer")} == {"shop", "k", "return=minimal"}
    assert "prefer" not in got.headers
    assert web.connections == 1


def test_several_headers_of_one_name_and_a_head(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(headers={"Link": "<a>", "link": "<b>", "Proxy-Status": "PostgREST; error=42501"}))
    answer = opened(web.url).send(Request("HEAD", "t"))
    assert (answer.headers["link"], answer.body) == ("<a>, <b>", b"")
    assert answer.headers["proxy-status"] == "PostgREST; error=42501"


# what is sent again


@pytest.mark.parametrize("request_", [GET, replace(POST, idempotent=True), Request("PUT", "t"), Request("DELETE", "t")])
def test_what_may_happen_twice_is_sent_again(serve: Serve, opened: Open, request_: Request) -> None:
    clock = QuickClock()
    web = serve(in_turn(Reply(503), Reply(502), Reply(504), Reply()))
    assert opened(web.url, clock).send(request_).status == 200
    assert (len(web.asked), clock.waits) == (4, [0.5, 1, 2])


def test_what_may_have_been_done_is_not_sent_again(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(503))
    error = failure(opened(web.url), POST)
    assert isinstance(error, Busy)
    assert "not sent again" in (error.hint or "")
    assert len(web.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 500])
def test_what_will_not_get_better_is_asked_once(serve: Serve, opened: Open, status: int) -> None:
    web = serve(lambda _: Reply(status))
    failure(opened(web.url), GET)
    assert len(web.asked) == 1


def test_attempts_come_to_an_end(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(503))
    assert isinstance(failure(opened(web.url, retries=Retries(attempts=3)), GET), Busy)
    assert len(web.asked) == 3


def by_code(answer: Answer) -> Refusal | None:
    """As PostgREST's codes are judged: 40001 did nothing, 21000 never will, and a page of HTML is no answer."""
    code = answer.json().get("code")
    if code == "40001":
        return Refusal(Busy("serialization"), untouched=True)
    return Refusal(SourceError("cardinality")) if code == "21000" else by_status(answer)


def test_the_code_in_the_body_decides_not_the_status(serve: Serve, opened: Open) -> None:
    post = replace(POST, judge=by_code)
    web = serve(in_turn(Reply(500, b'{"code": "40001"}'), Reply(201), Reply(500, b'{"code": "21000"}')))
    session = opened(web.url)
    assert session.send(post).status == 201
    assert str(failure(session, replace(post, idempotent=True))) == "cardinality"
    assert len(web.asked) == 3


def test_a_page_of_html_with_200_is_no_answer(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(200, b"<html><title>Log in</title></html>", content_type="text/html"))
    error = failure(opened(web.url), replace(GET, judge=by_code))
    assert (error.code, len(web.asked)) == ("http.html", 1)


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_a_request_whose_answer_is_lost_is_sent_again_only_when_it_may(serve: Serve, opened: Open, kind: Any) -> None:
    web = serve(lambda _: Reply())
    lost = Fault(kind, "to_server", at=b"/t HTTP", lose_answer=True, connection=0)
    for request, asked in ((replace(POST, idempotent=True), 2), (POST, 1)):
        web.asked.clear()
        with FaultProxy("127.0.0.1", web.port, lost) as proxy:
            session = opened(f"http://127.0.0.1:{proxy.port}")
            if request.may_repeat:
                assert session.send(request).status == 200
            else:
                error = failure(session, request)
                assert isinstance(error, NetworkFailed)
                assert "not sent again" in (error.hint or "")
            assert (proxy.hits[kind], len(web.asked)) == (1, asked)


def test_a_request_that_never_left_is_sent_again_whatever_it_is(opened: Open) -> None:
    clock = QuickClock()
    error = failure(opened("http://127.0.0.1:1", clock), POST)
    assert isinstance(error, NetworkFailed)
    assert "127.0.0.1:1 cannot be reached" in str(error)
    assert len(clock.waits) == 4


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply())
    with FaultProxy("127.0.0.1", web.port) as proxy:
        session = opened(f"http://127.0.0.1:{proxy.port}")
        session.send(POST)
        proxy.hang_up()
        session.send(POST)
    assert len(web.asked) == 2


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_is_cut_off_anywhere_is_never_taken(serve: Serve, opened: Open, chunked: bool) -> None:
    web = serve(lambda _: Reply(body=b"x" * 1900, chunked=chunked))
    for place in [*range(0, 170, 11), 400, 1300]:
        with FaultProxy("127.0.0.1", web.port, Fault("cut", after_bytes=place, connection=0)) as proxy:
            assert len(opened(f"http://127.0.0.1:{proxy.port}").send(GET).body) == 1900
            assert (proxy.hits["cut"], proxy.connections) == (1, 2)


# waiting for the server


def test_retry_after_is_obeyed_also_by_other_clients(serve: Serve) -> None:
    clock = QuickClock()
    limiter = Limiter(Limits(), clock)
    web = serve(in_turn(Reply(429, headers={"Retry-After": "17"}), Reply(), Reply(503), Reply()))
    one, other = (Session(Endpoint(web.url), limiter, clock) for _ in range(2))
    assert one.send(POST).status == 200  # 429 says that it was not done
    assert (clock.now(), clock.waits) == (17, [17])
    other.send(GET)
    assert clock.now() == 17.5
    one.close()
    other.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_too_long_ends_the_request(serve: Serve, opened: Open, status: int) -> None:
    clock = QuickClock()
    web = serve(lambda _: Reply(status, headers={"Retry-After": "3600"}))
    error = failure(opened(web.url, clock), GET)
    assert isinstance(error, RateLimited)
    assert (error.retry_after_s, len(web.asked), clock.waits) == (3600, 1, [])
    assert "3600 s" in str(error)


def test_the_judge_may_know_better_how_long_to_wait(serve: Serve, opened: Open) -> None:
    def judge(answer: Answer) -> Refusal | None:
        cost = answer.json().get("wait")
        return Refusal(RateLimited("throttled", retry_after_s=cost)) if cost else None

    clock = QuickClock()
    web = serve(in_turn(Reply(body=b'{"wait": 9}', headers={"Retry-After": "1"}), Reply()))
    opened(web.url, clock).send(replace(GET, judge=judge))
    assert clock.waits == [9]


# redirects


def test_a_redirect_is_followed_and_credentials_stay_at_home(serve: Serve, opened: Open) -> None:
    far = serve(lambda _: Reply())
    home = serve(lambda asked: Reply(302, headers={"Location": "/b" if asked.path == "/t" else f"{far.url}/c"}))
    session = opened(home.url, credentials={"X-Shop-Key": "1", "Authorization": "Bearer 2"}, headers={"X-Trace": "3"})
    session.send(replace(GET, headers={"Cookie": "4", "ApiKey": "5", "Prefer": "6"}))
    secret = {"x-shop-key", "authorization", "cookie", "apikey"}
    assert [asked.path for asked in home.asked] == ["/t", "/b"]
    assert all(secret <= set(asked.headers) for asked in home.asked)
    (asked,) = far.asked
    assert not secret & set(asked.headers)
    assert {"x-trace", "prefer"} <= set(asked.headers)


def test_a_whole_url_of_another_host_gets_no_credentials(serve: Serve, opened: Open) -> None:
    far = serve(lambda _: Reply())
    opened("http://127.0.0.1:1", credentials={"apikey": "k"}).send(Request("GET", far.url + "/x"))
    assert "apikey" not in far.asked[0].headers


def test_redirects_come_to_an_end(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(302, headers={"Location": "/t"}))
    assert failure(opened(web.url, caps=Caps(redirects=3)), GET).code == "http.redirects"
    assert len(web.asked) == 4


def test_a_body_goes_on_only_to_its_own_server(serve: Serve, opened: Open) -> None:
    far = serve(lambda _: Reply())
    replies = in_turn(
        Reply(307, headers={"Location": "/u"}),
        Reply(201),
        Reply(307, headers={"Location": far.url}),
        Reply(303, headers={"Location": "/u"}),
        Reply(302, headers={"Location": "ftp://x"}),
    )
    web = serve(replies)
    session = opened(web.url)
    assert session.send(POST).status == 201
    assert [asked.body for asked in web.asked] == [b"[1]", b"[1]"]
    assert [failure(session, POST).code for _ in range(3)] == ["http.redirect", "http.redirect", "http.url"]
    assert not far.asked


# what is not taken


def test_a_compressed_answer_is_unpacked(serve: Serve, opened: Open) -> None:
    rows = b'{"a": 12345}' * 100_000
    web = serve(
        in_turn(
            Reply(body=gzip.compress(rows), headers={"Content-Encoding": "gzip"}),
            Reply(body=gzip.compress(rows) + gzip.compress(b"{}"), headers={"Content-Encoding": "GZIP"}, chunked=True),
        )
    )
    session = opened(web.url)
    assert session.send(GET).body == rows
    assert session.send(GET).body == rows + b"{}"
    assert web.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("caps", "code"),
    [(Caps(), "http.bomb"), (Caps(body_bytes=1 << 20), "http.too_large"), (Caps(ratio=2000), None)],
)
def test_a_gzip_bomb_is_left_in_time(serve: Serve, opened: Open, caps: Caps, code: str | None, chunked: bool) -> None:
    web = serve(lambda _: Reply(body=BOMB, headers={"Content-Encoding": "gzip"}, chunked=chunked))
    session = opened(web.url, caps=caps)
    if code is None:
        assert len(session.send(GET).body) == 20 << 20
    else:
        assert failure(session, GET).code == code


def test_an_answer_that_is_too_large_is_left(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(body=bytes(200_000)))
    error = failure(opened(web.url, caps=Caps(body_bytes=100_000)), GET)
    assert (error.code, "100,000 bytes" in str(error)) == ("http.too_large", True)


WRONG_SUM = gzip.compress(b"{}", mtime=0)[:-8] + bytes(8)


@pytest.mark.parametrize(("coding", "body"), [("br", b"{}"), ("gzip", b"{}"), ("gzip", WRONG_SUM)])
def test_what_cannot_be_unpacked_is_told(serve: Serve, opened: Open, coding: str, body: bytes) -> None:
    web = serve(lambda _: Reply(body=body, headers={"Content-Encoding": coding}))
    assert failure(opened(web.url), GET).code == "http.encoding"


def test_a_compressed_answer_that_ends_early_is_asked_for_again(serve: Serve, opened: Open) -> None:
    whole = gzip.compress(b"[1, 2]")
    web = serve(in_turn(*(Reply(body=body, headers={"Content-Encoding": "gzip"}) for body in (whole[:-10], whole))))
    assert opened(web.url).send(GET).json() == [1, 2]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"SSH-2.0-OpenSSH\r\n", SourceError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NetworkFailed),
        (b"", NetworkFailed),
    ],
)
def test_a_server_that_speaks_something_else_is_told(opened: Open, words: bytes, kind: type[OsirisError]) -> None:
    with Talker(words) as talker:
        error = failure(opened(f"http://127.0.0.1:{talker.port}", retries=Retries(attempts=1)), GET)
    assert type(error) is kind
    assert f"127.0.0.1:{talker.port}" in str(error)


# the log


def test_the_debug_log_says_what_went_on_without_secrets(
    serve: Serve, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    redactor.add("sb_secret_of_the_log")
    web = serve(in_turn(Reply(503, b"sb_secret_of_the_log"), Reply(), Reply(404)))
    session = opened(web.url, credentials={"apikey": "sb_secret_of_the_log"})
    with caplog.at_level(logging.DEBUG, "osiris"):
        session.send(Request("GET", "t?key=sb_secret_of_the_log"))
        assert isinstance(failure(session, GET), NotFound)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("osiris")]
    assert [line.partition("attempt ")[2][:6] for line in lines] == ["1: 503", "2: 200", "1: 404"]
    assert "t?key=***" in lines[0]
    assert "sb_secret" not in "".join(lines)


def test_a_refused_key_is_told_once(serve: Serve, opened: Open) -> None:
    web = serve(lambda _: Reply(401, b'{"message": "Invalid API key"}'))
    error = failure(opened(web.url), GET)
    assert isinstance(error, AuthFailed)
    assert "Invalid API key" in str(error)
