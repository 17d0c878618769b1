"""The hostile connector: a family that misbehaves on request, in a package that can be put on the path.

    with hostile.installed():
        Project(folder).connect("hostile").read(shape="wide")

`hostile.extractor` gives rows of an awkward `shape` (osiris/testing/shapes.py), or breaks a promise by its `behaviour`:
an error midway, a stall, wrong counts, a late change of schema. `hostile.writer` and `hostile.processor` do the like.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent / "packages"
"""On `sys.path`, or in PYTHONPATH, this makes the family `hostile` known."""


@contextmanager
def installed() -> Generator[None]:
    """The family is there inside the block, found by its `.dist-info` as a package that pip installed would be."""
    before = list(sys.path)
    sys.path.insert(0, str(FOLDER))
    try:
        yield
    finally:
        sys.path[:] = before
