"""What the errors of MySQL, MariaDB and PyMySQL mean: the one mapping, by number."""

from __future__ import annotations

import re
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pymysql import err
from pymysql.constants import ER

from osiris.errors import (
    AuthFailed,
    Busy,
    ConfigError,
    ConnectionFailed,
    DataError,
    NetworkFailed,
    NotFound,
    OsirisError,
    PermissionDenied,
    RateLimited,
    SourceError,
    TimedOut,
    TlsFailed,
    WriteFailed,
    from_os_error,
)

CERTIFICATE: Final = "connection.certificate"
"""The code of a handshake that failed because this side did not trust the other."""
FEWER: Final = "write fewer columns to one table: leave some out, or put several into one struct, which becomes JSON"
"""What to do about a row that is too large for a table, or a table that is too wide."""
READ_ONLY: Final = 1792
"""ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, which PyMySQL does not name."""


def known(error: Exception) -> OsirisError | None:
    """`error` as an OsirisError; None when it is neither the server's, nor PyMySQL's, nor the system's."""
    origin = getattr(error, "original_exception", error)  # PyMySQL keeps what failed below a failed connect
    if is_silence(origin):
        return _silence()
    if isinstance(origin, err.MySQLError):
        return _by_number(origin)
    if isinstance(origin, ssl.SSLError):
        return _tls(origin)
    if isinstance(origin, RuntimeError):
        return _missing_package(str(origin))
    if isinstance(origin, (struct.error, IndexError, UnicodeDecodeError, AssertionError)):
        return _no_mysql(f"the answer is not understood ({type(origin).__name__})")
    return from_os_error(origin)


def is_silence(error: BaseException) -> bool:
    """Whether it was raised because the server took longer than the connection allows."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def number_of(error: Exception) -> int | None:
    """The server's or client library's number of an error, None when it has none."""
    if isinstance(error, err.MySQLError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None


@dataclass(frozen=True, slots=True)
class _Meaning:
    made: type[OsirisError]
    code: str | None = None
    hint: str | None = None
    retryable: bool | None = None


def _by_number(error: err.MySQLError) -> OsirisError:
    if "Packet sequence number wrong" in str(error):
        return _no_mysql("packets come in the wrong order")
    number = number_of(error)
    if number is None:
        return SourceError(f"MySQL: {error}")
    text = str(error.args[1]) if len(error.args) > 1 else ""
    if isinstance(error, err.InterfaceError) and number == 0:
        return NetworkFailed("the connection to the server is closed")
    meaning = _MEANINGS.get(number, _Meaning(SourceError))
    if number == ER.USER_LIMIT_REACHED and "max_user_connections" in text:
        meaning = _MEANINGS[ER.TOO_MANY_USER_CONNECTIONS]
    message = f"{text.strip() or 'the server gave no reason'} (error {number})"
    made = meaning.made(message, code=meaning.code, hint=meaning.hint, **_place(meaning.made, text))
    if meaning.retryable is not None:
        made.retryable = meaning.retryable
    return made


def _place(made: type[OsirisError], text: str) -> dict[str, Any]:
    """The column and row that the server names, for a DataError."""
    if made is not DataError:
        return {}
    column = re.search(r"[Cc]olumn (?:'(?:[^'.]*\.)*([^'.]+)'|(?:`[^`]*`\.)*`([^`]+)`)", text)
    row = re.search(r" at row (\d+)", text)
    return {
        "data_column": (column.group(1) or column.group(2)) if column else None,
        "row": int(row.group(1)) if row else None,
    }


def _silence() -> OsirisError:
    return TimedOut(
        "the server was silent for longer than the connection allows",
        hint="see what the server is busy with, or raise read_timeout_s",
    )


def _tls(error: ssl.SSLError) -> OsirisError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return TlsFailed(
            f"the TLS handshake failed: {error.reason or error}",
            hint="check that both sides have a TLS version in common, and ssl_cert if the server wants a certificate",
        )
    hint = _VERIFY_HINTS.get(error.verify_code, "check ssl_ca, and the server's certificate")
    text = f"the server's certificate is refused: {error.verify_message}"
    return TlsFailed(text, code=CERTIFICATE, hint=hint)


def _missing_package(text: str) -> OsirisError | None:
    found = re.match(r"'(\w+)' package is required", text)
    if found is None:
        return None
    name = found.group(1)
    other = "set ssl_mode: required, or " if name == "cryptography" else ""
    return ConfigError(
        f"the login method of this account needs the package {name}",
        code="connection.login_method",
        hint=f"{other}install it: pip install {name}",
    )


def _no_mysql(reason: str) -> OsirisError:
    return SourceError(
        f"what answers does not speak the MySQL protocol: {reason}",
        code="mysql.protocol",
        hint="check host and port; MySQL's X protocol (33060) is another one",
    )


_VERIFY_HINTS: Final = {
    10: "it has expired: the server needs a new one",
    18: "it is self-signed: name it, or the CA that made it, in ssl_ca",
    19: "the CA that made it is not known: name it in ssl_ca",
    20: "the CA that made it is not known: name it in ssl_ca",
    62: "host is not among its names: use one of those, or ssl_mode: verify_ca",
    64: "host is not among its addresses: use one of those, or ssl_mode: verify_ca",
}
"""By OpenSSL's X509_V_ERR_*."""


