"""Tables: rows under headings, fitted to a terminal, or as blocks of lines where it is too narrow for columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

GAP = 2
WORD = 30
"""A longer word may be broken to fit a column; what is cut off goes on below."""
NUMBER = 11
"""How wide a growing number becomes, such as 123,456,789."""
GOOD, BAD = ("success", "ok", "done"), ("failure", "failed", "broken")
Cells = Sequence[Sequence[str]]


def plain_table(columns: Sequence[str], rows: Cells, right: Sequence[str] = ()) -> str:
    """Aligned columns, two spaces apart, whole cells: for files and pipes."""
    lines = [[column.upper() for column in columns], *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    text = ""
    for line in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ]
        text += (" " * GAP).join(cells).rstrip() + "\n"
    return text


def fitted_table(columns: Sequence[str], rows: Cells, right: Sequence[str], width: int) -> Any:
    """The same for a terminal of `width` columns: cells wrap between words. All that is in the cells is shown."""
    lines = [list(columns), *rows]
    natural = [max(_size(line[place]) for line in lines) for place in range(len(columns))]
    least = [min(WORD, max(_longest_word(line[place]) for line in lines)) for place in range(len(columns))]
    widths = _shared(natural, least, width - GAP * (len(columns) - 1))
    return _blocks(columns, rows) if widths is None else _table(columns, rows, right, widths)


def live_table(columns: Sequence[str], rows: Cells, right: Sequence[str], width: int) -> Any:
    """One line a row, as something that changes all the time has to have: the last columns go where there is no room,
    and a long word ends in an ellipsis. Numbers can grow without moving what is beside them."""
    lines = [list(columns), *rows]
    widths: list[int] = []
    for place in range(len(columns)):
        wanted = min(WORD, max(_size(line[place]) for line in lines))
        if widths and sum(widths) + GAP * len(widths) + wanted > width:
            break
        widths.append(wanted)
    count = len(widths)
    roomy = [max(width, NUMBER) if name in right else width for name, width in zip(columns, widths, strict=False)]
    if count == len(columns) and sum(roomy) + GAP * (count - 1) <= width:
        widths = roomy
    return _table(columns[:count], [row[:count] for row in rows], right, widths, one_line=True)


def _shared(natural: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """How wide each column gets: what is left beyond the least is shared among those that need more."""
    spare = room - sum(least)
    if spare < 0:
        return None
    widths = list(least)
    waiting = sorted(range(len(widths)), key=lambda place: natural[place] - least[place])
    for done, place in enumerate(waiting):
        more = min(natural[place] - least[place], spare // (len(waiting) - done))
        widths[place] += max(0, more)
        spare -= max(0, more)
    return widths


def _table(
    columns: Sequence[str], rows: Cells, right: Sequence[str], widths: Sequence[int], one_line: bool = False
) -> Any:
    from rich import box
    from rich.table import Table

    # the box puts one more blank between two columns
    table = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        side = "right" if column in right else "left"
        overflow = "ellipsis" if one_line else "fold"
        table.add_column(column, justify=side, overflow=overflow, no_wrap=one_line, width=width)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*[_text(cell) for cell in row])
    return table


def _blocks(columns: Sequence[str], rows: Cells) -> Any:
    """A line for each cell that is not empty, its heading in front, and an empty one between the rows."""
    from rich.console import Group
    from rich.table import Table

    blocks: list[Any] = []
    for row in rows:
        block = Table.grid(padding=(0, GAP, 0, 0))
        block.add_column(style="bold", no_wrap=True)
        block.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            if cell:
                block.add_row(column, _text(cell))
        blocks += ["", block] if blocks else [block]
    return Group(*blocks)


def _text(cell: str) -> Any:
    from rich.text import Text

    return Text(
        cell, style="green" if cell in GOOD else "red" if cell in BAD else "yellow" if cell == "warning" else ""
    )


def _size(text: str) -> int:
    """How many columns of a terminal it takes; some characters take two."""
    from rich.cells import cell_len

    return cell_len(text)


def _longest_word(text: str) -> int:
    return max((_size(word) for word in text.split()), default=0)
