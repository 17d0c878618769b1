"""Error pages: what, where with a caret, what to do; and that no source line shows a secret."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from osiris.cli.pages import page
from osiris.errors import ConfigError, DataError
from osiris.secrets import redactor


def error(file: Path, line: int, column: int, **more: str) -> ConfigError:
    return ConfigError("this is wrong", file=str(file), line=line, column=column, **more)


def test_the_page_shows_the_line_with_a_caret_under_the_column(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("name: x\nsteps:\n  - id: a\n    componet: y\n")
    assert page(error(file, 4, 5, hint='did you mean "component"?')) == [
        "error: this is wrong",
        f"  at {file}:4:5",
        "  4 |     componet: y",
        "    |     ^",
        'hint: did you mean "component"?',
    ]


def test_a_file_below_the_current_folder_is_named_as_one_would_type_it(tmp_path: Path) -> None:
    with chdir(tmp_path):
        assert page(error(tmp_path / "sub" / "p.yaml", 4, 5))[1] == "  at sub/p.yaml:4:5"
        assert page(error(tmp_path.parent / "p.yaml", 4, 5))[1] == f"  at {tmp_path.parent}/p.yaml:4:5"


def test_the_caret_finds_its_place_where_values_are_masked(tmp_path: Path) -> None:
    file = tmp_path / "osiris_connections.yaml"
    file.write_text('version: 1\n  duckdb: {shop: {path: shop.duckdb}, lake: {path: "${DIR}/lake.db"}}\n')
    assert page(error(file, 2, 52))[2:4] == [
        '  2 |   duckdb: {shop: {path: ***}, lake: {path: "${DIR}***"}}',
        "    |                                            ^",
    ]


def test_tabs_before_the_column_keep_the_caret_in_place(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("a:\n\tb: c\n")
    assert page(error(file, 2, 2))[2:4] == ["  2 | \tb: c", "    | \t^"]


@pytest.mark.parametrize(
    ("name", "line", "code"),
    [
        ("p.yaml", "      pasword: hunter2-x", "option.unknown"),
        ("p.yaml", "      password: hunter2-x  # note", "option.type"),
        ("p.yaml", "      config: {table: t, 'api_key': hunter2-x}", "option.unknown"),
        ("p.yaml", "      anything: hunter2-x", "pipeline.inline_secret"),
        ("p.yaml", "      - hunter2-x", "pipeline.inline_secret"),
        ("p.yaml", '  "auth_token" : hunter2-x', "option.unknown"),
        ("osiris_connections.yaml", "      anything: hunter2-x", "connection.unknown_field"),
        ("osiris_connections.yaml", "  prod: {host: h, pw: hunter2-x}", "connection.unknown_field"),
        ("orders.csv", "hunter2-x;1;2", "data.ragged"),
    ],
)
def test_no_source_line_shows_what_may_be_a_secret(tmp_path: Path, name: str, line: str, code: str) -> None:
    """LESSONS 15: the redactor was never told of a password under a misspelt name."""
    file = tmp_path / name
    file.write_text(f"first\n{line}\n")
    text = "\n".join(page(error(file, 2, len(line) - 3, code=code)))
    assert "hunter2" not in text
    assert "error: this is wrong" in text


def test_a_reference_to_a_variable_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "osiris_connections.yaml"
    file.write_text("      pasword: ${DB_PASSWORD}\n")
    assert "  1 |       pasword: ${DB_PASSWORD}" in page(error(file, 1, 7))


def test_a_known_secret_is_masked_everywhere_on_the_page(tmp_path: Path) -> None:
    redactor.add("s3cr3t-value-of-the-page")
    file = tmp_path / "p.yaml"
    file.write_text("query: select 's3cr3t-value-of-the-page'\n")
    wrong = ConfigError(
        "no s3cr3t-value-of-the-page", file=str(file), line=1, column=8, hint="s3cr3t-value-of-the-page?"
    )
    text = "\n".join(page(wrong))
    assert "s3cr3t" not in text
    assert text.count("***") == 3


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert page(DataError("bad \x1b[2Jvalue\x07")) == ["error: bad \\x1b[2Jvalue\\x07"]


@pytest.mark.parametrize("line", [99, 0])
def test_a_line_that_is_not_there_leaves_the_page_without_it(tmp_path: Path, line: int) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("name: x\n")
    assert page(error(file, line, 1)) == ["error: this is wrong", f"  at {file}:{line}:1"]
    assert page(error(tmp_path / "gone.yaml", 1, 1)) == ["error: this is wrong", f"  at {tmp_path / 'gone.yaml'}:1:1"]


def test_the_step_is_named() -> None:
    failed = DataError("row 7 is ragged")
    failed.step = "read-orders"
    assert page(failed) == ["error: row 7 is ragged", "  in step: read-orders"]


@pytest.mark.parametrize(("column", "width"), [(1, 40), (60, 40), (300, 40), (300, 80), (1, 10), (151, 1000)])
def test_a_long_line_is_shown_around_its_caret_and_what_is_left_out_is_marked(
    tmp_path: Path, column: int, width: int
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("".join(f"{n:_<10}" for n in range(30)) + "\n")
    error = ConfigError("wrong", file=str(path), line=1, column=column)
    _, _, source, caret = page(error, width=width)
    assert len(source) <= max(width, 20 + len("  1 | "))
    assert source[caret.index("^")] == path.read_text()[column - 1]
    part = source.removeprefix("  1 | ")
    whole = path.read_text().strip()
    assert part.strip("…") in whole
    assert part.startswith("…") is not whole.startswith(part[:10])
    assert part.endswith("…") is not whole.endswith(part[-10:])


def test_a_secret_is_masked_before_a_part_of_its_line_is_taken(tmp_path: Path) -> None:
    secret = "tell-nobody-" * 6
    redactor.add(secret)
    path = tmp_path / "p.yaml"
    path.write_text(f"first: {secret} and more of it, {'x' * 50}\n")
    lines = page(ConfigError("wrong", file=str(path), line=1, column=60), width=40)
    assert "nobody" not in "\n".join(lines)
    assert lines[2].startswith("  1 | first: *** and")
