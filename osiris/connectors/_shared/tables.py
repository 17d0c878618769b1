"""`existing`: a table that may be missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from osiris.errors import NotFound

C = TypeVar("C")
N = TypeVar("N")
T = TypeVar("T")


def existing(find: Callable[[C, N], T], client: C, name: N) -> T | None:
    """As `find`, None when only the table is missing: a schema that is not there is an error all the same."""
    try:
        return find(client, name)
    except NotFound as error:
        if error.code != "table.missing":
            raise
        return None
