"""What the errors of PostgreSQL, poolers, libpq and psycopg mean: the one mapping, by SQLSTATE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from osiris.errors import (
    AuthFailed,
    Busy,
    ConfigError,
    DataError,
    NetworkFailed,
    NotFound,
    OsirisError,
    PermissionDenied,
    SourceError,
    TimedOut,
    TlsFailed,
    WriteFailed,
    from_os_error,
)

CERTIFICATE: Final = "connection.certificate"
"""The code of a handshake that failed because this side did not trust the other."""


def known(error: Exception) -> OsirisError | None:
    """`error` as an OsirisError; None when it is neither the server's, nor psycopg's, nor the system's."""
    if isinstance(error, psycopg.Error):
        return _by_state(error) if error.sqlstate else _by_text(error)
    if isinstance(error, UnicodeEncodeError):
        return ConfigError("the SQL has a character that no text of PostgreSQL can have", code="query.invalid")
    return from_os_error(error)


@dataclass(frozen=True, slots=True)
class _Meaning:
    made: type[OsirisError]
    code: str | None = None
    hint: str | None = None
    retryable: bool | None = None

    def of(self, text: str, hint: str | None = None, **details: Any) -> OsirisError:
        made = self.made(text, code=self.code, hint=self.hint or hint, **details)
        if self.retryable is not None:
            made.retryable = self.retryable
        return made


def of_state(state: str, text: str, hint: str | None) -> OsirisError:
    """An error of the server that came by another way than psycopg, by its SQLSTATE."""
    return _meaning(state).of(text, hint)


def _meaning(state: str) -> _Meaning:
    return _STATES.get(state) or _CLASSES.get(state[:2]) or _Meaning(SourceError)


def _by_state(error: psycopg.Error) -> OsirisError:
    state, found = error.sqlstate or "", error.diag
    meaning = _meaning(state)
    text = f"{(found.message_primary or str(error)).strip()} (SQLSTATE {state})"
    details = {}
    if meaning.made is DataError:
        details = _place(found.context or "", found.column_name)
        text += f": {found.message_detail.strip()}" if found.message_detail else ""
    return meaning.of(text, found.message_hint, **details)


def _place(context: str, column: str | None) -> dict[str, Any]:
    """The column and row that the server names."""
    found = re.search(r"^COPY .+, line (\d+)(?:, column (.+?)(?:: .*)?)?$", context, re.MULTILINE)
    named = found.group(2) if found else None
    return {"data_column": column or named, "row": int(found.group(1)) if found else None}


def _by_text(error: psycopg.Error) -> OsirisError:
    """For what has no SQLSTATE: libpq says what failed before or below the protocol, in English, in words alone. The
    reasons of a server that refuses a login are among them, in the server's language."""
    whole = " ".join(str(error).split())
    text = _once(re.sub(r"^(connection failed|connection is bad|consuming input failed): ", "", str(error)))
    for pattern, meaning in _TEXTS.items():
        if re.search(pattern, whole, re.IGNORECASE):
            return meaning.of(text)
    used_password = error.pgconn is not None and error.pgconn.used_password
    if used_password and isinstance(error, psycopg.OperationalError) and "FATAL" in whole:
        return AuthFailed(text, hint="check user and password")
    if isinstance(error, psycopg.OperationalError):
        return NetworkFailed(text)
    return SourceError(f"PostgreSQL: {text}")


def _once(text: str) -> str:
    """What libpq says, each thing once: it tells of every address, with TLS and without, on a line of its own. What it
    guesses stands behind a tab."""
    lines = [" ".join(line.split()) for line in text.splitlines() if not line.startswith("\t")]
    lines = [re.sub(r"^connection to server .+? failed: (?=\S)", "", line) for line in lines]
    return "; ".join(dict.fromkeys(filter(None, lines)))


def _all(states: Iterable[str], *meaning: Any, **rest: Any) -> dict[str, _Meaning]:
    return dict.fromkeys(states, _Meaning(*meaning, **rest))


_REACH: Final = "check host, port and firewall, and that the server runs"
_LOST: Final = "the server or the network ended it: run again"
_GRANT: Final = "ask the owner to GRANT it to this user, or for a policy where there is row level security"
_AGAIN: Final = "something else holds the rows or the table: run again, or at another time"
_LONGER: Final = "raise statement_timeout_s on the connection or the server's limit, or read less at once"
FITS: Final = "change the value or the column; Osiris never cuts a value to fit"
_FULL: Final = "make room on the server, or raise its limits"
_WAIT: Final = "wait, or raise max_connections on the server, or connect through a pooler"
_NUMBERED: Final = (
    "write fewer columns: an upsert, and values that the server casts, take one of the 1600 for the order of the rows"
)
_POOLER: Final = "this pooler takes no session settings: use its session mode, or the server itself"

