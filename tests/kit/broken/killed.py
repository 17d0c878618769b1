"""Faults of writers that a killed process brings to light: each test of the kit for them starts processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from osiris import sdk
from tests.kit.broken.writing import WriterFault as _WriterFault
from tests.kit.reference.osiris_reference import writer

Settled = Literal["committed", "not_committed", "unknown"]


class SettlesForNot(_WriterFault):
    """It never knows of a commit."""

    caught_by = "test_killed_after_the_commit_settle_says_committed"

    class Writer(writer.Writer):
        def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Settled:
            return "not_committed"


class SettlesForCommitted(_WriterFault):
    """It takes any write for committed."""

    caught_by = "test_killed_before_the_commit_it_can_be_undone_and_redone"

    class Writer(writer.Writer):
        def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Settled:
            return "committed"


class ReplaceSettlesByItsTable(_WriterFault):
    """It takes a replace for committed when the table is there, which it was before."""

    caught_by = "test_killed_before_the_commit_it_can_be_undone_and_redone"

    class Writer(writer.Writer):
        def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Settled:
            if self.options["write_mode"] == "replace":
                return "committed" if self.table.exists() else "not_committed"
            return super().settle(token, parts)


class StagesInMemory(_WriterFault):
    """What it calls durable dies with its process."""

    caught_by = "test_killed_before_the_commit_what_is_durable_can_still_be_committed"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            part = super().write(token, batches)
            file = self.client.folder / part.data["file"]
            MEMORY[part.data["file"]] = file.read_text(encoding="utf-8")
            return part

        def merged(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> list[list[Any]]:
            if any(part.data["file"] not in MEMORY for part in parts):
                raise sdk.WriteFailed("what was staged is gone")
            return super().merged(token, parts)


MEMORY: dict[str, str] = {}
