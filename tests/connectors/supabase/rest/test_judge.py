"""What answers of PostgREST mean: by the code in the body, else in a header, else by the status."""

from __future__ import annotations

import json

import pytest

from osiris.connectors._shared.http.answers import Answer, Refusal
from osiris.connectors.supabase.rest.judge import judge
from osiris.errors import (
    AuthFailed,
    Busy,
    ConfigError,
    DataError,
    NotFound,
    OsirisError,
    PermissionDenied,
    SourceError,
    TimedOut,
)


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("GET", "https://x.supabase.co/rest/v1/t", status, given, body, 0.0)


def coded(status: int, code: str, **more: object) -> Answer:
    return answer(status, json.dumps({"code": code, "message": "it went wrong", **more}).encode())


def refused(given: Answer) -> Refusal:
    found = judge(given)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("status", "code", "kind", "is_retryable", "untouched"),
    [
        (500, "21000", SourceError, False, True),
        (500, "57014", TimedOut, False, True),
        (500, "40001", Busy, True, True),
        (409, "23505", DataError, False, True),
        (400, "22P02", DataError, False, True),
        (403, "42501", PermissionDenied, False, True),
        (401, "42501", PermissionDenied, False, True),
        (404, "42P01", NotFound, False, True),
        (404, "PGRST205", NotFound, False, True),
        (404, "PGRST202", NotFound, False, True),
        (400, "PGRST204", ConfigError, False, True),
        (406, "PGRST106", ConfigError, False, True),
        (401, "PGRST301", AuthFailed, False, True),
        (401, "PGRST303", AuthFailed, False, True),
        (503, "PGRST002", Busy, True, True),
        (504, "PGRST003", TimedOut, True, True),
        (503, "PGRST001", Busy, True, False),
        (503, "08006", OsirisError, True, False),
        (503, "57P01", OsirisError, True, False),
        (400, "PGRST999", SourceError, False, True),
    ],
)
def test_a_code_says_what_it_is_and_whether_it_may_be_sent_again(
    status: int, code: str, kind: type[OsirisError], is_retryable: bool, untouched: bool
) -> None:
    found = refused(coded(status, code))
    assert isinstance(found.error, kind)
    assert (found.error.retryable, found.untouched) == (is_retryable, untouched)
    assert (found.error.details["status"], found.error.details["sqlstate"]) == (status, code)
    assert "it went wrong" in found.error.message


def test_details_may_be_a_list() -> None:
    assert '[{"a": 1}]' in refused(coded(300, "PGRST201", details=[{"a": 1}])).error.message


def test_an_answer_without_a_body_tells_its_code_in_a_header() -> None:
    found = refused(answer(404, proxy_status="PostgREST; error=PGRST205"))
    assert isinstance(found.error, NotFound)
    assert found.error.code == "table.missing"


def test_a_gateway_is_judged_by_the_status_and_quoted() -> None:
    found = refused(answer(401, b'{"message": "Invalid API key"}'))
    assert isinstance(found.error, AuthFailed)
    assert found.error.message == "GET https://x.supabase.co/rest/v1/t answered 401: Invalid API key"
    large = refused(answer(413, b"<html><h1>413</h1></html>", content_type="text/html"))
    assert "batch_rows" in (large.error.hint or "")
    assert large.error.details["status"] == 413


@pytest.mark.parametrize("status", [502, 503, 504, 520])
def test_a_gateway_that_cannot_reach_the_server_is_asked_again(status: int) -> None:
    found = refused(answer(status, b"<html>", content_type="text/html"))
    assert found.error.retryable
    assert not found.untouched


def test_a_plain_500_is_not_asked_again() -> None:
    assert not refused(answer(500, b"{}")).error.retryable


def test_a_page_of_html_is_no_success_and_rows_are() -> None:
    assert refused(answer(200, b"<!doctype html><title>Sign in</title>")).error.code == "http.html"
    assert judge(answer(200, b"[]", content_type="application/json")) is None
    assert judge(answer(201)) is None
