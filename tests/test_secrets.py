"""Redaction by value: a canary in every spelling, on every way out."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import sys
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.secrets import MASK, RedactingFilter, Redactor, redactor

CANARY = 'kö/Pa@ss "w0rd\\&+%=x'


def knowing(*secrets: object) -> Redactor:
    found = Redactor()
    for secret in secrets:
        found.add(secret)
    return found


SPELLINGS = {
    "raw": CANARY,
    "url": urllib.parse.quote(CANARY, safe=""),
    "url, slash kept": urllib.parse.quote(CANARY),
    "url, plus for space": urllib.parse.quote_plus(CANARY),
    "url, lower case": urllib.parse.quote(CANARY, safe="").replace("%2F", "%2f").replace("%C3%B6", "%c3%b6"),
    "url, some kept": urllib.parse.quote(CANARY, safe="!$&'()*+,;=:@"),
    "url, twice": urllib.parse.quote(urllib.parse.quote(CANARY, safe=""), safe=""),
    "json": json.dumps(CANARY)[1:-1],
    "json, not ascii": json.dumps(CANARY, ensure_ascii=False)[1:-1],
    "json in json": json.dumps(json.dumps(CANARY))[3:-3],
    "repr": repr(CANARY)[1:-1],
    "html": html.escape(CANARY),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_secret_is_masked_however_it_is_spelt(spelling: str) -> None:
    """LESSONS 15: URLs and bodies with tokens reached the logs."""
    assert knowing(CANARY).text(f"before {spelling} after") == f"before {MASK} after"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["standard", "url safe"])
@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user:", "longer:"])
@pytest.mark.parametrize("quoted", [False, True], ids=["as is", "quoted"])
def test_a_secret_is_masked_in_base64_at_each_offset(
    encode: Callable[[bytes], bytes], before: str, quoted: bool
) -> None:
    secret = "~~~???>>>s3cret"
    text = encode(f"{before}{secret}:tail".encode()).decode()
    other = encode(f"{before}{'x' * len(secret)}:tail".encode()).decode()
    theirs = [place for place, (one, two) in enumerate(zip(text, other, strict=True)) if one != two]
    core = text[theirs[0] + 1 : theirs[-1]]
    spelt = urllib.parse.quote(text, safe="") if quoted else text
    shown = urllib.parse.unquote(knowing(secret).text(f"Authorization: Basic {spelt}"))
    assert MASK in shown
    assert [core[n : n + 4] for n in range(len(core) - 3) if core[n : n + 4] in shown] == []


@given(st.text(min_size=4, max_size=30).filter(str.strip), st.text(max_size=20), st.text(max_size=20))
def test_whatever_the_secret_is_no_json_or_url_shows_it(secret: str, before: str, after: str) -> None:
    known = knowing(secret)
    for text in (before + secret + after, json.dumps([before + secret + after])):
        assert secret not in known.text(text).replace(MASK, "")
    encoded = urllib.parse.quote(secret, safe="", errors="surrogatepass")
    assert encoded not in known.text(f"https://h/?q={encoded}").replace(MASK, "")


def test_the_longest_secret_wins() -> None:
    assert knowing("hunter", "hunter2hunter").text("a hunter2hunter b hunter c") == "a *** b *** c"


def test_each_line_of_a_private_key_is_masked() -> None:
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvgIBADANBgkqhkiG9w0B",
        "AQEFAASCBKgwggSkAgEAAoIB",
        "-----END PRIVATE KEY-----",
    ]
    known = knowing("\n".join(lines))
    assert [known.text(f"log: {line}") for line in lines] == ["log: ***"] * 4
    assert known.text("\\n".join(lines)) == MASK


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc", "***"),
        ("postgres://u:abc@h/db", "postgres://u:***@h/db"),
        ("https://h/?x=1&key=abc", "https://h/?x=1&key=***"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ('{"password": "abc"}', '{"password": "***"}'),
        ("an abcess, abc and 1abc", "an abcess, abc and 1abc"),
        ("https://h/?x=abcd", "https://h/?x=abcd"),
    ],
)
def test_a_short_secret_is_masked_where_secrets_stand(text: str, shown: str) -> None:
    assert knowing("abc").text(text) == shown


@pytest.mark.parametrize("value", ["", "   ", True, False])
def test_what_is_no_secret_masks_nothing(value: object) -> None:
    assert knowing(value).text("True or False:    ''") == "True or False:    ''"


def test_the_leaves_of_plain_data_are_masked_before_they_are_serialised() -> None:
    data = {"a": ["x-hunter2-y", {"hunter2": ("hunter2", 7, None, True, 1.5)}]}
    assert knowing("hunter2").leaves(data) == {"a": ["x-***-y", {"***": ["***", 7, None, True, 1.5]}]}
    assert data["a"][0] == "x-hunter2-y"


def test_a_count_that_equals_a_secret_stays_a_number() -> None:
    """LESSONS 15: what was masked was not what was secret; a report's counts are none."""
    assert knowing("1000", 5).leaves({"rows_read": 1000, "steps": 5}) == {"rows_read": 1000, "steps": 5}


def logged(*secrets: str) -> tuple[logging.Logger, io.StringIO]:
    for secret in secrets:
        redactor.add(secret)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    logger = logging.getLogger("tests.secrets")
    logger.handlers, logger.propagate = [handler], False
    return logger, stream


def test_a_log_record_is_masked_in_message_arguments_traceback_and_stack() -> None:
    logger, stream = logged("canary-of-the-log")
    try:
        raise ValueError("canary-of-the-log in an exception")
    except ValueError:
        logger.exception("%s and %s", "canary-of-the-log", {"k": "canary-of-the-log"}, stack_info=True)
    assert "canary-of-the-log" not in stream.getvalue()
    assert "ValueError: *** in an exception" in stream.getvalue()


def test_a_handler_that_formats_the_exception_itself_gets_none() -> None:
    try:
        raise ValueError("text")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "m", (), sys.exc_info())
    assert RedactingFilter().filter(record)
    assert record.exc_info is None
    assert str(record.exc_text).endswith("ValueError: text")


def test_a_wrong_call_of_the_logger_is_still_masked_and_raises_nothing() -> None:
    logger, stream = logged("canary-of-a-wrong-call")
    logger.error("%d rows", "canary-of-a-wrong-call")
    assert "canary" not in stream.getvalue()
    assert "%d rows" in stream.getvalue()


@pytest.mark.parametrize("secret", ["\\" * 12, "\\\n" * 6, '\\"' * 6, "%25" * 6, "a" * 40, "    a    b"])
@pytest.mark.parametrize("run", ["\\", "%25", "a", " ", "\\\n", "\\u005c"])
def test_no_text_makes_the_search_slow(secret: str, run: str) -> None:
    """A search that backtracks without bound would not end before the tests' time limit."""
    text = run * 20_000 + "~"
    assert len(knowing(secret).text(text)) <= len(text)


def test_masking_a_secret_twice_changes_nothing() -> None:
    known = knowing("hunter2")
    known.add("hunter2")
    assert known.text(known.text("hunter2 is out")) == "*** is out"


def test_what_was_added_for_a_while_is_forgotten() -> None:
    found = knowing("long-before", "ab")
    with found.for_a_while():
        found.add("long-since")
        found.add("cd")
        assert found.text("long-before long-since token=ab token=cd") == f"{MASK} {MASK} token={MASK} token={MASK}"
    assert found.text("long-before long-since token=ab token=cd") == f"{MASK} long-since token={MASK} token=cd"
