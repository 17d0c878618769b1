"""Redaction by value: a secret that was resolved anywhere in this process is masked on every way out of it.

One `Redactor` serves the process, since a log handler or a traceback cannot know which project a text belongs to.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORT = 4
"""Below this many characters a secret is masked only as a whole value or in a URL or header position."""


class Redactor:
    """Masks the secret values it was told of, the longest first, raw and as URL, JSON and base64 spell them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._long: re.Pattern[str] | None = None
        self._short: re.Pattern[str] | None = None

    def add(self, value: object) -> None:
        """Mask `value` from now on. Numbers are taken as text; an empty text is ignored."""
        text = str(value)
        if not text or isinstance(value, bool) or text in self._values:
            return
        with self._lock:
            self._values.add(text)
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
        """A copy of plain data (mappings, sequences, scalars) with each text leaf and key masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.leaves(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.leaves(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self._values:
            return MASK
        return value

    def _compile(self) -> None:
        spellings: set[str] = set()
        for value in self._values:
            if len(value) >= SHORT:
                spellings |= _spellings(value)
        if spellings:
            ordered = sorted(spellings, key=len, reverse=True)
            self._long = re.compile("|".join(map(re.escape, ordered)))
        short = sorted((v for v in self._values if len(v) < SHORT), key=len, reverse=True)
        if short:
            words = "|".join({re.escape(form) for v in short for form in (v, quote(v, safe=""))})
            # user:SECRET@host, ?key=SECRET, "Authorization: Bearer SECRET", password=SECRET
            before = r"(://[^/\s:@]*:|[?&][^=\s&]+=|(?i:bearer|basic|token|password|passwd|pwd|key|secret)\"?\s*[:= ]\s*\"?)"
            self._short = re.compile(rf"{before}(?:{words})(?![A-Za-z0-9])")


def _spellings(value: str) -> set[str]:
    """Every form in which `value` may stand in a text, also inside a longer base64 text at any offset."""
    quoted = {quote(value, safe=""), quote(value), quote_plus(value)}
    forms = {value, *quoted, *(re.sub("%[0-9A-F]{2}", lambda m: m.group().lower(), q) for q in quoted)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    raw = value.encode()
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
        record.msg = redactor.text(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redactor.text(record.exc_text)
        if record.stack_info:
            record.stack_info = redactor.text(record.stack_info)
        return True
