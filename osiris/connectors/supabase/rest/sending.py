"""`Sending`: staged rows on their way to a table, one request after the other, each a transaction of its own."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Final

from osiris.connectors._shared.http.answers import Answer
from osiris.connectors._shared.postgres.publishing import not_taken
from osiris.connectors.supabase.rest import quoting
from osiris.connectors.supabase.rest.api import Api, Query, is_too_much
from osiris.connectors.supabase.rest.staged import ALL, Frame, Staged
from osiris.errors import OsirisError, WriteFailed

log = logging.getLogger(__name__)
TWICE: Final = "21000"
"""Two rows of one request are the same row to the database."""
UNSURE: Final = ("write.count", "write.unconfirmed")
"""Some rows of the request may have been written, or all."""


@dataclass(frozen=True, slots=True)
class Sending:
    """`keys` are those of an upsert, none for an append."""

    api: Api
    table: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]

    def check(self) -> None:
        """Send no rows: the server looks at the table, its columns, the key and the right to insert all the same."""
        self._post(Frame(1, ()))

    def send(self, staged: Staged) -> None:
        """All that the journal does not say to be done. Raises what a request fails with, and says how far it came."""
        done, tried = staged.done, staged.tried
        if tried > done and not self.keys:
            log.warning(
                "%s: rows %d to %d may have been written before, and are sent again", self.table, done + 1, tried
            )
        for frame in staged.frames():
            if frame.last > done:
                rest = Frame(max(frame.first, done + 1), frame.rows[max(0, done + 1 - frame.first) :])
                self._send(staged, rest)
        staged.note(ALL)

    def _send(self, staged: Staged, frame: Frame) -> None:
        staged.note("sending", frame.last)
        try:
            self._post(frame)
        except OsirisError as error:
            if len(frame.rows) < 2 or not self._helps_to_halve(error):
                raise self._told(error, staged, frame) from error
            log.info("%d rows were too much for one request (%s): sent in halves", len(frame.rows), error)
        else:
            staged.note("done", frame.last)
            return
        for half in frame.halves():
            self._send(staged, half)

    def _post(self, frame: Frame) -> None:
        query: Query = [("columns", quoting.names(self.columns))]
        prefer = "return=minimal,count=exact"
        if self.keys:
            query = [*query, ("on_conflict", quoting.names(self.keys))]
            prefer += ",resolution=merge-duplicates"
        answer = self.api.post(self.table, query, frame.body, {"prefer": prefer}, idempotent=bool(self.keys))
        self._raise_unless_taken(answer, len(frame.rows))

    def _raise_unless_taken(self, answer: Answer, rows: int) -> None:
        """Any 2xx is soon said; how many rows there were, only PostgREST says."""
        told = re.fullmatch(r"\*/(\d+)", answer.headers.get("content-range", ""))
        if told is None:
            raise WriteFailed(
                f"{answer.where} answered {answer.status}, but not how many rows it took: nothing shows that it did",
                code="write.unconfirmed",
                hint="is what answers there PostgREST? Check url and rest_path, and proxies in between",
            )
        if int(told[1]) != rows:
            raise not_taken(int(told[1]), rows)

    def _helps_to_halve(self, error: OsirisError) -> bool:
        return is_too_much(error) or (bool(self.keys) and error.details.get("sqlstate") == TWICE)

    def _told(self, error: OsirisError, staged: Staged, frame: Frame) -> OsirisError:
        """`error`, with what the table has got. What may be there already is not for a step's `retry` to add again."""
        done = staged.done
        if not self.keys:
            error.retryable = False
        if done and not self.keys:
            error.hint = f"remove rows 1 to {done} before you run it again, or upsert, or give dsn; {error.hint or ''}"
        others = "no other row is" if error.code in UNSURE else "no row is"
        written = f"rows 1 to {done} are written" if done else f"{others} written"
        error.message = f"{self.table}, rows {frame.first} to {frame.last}: {error.message}; {written}"
        error.args = (error.message,)
        return error
