"""The rules of the house that a search can hold: file sizes, first sentences, and what may not be written."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 500


def files(*patterns: str) -> list[Path]:
    """The files of the checkout that git knows or would add, by glob."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert found, patterns
    return found


def hits(pattern: str, *globs: str, but: tuple[str, ...] = ()) -> list[str]:
    """`file:line: text` of each line that matches, in files other than this one and those that start with `but`."""
    wanted = re.compile(pattern)
    found = []
    for path in files(*globs):
        name = path.relative_to(ROOT).as_posix()
        if path == Path(__file__) or name.startswith(but):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [f"{name}:{n}: {line.strip()}" for n, line in enumerate(lines, 1) if wanted.search(line)]
    return found


def test_no_file_is_longer_than_500_lines() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files("*.py")}
    assert {name: size for name, size in sizes.items() if size > MAX_LINES} == {}


def test_nothing_that_git_shall_ignore_is_in_the_repository() -> None:
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""


def test_each_file_starts_with_one_sentence_that_says_what_it_holds() -> None:
    silent = []
    for path in files("osiris/*.py", "tests/*.py", "bench/*.py", "docs/*.py"):
        text = path.read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        if text.strip() and len(first.split()) < 4:
            silent.append(path.relative_to(ROOT).as_posix())
    assert silent == []


RULES = {
    "mocks": (r"unittest\.mock|MagicMock|monkeypatch\b", ("osiris/*.py", "tests/*.py"), ()),
    "pandas": (r"^\s*(import|from) pandas\b|to_pandas", ("osiris/*.py",), ()),
    "numpy where Arrow would do": (
        r"^\s*(import|from) numpy\b|to_numpy",
        ("osiris/*.py",),
        # what makes bytes of the wire into Arrow's buffers, or the other way round
        ("osiris/connectors/mysql/", "osiris/connectors/_shared/postgres/", "osiris/connectors/_shared/buffers.py"),
    ),
    "whole results in memory": (r"read_all\(|fetchall\(|list\(batches\)", ("osiris/*.py",), ("osiris/testing/",)),
    "a family decided by name": (
        r"family\w* *(==|!=|\bin\b|\bnot in\b) *[\[\(\{]?[\"']",
        ("osiris/*.py",),
        ("osiris/connectors/",),
    ),
    "skipped tests": (r"pytest\.mark\.skip|pytest\.skip\(|importorskip|xfail\b(?!_strict)", ("*.py",), ()),
    "unfinished work": (r"\b(TODO|FIXME|XXX)\b|[Nn]ot implemented|\bNotImplementedError", ("*.py", "*.md"), ()),
    "a waiver without a reason": (r"# noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)* - \w)", ("*.py",), ()),
    "locking or forking that Windows lacks": (
        r"\bfcntl\b|os\.fork|get_context\(.fork|set_start_method\(.fork",
        ("osiris/*.py",),
        (),
    ),
    "printing outside the one module that may": (
        r"^\s*print\(|sys\.std(out|err)\.write",
        ("osiris/*.py",),
        ("osiris/cli/render.py", "osiris/__main__.py"),
    ),
    "names that say nothing": (r"^class \w*(Manager|Helper|Util)\w*\b", ("osiris/*.py",), ()),
}


@pytest.mark.parametrize("rule", RULES)
def test_nobody_writes(rule: str) -> None:
    pattern, globs, but = RULES[rule]
    assert hits(pattern, *globs, but=but) == []


def test_no_package_registry_is_named() -> None:
    """Not even in the lock: an install asks the registry that the machine is set to."""
    hosts = [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"), ("golang", "org")]
    pattern = "|".join(re.escape(".".join(host)) for host in hosts)
    assert hits(pattern, "*") == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "core", "common", "misc", "manager"}
    assert [path.as_posix() for path in files("osiris/*.py") if {path.stem, path.parent.name} & empty] == []


def test_no_rule_is_waived_for_a_whole_file() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ruff = settings["tool"]["ruff"]
    assert "per-file-ignores" not in ruff["lint"]
    assert "extend-per-file-ignores" not in ruff["lint"]
    assert "exclude" not in ruff
    assert [override["module"] for override in settings["tool"]["mypy"]["overrides"]] == [["pyarrow.*"]]
    assert hits(r"#\s*(ruff: noqa|mypy: ignore-errors|flake8: noqa)", "*.py") == []


def test_every_dataclass_is_slotted() -> None:
    assert hits(r"^@dataclass(?!\(.*\bslots=True)", "osiris/*.py") == []
