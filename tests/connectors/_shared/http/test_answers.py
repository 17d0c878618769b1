"""What an answer says: Retry-After in both forms, JSON and what is none, statuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from osiris.connectors._shared.http.answers import Answer, by_status
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

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("GET", "https://user:pw@api.test/v1/t?select=a", status, named, body, NOW)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry_after": "120"}, 120),
        ({"retry_after": " 0 "}, 0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "Fri, 15 Jan 2027 08:01:00 GMT"}, 60),
        ({"retry_after": "Fri, 15 Jan 2027 07:01:00 GMT"}, 0),
        ({"retry_after": "Fri, 15 Jan 2027 09:01:00 GMT", "date": "Fri, 15 Jan 2027 09:00:00 GMT"}, 60),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], wait_s: float | None) -> None:
    assert answer(429, b"", **headers).retry_after_s == wait_s


def test_numbers_stay_exact_where_that_is_asked_for() -> None:
    body = b'{"n": 0.10000000000000000000000001, "big": 123456789012345678901234567890}'
    found = answer(body=body).json(exact=True)
    assert found == {"n": Decimal("0.10000000000000000000000001"), "big": 123456789012345678901234567890}
    assert answer(body=body).json()["n"] == 0.1


@pytest.mark.parametrize("type_", ["text/html; charset=utf-8", "application/json"])
def test_a_page_of_html_is_told_by_its_title(type_: str) -> None:
    page = b"\n<!DOCTYPE html><html><head><title>\n Sign in &amp; go </title></head></html>"
    with pytest.raises(SourceError, match=r"page of HTML, not JSON: Sign in & go$") as failed:
        answer(body=page, content_type=type_).json()
    assert (failed.value.code, failed.value.retryable) == ("http.html", False)
    assert "GET https://api.test/v1/t answered 200" in str(failed.value)
    assert "proxy" in (failed.value.hint or "")


@pytest.mark.parametrize("body", [b"", b'{"a": 1', b"\xff\xfe\xfa", b"[" * 100_000, b"oops"])
def test_what_is_no_json_is_shown(body: bytes) -> None:
    with pytest.raises(SourceError) as failed:
        answer(body=body).json()
    assert failed.value.code == "http.json"
    assert len(str(failed.value)) < 1000


def test_a_secret_that_the_server_echoes_is_masked() -> None:
    redactor.add("phx_very_secret_key")
    body = b'{"detail": "the key phx_very_secret_key is unknown"}'
    refusal = by_status(answer(401, body))
    assert refusal is not None
    assert "phx_very" not in str(refusal.error)
    assert "is unknown" in str(refusal.error)
    with pytest.raises(SourceError) as failed:
        answer(body=b"phx_very_secret_key").json()
    assert "phx_very" not in str(failed.value)


@pytest.mark.parametrize(
    ("status", "kind", "untouched"),
    [
        (400, SourceError, False),
        (401, AuthFailed, True),
        (403, PermissionDenied, True),
        (404, NotFound, True),
        (408, TimedOut, True),
        (429, RateLimited, True),
        (500, SourceError, False),
        (502, NetworkFailed, False),
        (503, Busy, False),
        (504, TimedOut, False),
        (524, TimedOut, False),
        (302, SourceError, False),
    ],
)
def test_a_status_alone(status: int, kind: type[OsirisError], untouched: bool) -> None:
    refusal = by_status(answer(status, b"no"))
    assert refusal is not None
    assert (type(refusal.error), refusal.untouched) == (kind, untouched)
    assert str(refusal.error) == f"GET https://api.test/v1/t answered {status}: no"


@pytest.mark.parametrize("status", [200, 201, 204, 206, 294])
def test_every_2xx_is_good(status: int) -> None:
    assert by_status(answer(status)) is None
