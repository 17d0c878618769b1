"""Lines of text with a comment each, which stands beside the text where there is room, else below it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

COMMENTS_AT = 44
"""A longer text does not push the comments of the others to the right."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line, indented as it will be shown, and what is to be said about it."""

    text: str
    comment: str = ""


def laid_out(rows: Sequence[Row], width: int) -> Iterator[str]:
    """The rows on a page of `width` columns; words are broken nowhere, so a long one may stand out."""
    fitting = [len(row.text) for row in rows if row.comment and len(row.text) < COMMENTS_AT]
    column = max(fitting, default=0) + 2
    for row in rows:
        below = f"{row.text[: len(row.text) - len(row.text.lstrip())]}    "
        place = max(column, len(row.text) + 2)
        if not row.comment:
            yield from wrapped(row.text, below, width)
        elif place + len(row.comment) + 2 <= width:
            yield f"{row.text:<{place}}# {row.comment}"
        else:
            yield from wrapped(row.text, below, width)
            yield from wrapped(f"{below}# {row.comment}", f"{below}# ", width)


def wrapped(text: str, below: str, width: int) -> Iterator[str]:
    """`text` in lines of `width` columns, the second and later ones behind `below`."""
    lines = textwrap.wrap(
        text,
        width,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    yield from lines or [text]
