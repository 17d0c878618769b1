"""The contracts: what is pickled, what is masked, how errors of the system are told apart."""

from __future__ import annotations

import errno
import json
import multiprocessing
import pickle
import socket
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from osiris import errors
from osiris.connectors import base
from osiris.connectors.base import Client, Connection, Dataset, Options, Part, Run, Split, State, Token
from osiris.secrets import redactor

CONNECTION = Connection("box", "main", Path("/p"), {"host": "h", "password": "canary-of-base"}, {"host": "other"})
PLAIN = [
    Split(3, {"low": 1, "high": None}),
    State(1, {"cursor": "2026-01-01"}),
    Run("a1", "p", "load", 2, "key", sole=False),
    Token("a1", "load", Dataset("file", "x.csv"), True, {"staging": ["s"]}),
    Part(3, 1, 2, 100, {"sha256": "00"}),
]


T = TypeVar("T")


def same(value: T) -> T:
    return value


class Box(Client):
    def open(self) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    def close(self) -> None:
        return


class BoxThatCannotSay(Box):
    def checks(self, resources: Sequence[str] = ()) -> Sequence[base.Check]:
        raise RuntimeError(f"canary-of-base {resources}")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (errors.AuthFailed("no"), "check key: ${K}, password: line 3 of x.yaml"),
        (errors.AuthFailed("no", hint="or knock"), "check key: ${K}, password: line 3 of x.yaml; or knock"),
        (errors.AuthFailed("locked", code="connection.account_locked"), None),
        (errors.NetworkFailed("no", hint="call"), "call"),
    ],
)
def test_a_refused_login_says_where_its_secrets_are_written(error: errors.OsirisError, hint: str | None) -> None:
    places = {"key": "${K}", "password": "line 3 of x.yaml"}
    box = Box(replace(CONNECTION, secret_places=places))
    for _ in range(2):
        assert box.failure(error) is error
        assert error.hint == hint


def test_plain_data_is_json_and_passes_through_a_spawned_process() -> None:
    """DESIGN 3, trap 8."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert [pool.apply(same, (value,)) for value in PLAIN] == PLAIN
        assert pool.apply(same, (CONNECTION,)).fields is None
    for value in PLAIN:
        assert json.loads(json.dumps(base.to_json(value))) == base.to_json(value)  # type: ignore[arg-type]


def test_a_token_comes_back_from_the_ledgers_json() -> None:
    token = PLAIN[3]
    assert isinstance(token, Token)
    assert base.token_from_json(json.loads(json.dumps(base.to_json(token)))) == token
    assert token.commit_id == "a1/load"


def test_a_connection_pickles_as_its_reference_and_shows_no_field() -> None:
    """LESSONS 15."""
    data = pickle.dumps(CONNECTION)
    again = pickle.loads(data)  # noqa: S301 - our own bytes
    assert b"canary" not in data
    assert "canary" not in repr(CONNECTION)
    assert (again.reference, again.overrides, again.root) == ("@box.main", {"host": "other"}, Path("/p"))
    with pytest.raises(errors.ConfigError, match="was not resolved in this process"):
        again.get("host")


def test_a_field_that_is_not_set_is_an_error_by_name() -> None:
    with pytest.raises(errors.ConfigError, match=r"@box\.main has no 'port'"):
        CONNECTION["port"]
    assert CONNECTION.get("port", 5) == 5


def test_options_record_what_is_read() -> None:
    """LESSONS 13: nine declared options were read by no one."""
    options = Options({"table": "t", "limit": None, "unread": 1})
    assert (options["table"], options.get("limit", 9), "unread" in list(options)) == ("t", 9, True)
    assert options.reads == {"table", "limit"}
    again = pickle.loads(pickle.dumps(options))  # noqa: S301 - our own bytes
    assert (again.to_json(), again.reads) == (options.to_json(), set())


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (FileNotFoundError(2, "No such file", "x.csv"), errors.NotFound, "file.missing"),
        (PermissionError(13, "Permission denied", "x.csv"), errors.PermissionDenied, "file.permission"),
        (TimeoutError("timed out"), errors.TimedOut, "connection.timeout"),
        (ConnectionResetError(104, "reset"), errors.NetworkFailed, "connection.network"),
        (BrokenPipeError(32, "pipe"), errors.NetworkFailed, "connection.network"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), errors.NetworkFailed, "connection.network"),
        (socket.gaierror(-2, "Name or service not known"), errors.NetworkFailed, "connection.dns"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), errors.TlsFailed, "connection.tls"),
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), errors.WriteFailed, "disk.full"),
        (OSError(errno.EIO, "Input/output error"), errors.SourceError, "source.failed"),
        (RuntimeError("what now"), errors.SourceError, "source.failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_of_the_system_keeps_its_meaning(error: Exception, kind: type[Exception], code: str) -> None:
    """LESSONS 1: every exception was read as "no such table"."""
    known = Box.classify(error)
    assert (type(known), known.code, known.__cause__) == (kind, code, error)


def test_an_error_of_ours_passes_through_classify() -> None:
    error = errors.Busy("locked")
    assert Box.classify(error) is error


def test_a_foreign_errors_text_is_masked() -> None:
    redactor.add("canary-of-base")
    known = Box.classify(ValueError("GET https://h/?token=canary-of-base failed"))
    assert str(known) == "ValueError: GET https://h/?token=*** failed"
    assert known.args == (known.message,)


def test_doctor_of_an_unopened_client_opens_it_and_never_raises() -> None:
    found = Box(CONNECTION).doctor(timeout_s=2)
    assert [(check.id, check.category) for check in found.checks] == [("auth.login", "network")]
    redactor.add("canary-of-base")
    found = BoxThatCannotSay(CONNECTION).doctor(timeout_s=2)
    assert found.status == "failure"
    assert "canary" not in repr(found)
