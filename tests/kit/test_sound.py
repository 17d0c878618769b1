"""The reference connector keeps every promise: what the broken ones are made of is sound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.subjects import ReferenceConformance

pytestmark = pytest.mark.slow


@contextmanager
def installed() -> Iterator[None]:
    """The reference package, found by its `.dist-info` as one that pip installed would be."""
    sys.path.insert(0, str(Path(__file__).parent / "reference"))
    yield
    sys.path.pop(0)


@pytest.fixture(autouse=True)
def reference() -> Iterator[None]:
    with installed():
        yield


with installed():

    class TestReference(ReferenceConformance):
        """The sound connector, all roles of it."""

        family = "reference"
