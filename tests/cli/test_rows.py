"""Lines with comments: side by side where there is room, below each other where there is not."""

from __future__ import annotations

import pytest

from osiris.cli.rows import Row, laid_out

ROWS = [Row("  a: 1", "here"), Row("  longer: 2", "there"), Row("  bare: 3")]


def test_comments_stand_in_one_column() -> None:
    assert list(laid_out(ROWS, 80)) == ["  a: 1       # here", "  longer: 2  # there", "  bare: 3"]


def test_a_comment_without_room_goes_below() -> None:
    assert list(laid_out(ROWS, 19)) == ["  a: 1       # here", "  longer: 2", "      # there", "  bare: 3"]


def test_a_long_line_does_not_push_the_others() -> None:
    lines = list(laid_out([*ROWS, Row(f"  long: {'x' * 60}", "far")], 100))
    assert lines[0] == "  a: 1       # here"
    assert lines[-1] == f"  long: {'x' * 60}  # far"


@pytest.mark.parametrize("width", [18, 20, 33, 80])
def test_no_line_is_wider_than_the_page_and_no_word_is_lost(width: int) -> None:
    row = Row("    text: " + "some words " * 20, "said of it " * 10)
    lines = list(laid_out([row], width))
    assert all(len(line) <= width for line in lines)
    words = " ".join(lines).replace("#", " ").split()
    assert words == f"{row.text} {row.comment}".split()
