"""The generated reference is up to date, and what it is made of says enough to be a reference."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from osiris.cli.main import cli
from osiris.components.component import Component
from tests.docs.blocks import ROOT, pages


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def components(generator: ModuleType) -> list[Component]:
    found: list[Component] = generator.builtin_components()
    assert found
    return found


def test_the_reference_is_what_make_docs_would_write(generator: ModuleType) -> None:
    wanted: dict[Path, str] = generator.pages()
    there = {path: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").rglob("*.md")}
    assert sorted(there) == sorted(wanted), "run: make docs"
    for path, text in wanted.items():
        assert there[path] == text, f"{path.name} is out of date, run: make docs"


def commands(command: click.Command, path: str = "osiris") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


def test_every_command_and_option_says_what_it_does() -> None:
    silent = []
    for path, command in commands(cli):
        silent += [] if command.help else [path]
        silent += [f"{path} {p.name}" for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


def test_every_command_is_told_of_in_a_page_that_is_written_by_hand() -> None:
    written = [page for page in pages() if "reference" not in page.parts]
    text = "\n".join(page.read_text(encoding="utf-8") for page in written)
    leaves = [path for path, command in commands(cli) if not isinstance(command, click.Group)]
    assert [path for path in leaves if path not in text] == []


def test_every_option_of_every_component_is_described(components: list[Component]) -> None:
    silent = []
    for component in components:
        properties: dict[str, Any] = component.config_schema["properties"]
        told = {name for name, part in properties.items() if part.get("description") or part.get("title")}
        silent += [f"{component.name}.{name}" for name in properties if name not in told]
    assert silent == []


def test_every_component_has_an_example(components: list[Component]) -> None:
    assert [component.name for component in components if not component.examples] == []


def test_readme_lists_every_component(components: list[Component]) -> None:
    """LESSONS 22: lists that nobody kept. The table of README is held against the disk."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`(\w+\.\w+)`\]\(\S+\) \| ([^|]+) \|", text, re.MULTILINE)
    assert listed == [(component.name, ", ".join(component.modes)) for component in components]
