"""`Session`: requests to one API, sent again only where that is safe, within the limits that all its clients share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from osiris import __version__
from osiris.connectors._shared.http.answers import Answer, Judge, by_status
from osiris.connectors._shared.http.endpoint import Endpoint, joined, origin_of, shown
from osiris.connectors._shared.http.limits import CLOCK, Clock, Limiter, waits_too_long
from osiris.connectors._shared.http.wire import Wire
from osiris.errors import OsirisError, RateLimited, SourceError
from osiris.secrets import redactor

log = logging.getLogger(__name__)
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
MOVED = frozenset({301, 302, 303, 307, 308})
SECRET_HEADERS = frozenset({"authorization", "apikey", "api-key", "x-api-key", "cookie", "proxy-authorization"})
USER_AGENT = f"osiris/{__version__}"


@dataclass(frozen=True, slots=True)
class Request:
    """`url` is whole, or a path below the endpoint's. `idempotent` says that twice does no more than once: unsaid, the
    method decides; a POST that only reads says so. `judge` tells good answers from bad ones."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    idempotent: bool | None = None
    judge: Judge = by_status

    @property
    def may_repeat(self) -> bool:
        return self.method in IDEMPOTENT if self.idempotent is None else self.idempotent


class Session:
    """Used by one thread at a time; another one may `interrupt` it. Connections are kept alive between requests."""

    def __init__(self, endpoint: Endpoint, limiter: Limiter, clock: Clock = CLOCK) -> None:
        self.endpoint = endpoint
        self._limiter = limiter
        self._clock = clock
        self._wire = Wire(endpoint)

    def close(self) -> None:
        """Idempotent; a request that follows connects again."""
        self._wire.close()

    def interrupt(self) -> None:
        """From another thread: what blocks ends within a second, as Cancelled. Sticky."""
        self._wire.line.cut()

    def send(self, request: Request) -> Answer:
        """The answer that `request.judge` takes; else its error, or the network's, after as many attempts as are
        allowed and safe."""
        request = replace(request, url=self.endpoint.url(request.url))
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request, attempt)
            if isinstance(outcome, Answer):
                return outcome
            self._wait_or_raise(outcome, attempt)

    def _attempt(self, request: Request, attempt: int) -> Answer | _Failure:
        """One turn, with its line in the debug log."""
        line, longest_wait_s = self._wire.line, self.endpoint.retries.longest_wait_s
        where = redactor.text(f"{request.method} {request.url}")
        with self._limiter.turn(line, longest_wait_s):
            began_at = self._clock.now()
            try:
                answer = self._follow(request)
            except OsirisError as error:
                left = self._wire.left
                sent = "after it was sent" if left else "before it was sent"
                log.debug("%s, attempt %d: %s %s: %s", where, attempt, type(error).__name__, sent, error)
                return _Failure(error, request.may_repeat or not left, None)
            took_s = self._clock.now() - began_at
        log.debug("%s, attempt %d: %d, %d bytes, %.3f s", where, attempt, answer.status, len(answer.body), took_s)
        refusal = request.judge(answer)
        if refusal is None:
            return answer
        return _Failure(refusal.error, request.may_repeat or refusal.untouched, _asked_s(refusal.error, answer))

    def _wait_or_raise(self, failure: _Failure, attempt: int) -> None:
        """Wait before the next attempt, as long as the server asks where it does; raise when there is none."""
        error, retries = failure.error, self.endpoint.retries
        if failure.asked_s is not None:
            self._limiter.hold_off(failure.asked_s)
        if error.retryable and not failure.is_safe:
            error.hint = f"it may have been done, and was not sent again; {error.hint or 'look there first'}"
        if not error.retryable or not failure.is_safe or attempt >= retries.attempts:
            raise error
        if failure.asked_s is None:
            self._clock.wait(self._wire.line, retries.wait_s * 2 ** (attempt - 1))
        elif failure.asked_s > retries.longest_wait_s:
            raise waits_too_long(failure.asked_s) from error

    def _follow(self, request: Request) -> Answer:
        """The answer at the end of the redirects."""
        url = request.url
        with self._wire.timed():
            for _ in range(self.endpoint.caps.redirects + 1):
                status, headers, body = self._wire.exchange(
                    request.method, url, self._headers(request, url), request.body
                )
                answer = Answer(request.method, url, status, headers, body, self._clock.wall())
                target = headers.get("location")
                if status not in MOVED or target is None:
                    return answer
                url = self._redirected(request, answer, joined(url, target))
        raise SourceError(
            f"{answer.where} redirects on and on, now to {shown(url)}",
            code="http.redirects",
            hint="check the url: http or https, and the path",
        )

    def _redirected(self, request: Request, answer: Answer, url: str) -> str:
        """`url`, where what is sent may follow. A body is sent again only within the origin and by 307 and 308, which
        keep the method."""
        here, there = origin_of(answer.url), origin_of(url)
        reads = request.method in ("GET", "HEAD")
        if here[0] == "https" and there[0] == "http":
            reason = "which is not encrypted"
        elif not reads and here != there:
            reason = "with data that is meant for this server only"
        elif not reads and answer.status not in (307, 308):
            reason = "which would make it a GET"
        else:
            return url
        raise SourceError(
            f"{answer.where} redirects to {shown(url)}, {reason}: not followed",
            code="http.redirect",
            hint="set the connection's url to where the API really is",
        )

    def _headers(self, request: Request, url: str) -> dict[str, str]:
        """Credentials only for the endpoint's own origin, whoever named the url."""
        base = {"user-agent": USER_AGENT, "accept": "application/json", "accept-encoding": "gzip"}
        given = {**self.endpoint.headers, **self.endpoint.credentials, **request.headers}
        own = origin_of(url) == self.endpoint.origin
        secret = SECRET_HEADERS | {name.lower() for name in self.endpoint.credentials}
        return base | {name.lower(): value for name, value in given.items() if own or name.lower() not in secret}


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed, whether the request may be sent again, and how long the server asks to wait first."""

    error: OsirisError
    is_safe: bool
    asked_s: float | None


def _asked_s(error: OsirisError, answer: Answer) -> float | None:
    """The judge's own figure goes before the header."""
    own_s = error.retry_after_s if isinstance(error, RateLimited) else None
    return answer.retry_after_s if own_s is None else own_s
