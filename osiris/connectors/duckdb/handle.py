"""`Handle`: a DuckDB connection with the query that runs on it, which another thread can interrupt."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import duckdb
import pyarrow as pa

from osiris.connectors.base import Classifies
from osiris.connectors.duckdb import failures
from osiris.errors import OsirisError


class Handle(Classifies):
    """What a client and a processor have in common; stands before the contract's class among the bases of each."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._con: duckdb.DuckDBPyConnection | None = None
        self._reader: pa.RecordBatchReader | None = None
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        self._interrupted.set()
        con = self._con
        if con is not None:
            with contextlib.suppress(duckdb.Error):
                con.interrupt()

    @classmethod
    def _classify(cls, error: Exception) -> OsirisError:
        return failures.known(error) or super()._classify(error)

    def _end_query(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _disconnect(self) -> None:
        """End the query and close the connection; no error when there is none."""
        self._end_query()
        con, self._con = self._con, None
        if con is not None:
            con.close()
