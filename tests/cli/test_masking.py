"""Lines of connection files as error pages show them: no value, and the caret where it belongs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.cli.masking import Shown, without_values


@pytest.mark.parametrize(
    ("line", "column", "text", "caret"),
    [
        ('  lake: {path: "${DIR}/lake.db"}', 16, '  lake: {path: "${DIR}***"}', 16),
        ("  prod: {host: db.example, pasword: hunter2}", 28, "  prod: {host: ***, pasword: ***}", 21),
        ("  prod: {host: db.example, pasword: hunter2}", 37, "  prod: {host: ***, pasword: ***}", 30),
        ("    port: 33x06  # hunter2", 13, "    port: ***", 11),
        ("  - hunter2", 5, "  - ***", 5),
        ("hunter2", 3, "***", 1),
        ("    password: ${PW:-hunter2}", 15, "    password: ***", 15),
        ("    url: ${SCHEME}://u:hunter2@h", 5, "    url: ${SCHEME}***", 5),
        ("  prod: {a: 'x', b: [hunter2, \"y\"]}", 18, "  prod: {a: '***', b: [***, \"***\"]}", 20),
        ("  prod: {host: h}", 0, "  prod: {host: ***}", 0),
    ],
)
def test_values_are_masked_and_the_caret_moves_along(line: str, column: int, text: str, caret: int) -> None:
    assert without_values(line, column) == Shown(text, caret)


@pytest.mark.parametrize("line", ["password: a: b", "{password: hun: ter2}", '"hunter2', "\tpassword: hunter2"])
def test_what_cannot_be_told_apart_is_not_shown(line: str) -> None:
    found = without_values(line, 1)
    assert found is None or "hun" not in found.text


@given(value=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters=":")))
@pytest.mark.parametrize(
    "form", ["  password: {}", "  prod: {{host: h, password: {}, port: 1}}", '  password: "{}"', "- {}"]
)
def test_neither_end_of_a_value_is_shown(form: str, value: str) -> None:
    """With a colon in it a half may be a key, to YAML as well."""
    found = without_values(form.format(f"hunter2{value}retnuh"), 12)
    assert found is None or not {"hunter2", "retnuh"} & set(re.findall("hunter2|retnuh", found.text))
