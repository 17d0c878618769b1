"""`Conformance`: subclass it in a test file, and pytest tests a connector against every promise that it makes.

class TestSqlite(Conformance):
    family = "sqlite"

    def subject(self, folder: Path) -> Subject:
        make_database(folder / "x.db")
        return Subject(family="sqlite", root=folder, fields={"path": "x.db"}, reading=Reading(...))
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from osiris.testing.abilities import Scope, scope_of
from osiris.testing.client import ClientTests
from osiris.testing.commit import CommitTests, TokenTests
from osiris.testing.declared import SpecTests
from osiris.testing.discover import DiscoverTests
from osiris.testing.doctor import DoctorTests
from osiris.testing.echo import Echo, shared
from osiris.testing.extractor import ExtractorTests
from osiris.testing.foresight import ForesightTests
from osiris.testing.killed import KilledTests
from osiris.testing.network import NetworkReadTests, NetworkWriteTests
from osiris.testing.options import OptionTests
from osiris.testing.processor import ProcessorTests
from osiris.testing.rig import Rig, Rigs
from osiris.testing.secrecy import SecrecyTests
from osiris.testing.splits import SplitTests
from osiris.testing.subject import Change, Processing, Reading, Subject, Writing
from osiris.testing.writer import WriterRowsTests
from osiris.testing.writer_input import WriterShapeTests, WriterStreamTests

__all__ = ["Change", "Conformance", "Processing", "Reading", "Subject", "Writing"]


class Conformance(
    SpecTests,
    ClientTests,
    DoctorTests,
    SecrecyTests,
    DiscoverTests,
    ExtractorTests,
    SplitTests,
    WriterRowsTests,
    WriterShapeTests,
    WriterStreamTests,
    TokenTests,
    CommitTests,
    KilledTests,
    NetworkReadTests,
    NetworkWriteTests,
    ProcessorTests,
    ForesightTests,
    OptionTests,
):
    """All tests that apply to `family`; those that need what it lacks (a writer, splits, a secret) are not there.

    Where the family has several components of a role, `extractor`, `writer` and `processor` name one; "" leaves the
    role out. `silent` says that the subject has a `silent` connection, `locks` that what it writes can be `held`.
    """

    family: ClassVar[str]
    extractor: ClassVar[str | None] = None
    writer: ClassVar[str | None] = None
    processor: ClassVar[str | None] = None
    silent: ClassVar[bool] = False
    locks: ClassVar[bool] = False
    scope: Scope

    @abstractmethod
    def subject(self, folder: Path) -> Subject:
        """The connector in `folder`, an empty one that is removed after the test. A test may call it several times."""

    @pytest.fixture
    def rigs(self, tmp_path: Path) -> Iterator[Rigs]:
        """Makes a subject in a folder of the name that it is given, with what the kit keeps beside it."""
        made: list[Rig] = []

        def make(place: str) -> Rig:
            (tmp_path / place).mkdir()
            made.append(Rig(self.subject(tmp_path / place), tmp_path / f"kit-{place}", self.scope.catalog))
            return made[-1]

        yield make
        for rig in made:
            rig.close()

    @pytest.fixture
    def rig(self, rigs: Rigs) -> Rig:
        return rigs("place")

    @pytest.fixture
    def echo(self) -> Echo:
        return shared

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if not hasattr(cls, "family"):
            return  # a base of somebody's own
        chosen = {"extractor": cls.extractor, "writer": cls.writer, "processor": cls.processor}
        cls.plain = {}
        cls.scope = scope_of(cls.family, chosen, silent=cls.silent, locks=cls.locks)
        for name in dir(cls):
            if (
                name.startswith("test_")
                and not getattr(getattr(cls, name), "needs", frozenset()) <= cls.scope.abilities
            ):
                setattr(cls, name, None)  # pytest collects only what can be called

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A test for each write mode, and for each option by its name."""
        if "mode" in metafunc.fixturenames:
            modes = self.scope.write_modes()
            metafunc.parametrize("mode", modes, ids=[mode or "write" for mode in modes])
        if "option" in metafunc.fixturenames:
            names = self.scope.option_names()
            metafunc.parametrize("option", names, ids=[f"{role}-{name}" for role, name in names])
