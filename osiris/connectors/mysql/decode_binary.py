"""Rows of the binary protocol, those of a prepared statement: numbers as they are in memory, so FLOAT is exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from osiris.connectors.mysql.columns import Column, Policy
from osiris.connectors.mysql.values import Block
from osiris.errors import InternalError


class BinaryRows:
    """Decodes blocks of binary rows into the arrays of `schema`."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema, policy: Policy, counts: Counter[str]) -> None:
        raise InternalError("rows of prepared statements cannot be decoded yet")

    def arrays(self, block: Block) -> list[pa.Array]:
        return []
