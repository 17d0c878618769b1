"""`HeldContext`: TLS whose handshake another thread can cut."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any


class HeldContext(ssl.SSLContext):
    """Gives each socket to `hold` before the handshake: during an implicit one nobody could cut it.

    `agreed` is the TLS version and cipher, once there was a handshake.
    """

    hold: Callable[[ssl.SSLSocket], None]
    agreed: str | None = None

    def wrap_socket(self, sock: Any, *args: Any, **rest: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(sock, *args, **{**rest, "do_handshake_on_connect": False})
        try:
            self.hold(wrapped)
            wrapped.do_handshake()
            cipher = wrapped.cipher()
            self.agreed = f"{wrapped.version()}, {cipher[0] if cipher else 'no cipher'}"
        except BaseException:
            wrapped.close()
            raise
        return wrapped
