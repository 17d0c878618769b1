"""Where the fields of a connection come from, and which one is meant when none is named."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from osiris.errors import ConfigError
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


def test_a_connection_knows_where_its_secrets_are_written(load: Load, tmp_path: Path) -> None:
    """What to look at when a login is refused: variable, file or line, and never a value."""
    text = FILE.replace('      dsn: "${file:/run/secrets/dsn}"\n', "")
    found = load(text, LABEL="l", BOX_PASSWORD="hunter2-box").resolve("toybox", "@toybox.good")
    assert found.secret_places == {"password": "***${BOX_PASSWORD}"}
    assert pickle.loads(pickle.dumps(found)).secret_places == found.secret_places  # noqa: S301 - our own bytes
    (tmp_path / ".env").write_text("BOX_PASSWORD=hunter2-env\n")
    found = load(text, LABEL="l").resolve("toybox", "@toybox.good")
    assert found.secret_places == {"password": "***${BOX_PASSWORD} in .env"}
    literal = load(FILE).resolve("toybox", "@toybox.other")
    assert literal.secret_places == {"password": "line 9 of osiris_connections.yaml"}


def test_a_field_that_the_family_does_not_have_is_refused_without_looking_up_a_variable(load: Load) -> None:
    text = "version: 1\nconnections:\n  toybox:\n    a: {folder: '${GONE}', size: x, pasword: y}\n"
    found = load(f"{text}  nosuch:\n    b: {{z: 1}}\n")
    for call in (found.refuse_unknown, found.keys):
        with pytest.raises(ConfigError, match=r'@toybox\.a: unknown field "pasword" of toybox') as caught:
            call("@toybox.a")
        assert (caught.value.line, caught.value.column) == (4, 37)
        assert (caught.value.code, caught.value.hint) == ("connection.field_unknown", 'did you mean "password"?')
    found.refuse_unknown("@nosuch.b")
    load(FILE).refuse_unknown("@toybox.good")


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
