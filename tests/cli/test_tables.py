"""Tables in files and on terminals of any width: nothing is cut, and no line is wider than the terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from osiris.cli.main import main
from osiris.cli.tables import fitted_table, live_table, plain_table
from tests.cli.conftest import ENVIRON, InTerminal

pytestmark = pytest.mark.slow

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
ALL = f"""
from osiris.cli.main import main
for words in {VERBS!r}:
    main(words)
    print("\\f")
"""
"""All of them in one process, which takes most of its time to start; a form feed after each."""


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with a run."""
    folder = tmp_path_factory.mktemp("tables") / "project"
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        assert main(["init", str(folder)]) == main(["run", "pipelines/example.yaml", "--project", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_tables_on_a_narrow_terminal_hold_all_that_a_file_would(
    in_terminal: InTerminal, used: Path, columns: int
) -> None:
    command = [sys.executable, "-c", ALL]
    whole = subprocess.run(command, cwd=used, env=ENVIRON, capture_output=True, text=True, check=True).stdout
    narrow = in_terminal(command, cwd=used, columns=columns, NO_COLOR="1").out
    assert whole.count("\f") == narrow.count("\f") == len(VERBS)
    for words, here, there in zip(VERBS, whole.split("\f"), narrow.split("\f"), strict=False):
        assert_holds(" ".join(words), here.lstrip(), there, columns)


def assert_holds(verb: str, whole: str, narrow: str, columns: int) -> None:
    """Each word and each letter of the file is on the terminal, and no line of a table is wider than that."""
    words = {word for word in whole.split() if len(word) < 20 and word.islower()}
    assert set(narrow.replace("│", " ").split()) >= words, verb
    assert letters(narrow.lower()) >= letters(whole.lower().partition("\n")[2]), verb
    tables = [line for line in narrow.splitlines() if re.search(r"\S {2,}\S", line)]
    assert tables, verb
    assert [line for line in tables if len(line) > columns] == [], verb
