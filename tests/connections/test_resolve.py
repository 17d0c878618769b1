"""Resolving: what stands in `${...}`, types by the spec, and every fault with its place."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from osiris.connections import Connections
from osiris.errors import ConfigError
from osiris.secrets import redactor
from tests.connections.conftest import Load
from tests.toybox import installed

NOTHING: dict[str, str] = {}


def box(load: Load, fields: str, environ: dict[str, str] = NOTHING) -> Connections:
    body = "\n".join(f"      {line}" for line in fields.splitlines())
    return load(f"version: 1\nconnections:\n  toybox:\n    main:\n{body}\n", environ)


def resolved(load: Load, fields: str, environ: dict[str, str] = NOTHING) -> dict[str, Any]:
    found = box(load, fields, environ).resolve("toybox", "@toybox.main")
    assert found.fields is not None
    return {name: value for name, value in found.fields.items() if name != "size" or "size" in fields}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ("x-${A}-${B}-y", "x-one-two-y"),
        ("${GONE:-other}", "other"),
        ("${A:-other}", "one"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${GONE:-}", ""),
        ("${GONE:-a:b/c-d}", "a:b/c-d"),
        ("$${A}", "${A}"),
        ("$A $ $$ {A}", "$A $ $$ {A}"),
    ],
)
def test_what_stands_in_braces_is_filled_in(load: Load, text: str, value: str) -> None:
    environ = {"A": "one", "B": "two", "EMPTY": ""}
    assert resolved(load, f'folder: "{text}"', environ)["folder"] == value


def test_types_follow_the_spec_after_substitution(load: Load) -> None:
    environ = {"N": "12", "R": "0.5", "Y": "Yes", "T": "00123"}
    fields = "folder: ${T}\nsize: ${N}\nratio: ${R}\nlocked: ${Y}\nlabels: {a: '${N}', b: '${Y}'}"
    assert resolved(load, fields, environ) == {
        "folder": "00123",
        "size": 12,
        "ratio": 0.5,
        "locked": True,
        "labels": {"a": "12", "b": "Yes"},
    }


def test_a_text_that_came_from_no_variable_is_never_converted(load: Load) -> None:
    with pytest.raises(ConfigError, match='must be a whole number, not the text "12"'):
        resolved(load, 'folder: d\nsize: "12"')


def test_spec_defaults_give_way_to_the_file_and_the_file_to_the_step(load: Load) -> None:
    """LESSONS 6: an allowed override was silently ignored: a test run hit production."""
    found = box(load, "folder: prod\npassword: hunter2-of-resolve")
    plain = found.resolve("toybox", "@toybox.main")
    assert (plain["folder"], plain["size"]) == ("prod", 7)
    replaced = found.resolve("toybox", "@toybox.main", {"folder": "test", "size": 9})
    assert (replaced["folder"], replaced["size"]) == ("test", 9)
    assert replaced != plain


def test_an_override_that_is_replaced_needs_no_variable(load: Load) -> None:
    found = box(load, "folder: ${GONE}").resolve("toybox", "@toybox.main", {"folder": "here"})
    assert found["folder"] == "here"


def test_a_forbidden_override_is_refused(load: Load) -> None:
    """LESSONS 6: forbidden overrides were not refused."""
    with pytest.raises(ConfigError, match='must not replace the field "password"') as caught:
        box(load, "folder: d").resolve("toybox", "@toybox.main", {"password": "other-password"})
    assert caught.value.code == "connection.override"


def test_a_step_cannot_bring_in_variables(load: Load) -> None:
    """A manifest is the same on any machine: what it holds is not looked up in this one's environment."""
    found = box(load, "folder: d", {"A": "one"}).resolve("toybox", "@toybox.main", {"folder": "${A}"})
    assert found["folder"] == "${A}"


@pytest.mark.parametrize(
    ("fields", "line", "column", "message", "hint"),
    [
        ("folder: d\nfoldr: e", 6, 7, 'unknown field "foldr" of toybox connections', 'did you mean "folder"?'),
        ("folder: 7", 5, 15, '"folder" of toybox connections must be text, not 7', "put it in quotes"),
        ("size: 3", 5, 7, 'the field "folder" of toybox connections is required', None),
        ("folder: ${GONE}", 5, 15, "the variable GONE is not set", "set it in the environment or in .env"),
        ("folder: ${FOLDERS}", 5, 15, "the variable FOLDERS is not set", 'did you mean "FOLDER"?'),
        ("folder: ${OLDER_DIR}", 5, 15, "the variable OLDER_DIR is not set", "set it in the environment or in .env"),
        ("folder: ${A", 5, 15, '"${" has no matching "}"', "$${"),
        ('folder: "${A:-${B}}"', 5, 15, '"${" has no matching "}"', "a default cannot hold braces"),
        ("folder: ${}", 5, 15, "neither a variable nor a scheme", "${VAR:-default}"),
        ("folder: ${A-B}", 5, 15, "neither a variable nor a scheme", None),
        ("folder: ${vault:x}", 5, 15, 'no secret scheme "vault"', "${file:...}"),
        ("folder: ${file:gone.txt}", 5, 15, "gone.txt cannot be read", "from the connections file"),
        ("folder: d\nsize: ${WORD}", 6, 13, "must be a whole number", None),
        ("folder: d\nlabels: {a: x, b: 7}", 6, 25, '"labels.b" of toybox connections must be text', None),
        ("folder: d\ndsn: x\nlabels: {}", 7, 15, '"dsn" and "labels" exclude each other', None),
    ],
)
def test_every_fault_has_its_place_and_a_hint(  # noqa: PLR0913, PLR0917 - a table of cases
    load: Load, fields: str, line: int, column: int, message: str, hint: str | None
) -> None:
    environ = {"FOLDER": "x", "A": "one", "WORD": "seven"}
    with pytest.raises(ConfigError) as caught:
        resolved(load, fields, environ)
    assert message in caught.value.message
    assert "@toybox.main: " in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert (hint or "") in str(caught.value.hint)


