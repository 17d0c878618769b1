"""Redaction by value: a secret that was resolved anywhere in this process is masked on every way out of it.

One `Redactor` serves the process, since a log handler or a traceback cannot know which project a text belongs to.
"""

from __future__ import annotations

import base64
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

MASK = "***"
SHORT = 4
"""Below this many characters a secret is masked only as a whole value or in a URL or header position."""
LINE = 16
"""From this many characters on, a line of a secret of several lines is a secret itself."""


class Redactor:
    """Masks the secret values it was told of, the longest first, raw and as URL, JSON and base64 spell them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._long: re.Pattern[str] | None = None
        self._short: re.Pattern[str] | None = None

    def add(self, value: object) -> None:
        """Mask `value` from now on. Numbers are taken as text; an empty or blank text is ignored.

        The lines of a longer text (a private key) are masked one by one too, since logs show them so.
        """
        text = str(value)
        if not text.strip() or isinstance(value, bool):
            return
        lines = {line.strip() for line in text.splitlines() if len(line.strip()) >= LINE}
        with self._lock:
            if self._values >= {text, *lines}:
                return
            self._values |= {text, *lines}
            self._compile()

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """What is added within is forgotten afterwards: for tests, which have secrets that are words."""
        with self._lock:
            before = set(self._values)
        try:
            yield
        finally:
            with self._lock:
                if self._values != before:
                    self._values = before
                    self._compile()

    def text(self, text: str) -> str:
        """`text` with every known secret masked."""
        if text in self._values:
            return MASK
        if self._long is not None:
            text = self._long.sub(MASK, text)
        if self._short is not None:
            text = self._short.sub(lambda found: found.group(1) + MASK, text)
        return text

    def leaves(self, value: Any) -> Any:
        """A copy of plain data (mappings, sequences, scalars) with each text leaf and key masked.

        Numbers stay: a count that equals a secret is none.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.leaves(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.leaves(item) for item in value]
        return value

    def _compile(self) -> None:
        ordered = sorted(self._values, key=lambda value: (-len(value), value))
        whole = [_any_spelling(value) for value in ordered if len(value) >= SHORT]
        coded = [_any_spelling(form) for value in ordered if len(value) >= SHORT for form in _base64(value)]
        self._long = re.compile("|".join(whole + coded)) if whole else None
        short = [_any_spelling(value) for value in ordered if len(value) < SHORT]
        self._short = re.compile(f"{_BEFORE_SHORT}(?:{'|'.join(short)})(?![A-Za-z0-9])") if short else None


_BEFORE_SHORT = r"(://[^/\s:@]*:|[?&][^=&\s]+=|(?i:bearer|basic|token|password|passwd|pwd|key|secret)\"?\s*[:= ]\s*\"?)"
"""user:SECRET@host, ?key=SECRET, "Authorization: Bearer SECRET", password=SECRET."""
_HTML = {"&": "amp|#38", "<": "lt|#60", ">": "gt|#62", '"': "quot|#34", "'": "apos|#39|#x27"}
_ESCAPED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


def _any_spelling(value: str) -> str:
    """A pattern for `value` raw, percent-encoded, escaped as JSON or Python do, up to three times, and any mixture.

    Repetitions are bounded and runs of backslashes are one repetition: no text makes the search slow.
    """
    runs = re.findall(r"\\+|[^\\]", value)
    return "".join(run if run.isascii() and (run.isalnum() or run == "_") else _character(run) for run in runs)


def _character(char: str) -> str:
    """The pattern of one character, or of a run of backslashes."""
    if char[0] == "\\":
        count = len(char)
        return rf"(?:\\{{{count},{8 * count}}}|(?:%(?:25){{0,3}}5[cC]){{{count}}}|(?:\\{{1,7}}u005[cC]){{{count}}})"
    forms = ["".join(rf"\\{{1,7}}u(?i:{unit})" for unit in _utf16(char))]
    if ord(char) > 0xFFFF:
        forms.append(rf"\\{{1,7}}U(?i:{ord(char):08x})")
    if ord(char) < 256:
        forms.append(rf"\\{{1,7}}x(?i:{ord(char):02x})")
    if char in _ESCAPED:
        forms.append(rf"\\{{1,7}}{_ESCAPED[char]}")
    if char in "\"'/":
        forms.append(rf"\\{{1,7}}{char}")
    if char in _HTML:
        forms.append(f"&(?:{_HTML[char]});")
    if char == " ":
        forms.append(r"\+")
    encoded = char.encode(errors="surrogatepass")
    forms.append("".join(f"%(?:25){{0,3}}(?i:{byte:02x})" for byte in encoded))
    return f"(?:{'|'.join([*forms, re.escape(char)])})"


def _utf16(char: str) -> list[str]:
    units = char.encode("utf-16-be", errors="surrogatepass").hex()
    return [units[place : place + 4] for place in range(0, len(units), 4)]


def _base64(value: str) -> set[str]:
    """What base64 makes of `value` inside a longer text, at each of the three offsets, in both alphabets: those digits
    that it alone decides."""
    forms: set[str] = set()
    raw = value.encode(errors="surrogatepass")
    for offset in range(3):
        start, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            fragment = alphabet(b"\0" * offset + raw)[start:end].decode()
            if len(fragment) >= SHORT:
                forms.add(fragment)
    return forms


redactor = Redactor()


class RedactingFilter(logging.Filter):
    """Masks secrets in a record's message, arguments, traceback and stack before any handler formats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} {record.args}"  # a wrong call of the logger must not fail what it reports on
        record.msg, record.args = redactor.text(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_info = None  # else a handler that formats it itself would show it unmasked
        if record.exc_text:
            record.exc_text = redactor.text(record.exc_text)
        if record.stack_info:
            record.stack_info = redactor.text(record.stack_info)
        return True
