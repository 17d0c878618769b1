"""References: where the file is found, and which connection a step means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from osiris.connections import Connections
from osiris.errors import ConfigError
from tests.connections.conftest import Load
from tests.toybox import toy_catalog

TWO = "version: 1\nconnections:\n  toybox:\n    dev: {folder: d}\n    prod: {folder: p}\n  other:\n    x: {}\n"


def test_a_full_reference_is_taken_as_it_is(load: Load) -> None:
    assert load(TWO).reference("toybox", "@toybox.prod") == "@toybox.prod"


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("toybox.prod", "is not a reference", 'did you mean "@toybox.prod"?'),
        ("prod", "is not a reference", "write @family.alias"),
        ("@toybox", "is not a reference", ""),
        ("@toybox.prd", "there is no connection @toybox.prd", 'did you mean "@toybox.prod"?'),
        ("@toybox.zzzzzz", "there is no connection", "@toybox.dev, @toybox.prod"),
        ("@toybox.", "there is no connection", ""),
        ("@other.x", "of the family other, not of toybox", "@toybox.dev, @toybox.prod"),
    ],
)
def test_anything_that_is_not_plainly_a_connection_is_refused(load: Load, given: str, message: str, hint: str) -> None:
    """LESSONS 7: `connection: "mysql.prod"` without `@` silently used the default connection."""
    with pytest.raises(ConfigError) as caught:
        load(TWO).reference("toybox", given)
    assert message in caught.value.message
    assert hint in str(caught.value.hint)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("aliases", "meant"),
    [
        ("{a: {default: true}, default: {}}", "@toybox.a"),
        ("{a: {}, default: {}}", "@toybox.default"),
        ("{a: {}}", "@toybox.a"),
        ("{a: {default: false}}", "@toybox.a"),
    ],
)
def test_without_a_reference_the_default_is_meant(load: Load, aliases: str, meant: str) -> None:
    found = load(f"version: 1\nconnections: {{toybox: {aliases}}}")
    assert found.reference("toybox", None) == meant
    shown = found.describe()["connections"]["toybox"]
    assert [f"@toybox.{alias}" for alias, row in shown.items() if row["is_default"]] == [meant]


def test_without_a_default_among_many_all_are_named(load: Load) -> None:
    with pytest.raises(ConfigError, match="none is the default") as caught:
        load(TWO).reference("toybox", None)
    assert "@toybox.dev, @toybox.prod" in str(caught.value.hint)


def test_a_family_without_connections_has_no_reference(load: Load) -> None:
    assert load("version: 1\n").reference("toybox", None) is None
    assert load("").families() == []


def test_a_variable_that_is_not_set_is_no_matter_for_a_reference(load: Load) -> None:
    found = load("version: 1\nconnections: {toybox: {a: {folder: '${GONE}', password: '${GONE}'}}}")
    assert found.keys(str(found.reference("toybox", None))) == {"folder", "password"}


def test_the_file_is_found_from_the_project_upward(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "osiris_connections.yaml").write_text(TWO)
    found = Connections.load(inner, toy_catalog(), {})
    assert found.path == tmp_path / "osiris_connections.yaml"
    assert found.root == inner
    (inner / "osiris_connections.yaml").write_text("version: 1\n")
    assert Connections.load(inner, toy_catalog(), {}).families() == []


def test_else_it_is_found_in_the_home_of_osiris(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    (home / "osiris_connections.yaml").write_text(TWO)
    assert Connections.load(project, toy_catalog(), {"OSIRIS_HOME": str(home)}).families() == ["toybox", "other"]
    assert Connections.load(project, toy_catalog(), {}).path is None


def test_without_a_file_an_unknown_reference_tells_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no connection @toybox") as caught:
        Connections.load(tmp_path, toy_catalog(), {}).reference("toybox", "@toybox.a")
    wanted = f"no osiris_connections.yaml was found in {tmp_path}, in a folder above it or in $OSIRIS_HOME"
    assert caught.value.hint == wanted


def test_a_folder_that_may_not_be_looked_into_is_no_obstacle(tmp_path: Path) -> None:
    """In a process of another user, since nothing is forbidden to the administrator who may run the tests."""
    project = tmp_path / "closed" / "project"
    project.mkdir(parents=True)
    program = (
        "import os, sys; from pathlib import Path\n"
        "from osiris.connections import layout\nfrom osiris import errors, settings\n"
        "root = Path(sys.argv[1])\nroot.parent.chmod(0)\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try:\n    settings.load(root)\nexcept errors.ConfigError as error:\n    print(error.code)\n"
        "print(layout.find(root, {}))"
    )
    try:
        done = subprocess.run([sys.executable, "-c", program, project], capture_output=True, text=True, check=True)
    finally:
        project.parent.chmod(0o700)
    assert done.stdout == "file.unreadable\nNone\n"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("[1]", "must be a mapping", 1),
        ("connections: {}", '"version: 1"', 1),
        ("version: 2", '"version: 1"', 1),
        ("version: true", '"version: 1"', 1),
        ('version: "1"', '"version: 1"', 1),
        ("version: 1\nconections: {}", 'unknown key "conections"', 2),
        ("version: 1\nconnections: [a]", "must be a mapping of families", 2),
        ("version: 1\nconnections:\n  toybox:", "must be a mapping of aliases", 3),
        ("version: 1\nconnections:\n  toybox:\n    a: x", "must be a mapping of fields", 4),
        ("version: 1\nconnections:\n  toybox:\n    a.b: {}", "cannot be an alias", 4),
        ("version: 1\nconnections:\n  toybox:\n    a: {default: yes}", '"default" must be true or false', 4),
        (
            "version: 1\nconnections:\n  toybox:\n    a: {default: true}\n    b: {default: true}",
            "both @toybox.a and @toybox.b say default",
            5,
        ),
    ],
)
def test_the_form_of_the_file_is_checked_with_its_place(load: Load, text: str, message: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert message in caught.value.message
    assert caught.value.line == line
    assert str(caught.value.file).endswith("osiris_connections.yaml")
