"""`Wire`: one attempt of one request, over sockets that another thread can cut, with a limit on its whole time.

Knows whether the request left: that decides what may be sent again.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.util import make_headers

from osiris.connectors._shared.http import bodies, failures
from osiris.connectors._shared.http.connections import Held, HeldEncrypted
from osiris.connectors._shared.http.endpoint import Endpoint, shown
from osiris.connectors._shared.line import Line
from osiris.connectors._shared.tls import HeldContext
from osiris.errors import Cancelled, ConfigError, NetworkFailed, OsirisError, TimedOut
from osiris.secrets import redactor

Said = tuple[int, dict[str, str], bytes]
"""Status, headers with lower-case names, several of one name joined by commas, and the body."""


class Wire:
    """The kept-alive connections of one session, used by one thread at a time. `left` says that bytes of the last
    request went out, so that the server may have acted on it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.line = Line()
        self.left = False
        self._endpoint = endpoint
        self._timer: _Timer | None = None
        self._pools = _pools(endpoint, _context(endpoint, self.hold))

    def close(self) -> None:
        """Idempotent; the wire can be used again."""
        self._pools.clear()
        self.line.let_go()

    @contextlib.contextmanager
    def timed(self) -> Generator[None]:
        """What is exchanged in here may take `total_s` in all."""
        timer = self._timer = _Timer(self.line, self._endpoint.timeouts.total_s)
        try:
            yield
        finally:
            timer.stop()

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Said:
        """What came, no redirect followed. Raises OsirisErrors only."""
        self.left = False
        self.line.raise_if_cut()
        try:
            return self._exchange(method, url, headers, body)
        except (urllib3.exceptions.HTTPError, OSError, OsirisError) as error:
            raise self._known(error, f"{method} {shown(url)}") from error

    def hold(self, sock: Any) -> None:
        """`sock` is what is used from now on. Raises when it was cut, or when time is up."""
        self.line.hold(sock)
        if self._timer is not None and self._timer.fired:
            raise TimedOut("time is up")

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        try:
            sock = self.line.connect(self.line.resolve(host, port, timeout_s), timeout_s)
        except TimeoutError as error:
            raise TimedOut(
                f"no answer from {host}:{port} within {timeout_s:g} s",
                hint="check host and port, and that no firewall is in between",
            ) from error
        except OSError as error:
            raise NetworkFailed(
                f"{host}:{port} cannot be reached: {error.strerror or error}",
                hint="check host and port, and that the server runs and listens there",
            ) from error
        self.hold(sock)
        return sock

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Said:
        pool = self._pools.connection_from_url(url)
        pool.ConnectionCls = HeldEncrypted if pool.scheme == "https" else Held
        pool.conn_kw["wire"] = self
        times = self._endpoint.timeouts
        answer = self._pools.urlopen(
            method,
            url,
            redirect=False,
            retries=False,
            preload_content=False,
            headers=headers,
            body=body,
            timeout=urllib3.Timeout(connect=times.connect_s, read=times.read_s),
        )
        try:
            content = bodies.whole(answer, self._endpoint.caps, f"{method} {shown(url)}")
            self._raise_if_late()
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return answer.status, {name.lower(): value for name, value in answer.headers.itermerged()}, content

    def _raise_if_late(self) -> None:
        """A body without a length ends where the connection does, also when it was we who ended it."""
        self.line.raise_if_cut()
        if self._timer is not None and self._timer.fired:
            raise TimedOut("time is up")

    def _known(self, error: Exception, where: str) -> OsirisError:
        if self.line.is_cut:
            return error if isinstance(error, Cancelled) else Cancelled("stopped while the server was at work")
        times = self._endpoint.timeouts
        if self._timer is not None and self._timer.fired:
            return TimedOut(
                f"{where} was not answered whole within {times.total_s:g} s",
                code="http.total_timeout",
                hint="ask for less at once, or give it longer",
            )
        if isinstance(error, OsirisError):
            return error
        return failures.known(error, where, times, sent=self.left)


class _Timer:
    """Hangs up after `total_s`, once and only while it is not stopped."""

    def __init__(self, line: Line, total_s: float) -> None:
        self.fired = False
        self._line = line
        self._stopped = False
        self._lock = threading.Lock()
        self._thread = threading.Timer(total_s, self._fire)
        self._thread.daemon = True
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        self._thread.cancel()

    def _fire(self) -> None:
        with self._lock:  # else the next request's socket could be the one that is hung up
            if not self._stopped:
                self.fired = True
                self._line.hang_up()


def _pools(endpoint: Endpoint, context: ssl.SSLContext) -> urllib3.PoolManager:
    if endpoint.proxy is None:
        return urllib3.PoolManager(num_pools=4, maxsize=1, ssl_context=context)
    parts = urlsplit(endpoint.proxy)
    headers = {}
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        redactor.add(password)
        headers = make_headers(proxy_basic_auth=f"{user}:{password}")
    address = f"http://{parts.netloc.rpartition('@')[2]}"
    return urllib3.ProxyManager(address, num_pools=4, maxsize=1, ssl_context=context, proxy_headers=headers)


def _context(endpoint: Endpoint, hold: Any) -> HeldContext:
    """Certificates and names are always checked."""
    made = HeldContext(ssl.PROTOCOL_TLS_CLIENT)
    made.hold = hold
    try:
        if endpoint.ca is None:
            made.load_default_certs()
        else:
            made.load_verify_locations(endpoint.ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the file of certificate authorities {endpoint.ca} cannot be used: {error.strerror or error}",
            code="http.ca",
            hint="it is a PEM file; its path counts from the project's folder",
        ) from error
    return made