_STATES: Final[dict[str, _Meaning]] = {
    **_all(("42501",), PermissionDenied, None, _GRANT),
    **_all(
        ("25006",),
        PermissionDenied,
        "server.read_only",
        "name the primary server, not a replica; and see that default_transaction_read_only is off for this user",
    ),
    **_all(("3D000", "3F000"), NotFound, "database.missing", "check database and schema: case counts"),
    **_all(("42P01",), NotFound, "table.missing", "check the name: case counts"),
    **_all(("42703",), ConfigError, "column.missing", "check the name: case counts"),
    **_all(("42622",), DataError, "data.value", FITS),
    **_all(("57014",), TimedOut, "query.timeout", _LONGER, retryable=False),
    **_all(("55P03", "40001", "40P01", "55006"), Busy, "postgres.locked", _AGAIN),
    **_all(("53300",), Busy, "connection.too_many", _WAIT),
    **_all(("53100", "53200"), WriteFailed, "disk.full", _FULL),
    **_all(("57P01", "57P02", "57P05", "25P03", "25P04"), NetworkFailed, "connection.lost", _LOST),
    **_all(("57P03",), Busy, "server.starting", "the server starts or stops just now: run again"),
    **_all(("28000", "28P01"), AuthFailed),
    **_all(("21000",), SourceError, "postgres.cardinality"),
    **_all(("22023",), ConfigError, "query.invalid"),
    **_all(("54011",), ConfigError, "table.invalid", _NUMBERED),
    **_all(("0A000",), ConfigError, "postgres.unsupported"),
    **_all(("72000",), Busy, "snapshot.gone", "the snapshot is too old for the server: run again"),
}
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_CLASSES: Final[dict[str, _Meaning]] = {
    "08": _Meaning(NetworkFailed, "connection.lost", _LOST),
    "22": _Meaning(DataError, "data.value", FITS),
    "23": _Meaning(DataError, "data.constraint", "correct the rows, or change what the table demands"),
    "28": _Meaning(AuthFailed),
    "42": _Meaning(ConfigError, "query.invalid"),
    "53": _Meaning(Busy, None, _FULL),
    "54": _Meaning(WriteFailed, "postgres.limit", "write fewer columns, or less into each: PostgreSQL has this limit"),
}
_TEXTS: Final[dict[str, _Meaning]] = {
    "could not read root certificate": _Meaning(
        ConfigError, "connection.tls_fields", "check sslrootcert: a PEM file with the certificate of the CA"
    ),
    "session is (not )?read-only|server is (not )?in hot standby": _Meaning(
        NetworkFailed, "connection.attributes", "no host of dsn is what its target_session_attrs asks for"
    ),
    "could not (read|open|load) .*(certificate|key|file)|private key file": _Meaning(
        ConfigError, "connection.tls_fields", "check sslcert and sslkey: PEM files; only their owner may read the key"
    ),
    "password authentication failed": _Meaning(AuthFailed, None, "check user and password"),
    "no password supplied": _Meaning(AuthFailed, None, "give the connection a password"),
    "tenant or user not found|no such user": _Meaning(
        AuthFailed, None, "check user and host: a pooler may want the project in the user's name, as in postgres.abcdef"
    ),
    'role ".*" does not exist|not permitted to log in|authentication failed': _Meaning(AuthFailed),
    "no pg_hba.conf entry.*(no encryption|SSL off)": _Meaning(
        AuthFailed, "connection.host_refused", "set sslmode: require; else let the server's owner allow this machine"
    ),
    "pg_hba.conf": _Meaning(
        AuthFailed, "connection.host_refused", "let the server's owner allow this machine and user"
    ),
    'database ".*" does not exist|no such database': _Meaning(
        NotFound, "database.missing", "check database: case counts"
    ),
    "too many (clients|connections)|connection slots are reserved|no more connections allowed": _Meaning(
        Busy, "connection.too_many", _WAIT
    ),
    "server_login_retry|query_wait_timeout|pooler": _Meaning(Busy, "pooler.busy", "see what the pooler's server does"),
    "unsupported startup parameter": _Meaning(ConfigError, "pooler.parameter", _POOLER),
    "the database system is|cannot connect now": _Meaning(
        Busy, "server.starting", "the server starts or stops: run again"
    ),
    "weak sslmode": _Meaning(ConfigError, "connection.parameter", "with sslrootcert: system set sslmode: verify-full"),
    "invalid (sslmode|connection option|port|integer)|must be|not supported": _Meaning(
        ConfigError, "connection.parameter"
    ),
    "unexpected eof|SYSCALL error|SSL connection has been closed|sending .+ failed": _Meaning(
        NetworkFailed, "connection.lost", _LOST
    ),
    "does not support SSL|SSL was required|channel binding": _Meaning(
        TlsFailed, None, "turn TLS on at the server, or set sslmode: prefer, which trusts the network"
    ),
    "root certificate file .* does not exist": _Meaning(
        TlsFailed, CERTIFICATE, "name the CA that made the server's certificate in sslrootcert, or sslrootcert: system"
    ),
    "certificate verify failed|does not match host name|self.signed": _Meaning(
        TlsFailed, CERTIFICATE, "check sslrootcert, and that host is a name in the server's certificate"
    ),
    "SSL|TLS|certificate": _Meaning(TlsFailed),
    "received invalid response|unexpected response|invalid protocol|expected authentication": _Meaning(
        SourceError, "postgres.protocol", "what answers does not speak PostgreSQL's protocol: check host and port"
    ),
    "closed|terminat|lost|no connection|reset by peer|broken pipe": _Meaning(NetworkFailed, "connection.lost", _LOST),
    "refused|no such file|unreachable|timed? ?out|no route": _Meaning(NetworkFailed, None, _REACH),
}
"""The first that is found counts."""
