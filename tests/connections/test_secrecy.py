"""No substituted secret is shown: not in the list, not in an error, not in a log. LESSONS 15."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from osiris.connections import masking
from osiris.errors import ConfigError
from osiris.secrets import redactor
from tests.connections.conftest import Load

FILE = """\
version: 1
connections:
  toybox:
    variables: {folder: '${F}', password: '${P}', default: true}
    default_in_clear: {folder: d, password: '${GONE:-canary-default}'}
    literal: {folder: d, password: canary-literal}
    mixed: {folder: d, password: 'canary-${P}-mixed'}
    file: {folder: d, password: '${file:secret.txt}'}
    dsn: {folder: d, dsn: 'box://me:canary-dsn@host/db?token=canary-token&x=1'}
    odd_dsn: {folder: d, dsn: 'box://me:canary/d@sn@host/db'}
    keyword_dsn: {folder: d, dsn: "host=h password='canary keyword' user=me"}
    templated_dsn: {folder: d, dsn: 'box://me:${P}@host/db?api_key=${P}'}
    typo: {folder: d, pasword: canary-typo}
    nested: {folder: d, labels: {authorization: canary-header, colour: red}}
    number: {folder: d, password: 31337}
  stranger:
    x: {host: canary-host, port: 31337, tls: true, user: '${U}'}
"""


@pytest.fixture
def environ() -> dict[str, str]:
    return {"F": "canary-folder", "P": "canary-value", "U": "canary-user"}


def test_the_list_shows_what_is_written_and_no_secret(load: Load, environ: dict[str, str]) -> None:
    shown = load(FILE, environ).describe()["connections"]
    text = json.dumps(shown)
    assert "canary" not in text
    assert "31337" not in text
    configs = {alias: row["config"] for alias, row in shown["toybox"].items()}
    assert configs["variables"] == {"folder": "${F}", "password": "${P}"}
    assert configs["default_in_clear"]["password"] == "${GONE:-***}"
    assert configs["literal"]["password"] == "***"
    assert configs["mixed"]["password"] == "***${P}***"
    assert configs["file"]["password"] == "${file:secret.txt}"
    assert configs["dsn"]["dsn"] == "box://me:***@host/db?token=***&x=1"
    assert configs["odd_dsn"]["dsn"] == "box://me:***@host/db"
    assert configs["keyword_dsn"]["dsn"] == "host=h password=*** user=me"
    assert configs["templated_dsn"]["dsn"] == "box://me:${P}@host/db?api_key=${P}"
    assert configs["typo"] == {"folder": "d", "pasword": "***"}
    assert configs["nested"]["labels"] == {"authorization": "***", "colour": "red"}
    assert shown["stranger"]["x"]["config"] == {"host": "***", "port": "***", "tls": True, "user": "${U}"}


def test_the_list_says_which_variables_are_set(load: Load, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GONE=\n")
    shown = load(FILE, {"P": environ["P"]}).describe()["connections"]
    assert shown["toybox"]["variables"]["env_vars"] == {"F": False, "P": True}
    assert shown["toybox"]["default_in_clear"]["env_vars"] == {"GONE": True}
    assert shown["toybox"]["file"]["env_vars"] == {}
    assert shown["toybox"]["variables"]["is_default"] is True
    assert shown["toybox"]["literal"]["is_default"] is False


@pytest.mark.parametrize(
    ("alias", "secret"),
    [
        ("variables", "canary-value"),
        ("default_in_clear", "canary-default"),
        ("literal", "canary-literal"),
        ("mixed", "canary-value"),
        ("mixed", "canary-canary-value-mixed"),
        ("file", "canary in/a file"),
        ("dsn", "canary-dsn"),
        ("dsn", "canary-token"),
        ("odd_dsn", "canary/d@sn"),
        ("keyword_dsn", "canary keyword"),
        ("templated_dsn", "canary-value"),
        ("nested", "canary-header"),
    ],
)
def test_every_secret_of_a_resolved_connection_is_masked_in_any_spelling(
    load: Load, environ: dict[str, str], tmp_path: Path, alias: str, secret: str
) -> None:
    (tmp_path / "secret.txt").write_text("canary in/a file\n")
    load(FILE, environ).resolve("toybox", f"@toybox.{alias}")
    for spelling in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
        assert redactor.text(f"at {spelling} end") == "at *** end"
    coded = base64.b64encode(f"{secret}.".encode()).decode()[: len(secret) * 8 // 6]
    assert redactor.text(f"at {coded} end") == "at *** end"


def test_what_is_no_secret_is_not_masked(load: Load, environ: dict[str, str]) -> None:
    load(FILE, {**environ, "F": "plain-folder-name"}).resolve("toybox", "@toybox.variables")
    assert redactor.text("plain-folder-name") == "plain-folder-name"


def test_no_error_shows_a_secret(load: Load, environ: dict[str, str]) -> None:
    found = load(FILE, environ)
    for alias in ("typo", "number"):
        with pytest.raises(ConfigError) as caught:
            found.resolve("toybox", f"@toybox.{alias}")
        assert "canary" not in str(caught.value)
        assert "31337" not in str(caught.value)


def test_a_url_in_a_field_of_the_wrong_form_is_shown_masked(load: Load) -> None:
    text = "version: 1\nconnections: {toybox: {a: {folder: d, size: 'box://me:canary-wrong-type@h'}}}"
    with pytest.raises(ConfigError) as caught:
        load(text).resolve("toybox", "@toybox.a")
    assert 'not the text "box://me:***@h"' in caught.value.message


def test_short_secrets_are_named(load: Load) -> None:
    found = load("version: 1\nconnections: {toybox: {a: {folder: d, password: abc}, b: {folder: d, password: abcd}}}")
    assert found.examine("toybox", "@toybox.a").short_secrets == ("password",)
    assert found.examine("toybox", "@toybox.b").short_secrets == ()


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("https://h/p?x=1", set()),
        ("http://host:8080/a@b", set()),
        ("box://me@host", set()),
        ("box://me:p@host", {"p"}),
        ("box://me:p%40q@host", {"p%40q", "p@q"}),
        ("box://me:p@q@host/x", {"p@q"}),
        ("https://h/?key=K&primary_key=id&sig=S", {"K", "S"}),
        ("password=abc;x=1", {"abc"}),
        ("no secret here", set()),
    ],
)
def test_secrets_inside_urls_are_found(text: str, secrets: set[str]) -> None:
    assert masking.url_secrets(text) == secrets
