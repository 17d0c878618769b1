"""Where the fields of a connection come from, and which one is meant when none is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connections.conftest import Load

FILE = """\
version: 1
connections:
  toybox:
    good:
      dir: ${BOX:-box}
      password: x${BOX_PASSWORD}
      dsn: "${file:/run/secrets/dsn}"
      labels: {a: "${LABEL}"}
    other: {folder: b, password: hunter2xyz, size: 3}
"""


def fields(load: Load, reference: str, **variables: str) -> dict[str, Any]:
    return {field.name: field for field in load(FILE, **variables).fields(reference)}


def test_each_field_says_where_it_comes_from_and_on_which_line(load: Load) -> None:
    found = fields(load, "@toybox.good")
    assert {name: (field.origin, field.line) for name, field in found.items()} == {
        "folder": ("variable", 5),
        "password": ("variable", 6),
        "dsn": ("reference", 7),
        "labels": ("variable", 8),
        "size": ("default", None),
    }
    assert (found["folder"].written, found["folder"].name) == ("dir", "folder")
    assert found["size"].value == 7


def test_only_variables_without_a_default_have_to_be_set(load: Load) -> None:
    found = fields(load, "@toybox.good", LABEL="l")
    assert (dict(found["folder"].variables), found["folder"].unset) == ({"BOX": False}, ())
    assert found["password"].unset == ("BOX_PASSWORD",)
    assert (dict(found["labels"].variables), found["labels"].unset) == ({"LABEL": True}, ())


def test_secrets_are_masked_and_files_are_not_read(load: Load) -> None:
    found = fields(load, "@toybox.good", BOX_PASSWORD="open sesame!")
    assert found["password"].value == "***${BOX_PASSWORD}"
    assert found["dsn"].value == "${file:/run/secrets/dsn}"
    assert fields(load, "@toybox.other")["password"].value == "***"


@pytest.mark.parametrize(
    ("aliases", "choice"),
    [
        ("a: {folder: x}", ("a", "only_one")),
        ("a: {folder: x}, default: {folder: x}", ("default", "called_default")),
        ("default: {folder: x}, b: {folder: x, default: true}", ("b", "default_true")),
        ("a: {folder: x}, b: {folder: x}", None),
    ],
)
def test_the_connection_that_is_meant_without_a_name(load: Load, aliases: str, choice: object) -> None:
    assert load(f"version: 1\nconnections: {{toybox: {{{aliases}}}}}").choice("toybox") == choice


def test_the_line_of_a_connection(load: Load) -> None:
    assert load(FILE).line("@toybox.other") == 9
