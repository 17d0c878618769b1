"""osiris.yaml: defaults without it, and every mistake in it told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from osiris import documents, settings
from osiris.connectors.registry import Policy
from osiris.errors import ConfigError
from osiris.settings import Retention, Settings
from osiris.step import MEMORY_BYTES


def load(folder: Path, text: str) -> Settings:
    """What is made of the text; the published schema takes it exactly when it can be made."""
    (folder / "osiris.yaml").write_text(text)
    valid = Draft202012Validator(settings.SCHEMA).is_valid(documents.loads(text, "osiris.yaml").value)
    try:
        found = settings.load(folder)
    except ConfigError:
        assert not valid
        raise
    assert valid
    return found


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    found = settings.load(tmp_path)
    assert found == Settings()
    assert (found.memory_bytes, found.profile, found.plugins) == (MEMORY_BYTES, None, Policy())


def test_everything_can_be_set(tmp_path: Path) -> None:
    text = """\
version: 1
plugins: {allow: [a], deny: [b], override: [c]}
memory: 128MiB
spill_limit: 2 GB
jobs: 3
profile: dev
retention: {runs: 5, days: 30}
"""
    assert load(tmp_path, text) == Settings(
        plugins=Policy(("a",), ("b",), ("c",)),
        memory_bytes=128 * 2**20,
        spill_limit_bytes=2 * 10**9,
        jobs=3,
        profile="dev",
        retention=Retention(5, 30),
    )


def test_allowing_nothing_is_not_allowing_everything(tmp_path: Path) -> None:
    assert load(tmp_path, "version: 1\nplugins: {allow: []}").plugins.allow == ()
    assert load(tmp_path, "version: 1\nplugins: {}").plugins.allow is None


@pytest.mark.parametrize(("text", "size_bytes"), [("1048576", 2**20), ('"1MiB"', 2**20), ("3GiB", 3 * 2**30)])
def test_sizes(tmp_path: Path, text: str, size_bytes: int) -> None:
    assert load(tmp_path, f"version: 1\nmemory: {text}").memory_bytes == size_bytes


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("", 1, 1, "must be a mapping", "version: 1"),
        ("jobs: 3", 1, 1, 'the key "version" of osiris.yaml is required', None),
        ("version: 2", 1, 10, '"version" of osiris.yaml must be 1, not 2', None),
        ("version: 1\nmemmory: 1GB", 2, 1, 'unknown key "memmory"', 'did you mean "memory"?'),
        ("version: 1\nplugins:\n  allowed: [a]", 3, 3, 'unknown key "allowed"', 'did you mean "allow"?'),
        ("version: 1\nplugins: {deny: a}", 2, 17, "must be a list", "write it as a list"),
        ("version: 1\nmemory: lots", 2, 9, '"memory" is no size: lots', "64MiB"),
        ("version: 1\nmemory: 64mb", 2, 9, "is no size", "units: KB, MB"),
        ("version: 1\nmemory: 64", 2, 9, "1 MiB or more", None),
        ("version: 1\nmemory: -1MiB", 2, 9, "is no size", None),
        ("version: 1\nmemory: true", 2, 9, "must be text or a whole number", None),
        ("version: 1\nspill_limit: x", 2, 14, '"spill_limit" is no size', None),
        ("version: 1\njobs: 0", 2, 7, "must be at least 1, not 0", None),
        ('version: 1\njobs: "2"', 2, 7, "must be a whole number", "remove the quotes"),
        ("version: 1\nprofile: ../x", 2, 10, "must match", None),
        ("version: 1\nretention: {runs: 0}", 2, 19, "must be at least 1", None),
        ("version: 1\nretention: {weeks: 1}", 2, 13, 'unknown key "weeks"', None),
    ],
)
def test_every_mistake_has_its_place(  # noqa: PLR0913, PLR0917 - a table of cases
    tmp_path: Path, text: str, line: int, column: int, message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert (hint or "") in str(caught.value.hint)
