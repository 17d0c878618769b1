"""`Place`: where a server is and who comes to it, as libpq is told, from a connection string or from fields."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from osiris import __version__
from osiris.connectors._shared.line import Line
from osiris.errors import ConfigError
from osiris.secrets import redactor

DEFAULTS: Final = {
    "host": "localhost",
    "port": "5432",
    "application_name": f"osiris {__version__}",
    "gssencmode": "disable",  # it costs a round trip, and asks a ticket cache that a user knows nothing of
    # a host that is gone is noticed within two minutes, also by a read that may wait for hours
    "keepalives_idle": "60",
    "keepalives_interval": "15",
    "keepalives_count": "4",
}


@dataclass(frozen=True, slots=True)
class Place:
    """`parameters` are libpq's, defaults filled in: https://www.postgresql.org/docs/current/libpq-connect.html.

    Several hosts with commas between them are tried in that order. One that begins with a slash is a folder of sockets.
    """

    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Place:
        return cls({**DEFAULTS, **given, "client_encoding": "UTF8"})

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """Host and port of each server that may be meant."""
        hosts = self.parameters["host"].split(",")
        ports = self.parameters["port"].split(",")
        return [
            (host or DEFAULTS["host"], int(port or DEFAULTS["port"]))
            for host, port in zip_longest(hosts, ports, fillvalue=ports[0])
        ]

    @property
    def shown(self) -> str:
        return ",".join(f"{host}/.s.PGSQL.{port}" if is_folder(host) else f"{host}:{port}" for host, port in self.hosts)

    @property
    def user(self) -> str:
        return self.parameters.get("user", "")

    @property
    def database(self) -> str:
        """That of the user's name when none is named, as everywhere with PostgreSQL."""
        return self.parameters.get("dbname") or self.user

    def resolved(self, line: Line, timeout_s: float) -> dict[str, str]:
        """The parameters with the address of each host. Raises NetworkFailed for a name that is not known, TimedOut
        when that takes longer than `timeout_s`, Cancelled when `line` is cut meanwhile."""
        if self.parameters.get("hostaddr"):
            return dict(self.parameters)
        found: list[tuple[str, str, str]] = []
        for host, port in self.hosts:
            addresses = [""] if is_folder(host) else _addresses(line, host, port, timeout_s)
            found += [(host, str(port), address) for address in addresses]
        names = zip(("host", "port", "hostaddr"), zip(*found, strict=True), strict=True)
        return {**self.parameters, **{name: ",".join(values) for name, values in names}}


def is_folder(host: str) -> bool:
    """Whether it is no name of a host, but the folder of a socket file."""
    return host.startswith(("/", "@")) or os.path.isabs(host)  # noqa: PTH117 - a host's name is no path to begin with


def parsed(dsn: str, reference: str) -> dict[str, str]:
    """A connection string (`postgresql://…` or `host=… user=…`) as parameters; its password is a secret from now on.

    Raises ConfigError, which does not show the string.
    """
    found: dict[str, Any] = {}
    with contextlib.suppress(psycopg.ProgrammingError):
        found = conninfo_to_dict(dsn)
    ports = str(found.get("port", "")).split(",")
    if not found or not all(not port or port.isdecimal() for port in ports):
        raise ConfigError(
            f"{reference}: dsn is no connection string of PostgreSQL",
            code="connection.dsn",
            hint="write postgresql://user:password@host:5432/database; in it @ : / % of a password are written as "
            "%40 %3A %2F %25. Or give host, user and password as fields of their own",
        )
    if "service" in found:
        raise ConfigError(
            f"{reference}: dsn names a service, and libpq's file of services is not read",
            code="connection.dsn",
            hint="write what the service stands for into dsn, or as fields",
        )
    for name in ("password", "sslpassword"):
        if found.get(name):
            redactor.add(found[name])
    return {name: str(value) for name, value in found.items() if value is not None}


def _addresses(line: Line, host: str, port: int, timeout_s: float) -> list[str]:
    return list(dict.fromkeys(str(address[0]) for _, address in line.resolve(host, port, timeout_s)))
