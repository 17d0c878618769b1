"""What each error number means: its class, whether to try again, and what to do."""

from __future__ import annotations

import pickle
import struct

import pytest
from pymysql import err

from osiris import errors
from osiris.connectors.mysql.client import Client
from osiris.errors import OsirisError
from osiris.secrets import redactor


def known(number: int, text: str = "the server's words") -> OsirisError:
    payload = b"\xff" + struct.pack("<H", number) + b"#HY000" + text.encode()
    with pytest.raises(err.MySQLError) as raised:
        err.raise_mysql_exception(payload)
    return Client.classify(raised.value)


@pytest.mark.parametrize(
    ("numbers", "kind", "retryable"),
    [
        ((1045, 1698, 1820, 1862, 3118, 4151, 1130), errors.AuthFailed, False),
        ((1251, 2059, 2061), errors.ConfigError, False),
        ((1129,), errors.ConnectionFailed, False),
        ((1044, 1142, 1143, 1227, 1370, 1290, 1836), errors.PermissionDenied, False),
        ((1040, 1203), errors.Busy, True),
        ((1226,), errors.RateLimited, False),
        ((1049, 1146), errors.NotFound, False),
        ((1052, 1054, 1055, 1064, 1066, 1193, 1242, 1305), errors.ConfigError, False),
        (
            (2002, 2003, 2005, 2006, 2013, 2055, 1053, 1158, 1159, 1160, 1161, 1184, 4031, 1927),
            errors.NetworkFailed,
            True,
        ),
        ((2026, 3159), errors.TlsFailed, False),
        ((1205, 1213, 1412, 1637, 1020), errors.Busy, True),
        ((3024, 1969, 1317), errors.TimedOut, False),
        ((1264, 1265, 1366, 1406, 1292, 1048, 1062, 4025, 1118), errors.DataError, False),
        ((1153, 1114), errors.WriteFailed, False),
        ((1105, 9999), errors.SourceError, False),
    ],
)
def test_a_number_has_its_class(numbers: tuple[int, ...], kind: type[OsirisError], retryable: bool) -> None:
    for number in numbers:
        found = known(number)
        assert type(found) is kind, number
        assert found.retryable is retryable, number
        assert found.message == f"the server's words (error {number})"


@pytest.mark.parametrize(
    "number", [1129, 1130, 1251, 2059, 3159, 1040, 1205, 1213, 1412, 1142, 1049, 1146, 1969, 1153, 1118]
)
def test_what_somebody_can_do_about_it_is_said(number: int) -> None:
    assert known(number).hint


def test_the_host_that_is_blocked_is_told_to_stop() -> None:
    assert str(known(1129).hint).startswith("stop trying")


def test_too_many_connections_of_one_user_are_worth_waiting_for() -> None:
    found = known(1226, "User 'u' has exceeded the 'max_user_connections' resource (current value: 5)")
    assert (type(found), found.retryable) == (errors.Busy, True)


@pytest.mark.parametrize(
    ("text", "column", "row"),
    [
        ("Out of range value for column 'amount' at row 3", "amount", 3),
        ("Incorrect date value: 'x' for column `db`.`t`.`the day` at row 12", "the day", 12),
        ("Column 'name' cannot be null", "name", None),
        ("Duplicate entry '1' for key 'PRIMARY'", None, None),
    ],
)
def test_a_value_that_does_not_fit_names_its_column_and_row(text: str, column: str | None, row: int | None) -> None:
    found = known(1366, text)
    assert isinstance(found, errors.DataError)
    assert (found.data_column, found.row) == (column, row)


def test_an_error_travels_and_shows_no_secret() -> None:
    redactor.add("hunter2hunter2")
    found = known(1064, "You have an error near 'IDENTIFIED BY hunter2hunter2'")
    assert "hunter2" not in found.message
    travelled = pickle.loads(pickle.dumps(found))  # noqa: S301 - it was made on the line itself
    assert (type(travelled), travelled.message) == (type(found), found.message)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (err.InterfaceError(0, ""), errors.NetworkFailed, "connection.network"),
        (err.InternalError("Packet sequence number wrong - got 2 expected 1"), errors.SourceError, "mysql.protocol"),
        (err.OperationalError("received unknown auth switch request"), errors.SourceError, "source.failed"),
        (struct.error("unpack requires 2 bytes"), errors.SourceError, "mysql.protocol"),
        (TimeoutError("timed out"), errors.TimedOut, "connection.timeout"),
        (ConnectionResetError(104, "Connection reset by peer"), errors.NetworkFailed, "connection.network"),
        (RuntimeError("'cryptography' package is required for x"), errors.ConfigError, "connection.login_method"),
        (RuntimeError("'pynacl' package is required for x"), errors.ConfigError, "connection.login_method"),
        (ValueError("anything"), errors.SourceError, "source.failed"),
    ],
)
def test_errors_without_a_number_have_a_class_too(error: Exception, kind: type[OsirisError], code: str) -> None:
    found = Client.classify(error)
    assert (type(found), found.code) == (kind, code)


def test_a_package_that_is_missing_is_named() -> None:
    found = Client.classify(RuntimeError("'cryptography' package is required for x"))
    assert "pip install cryptography" in str(found.hint)
    assert "ssl_mode: required" in str(found.hint)
