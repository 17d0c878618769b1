"""`Answer`: what a server said, and `by_status`, which says what it means where the body says no more."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from osiris.connectors._shared.http.endpoint import shown
from osiris.errors import (
    AuthFailed,
    Busy,
    NetworkFailed,
    NotFound,
    OsirisError,
    PermissionDenied,
    RateLimited,
    SourceError,
    TimedOut,
)
from osiris.secrets import redactor

EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, its body decompressed. `headers` has lower-case names; `received_at` is the wall clock's."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: float

    @property
    def where(self) -> str:
        return f"{self.method} {shown(self.url)}"

    @property
    def content_type(self) -> str:
        """`application/json`, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def retry_after_s(self) -> float | None:
        """How long the server asks to wait; a date counts from the server's own clock where it tells that."""
        given = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d+)?", given):
            return float(given)
        until = _moment(given)
        if until is None:
            return None
        now = _moment(self.headers.get("date", "")) or datetime.fromtimestamp(self.received_at, UTC)
        return max(0.0, math.ceil((until - now).total_seconds()))

    def json(self, *, exact: bool = False) -> Any:
        """The body as JSON; with `exact`, numbers with a point are Decimal. Raises SourceError that shows what came."""
        try:
            return json.loads(self.body, parse_float=Decimal) if exact else json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self._not_json(error) from error

    def excerpt(self) -> str:
        """The beginning of the body on one line, secrets masked; of a page of HTML its title."""
        text = redactor.text(self.body[: 16 * EXCERPT].decode("utf-8", errors="replace"))
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL) if self.is_html else None
        line = " ".join(html.unescape(title.group(1) if title else text).split())
        return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"

    @property
    def is_html(self) -> bool:
        return "html" in self.content_type or self.body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))

    def _not_json(self, error: Exception) -> SourceError:
        if self.is_html:
            return SourceError(
                f"{self.where} answered {self.status} with a page of HTML, not JSON: {self.excerpt()}",
                code="http.html",
                hint="that is a proxy, a login page or a wrong url: open it in a browser from this machine",
            )
        reason = "nested too deeply" if isinstance(error, RecursionError) else redactor.text(str(error))
        return SourceError(
            f"{self.where} answered {self.status} with what is no JSON ({reason}): {self.excerpt()!r}",
            code="http.json",
            hint="check the url; if it is right, the server or what is in between broke the answer",
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is a failure. `untouched` says that the server surely did nothing, so that even what must not
    happen twice may be sent again; it is, when `error` is retryable."""

    error: OsirisError
    untouched: bool = False


Judge = Callable[[Answer], Refusal | None]
"""Says what an answer means, from the codes in its body; None when it is what was asked for."""


def by_status(answer: Answer) -> Refusal | None:
    """The judgement where the body tells nothing: any 2xx is good."""
    status = answer.status
    if 200 <= status < 300:
        return None
    said = f"{answer.where} answered {status}: {answer.excerpt()}".rstrip(": ")
    if status == 429:
        asked = answer.retry_after_s
        return Refusal(RateLimited(said, retry_after_s=asked, hint="fewer requests at a time, or wait"), untouched=True)
    for statuses, kind, hint in _MEANINGS:
        if status in statuses:
            return Refusal(kind(said, hint=hint), untouched=status < 500)
    return Refusal(SourceError(said, code="http.status"))


_MEANINGS: tuple[tuple[frozenset[int], type[OsirisError], str], ...] = (
    (frozenset({401}), AuthFailed, "the key was not accepted: is it whole, of the right kind, and not revoked?"),
    (frozenset({403}), PermissionDenied, "the key was accepted, but may not do this: check its role and scopes"),
    (frozenset({404, 410}), NotFound, "check the url, and the name"),
    (frozenset({408}), TimedOut, "the server gave up waiting for the request"),
    (frozenset({407}), NetworkFailed, "the proxy wants a user and a password: http://user:password@host:port"),
    (frozenset({502, 520, 521, 523}), NetworkFailed, "what is in front of the server cannot reach it"),
    (frozenset({503}), Busy, "the server takes no requests now"),
    (frozenset({504, 522, 524}), TimedOut, "the server did not answer in time: ask for less at once"),
)


def _moment(text: str) -> datetime | None:
    """An HTTP date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
