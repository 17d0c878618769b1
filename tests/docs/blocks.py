"""The fenced blocks of a page, and running them in the order in which a reader would.

What a block is for stands behind its language:
`sh`                    run by bash, must exit 0 (`exit=1`: with 1); `sh manual` is not run
`text output`           what the block before it printed; a line `...` stands for any lines, `…` for any text
`python`                run
any with `title=NAME`   written to that file
`yaml fragment`         a part of a file, only parsed
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from osiris import documents

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`]*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: `language`, the words behind it, its text, and the line on which it begins."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    def value(self, name: str) -> str | None:
        """`x` of the word `name=x`."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), None)


def pages() -> list[Path]:
    """README, CONTRIBUTING and every page of docs/, the generated reference included."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    name = page.relative_to(ROOT).as_posix()
    opened: tuple[int, list[str], str] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened, lines = (number, shlex.split(fence["info"]), fence["indent"]), []
        elif opened and line.strip() == "```":
            start, words, _ = opened
            yield Block(name, start, words[0] if words else "", tuple(words[1:]), "\n".join(lines) + "\n")
            opened = None
        elif opened:
            lines.append(line.removeprefix(opened[2]))
    assert opened is None, f"{name}: a fence is not closed"


class Reader:
    """Does in `folder` what a page says, one block after the other; a block that does not hold is an AssertionError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.installed = folder / "installed"
        self.printed = ""
        self.files: dict[str, str] = {}

    def follow(self, block: Block) -> None:
        title = block.value("title")
        if title is not None:
            path = self.folder / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            self.files[title] = block.text
        elif block.language == "sh" and "manual" not in block.words:
            self._run(block, ["bash", "-euo", "pipefail", "-c", block.text], int(block.value("exit") or 0))
        elif block.language == "python":
            self._run(block, [sys.executable, "-c", block.text], int(block.value("exit") or 0))
        elif block.language == "text" and "output" in block.words:
            assert same(block.text, self.printed), f"{block.where}: the page shows other output than\n{self.printed}"
        elif block.language == "yaml":
            assert "fragment" in block.words, f"{block.where}: a yaml block is a file (title=) or a fragment"
            yaml.safe_load(block.text)

    def look_at_files(self) -> None:
        """The project's files that the page gave are as their published schemas want them, but those called wrong."""
        for name, text in self.files.items():
            kind = kind_of(name, text)
            if kind is not None:
                schema = json.loads(self._output("schema", kind))
                valid = Draft202012Validator(schema).is_valid(documents.loads(text, name).value)
                assert valid is not name.startswith("wrong"), name

    def _output(self, *words: str) -> str:
        command = [sys.executable, "-m", "osiris", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environ(), capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout

    def _run(self, block: Block, command: list[str], expected: int) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        self.printed = done.stdout
        assert done.returncode == expected, f"{block.where}: exit {done.returncode}\n{block.text}\n{done.stdout}"

    def _environ(self) -> dict[str, str]:
        """This environment, with our commands first, and `pip install` going to a folder of the test's own."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("OSIRIS_", "PYTEST_"))}
        return environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.installed),
            "PIP_TARGET": str(self.installed),
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_QUIET": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "COLUMNS": "100",
        }


def kind_of(name: str, text: str) -> str | None:
    """Which schema a file of a project has."""
    named = {"osiris.yaml": "settings", "osiris_connections.yaml": "connections"}.get(name)
    return "pipeline" if named is None and text.startswith("oml_version") else named


def same(shown: str, printed: str) -> bool:
    """Whether `printed` is what a page shows: trailing blanks aside, a line `...` is any lines, `…` any text."""
    pattern = []
    for line in shown.rstrip().splitlines():
        if line.strip() == "...":
            pattern.append(r"(?:.*\n)*?")
        else:
            pattern.append(r".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n")
    text = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    return re.fullmatch("".join(pattern), text) is not None
