"""`Paging`: the rows of a read, one request after the other, until a page is empty."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from osiris.connectors._shared.http.answers import Answer
from osiris.connectors.supabase.rest.api import Api, Query, is_too_much
from osiris.connectors.supabase.rest.keyset import Keyset
from osiris.errors import OsirisError, SourceError

log = logging.getLogger(__name__)
FIRST_ROWS: Final = 1000
PAGE_BYTES: Final = 4 << 20
HEADERS: Final = {"Prefer": "timezone=UTC"}
Rows = list[dict[str, Any]]


@dataclass(slots=True)
class Sizing:
    """How many rows to ask for: about `PAGE_BYTES`, half as many when that is too much for the server, no more than it
    gives at most (`cap`, None while that is not known)."""

    most: int
    rows: int = 0
    cap: int | None = None

    def __post_init__(self) -> None:
        self.rows = min(FIRST_ROWS, self.most)

    def shrink(self, asked: int) -> bool:
        """False when it cannot be less."""
        self.rows = max(1, asked // 2)
        return asked > 1

    def learn(self, asked: int, rows: int, size_bytes: int) -> None:
        """From a page of so many rows and bytes."""
        fitting = PAGE_BYTES * rows // max(1, size_bytes)
        self.rows = max(1, min(2 * asked, fitting, self.most, self.cap or self.most))


@dataclass(slots=True)
class Paging:
    """A read in pages: by `keyset`, or by counting rows where it is None. `path` and `query` are the same for each."""

    api: Api
    path: str
    query: Query
    keyset: Keyset | None
    sizing: Sizing
    limit: int | None = None
    offset: int = 0
    given: int = field(default=0, init=False)

    def pages(self) -> Iterator[Rows]:
        """Rows that are objects; numbers in them are texts, digit by digit."""
        last: Sequence[str] | None = None
        short: tuple[int, int] | None = None
        while self.limit is None or self.given < self.limit:
            asked = self._asked()
            try:
                answer = self.api.get(self.path, [*self.query, *self._place(last), ("limit", str(asked))], HEADERS)
            except OsirisError as error:
                if not is_too_much(error) or not self.sizing.shrink(asked):
                    raise
                log.info("a page of %d rows was too much (%s): the next one is of %d", asked, error, self.sizing.rows)
                continue
            rows = rows_of(answer)
            if not rows:
                return
            if short is not None:
                self._note_cap(*short)
            short = (len(rows), asked) if len(rows) < asked else None
            last = self._last(rows[-1], last)
            self.given += len(rows)
            self.sizing.learn(asked, len(rows), len(answer.body))
            yield rows

    def _asked(self) -> int:
        rows = self.sizing.rows
        return rows if self.limit is None else min(rows, self.limit - self.given)

    def _place(self, last: Sequence[str] | None) -> Query:
        """Where the page begins."""
        if self.keyset is not None and last is not None:
            return self.keyset.after(last)
        begin = self.offset + self.given
        return [("offset", str(begin))] if begin else []

    def _last(self, row: dict[str, Any], before: Sequence[str] | None) -> Sequence[str] | None:
        """The key of the last row, which the next page begins after."""
        if self.keyset is None:
            return None
        values = [row.get(column) for column in self.keyset.columns]
        if any(value is None for value in values):
            raise SourceError(
                f"{self.path}: the key {', '.join(self.keyset.columns)} is null in a row: pages cannot go on after it",
                code="rest.key_null",
                hint="page by a unique key that is NOT NULL (primary_key), or set paging: offset",
            )
        found = [_text(value) for value in values]
        if found == before:
            raise SourceError(
                f"{self.path}: the server gives the same page again, so it does not look at the filters",
                code="rest.no_progress",
                hint="check the url: is what answers there PostgREST?",
            )
        return found

    def _note_cap(self, rows: int, asked: int) -> None:
        """A page was short, and yet more came after it."""
        if self.sizing.cap is None or rows < self.sizing.cap:
            log.info("%s: the server gives %d rows at most (max-rows), not the %d asked for", self.path, rows, asked)
            self.sizing.cap = rows


def rows_of(answer: Answer) -> Rows:
    """Raises SourceError for anything but an array of objects."""
    try:
        found = json.loads(answer.body, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        answer.json()  # says what came instead
        raise
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise SourceError(
            f"{answer.where} answers with other JSON than rows: {answer.excerpt()}",
            code="rest.rows",
            hint="a function has to return a table or SETOF a row type",
        )
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
