"""Which parts of a connection's text are secret, and how it is shown without them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from osiris.components.problems import Path
from osiris.components.rules import Rules
from osiris.connections.substitution import Placeholder, parse
from osiris.errors import ConfigError
from osiris.secrets import MASK

_NAMES = r"password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|cookie"
_NAMED = re.compile(rf"(?i)(?:.*[_.-])?(?:{_NAMES}|authorization|signature|sig)|.*(?:password|secret|token|apikey)")
_AUTHORITY = re.compile(r"://(?P<authority>[^/?#\s]*)")
_LOOSE = re.compile(r"://[^:/@\s]*:(?P<password>\S+)@")
_QUERY = re.compile(r"[?&;](?P<name>[^=&;\s]+)=(?P<value>[^&;#\s]*)")
_KEYWORD = re.compile(r"(?i)\b(?:password|passwd|pwd)\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|[^\s;'&]+)")
_URL_POSITION = re.compile(
    rf"(?i)(?:://[^/?#@\s]*:|[?&;][^=&;\s]*(?:{_NAMES}|sig|key)=|\b(?:password|passwd|pwd)\s*=\s*'?)$"
)
_USERINFO = re.compile(r"://[^/?#@\s]*:$")


def is_secret(rules: Rules, path: Path) -> bool:
    """Whether the value at `path` of a connection is a secret: its spec says so, or its name does."""
    return rules.is_secret(path) or any(isinstance(part, str) and _NAMED.fullmatch(part) for part in path)


def in_url_secret(before: str) -> bool:
    """Whether a placeholder after the text `before` stands where a URL or DSN has its password or token."""
    return _URL_POSITION.search(before) is not None


def in_userinfo(before: str) -> bool:
    """Whether a placeholder after the text `before` is a URL's password."""
    return _USERINFO.search(before) is not None


def breaks_url(password: str) -> bool:
    """Whether a URL would be cut at a character of `password`."""
    return re.search(r"[/?#@\s]|%(?![0-9A-Fa-f]{2})", password) is not None


def url_secrets(text: str) -> set[str]:
    """The passwords and tokens inside a URL or DSN, as written and decoded."""
    found = {text[start:end] for start, end in _spans(text)}
    return {form for value in found for form in (value, unquote(value), value.strip("'")) if form}


def hidden(text: str) -> str:
    """A text that nobody declared secret, the passwords and tokens of a URL or DSN in it masked."""
    for start, end in sorted(_spans(text), reverse=True):
        text = text[:start] + MASK + text[end:]
    return text


def shown(text: str, *, secret: bool) -> str:
    """A field's text as written: placeholders stand, a secret's literal parts and defaults are masked."""
    try:
        parts = list(parse(text))
    except ConfigError:
        return MASK
    if secret:
        return "".join(_placeholder(part) if isinstance(part, Placeholder) else MASK for part in parts)
    for start, end in sorted(_spans(text), reverse=True):
        text = text[:start] + shown(text[start:end], secret=True) + text[end:]
    return text


def _placeholder(part: Placeholder) -> str:
    return part.text if part.default is None else f"${{{part.name}:-{MASK}}}"


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the secrets of a URL or DSN begin and end; they do not overlap."""
    url = _AUTHORITY.search(text)
    if url is None:
        yield from (found.span("value") for found in _KEYWORD.finditer(text))
        return
    taken = url.end()
    user, colon, rest = url["authority"].rpartition("@")[0].partition(":")
    if colon:
        start = url.start("authority") + len(user) + 1
        yield start, start + len(rest)
    elif "@" not in url["authority"] and (loose := _LOOSE.search(text)):
        port = url["authority"].partition(":")[2]
        if not port.isdigit():  # a password with a raw slash, which ends the authority too early
            taken = loose.end()
            yield loose.span("password")
    for found in _QUERY.finditer(text, taken):
        if found["name"].lower() == "key" or _NAMED.fullmatch(found["name"]):
            yield found.span("value")
