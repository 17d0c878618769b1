"""`Endpoint`: where an API is, and how long, how much and how often its answers may keep us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from osiris.errors import ConfigError, SourceError
from osiris.secrets import redactor

PORTS = {"http": 80, "https": 443}
MIB = 1 << 20
Origin = tuple[str, str, int]
"""Scheme, host and port: what a credential is for."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`connect_s`: name, connection and TLS, each. `read_s`: from one byte to the next. `total_s`: one attempt, with
    the redirects that it follows and the last byte of the body."""

    connect_s: float = 10.0
    read_s: float = 60.0
    total_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Caps:
    """What an answer may cost. `body_bytes` counts after decompression; `ratio` is how many times a body may grow by
    it, once it has grown over `ratio_from_bytes`."""

    body_bytes: int = 256 * MIB
    ratio: int = 200
    ratio_from_bytes: int = 16 * MIB
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all, `wait_s` after the first and twice as long after each; `longest_wait_s` is the longest wait
    that a server may ask for: over that the request fails and says so."""

    attempts: int = 5
    wait_s: float = 0.5
    longest_wait_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`credentials` are headers that go to the origin of `base_url` and nowhere else; `headers` go everywhere.

    `ca` is a PEM file of the authorities to believe instead of the system's. `proxy` is `http://[user:password@]host:port`;
    None means a straight connection: `proxy_of_environment` says what the machine is set to.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    timeouts: Timeouts = Timeouts()
    caps: Caps = Caps()
    retries: Retries = Retries()

    def __post_init__(self) -> None:
        _check_url("url", self.base_url, tuple(PORTS))
        if self.proxy is not None:
            _check_url("proxy", self.proxy, ("http",))
        for name, value in {**self.headers, **self.credentials}.items():
            _check_header(name, value)

    @property
    def origin(self) -> Origin:
        return origin_of(self.base_url)

    def url(self, path: str) -> str:
        """`path` below `base_url`, whether that ends in a slash or not; a whole URL stays as it is."""
        if path.startswith(("http://", "https://")):
            return path
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"

    def next_url(self, page_url: str, link: str) -> str:
        """What the page at `page_url` names as its next one. Raises SourceError when it is at another origin."""
        url = joined(page_url, link)
        if origin_of(url) != self.origin:
            raise SourceError(
                f"the next page is said to be at {shown(url)}, which is not where {shown(self.base_url)} is",
                code="http.other_origin",
                hint="set the connection's url as the server itself spells it: scheme, host and port",
            )
        return url


def origin_of(url: str) -> Origin:
    """Raises SourceError for what is no http or https URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _no_url(url) from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise _no_url(url)
    return parts.scheme, parts.hostname.rstrip("."), port or PORTS[parts.scheme]


def joined(url: str, link: str) -> str:
    """`link` as it stands in an answer from `url`. Raises SourceError when it is none."""
    try:
        return urljoin(url, link)
    except ValueError as error:
        raise _no_url(link) from error


def shown(url: str) -> str:
    """`url` for people: without user and password, without its query, secrets masked."""
    parts = urlsplit(url)
    return redactor.text(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def proxy_of_environment(url: str) -> str | None:
    """The proxy that the machine is set to use for `url` (HTTPS_PROXY, NO_PROXY, or the system's own settings)."""
    scheme, host, port = origin_of(url)
    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found or proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return None
    return found if "://" in found else f"http://{found}"


def _check_url(field_name: str, url: str, schemes: tuple[str, ...]) -> None:
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in schemes or not parts.hostname or parts.port == 0
    except ValueError:
        _refuse(field_name, url, schemes)
    if wrong or re.search(r"[\s\x00-\x1f\x7f]", url):
        _refuse(field_name, url, schemes)
    if field_name == "url" and _has_more(parts):
        raise ConfigError(
            f"{shown(url)}: the url holds a user, a query or a fragment",
            code="http.url",
            hint="keep scheme, host, port and path, and give credentials in fields of their own",
        )


def _has_more(parts: SplitResult) -> bool:
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _refuse(field_name: str, url: str, schemes: tuple[str, ...]) -> NoReturn:
    text = redactor.text(url.rpartition("@")[2])
    raise ConfigError(
        f"{field_name}: {text!r} is no URL that can be used",
        code="http.url",
        hint=f"write it as {schemes[-1]}://host, with :port when it is not the usual one",
    )


def _check_header(name: str, value: str) -> None:
    """A key that was pasted with a line break is the usual mistake."""
    try:
        value.encode("latin-1")
        fits = not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value) and value == value.strip()
    except UnicodeEncodeError:
        fits = False
    if not fits or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ConfigError(
            f"the header {name!r} cannot be sent: a line break, a space at an end, or a character that none can hold",
            code="http.header",
            hint="check the value for what came along when it was pasted",
        )


def _no_url(url: str) -> SourceError:
    return SourceError(f"the server names {redactor.text(url)!r}, which is no http or https URL", code="http.url")
