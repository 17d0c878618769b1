"""README and the pages of docs/ say what is true: their blocks are run, their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, Reader, blocks, pages, same

pytestmark = pytest.mark.slow

WRITTEN = [page for page in pages() if "reference" not in page.parts and "decisions" not in page.parts]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_reader_who_types_what_the_page_says_gets_what_it_shows(page: Path, tmp_path: Path) -> None:
    """LESSONS 20: docs used options that did not exist, and pipelines that did not run."""
    reader = Reader(tmp_path)
    for block in blocks(page):
        reader.follow(block)
    reader.look_at_files()


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        aim = (page.parent / name).resolve() if name else page
        assert aim.exists(), f"{name_of(page)}: {target}"
        if anchor:
            assert anchor in anchors(aim), f"{name_of(page)}: {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that a Markdown page has, by the common rule: lower case, dashes for blanks, no other signs."""
    found = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_what_is_not_run_here_is_a_target_of_the_makefile_or_an_install() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in WRITTEN:
        for block in blocks(page):
            if "manual" in block.words:
                for line in commands(block):
                    words = line.split()
                    known = words[0] == "make" and set(words[1:]) <= targets
                    assert known or line.startswith(("pip install ", "python -m pip install ", "git clone ")), line


def commands(block: Block) -> list[str]:
    lines = [line.partition(" #")[0].strip() for line in block.text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_a_connector_with_its_test_fits_in_60_lines() -> None:
    package = ("pyproject.toml", "osiris_sqlite/", "test_sqlite.py")
    parts = list(blocks(ROOT / "docs" / "write-a-connector.md"))
    texts = [block.text for block in parts if (block.value("title") or "").startswith(package)]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    assert len(texts) == 5
    assert len(lines) <= 60, len(lines)


def test_the_page_on_benchmarks_lists_each_of_them() -> None:
    text = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([\w-]+)`", text, re.MULTILINE))
    assert listed == {path.parent.name for path in ROOT.glob("bench/*/run.py")}


@pytest.mark.parametrize(
    ("shown", "printed", "holds"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("rows …, 3 s\n", "rows 5, 3 s\n", True),
        ("a\nb\n", "a\nc\n", False),
        ("a\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_shown_output_is_compared_line_by_line(shown: str, printed: str, holds: bool) -> None:
    assert same(shown, printed) is holds
