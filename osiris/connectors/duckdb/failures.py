"""What DuckDB's errors mean: the one mapping for its client and its processor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from osiris.errors import (
    Busy,
    Cancelled,
    ConfigError,
    DataError,
    NotFound,
    OsirisError,
    PermissionDenied,
    SourceError,
    WriteFailed,
)


def known(error: Exception) -> OsirisError | None:
    """`error` as an OsirisError; None when it is not DuckDB's.

    Goes by the kind that DuckDB puts before each message (`Catalog Error: ...`): an error that came through an Arrow
    stream has lost its class, but not its text.
    """
    found = _KIND.match(str(error))
    if found is None:
        if not type(error).__module__.startswith(("duckdb", "_duckdb")):
            return None
        return _corrupt(str(error)) if "checksum" in str(error) else SourceError(f"DuckDB: {error}")
    message, hint = _parts(str(error)[found.end() :])
    mapping = _KINDS.get(found.group(1).lower(), _other)
    mapped = mapping(message)
    mapped.hint = mapped.hint or hint
    return mapped


def line_of(error: Exception) -> int | None:
    """The 1-based line of the statement that DuckDB points at."""
    found = re.search(r"^LINE (\d+):", str(error), re.MULTILINE)
    return int(found.group(1)) if found else None


_KIND: Final = re.compile(r"(?:Error: )?([A-Za-z]+(?: [A-Za-z]+)*) Error: ")
_ADVICE: Final = re.compile(r"^(Did you mean .*|Candidate .*)$", re.MULTILINE)
_DISK: Final = ("No space left", "Disk quota", "File too large", "max_temp_directory_size", "disk full")


def _parts(text: str) -> tuple[str, str | None]:
    """The message without the quoted statement and the links, and DuckDB's advice."""
    advice = _ADVICE.search(text)
    body = re.split(r"\n+(?=LINE \d+:|Stack Trace|Possible solutions|See also|Did you mean|Candidate )", text)[0]
    body = re.sub(r"\s*(However, you would be able|See also https|\* SET ).*", "", body, flags=re.DOTALL)
    return " ".join(body.replace('""', '"').split()), advice.group(1) if advice else None


def _io(message: str) -> OsirisError:
    if "Could not set lock" in message:
        return _locked(message)
    if any(word in message for word in _DISK):
        return _full(message)
    if "Permission denied" in message:
        return PermissionDenied(message, code="file.permission")
    if "not a valid DuckDB database" in message or "Could not read enough bytes" in message:
        return _corrupt(message)
    if "No such file" in message or "does not exist" in message:
        return NotFound(message, code="file.missing", hint="check the path: its folder must be there")
    return SourceError(f"DuckDB: {message}", code="duckdb.io")


def _locked(message: str) -> OsirisError:
    holder = re.search(r"held in (.+?) \(PID (\d+)\)", message)
    who = f"the process {holder.group(2)} ({holder.group(1)})" if holder else "another process"
    return Busy(
        f"the database file is open in {who}",
        code="duckdb.locked",
        hint="DuckDB lets one process write, or several read: end it, or wait for it (osiris run --wait does)",
    )


def _full(message: str) -> OsirisError:
    return WriteFailed(f"no room: {message}", code="disk.full", hint="free some disk space, then run again")


def _corrupt(message: str) -> OsirisError:
    return SourceError(
        message,
        code="duckdb.not_a_database",
        hint="this is no DuckDB file, or it is damaged: restore it or name another",
    )


def _connection(message: str) -> OsirisError:
    if "different configuration" not in message:
        return SourceError(f"DuckDB: {message}")
    return ConfigError(
        "this process has the database file open with other settings",
        code="duckdb.mixed_settings",
        hint="give every connection to one file the same read_only, and close handles that were opened without Osiris",
    )


def _catalog(message: str) -> OsirisError:
    if "write-write conflict" in message:
        return _conflict(message)
    if re.match(r"(Table|View|Schema|Sequence|Type) with name .* does not exist", message):
        return NotFound(message, code="table.missing")
    return _query(message)


def _transaction(message: str) -> OsirisError:
    if any(word in message for word in _DISK):
        return _full(message)
    if "constraint violation" in message:
        return _constraint(message)
    if "read-only mode" in message:
        return ConfigError("the statement writes, but only reading is allowed here", code="query.not_select")
    return _conflict(message) if "onflict" in message else WriteFailed(f"DuckDB: {message}", code="duckdb.transaction")


def _conflict(message: str) -> OsirisError:
    return Busy(
        f"something else changed the same table at the same time: {message}",
        code="duckdb.conflict",
        hint="let only one step write to a table at a time",
    )


def _query(message: str) -> OsirisError:
    return ConfigError(message, code="query.invalid")


def _constraint(message: str) -> OsirisError:
    twice = "set write_mode: upsert and primary_key, so that the last row of a key stays, or read no key twice"
    hint = twice if "uplicate key" in message else None
    return DataError(message, code="data.constraint", hint=hint)


def _value(message: str) -> OsirisError:
    return DataError(message, code="data.value")


def _memory(message: str) -> OsirisError:
    if any(word in message for word in _DISK):
        return _full(message)
    return SourceError(
        f"DuckDB ran out of the memory it may use: {message}",
        code="duckdb.memory",
        hint="raise memory in osiris.yaml, or sort, join and group less at once",
    )


def _permission(message: str) -> OsirisError:
    hint = "SQL may read the tables it is given, not files or the network: use an extractor for those"
    return PermissionDenied(message, code="query.sandbox", hint=hint)


def _input(message: str) -> OsirisError:
    if "read-only mode" in message:
        return ConfigError(
            message, code="duckdb.read_only", hint="set read_only: false on the connection to write to it"
        )
    if "Arrow Appender" in message:
        return DataError("the texts of about 2000 rows are larger than 2 GiB together", code="data.size")
    if "an interval of more than" in message:
        return _value(message)
    return SourceError(f"DuckDB: {message}", code="duckdb.input")


def _cancelled(_: str) -> OsirisError:
    return Cancelled("stopped while DuckDB was at work")


def _fatal(message: str) -> OsirisError:
    if any(word in message for word in _DISK):
        return _full(message)
    return SourceError(
        f"DuckDB broke down: {message}", code="duckdb.fatal", hint="close what uses the file and run again"
    )


def _other(message: str) -> OsirisError:
    return SourceError(f"DuckDB: {message}")


_KINDS: Final[dict[str, Callable[[str], OsirisError]]] = {
    "io": _io,
    "connection": _connection,
    "catalog": _catalog,
    "transactioncontext": _transaction,
    "parser": _query,
    "syntax": _query,
    "binder": _query,
    "invalid type": _query,
    "conversion": _value,
    "out of range": _value,
    "mismatch type": _value,
    "type mismatch": _value,
    "constraint": _constraint,
    "out of memory": _memory,
    "permission": _permission,
    "invalid input": _input,
    "interrupt": _cancelled,
    "fatal": _fatal,
    "internal": _fatal,
}
