"""What `ssl_mode` means: the TLS context of a connection, or none."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from osiris.connectors._shared.tls import HeldContext
from osiris.connectors.base import Connection
from osiris.errors import ConfigError

VERIFYING = ("verify_ca", "verify_identity")


def context(connection: Connection, hold: Callable[[ssl.SSLSocket], None]) -> HeldContext | None:
    """The context that `ssl_mode` asks for; None for disabled, and for preferred over a socket file, which no one can
    listen to. `hold` is given each encrypted socket before its handshake.

    Raises ConfigError when a file is missing or is no certificate.
    """
    mode = connection.get("ssl_mode", "preferred")
    if mode == "disabled" or (mode == "preferred" and connection.get("unix_socket")):
        return None
    made = HeldContext(ssl.PROTOCOL_TLS_CLIENT)
    made.hold = hold
    made.check_hostname = mode == "verify_identity"
    made.verify_mode = ssl.CERT_REQUIRED if mode in VERIFYING else ssl.CERT_NONE
    _load(connection, made)
    return made


def _load(connection: Connection, made: ssl.SSLContext) -> None:
    ca, cert, key = (_file(connection, name) for name in ("ssl_ca", "ssl_cert", "ssl_key"))
    if key and not cert:
        raise ConfigError(f"{connection.reference}: ssl_key needs ssl_cert", code="connection.tls_fields")
    name = "ssl_ca"
    try:
        if ca:
            made.load_verify_locations(ca)
        elif made.verify_mode is ssl.CERT_REQUIRED:
            made.load_default_certs()
        name = "ssl_cert"
        if cert:
            # an encrypted key would else ask for its password at the terminal
            made.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        raise ConfigError(
            f"{connection.reference}: {name} cannot be used: {error.reason or error}",
            code="connection.tls_fields",
            hint="these files are PEM; the key belongs to the certificate and is not encrypted",
        ) from error


def _file(connection: Connection, name: str) -> Path | None:
    given = connection.get(name)
    if not given:
        return None
    path: Path = connection.root / given
    if not path.is_file():
        raise ConfigError(
            f"{connection.reference}: there is no file {path}",
            code="connection.tls_fields",
            hint=f"check {name}; it counts from the project's folder",
        )
    return path
