"""The fields of a connection to PostgreSQL, as libpq and a `Channel` take them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from osiris.connectors._shared.postgres.channel import Limits
from osiris.connectors._shared.postgres.place import parsed
from osiris.connectors.base import Connection
from osiris.errors import ConfigError

FIELDS: Final = {
    "host": "host",
    "port": "port",
    "database": "dbname",
    "user": "user",
    "password": "password",
    "sslmode": "sslmode",
    "application_name": "application_name",
}
"""What libpq calls the fields of a connection."""
FILES: Final = ("sslrootcert", "sslcert", "sslkey")


def parameters(connection: Connection, names: Mapping[str, str] = FIELDS) -> dict[str, str]:
    """Those of `dsn`, and over them those of the fields, by their `names`. Raises ConfigError."""
    dsn, reference = connection.get("dsn"), connection.reference
    found = parsed(dsn, reference) if dsn else {}
    given = {libpq: connection.get(name) for name, libpq in names.items()}
    found |= {name: str(value) for name, value in given.items() if value is not None}
    found |= {name: path for name in FILES if (path := _file(connection, name)) is not None}
    if not found.get("user"):
        raise ConfigError(f"{reference} needs user", code="connection.field_missing")
    return found


def limits(connection: Connection) -> Limits:
    usual = Limits()
    return Limits(
        connect_s=float(connection.get("connect_timeout_s", usual.connect_s)),
        silence_s=connection.get("read_timeout_s"),
        statement_s=connection.get("statement_timeout_s"),
        lock_s=float(connection.get("lock_timeout_s", usual.lock_s)),
    )


def _file(connection: Connection, name: str) -> str | None:
    """The path of a file for TLS. `sslrootcert: system` is no file: the CAs that this machine trusts."""
    given = connection.get(name)
    if not given or (name == "sslrootcert" and given == "system"):
        return given or None
    path: Path = connection.root / given
    if not path.is_file():
        raise ConfigError(
            f"{connection.reference}: there is no file {path}",
            code="connection.tls_fields",
            hint=f"check {name}; it counts from the project's folder",
        )
    return str(path)