def test_all_faults_are_told_at_once(load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(load, "foldr: d\nsize: big\npassword: ${GONE}")
    for text in ('"foldr"', '"size"', '"folder"', "GONE"):
        assert text in caught.value.message


def test_only_the_connection_that_is_asked_for_is_looked_at(load: Load) -> None:
    text = "version: 1\nconnections:\n  toybox:\n    good: {folder: d}\n    bad: {folder: '${GONE}', nonsense: 1}\n"
    found = load(text)
    assert found.resolve("toybox", "@toybox.good")["folder"] == "d"
    with pytest.raises(ConfigError):
        found.resolve("toybox", "@toybox.bad")


def test_an_unknown_family_is_an_error_with_its_place(load: Load) -> None:
    found = load("version: 1\nconnections:\n  toybx:\n    a: {}\n")
    with pytest.raises(ConfigError, match='there is no connector family "toybx"') as caught:
        found.resolve("toybx", "@toybx.a")
    assert (caught.value.line, caught.value.column, caught.value.hint) == (3, 3, 'did you mean "toybox"?')
    assert found.describe()["connections"]["toybx"]["a"]["config"] == {}


def test_a_former_name_of_a_field_still_works_and_keeps_its_place(load: Load) -> None:
    assert resolved(load, "dir: d") == {"folder": "d"}
    assert box(load, "dir: d").keys("@toybox.main") == {"folder"}
    with pytest.raises(ConfigError, match='"folder" of toybox') as caught:
        resolved(load, "size: 3\ndir: 7")
    assert caught.value.line == 6


def test_without_a_reference_a_connection_is_anonymous(load: Load) -> None:
    found = load("version: 1\n").resolve("toybox", None, {"folder": "d", "password": "hunter2-anonymous"})
    assert (found.alias, found.reference, found["size"]) == (None, "toybox", 7)
    assert "hunter2-anonymous" not in redactor.text("hunter2-anonymous")
    with pytest.raises(ConfigError, match='"folder" of toybox connections is required') as caught:
        load("version: 1\n").resolve("toybox", None)
    assert caught.value.hint == "add a connection of toybox to osiris_connections.yaml"


def test_a_pickled_connection_is_restored(load: Load) -> None:
    found = box(load, "folder: ${F}\npassword: ${P}", {"F": "d", "P": "hunter2-pickled"})
    connection = found.resolve("toybox", "@toybox.main", {"size": 9})
    data = pickle.dumps(connection)
    assert b"hunter2" not in data
    again = found.restore(pickle.loads(data))  # noqa: S301 - our own bytes
    assert (again, again.fields) == (connection, connection.fields)
    anonymous = found.resolve("toybox", None, {"folder": "e"})
    assert found.restore(pickle.loads(pickle.dumps(anonymous)))["folder"] == "e"  # noqa: S301 - our own bytes


def test_a_files_text_loses_its_last_line_end_only(load: Load, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for text, value in (("a\nb\n", "a\nb"), ("a", "a"), ("a\n\n", "a\n"), (" a \r\n", " a ")):
        (tmp_path / "secrets" / "f").write_bytes(text.encode())
        assert resolved(load, "folder: ${file:secrets/f}")["folder"] == value
        assert resolved(load, f"folder: ${{file:{tmp_path}/secrets/f}}")["folder"] == value


def test_the_dotenv_file_never_beats_the_environment(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=from file\nB=from file\n")
    assert resolved(load, "folder: ${A}/${B}", {"A": "real"})["folder"] == "real/from file"


def test_a_wrong_dotenv_file_is_told_when_it_is_needed(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nhunter2-of-dotenv\n")
    assert resolved(load, "folder: ${X}", {"X": "here"}) == {"folder": "here"}
    with pytest.raises(ConfigError) as caught:
        resolved(load, "folder: ${A}")
    assert f"{tmp_path / '.env'}:2: the line is not KEY=VALUE" in caught.value.message
    assert "hunter2" not in repr(caught.value)


def test_a_plugins_scheme_is_loaded_when_it_is_used(load: Load) -> None:
    with installed():
        assert resolved(load, "folder: ${toyvault:abc}") == {"folder": "cba"}
        with pytest.raises(ConfigError, match='the secret scheme "toyvault" failed: RuntimeError') as caught:
            resolved(load, "folder: ${toyvault:broken}")
        with pytest.raises(ConfigError) as unknown:
            resolved(load, "folder: ${toyvalt:abc}")
    assert "hvs.sealed" not in repr(caught.getrepr(chain=True))
    assert unknown.value.hint == 'did you mean "toyvault"?'


def test_a_password_that_would_break_a_url_is_refused(load: Load) -> None:
    """LESSONS 16: a password with `/` or `@` broke the URL that was built by pasting strings."""
    for password in ("hunter/2x", "hunter@2x", "hunter#2", "hunter 2", "hunter%2"):
        with pytest.raises(ConfigError, match=r"what \$\{P\} holds would break the URL") as caught:
            resolved(load, "folder: d\ndsn: box://me:${P}@host/db", {"P": password})
        assert password not in repr(caught.value)
        assert "percent-encode" in str(caught.value.hint)
    assert (
        resolved(load, "folder: d\ndsn: box://me:${P}@host", {"P": "hunter%402"})["dsn"] == "box://me:hunter%402@host"
    )
    assert resolved(load, "folder: d\npassword: ${P}", {"P": "hunter/@2"})["password"] == "hunter/@2"
