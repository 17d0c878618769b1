"""Reads a table, a view or a query of a PostgreSQL server."""

from __future__ import annotations

from osiris.connectors._shared.postgres import extractor
from osiris.connectors.postgres.client import Client


class Extractor(extractor.Extractor[Client]):
    """By COPY, in one snapshot."""
