"""Every error that Osiris raises on purpose; the class says what to do next.

OsirisError
├── ConfigError          the user's files or options are wrong: edit them (exit 2)
├── ConnectionFailed     the system could not be reached or refused the login
│   ├── AuthFailed           wrong or expired credentials: never retried
│   ├── NetworkFailed        DNS, refused, reset, cut off: retried when safe
│   ├── TimedOut             no answer within the limit
│   ├── TlsFailed            handshake or certificate
│   └── Busy                 locked, or too many connections: retried
├── PermissionDenied     logged in, but not allowed
├── NotFound             a named thing does not exist
├── RateLimited          wait `retry_after_s`, then go on
├── SourceError          the source answered with a failure
├── DataError            a value does not fit; names column and row
├── WriteFailed          the target did not take the rows
├── Cancelled            someone stopped the run (exit 130 or 143)
└── InternalError        a contract between parts of Osiris was broken: report it
"""

from __future__ import annotations

import errno
from typing import Any, ClassVar

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_CONFIG = 2
EXIT_UNTESTABLE = 3
EXIT_SIGINT = 130
EXIT_SIGTERM = 143


class OsirisError(Exception):
    """A failure that says what, where and what to do.

    `code` is a stable name for programs (`file.missing`), `hint` one sentence on what to do, and `file`, `line`,
    `column` (1-based) point at the user's text. Pickles with all of it; `__cause__` does not survive pickling.
    """

    category: ClassVar[str] = "unknown"
    exit_code: int = EXIT_FAILED
    default_code: ClassVar[str] = "error"
    retryable: bool = False

    def __init__(  # noqa: PLR0913 - what, where and what to do; all but the message are optional
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.file = file
        self.line = line
        self.column = column
        self.step: str | None = None
        self.details = details

    @property
    def where(self) -> str | None:
        """`file:line:column` as far as it is known."""
        if self.file is None:
            return None
        numbers = [str(n) for n in (self.line, self.column) if n is not None]
        return ":".join([self.file, *numbers])

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, dict(self.__dict__))


def _rebuild(cls: type[OsirisError], message: str, state: dict[str, Any]) -> OsirisError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class ConfigError(OsirisError):
    category = "config"
    default_code = "config.invalid"
    exit_code = EXIT_CONFIG


class ConnectionFailed(OsirisError):
    category = "network"
    default_code = "connection.failed"


class AuthFailed(ConnectionFailed):
    category = "auth"
    default_code = "connection.auth"


class NetworkFailed(ConnectionFailed):
    default_code = "connection.network"
    retryable = True


class TimedOut(ConnectionFailed):
    category = "timeout"
    default_code = "connection.timeout"
    retryable = True


class TlsFailed(ConnectionFailed):
    category = "tls"
    default_code = "connection.tls"


class Busy(ConnectionFailed):
    category = "busy"
    default_code = "connection.busy"
    retryable = True


class PermissionDenied(OsirisError):
    category = "permission"
    default_code = "permission.denied"


class NotFound(OsirisError):
    category = "not_found"
    default_code = "not_found"


class RateLimited(OsirisError):
    """The source asks to wait; `retry_after_s` is its own figure, None when it gave none."""

    category = "rate_limit"
    default_code = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.retry_after_s = retry_after_s


class SourceError(OsirisError):
    category = "server"
    default_code = "source.failed"


class DataError(OsirisError):
    """A value does not fit. `data_column` is the column's name, `row` its 1-based row in the stream or file."""

    category = "server"
    default_code = "data.invalid"

    def __init__(self, message: str, *, data_column: str | None = None, row: int | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.data_column = data_column
        self.row = row


class WriteFailed(OsirisError):
    category = "server"
    default_code = "write.failed"


class Cancelled(OsirisError):
    """The run was stopped from outside; `exit_code` is 130 for Ctrl-C and 143 for SIGTERM."""

    default_code = "run.cancelled"
    exit_code = EXIT_SIGINT


class InternalError(OsirisError):
    """A part of Osiris or a connector broke its contract; the message names the part."""

    default_code = "internal"


def did_you_mean(word: str, known: list[str], *, cutoff: float = 0.6) -> str:
    """`did you mean "x"?` for the nearest of `known`, else an empty text.

    `cutoff` is the likeness that it takes, up to 1: more of it where `known` holds much that has nothing to do with it.
    """
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return f'did you mean "{near[0]}"?' if near else ""


def from_os_error(error: Exception) -> OsirisError | None:
    """The operating system's errors that mean the same for every connector; None for any other."""
    if not isinstance(error, OSError):
        return None
    text = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    for kind, (made, code) in _KINDS.items():
        if isinstance(error, kind):
            return made(text, code=code)
    # ssl and socket are not imported for this: an error of theirs is known by its name
    if type(error).__module__ == "ssl":
        return TlsFailed(text)
    if type(error).__name__ in ("gaierror", "herror"):
        return NetworkFailed(text, code="connection.dns", hint="check the name of the host")
    if error.errno in _FULL:
        return WriteFailed(text, code="disk.full", hint="make room on the disk, or write elsewhere")
    return NetworkFailed(text) if error.errno in _NETWORK else SourceError(text)


def _numbers(*names: str) -> frozenset[int]:
    """Those error numbers that this platform has."""
    return frozenset(getattr(errno, name) for name in names if hasattr(errno, name))


_NETWORK = _numbers("EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN", "ENOTCONN", "EADDRNOTAVAIL")
_FULL = _numbers("ENOSPC", "EDQUOT", "EFBIG")
_KINDS: dict[type[OSError], tuple[type[OsirisError], str | None]] = {
    FileNotFoundError: (NotFound, "file.missing"),
    PermissionError: (PermissionDenied, "file.permission"),
    TimeoutError: (TimedOut, None),
    ConnectionError: (NetworkFailed, None),
}
