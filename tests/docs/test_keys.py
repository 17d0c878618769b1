"""Every key that the files of a project may have is told of in the pages that are written by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from osiris import settings
from osiris.compile import keys, param_types
from tests.docs.blocks import ROOT, Reader, blocks


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


KEYS = {
    "top of a pipeline": keys.TOP,
    "step": keys.STEP,
    "retry": keys.RETRY,
    "columns": keys.COLUMN,
    "param": keys.PARAM,
    "types of params": param_types.TYPES,
    "osiris.yaml": tuple(settings.SCHEMA["properties"]),
    "plugins": tuple(settings.SCHEMA["properties"]["plugins"]["properties"]),
    "retention": tuple(settings.SCHEMA["properties"]["retention"]["properties"]),
}


@pytest.mark.parametrize("owner", KEYS)
def test_every_key_is_in_write_a_pipeline(owner: str) -> None:
    text = page("write-a-pipeline.md")
    assert [key for key in KEYS[owner] if not re.search(rf"`{key}`|\b{key}:", text)] == []


def test_every_file_that_a_run_leaves_is_in_runs(tmp_path: Path) -> None:
    """The page's own first example is run, and what is then in the run's folder is looked up in its table."""
    reader = Reader(tmp_path)
    for block in list(blocks(ROOT / "docs" / "runs.md"))[:3]:
        reader.follow(block)
    left = {path.name for path in (reader.folder / "run_logs").rglob("*") if path.is_file()}
    assert left
    assert [name for name in sorted(left) if f"`{name}`" not in page("runs.md")] == []
