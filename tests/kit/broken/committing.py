"""Faults of writers in how a write is named, committed, settled and undone."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from osiris import sdk
from tests.kit.broken.writing import WriterFault as _WriterFault
from tests.kit.reference.osiris_reference import writer
from tests.kit.reference.osiris_reference.table import Header

Settled = Literal["committed", "not_committed", "unknown"]


class TokenIsRandom(_WriterFault):
    """The staging's name is drawn anew each time."""

    caught_by = "test_a_token_is_the_same_twice"

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            token = super().token(schema, run)
            return replace(token, data={**token.data, "stage": f"{token.data['stage']}-{uuid.uuid4().hex}"})


class TokenDoesInputAndOutput(_WriterFault):
    """Naming the write looks into the target."""

    caught_by = "test_a_token_is_made_without_a_connection"

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            if self.table.exists():
                self.table.header()
            next(self.client.folder.iterdir())
            return super().token(schema, run)


class PartDoesNotTravel(_WriterFault):
    """A part holds a path where JSON has to do."""

    caught_by = "test_a_token_and_a_part_travel"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            part = super().write(token, batches)
            return replace(part, data={**part.data, "folder": Path("staging")})


class NotDurableBesideOthers(_WriterFault):
    """It says that its staging dies with the process, though it is not the only writer."""

    caught_by = "test_a_token_is_durable_beside_other_writers"

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            return replace(super().token(schema, run), durable=False)


class AttemptsShareStaging(_WriterFault):
    """The second attempt stages where the first one did."""

    caught_by = "test_each_attempt_has_staging_of_its_own"

    class Writer(writer.Writer):
        def token(self, schema: pa.Schema, run: sdk.Run) -> sdk.Token:
            return super().token(schema, replace(run, attempt=1))


class VisibleTooEarly(_WriterFault):
    """Rows go into the target as they come; abort and commit put back what was there."""

    caught_by = "test_nothing_is_visible_before_the_commit"

    class Writer(writer.Writer):
        def backup(self, token: sdk.Token) -> Path:
            return self.client.folder / f"{token.data['stage']}.backup"

        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            part = super().write(token, batches)
            if self.table.exists():
                shutil.copy(self.table.path, self.backup(token))
                self.table.replace(replace_columns(self, token), self.merged(token, [part]))
            return part

        def put_back(self, token: sdk.Token) -> None:
            if self.backup(token).exists():
                self.backup(token).replace(self.table.path)

        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            self.put_back(token)
            return super().commit(token, parts, state)

        def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Settled:
            return super().settle(token, parts)

        def abort(self, token: sdk.Token) -> None:
            self.put_back(token)
            super().abort(token)


class ReplacesInTwoSteps(_WriterFault):
    """A replace empties the table, and then fills it: whoever looks in between finds nothing."""

    caught_by = "test_a_commit_shows_all_or_nothing_at_each_moment"

    class Writer(writer.Writer):
        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            if self.options["write_mode"] == "replace" and self.table.exists() and not self.is_committed(token):
                self.table.replace(self.table.header(), [])
            return super().commit(token, parts, state)


def replace_columns(made: writer.Writer, token: sdk.Token) -> Header:
    """The table's header with the columns of the token."""
    return replace(made.table.header(), columns=made.columns(token))


class CommitsTwice(_WriterFault):
    """A commit whose answer was lost is done once more."""

    caught_by = "test_a_second_commit_changes_nothing"
    roles = ("writer",)

    class Writer(writer.Writer):
        committed = False

        def is_committed(self, token: sdk.Token) -> bool:
            return False

        def settle(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> Settled:
            return "committed" if super().is_committed(token) else "not_committed"

        def merged(self, token: sdk.Token, parts: Sequence[sdk.Part]) -> list[list[Any]]:
            rows, again = super().merged(token, parts), self.committed
            self.committed = True
            return rows * 2 if again else rows


class CommitCountsWrong(_WriterFault):
    """The commit tells another count than it made visible."""

    caught_by = "test_the_commit_tells_how_many_rows_it_made_visible"

    class Writer(writer.Writer):
        def commit(self, token: sdk.Token, parts: Sequence[sdk.Part], state: sdk.State | None) -> sdk.Written:
            super().commit(token, parts, state)
            return sdk.Written(0)


class AbortLeavesStaging(_WriterFault):
    """Once all rows have come they are copied aside, and an abort does not know of the copy."""

    caught_by = "test_an_abort_leaves_no_trace"

    class Writer(writer.Writer):
        def aside(self, token: sdk.Token) -> Path:
            return self.client.folder / f".whole{token.data['stage']}"

        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            part = super().write(token, batches)
            shutil.copy(self.client.folder / part.data["file"], self.aside(token))
            return part

        def finish(self, token: sdk.Token) -> None:
            self.aside(token).unlink(missing_ok=True)
            super().finish(token)


class HalfAWriteStays(_WriterFault):
    """Rows have another name until all have come; an abort knows the last name only."""

    caught_by = "test_an_abort_after_half_a_write_leaves_no_trace"

    class Writer(writer.Writer):
        def write(self, token: sdk.Token, batches: sdk.Batches) -> sdk.Part:
            beside = replace(token, data={**token.data, "stage": f".half{token.data['stage']}"})
            part = super().write(beside, batches)
            name = part.data["file"].removeprefix(".half")
            (self.client.folder / part.data["file"]).rename(self.client.folder / name)
            return replace(part, data={"file": name})


class AbortsOnlyOnce(_WriterFault):
    """A second abort fails, since there is nothing left."""

    caught_by = "test_an_abort_can_be_repeated_or_come_before_the_beginning"

    class Writer(writer.Writer):
        def abort(self, token: sdk.Token) -> None:
            if not list(self.client.folder.glob(f"{token.data['stage']}.*")):
                raise sdk.NotFound("there is nothing to abort")
            self.finish(token)

        def finish(self, token: sdk.Token) -> None:
            for place in self.client.folder.glob(f"{token.data['stage']}.*"):
                place.unlink()


class FinishLeavesStaging(_WriterFault):
    """What was kept for a recovery stays for ever."""

    caught_by = "test_finish_removes_what_was_staged"

    class Writer(writer.Writer):
        def finish(self, token: sdk.Token) -> None:
            return


class StateAheadOfData(_WriterFault):
    """The state is kept before the rows are committed."""

    caught_by = "test_state_comes_with_the_rows_and_not_before"

    class Writer(writer.Writer):
        def last(self, key: str) -> sdk.State | None:
            begun = list(self.client.folder.glob(".target.*"))
            return super().last(key) or (sdk.State(1, {"upto": "2026-01-01"}) if begun else None)