def _all(numbers: Iterable[int], *meaning: Any, **rest: Any) -> dict[int, _Meaning]:
    return dict.fromkeys(numbers, _Meaning(*meaning, **rest))


_METHOD = "the account uses a login method that this client lacks: set ssl_mode: required, or change it on the server"
_GRANT = "let the owner of the database GRANT it"
_AGAIN = "something else holds the rows or the table: run again, or at another time"
_LONGER = "raise the limit on the server, or read less at once"
_FITS = "change the value or the column; Osiris never cuts a value to fit"
_DEMANDS = "correct the rows, or change what the table demands"
_UNIQUE = "another row has that value in a unique key: correct the rows; an upsert matches rows by primary_key alone"
_MISTAKES = frozenset((1046, 1052, 1054, 1055, 1056, 1060, 1064, 1066, 1109, 1110, 1111, 1140, 1193, 1210, 1222, 1241))
_MISTAKES |= {1242, 1247, 1248, 1295, 1305, 1327, 1582, 1583, 1584, 1630}
"""In syntax, names, grouping, subqueries, functions: only another statement cures them."""

_MEANINGS: Final[dict[int, _Meaning]] = {
    # login
    **_all((1045, 1698), AuthFailed),
    **_all((1820, 1862), AuthFailed, "connection.password_expired", "set a new password for the account"),
    **_all(
        (3118, 3955, 4150, 4151), AuthFailed, "connection.account_locked", "let the server's owner unlock the account"
    ),
    1130: _Meaning(
        AuthFailed, "connection.host_refused", "the server has no account for this machine: let its owner add one"
    ),
    1129: _Meaning(
        ConnectionFailed,
        "connection.host_blocked",
        "stop trying: mend what failed before, then run FLUSH HOSTS (mysqladmin flush-hosts) on the server",
    ),
    **_all((1251, 1524, 2049, 2059, 2061), ConfigError, "connection.login_method", _METHOD),
    # TLS
    2026: _Meaning(TlsFailed, None, "the server has no TLS: turn it on there, or set ssl_mode: preferred"),
    3159: _Meaning(TlsFailed, None, "set ssl_mode: required"),
    # rights
    **_all((1044, 1142, 1143, 1227, 1370), PermissionDenied, None, _GRANT),
    **_all((1290, 1836, 1792), PermissionDenied, "server.read_only", "name the primary server, not a replica"),
    # what is named
    1049: _Meaning(NotFound, "database.missing", "check database and schema: names may differ in case"),
    **_all((1146, 1051), NotFound, "table.missing", "check the name: on most servers case counts"),
    **_all(_MISTAKES, ConfigError, "query.invalid"),
    # reaching the server
    **_all((2002, 2003, 2004), NetworkFailed, None, "check host, port and firewall, and that the server runs"),
    2005: _Meaning(NetworkFailed, "connection.dns", "check the name of the host"),
    **_all((2006, 2013, 2055, 4031), NetworkFailed, "connection.lost", "the server or the network ended it: run again"),
    **_all((1053, 1152, 1158, 1159, 1160, 1161, 1184, 3168), NetworkFailed, "connection.lost"),
    **_all((1927, 3169), NetworkFailed, "connection.killed", "somebody, or a limit of the server, ended the session"),
    **_all((2014, 2027), SourceError, "mysql.protocol"),
    # limits
    1040: _Meaning(Busy, "connection.too_many", "wait, or raise max_connections on the server"),
    1203: _Meaning(Busy, "connection.too_many", "wait, or raise max_user_connections for the account"),
    1226: _Meaning(RateLimited, None, "the account's limit per hour is used up: raise it, or wait", retryable=False),
    **_all((1969, 3024), TimedOut, "query.timeout", _LONGER, retryable=False),
    1317: _Meaning(TimedOut, "query.killed", "somebody, or a limit of the server, ended it", retryable=False),
    **_all((1205, 1213, 1637, 1689, 3572), Busy, "mysql.locked", _AGAIN),
    1412: _Meaning(Busy, "table.changed", "the table was altered while it was read: run again"),
    1020: _Meaning(Busy, "mysql.locked", _AGAIN),
    # values
    **_all((1264, 1265, 1292, 1366, 1406, 1411, 1441, 1690, 3140, 1416), DataError, "data.value", _FITS),
    1118: _Meaning(DataError, "mysql.row_size", FEWER),
    **_all((1048, 1364, 1451, 1452, 1526, 3819, 4025), DataError, "data.constraint", _DEMANDS),
    **_all((1062, 1586), DataError, "data.constraint", _UNIQUE),
    **_all((1021, 1114, 1030, 3), WriteFailed, "disk.full", "make room on the server, or raise its limits"),
    **_all(
        (1148, 3948), ConfigError, "mysql.local_infile", "set local_infile on the server, or false on the connection"
    ),
    **_all((1153, 2020), WriteFailed, "mysql.packet", "raise max_allowed_packet on the server"),
}
"""MySQL: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html; MariaDB:
https://mariadb.com/kb/en/mariadb-error-code-reference/ (1927, 1969, 4025, 4151). 4031 is meant as MySQL has it."""
