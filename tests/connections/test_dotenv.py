"""The `.env` file: strict, and silent about values."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.connections import dotenv
from osiris.errors import ConfigError

GOOD = r"""
# a comment
A=plain
export B = spaced value   # a comment
C="double \"quoted\" # no comment\nnext"   # a comment
D='single $HOME \n'
E=
F=a#b
G=" "
H=x=y=z
"""


def load(folder: Path, content: str | bytes) -> dict[str, str]:
    path = folder / ".env"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return dotenv.load(path)


def test_keys_values_quotes_and_comments(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD) == {
        "A": "plain",
        "B": "spaced value",
        "C": 'double "quoted" # no comment\nnext',
        "D": "single $HOME \\n",
        "E": "",
        "F": "a#b",
        "G": " ",
        "H": "x=y=z",
    }


def test_a_file_from_another_system_is_the_same(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbfA=1\r\nB='2'\r\n") == {"A": "1", "B": "2"}


def test_no_file_has_no_variables(tmp_path: Path) -> None:
    assert dotenv.load(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("A=1\nhunter2", 2, "not KEY=VALUE"),
        ("1A=hunter2", 1, "not KEY=VALUE"),
        ("A-B=hunter2", 1, "not KEY=VALUE"),
        ('A="hunter2', 1, "does not end"),
        ("A='hunter2' x", 1, "does not end"),
        ("A=hunter2\nA=hunter2", 2, "A is set twice"),
        (b"A=hunter2\xff", None, "cannot be read"),
    ],
)
def test_anything_else_is_an_error_that_shows_no_value(
    tmp_path: Path, content: str | bytes, line: int | None, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, content)
    assert message in caught.value.message
    assert caught.value.line == line
    assert "hunter2" not in repr(caught.value)
