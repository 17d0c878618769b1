"""Tests that a connector tells nobody its secrets, however they are spelled. Promise 4 of the README."""

from __future__ import annotations

import base64
import html
import json
import logging
import pickle
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.client import failures
from osiris.testing.extractor import reading_of
from osiris.testing.rig import Rig, raised, stage
from osiris.testing.shapes import SCHEMA
from osiris.testing.writer import attempt, writing_of


class SecrecyTests:
    """The canaries are the values of the connection's secret fields, and wrong ones in their place."""

    @needs("client", "secrets")
    def test_the_canaries_can_be_told_apart(self, rig: Rig) -> None:
        """A secret like `test` stands in many texts by chance, and one of letters has one spelling only."""
        for name in rig.secret_fields():
            value = str(rig.subject.fields[name])
            assert len(value) >= 8, f"{name}: a canary needs 8 characters or more"
            assert quote(value, safe="") != value, f"{name}: a canary needs a character that URLs escape, such as /"

    @needs("client", "secrets")
    def test_no_error_tells_a_secret(self, rig: Rig) -> None:
        for error in opening_errors(rig) + _use(rig):
            known = rig.client_class.classify(error)
            for text in (known.message, str(known), repr(known), known.hint or "", repr(known.details)):
                assert not told(rig, text), (
                    f"an error tells {told(rig, text)}; raise it without, or let classify mask it"
                )

    @needs("client", "secrets")
    def test_no_repr_tells_a_secret(self, rig: Rig) -> None:
        for client in (rig.client(opened=False), rig.client()):
            for text in (repr(client), str(client), repr(client.connection), str(client.connection)):
                assert not told(rig, text), f"repr() tells {told(rig, text)}: logs and tracebacks show it"

    @needs("client", "secrets")
    def test_no_log_record_tells_a_secret(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            _use(rig)
            opening_errors(rig)
        for text in (f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records):
            assert not told(rig, text), f"a log record tells {told(rig, text)}"

    @needs("client", "secrets")
    def test_no_diagnosis_tells_a_secret(self, rig: Rig) -> None:
        for changes in ({}, *wrong_secrets(rig), *rig.subject.broken.values()):
            text = repr(rig.client(changes, opened=False).doctor(5.0, "full"))
            assert not told(rig, text), f"doctor tells {told(rig, text)}"

    @needs("client", "secrets")
    def test_no_connection_takes_its_secrets_to_another_process(self, rig: Rig) -> None:
        data = pickle.dumps(rig.connection()).decode("latin-1")
        assert not told(rig, data), "a pickled Connection holds its reference only"

    @needs("extractor", "secrets")
    def test_no_split_tells_a_secret(self, rig: Rig) -> None:
        """The ledger and the events keep splits and datasets."""
        reading = reading_of(rig)
        plan = rig.instance(reading.component, reading.options).plan(2, None)
        for value in (*plan.splits, *plan.datasets):
            text = repr(value)
            assert not told(rig, text), f"a {type(value).__name__} tells {told(rig, text)}"

    @needs("writer", "secrets")
    def test_no_token_tells_a_secret(self, rig: Rig) -> None:
        """The ledger and the report keep tokens, parts, and what a commit says."""
        writer = rig.instance(*writing_of(rig))
        token, part = stage(writer, [shapes.rows(0, 1)], SCHEMA, rig.run())
        for value in (token, part, writer.commit(token, [part], None)):
            assert not told(rig, repr(value)), f"a {type(value).__name__} tells {told(rig, repr(value))}"

    @needs("client", "secrets")
    def test_no_file_tells_a_secret(self, rig: Rig) -> None:
        """A file of settings for some library, say: whoever may read the folder for scratch or output may read it."""
        _use(rig)
        for path in (path for path in rig.folder.rglob("*") if path.is_file()):
            text = path.read_bytes().decode("latin-1")
            assert not told(rig, text), f"the file {path.relative_to(rig.folder)} tells {told(rig, text)}"


def _use(rig: Rig) -> list[Exception]:
    """Read and write, and read what is not there; the errors of that."""
    found: list[Exception | None] = []
    if rig.subject.reading is not None:
        reading = reading_of(rig)
        wanted = (reading.options, {**reading.options, **reading.missing})
        found += [rig.read(reading.component, options).error for options in wanted]
    if rig.subject.writing is not None:
        found.append(attempt(rig, [shapes.rows(0, 1)], SCHEMA))
    return [error for error in found if error is not None]


def wrong_secrets(rig: Rig) -> list[dict[str, str]]:
    """Changes of the connection, each with another secret that is wrong."""
    return [{name: f"not-{rig.subject.fields[name]}"} for name in rig.secret_fields()]


def opening_errors(rig: Rig) -> list[Exception]:
    """What broken connections and wrong secrets raise."""
    found = [raised(rig.client(changes, opened=False).open) for changes in wrong_secrets(rig)]
    return [error for error in found if error is not None] + [error for _, error in failures(rig)]


def told(rig: Rig, text: str) -> list[str]:
    """The names and spellings of the secrets that stand in `text`; the redactor is not asked."""
    return [
        f"{name} ({spelling})"
        for name in rig.secret_fields()
        for spelling, form in spellings(str(rig.subject.fields[name]))
        if form in text
    ]


def spellings(secret: str) -> Iterator[tuple[str, str]]:
    """A secret as texts may spell it."""
    yield "as it is", secret
    yield "in a URL", quote(secret, safe="")
    yield "in a query", quote_plus(secret)
    yield "in JSON", json.dumps(secret)[1:-1]
    yield "in Python", repr(secret)[1:-1]
    yield "in HTML", html.escape(secret)
    raw = secret.encode()
    for offset in range(3):
        start, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        yield "in base64", base64.b64encode(b"\0" * offset + raw)[start:end].decode()
        yield "in base64 of URLs", base64.urlsafe_b64encode(b"\0" * offset + raw)[start:end].decode()
