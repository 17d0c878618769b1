"""Names and values in a query of PostgREST: https://docs.postgrest.org/en/stable/references/api/url_grammar.html"""

from __future__ import annotations

import re
from typing import Final

RESERVED: Final = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict", "and", "or", "not"})
"""Parameters of PostgREST's own: a column of such a name is quoted."""


def name(column: str) -> str:
    """The column wherever PostgREST takes one; case counts."""
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column) and column.lower() not in RESERVED
    return column if is_plain else quoted(column)


def quoted(text: str) -> str:
    """A name, or a value within brackets, of any characters."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def names(columns: tuple[str, ...]) -> str:
    return ",".join(map(name, columns))
