"""Tables in files and on terminals of any width: nothing is cut, and no line is wider than the terminal."""

from __future__ import annotations

import re
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from osiris.cli.tables import fitted_table, live_table, plain_table
from tests.cli.conftest import Osiris

COLUMNS = ("name", "rows", "text")
CELLS = st.lists(st.text("ab[]/ .čあ", max_size=60), min_size=3, max_size=3)


def shown(table: Any, width: int) -> list[str]:
    screen = Console(file=StringIO(), width=width, force_terminal=True, color_system=None, markup=False, emoji=False)
    screen.print(table)
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def letters(text: str) -> Counter[str]:
    return Counter(re.sub(r"[\s─]", "", text))


def test_a_plain_table_is_aligned_and_never_cut() -> None:
    text = plain_table(("name", "rows"), [["a" * 200, "7"], ["b", "1,234"]], right=("rows",))
    lines = text.splitlines()
    assert lines[0].split() == ["NAME", "ROWS"]
    assert lines[1].startswith("a" * 200)
    assert len({len(line) for line in lines}) == 1


@given(rows=st.lists(CELLS, max_size=3), width=st.integers(20, 120))
def test_all_that_is_in_the_cells_is_shown_at_any_width(rows: list[list[str]], width: int) -> None:
    lines = shown(fitted_table(COLUMNS, rows, ("rows",), width), width)
    assert all(cell_len(line) <= width for line in lines)
    assert letters("".join(lines)) >= letters("".join(cell for row in rows for cell in row))


def test_columns_wrap_between_words_while_there_is_room_and_become_blocks_where_there_is_none() -> None:
    rows = [["orders", "12", "many words that need room"], ["people", "3", ""]]
    assert shown(fitted_table(COLUMNS, rows, ("rows",), 30), 30) == [
        "name    rows  text            ",
        "─" * 30,
        "orders    12  many words that ",
        "              need room       ",
        "people     3                  ",
    ]
    narrow = [line.rstrip() for line in shown(fitted_table(COLUMNS, rows, ("rows",), 15), 15)]
    assert narrow[:3] == ["name  orders", "rows  12", "text  many"]
    assert narrow[-3:] == ["", "name  people", "rows  3"]


@given(rows=st.lists(CELLS, max_size=3), width=st.integers(10, 120))
def test_a_table_that_changes_has_one_line_a_row(rows: list[list[str]], width: int) -> None:
    lines = shown(live_table(COLUMNS, rows, ("rows",), width), width)
    assert len([line for line in lines if line]) == (2 + len(rows) if rows else 2)
    assert all(cell_len(line) <= width for line in lines)


def test_numbers_that_grow_leave_the_columns_where_they_are() -> None:
    few, many = (shown(live_table(COLUMNS, [["a", rows, "x"]], ("rows",), 80), 80)[-1] for rows in ("7", "7,654,321"))
    assert few.index("x") == many.index("x")
    assert shown(live_table(COLUMNS, [["a", "7", "x"]], ("rows",), 16), 16)[-1].split() == ["a", "7", "x"]


def test_a_table_that_changes_gives_up_its_last_columns() -> None:
    lines = shown(live_table(COLUMNS, [["orders", "12", "a word"]], ("rows",), 15), 15)
    assert [line.split() for line in lines if line and "─" not in line] == [["name", "rows"], ["orders", "12"]]


VERBS = (("components", "list"), ("components", "show", "duckdb.writer"), ("connections", "list"), ("runs", "list"))


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_tables_on_a_narrow_terminal_hold_all_that_a_file_would(
    osiris_terminal: Osiris, osiris_process: Osiris, project: Path, words: tuple[str, ...], columns: int
) -> None:
    osiris_process("run", "pipelines/example.yaml", cwd=project)
    whole = osiris_process(*words, cwd=project).out
    narrow = osiris_terminal(*words, cwd=project, columns=columns, NO_COLOR="1").out
    assert set(narrow.replace("│", " ").split()) >= {
        word for word in whole.split() if len(word) < 20 and word.islower()
    }
    assert letters(narrow.lower()) >= letters(whole.lower().partition("\n")[2])
    tables = [line for line in narrow.splitlines() if re.search(r"\S {2,}\S", line)]
    assert tables
    assert [line for line in tables if len(line) > columns] == []
