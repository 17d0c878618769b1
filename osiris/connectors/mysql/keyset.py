"""Reading a range of a key page by page; after a lost connection, on from the last row that was given."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from pymysql.err import MySQLError

from osiris.connectors.base import End
from osiris.connectors.mysql import reading
from osiris.connectors.mysql.client import Client
from osiris.connectors.mysql.keys import KeyColumn, Values, after, upto
from osiris.connectors.mysql.names import RESERVED
from osiris.connectors.mysql.reading import Form
from osiris.connectors.mysql.selection import Rows, Selection
from osiris.connectors.mysql.tables import Key
from osiris.errors import ConnectionFailed, OsirisError
from osiris.stream import EXHAUSTED

log = logging.getLogger(__name__)
WAITS_S: Final = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Before each try to connect again; a row that arrives starts them anew."""
POLL_S: Final = 0.1
FAILURES: Final = (MySQLError, OSError, OsirisError)


@dataclass(frozen=True, slots=True)
class Pages:
    """How a table is read in pages of `page_rows` rows, through the unique `index` of the columns `key`."""

    rows: Rows
    index: Key
    key: tuple[KeyColumn, ...]
    page_rows: int
    form: Form

    def page(self, start: Values | None, end: Values, limit: int) -> Selection:
        """The first rows after `start`, up to `end`; the values of the key, as text, behind the columns."""
        more = [f"{column.shown} AS `{RESERVED}key_{n}`" for n, column in enumerate(self.key)]
        where = [*([after(self.key, start)] if start else []), upto(self.key, end)]
        order = ", ".join(f"{self.rows.table.name.sql}.{column.sql}" for column in self.key)
        return self.rows.select(*where, tail=f" ORDER BY {order} LIMIT {limit}", more=more, index=self.index.name)


class Reader:
    """Reads one range, from behind `start` up to `end`, at most `limit` rows of it."""

    def __init__(self, client: Client, pages: Pages, start: Values | None, end: Values, limit: int | None) -> None:
        self._client = client
        self._pages = pages
        self._last = start
        self._end = end
        self._limit = limit
        self._rows = 0
        self._tries = 0
        self._counts: Counter[str] = Counter()

    def read(self) -> Generator[pa.RecordBatch, None, End]:
        """The rows in the order of the key, each page as the table is at that moment. Raises the error of the last try
        when the connection was lost and could not be made again."""
        while True:
            wanted = self._pages.page_rows
            if self._limit is not None:
                wanted = min(wanted, self._limit - self._rows)
            before = self._rows
            try:
                yield from self._page(wanted)
            except FAILURES as error:
                self._connect_again(error)
                continue
            if self._rows == self._limit:
                return End(self._rows, "limit", dict(self._counts))
            if self._rows - before < wanted:
                return End(self._rows, EXHAUSTED, dict(self._counts))

    def _page(self, limit: int) -> Generator[pa.RecordBatch]:
        pages, client = self._pages, self._client
        client.execute("START TRANSACTION READ ONLY")
        decoder = reading.begin(client, pages.page(self._last, self._end, limit), pages.form)
        counted: Counter[str] = Counter()
        shown = len(pages.rows.columns)
        for batch in reading.received(client, decoder, pages.form):
            self._last = tuple(batch.column(place)[-1].as_py() for place in range(shown, batch.num_columns))
            self._rows += batch.num_rows
            self._counts.update(Counter(decoder.counts) - counted)
            counted = Counter(decoder.counts)
            self._tries = 0
            yield batch.select(range(shown))
        client.execute("COMMIT")

    def _connect_again(self, failure: Exception) -> None:
        """Wait and connect, as often as is worth it; else raise `failure`, or that of the last try."""
        while self._tries < len(WAITS_S) and self._may_pass(failure):
            log.warning("%s: after row %d: %s; connecting again", self._pages.rows.table.name, self._rows, failure)
            self._wait(WAITS_S[self._tries])
            self._tries += 1
            try:
                self._client.reopen()
            except FAILURES as again:
                failure = again
            else:
                self._counts["reconnects"] += 1
                return
        raise failure

    def _may_pass(self, failure: Exception) -> bool:
        known = self._client.classify(failure)
        return isinstance(known, ConnectionFailed) and known.retryable

    def _wait(self, wait_s: float) -> None:
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            self._client.raise_if_interrupted()
            time.sleep(min(POLL_S, left))
