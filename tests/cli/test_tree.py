"""Steps drawn as a tree: each once, joins below the last of those that feed them, and never wider than the page."""

from __future__ import annotations

from collections.abc import Sequence

from osiris.cli.tree import Style, tree


def drawn(inputs: dict[str, Sequence[str]], width: int = 80, *, plain: bool = False) -> list[str]:
    return tree({step: step for step in inputs}, inputs, Style(width, plain))


def test_a_chain_and_a_fan_out() -> None:
    assert drawn({"a": (), "b": ["a"], "c": ["b"], "d": ["b"], "e": ["c"]}) == [
        "a",
        "└─ b",
        "   ├─ c",
        "   │  └─ e",
        "   └─ d",
    ]


def test_a_join_is_drawn_once_and_named_where_it_is_fed_before() -> None:
    assert drawn({"a": (), "b": (), "j": ["a", "b"], "w": ["j"]}) == ["a", "└─ j (below)", "b", "└─ j", "   └─ w"]


def test_a_diamond() -> None:
    assert drawn({"a": (), "l": ["a"], "r": ["a"], "j": ["l", "r"]}) == [
        "a",
        "├─ l",
        "│  └─ j (below)",
        "└─ r",
        "   └─ j",
    ]


def test_a_step_that_takes_what_feeds_its_source_too() -> None:
    lines = drawn({"a": (), "b": ["a"], "c": ["a", "b"]})
    assert lines == ["a", "├─ b", "│  └─ c (below)", "└─ c"]


def test_ascii_alone_where_there_is_no_more() -> None:
    lines = drawn({"a": (), "b": ["a"], "c": ["a"], "d": ["b"]}, plain=True)
    assert lines == ["a", "|- b", "|  `- d", "`- c"]


def test_a_text_that_is_too_long_goes_on_below_its_branch() -> None:
    texts = {"a": "a: " + "word " * 9, "b": "b: " + "word " * 9, "c": "c"}
    lines = tree(texts, {"a": (), "b": ["a"], "c": ["a"]}, Style(30))
    assert lines == [
        "a: word word word word word",
        "│  word word word word",
        "├─ b: word word word word word",
        "│     word word word word",
        "└─ c",
    ]


def test_ten_thousand_steps_in_a_row_stay_on_the_page_and_each_is_drawn_once() -> None:
    steps = [f"s{number}" for number in range(10_000)]
    lines = drawn({step: steps[place - 1 : place] for place, step in enumerate(steps)}, width=60)
    assert max(map(len, lines)) <= 60
    assert [line.lstrip("└─ ") for line in lines if not line.endswith("(below)")] == steps
