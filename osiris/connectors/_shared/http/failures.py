"""What urllib3's exceptions mean."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator

from urllib3 import exceptions

from osiris.connectors._shared.http.endpoint import Timeouts
from osiris.errors import ConfigError, NetworkFailed, OsirisError, SourceError, TimedOut, TlsFailed
from osiris.secrets import redactor


def known(error: Exception, where: str, times: Timeouts, *, sent: bool) -> OsirisError:
    """`error` of a request to `where`, redacted. `sent` says that the request had left."""
    reasons = list(_chain(error))
    if isinstance(error, exceptions.LocationParseError):
        return ConfigError(f"{where}: no such URL can be asked: {_text(error)}", code="http.url", hint="check the host")
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in reasons):
        return TlsFailed(
            f"{where}: the server's certificate is not believed: {_text(reasons[-1])}",
            code="http.certificate",
            hint="name the authority's PEM file on the connection, or use the name that the certificate is for",
        )
    if isinstance(error, exceptions.ProxyError):
        return NetworkFailed(
            f"{where}: the proxy does not let it through: {_text(reasons[-1])}",
            code="http.proxy",
            hint="check the proxy's address, its user and password, and what it allows",
        )
    if any(isinstance(one, TimeoutError | exceptions.TimeoutError) for one in reasons):
        if sent:
            return TimedOut(
                f"{where}: the server was silent for {times.read_s:g} s", hint="ask for less at once, or give it longer"
            )
        return TimedOut(f"{where}: no encrypted connection within {times.connect_s:g} s", hint="check host and port")
    return _broken(where, reasons)


def _broken(where: str, reasons: list[BaseException]) -> OsirisError:
    if any(isinstance(one, ssl.SSLError) for one in reasons):
        if any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in reasons):
            return NetworkFailed(f"{where}: the encrypted connection was cut off")
        return TlsFailed(
            f"{where}: no encryption was agreed on: {_text(reasons[-1])}",
            hint="check scheme and port: is https spoken there, TLS 1.2 or newer?",
        )
    lost = (http.client.RemoteDisconnected, http.client.IncompleteRead)
    if any(isinstance(one, http.client.HTTPException) and not isinstance(one, lost) for one in reasons):
        return SourceError(
            f"{where}: what answers there does not speak HTTP as it should: {_text(reasons[-1])}",
            code="http.protocol",
            hint="check scheme and port: is http spoken there?",
        )
    return NetworkFailed(f"{where}: the connection was lost: {_text(reasons[-1])}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error`, and what it wraps, in its arguments or as its cause, the innermost last."""
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        inner = [one for one in now.args if isinstance(one, BaseException)]
        now = inner[0] if inner else now.__cause__


def _text(error: BaseException) -> str:
    """In one line and short: a server may have put anything into it."""
    text = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or str(error)
    return redactor.text(" ".join(str(text).split())[:300]) or type(error).__name__
