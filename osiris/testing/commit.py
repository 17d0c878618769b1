"""Tests of a `Writer`'s end: all of it visible or nothing, whenever one looks, and whoever asks twice."""

from __future__ import annotations

import json
from functools import partial

from osiris.connectors.base import Batches, State, to_json, token_from_json
from osiris.testing import shapes
from osiris.testing.abilities import needs
from osiris.testing.client import interrupted
from osiris.testing.echo import Echo
from osiris.testing.moments import watched
from osiris.testing.rig import LIMIT_S, SLACK_S, Rig, raised, stage
from osiris.testing.shapes import SCHEMA
from osiris.testing.touched import touched
from osiris.testing.writer import breaking, look, subject_of, write, writing_of

OLD, NEW = [shapes.rows(0, 2)], [shapes.rows(10, 3)]


class TokenTests:
    """The promises are those of `Writer.token` in osiris/connectors/base.py."""

    @needs("writer")
    def test_a_token_is_the_same_twice(self, rig: Rig) -> None:
        """It is recorded before anything is done, and made again after a crash: nothing in it may be random."""
        name, options = writing_of(rig)
        run = rig.run()
        first, second = (rig.instance(name, options).token(SCHEMA, run) for _ in range(2))
        assert first == second

    @needs("writer")
    def test_a_token_is_made_without_a_connection(self, rig: Rig) -> None:
        """The ledger records it before `begin`: until then nothing may have been touched."""
        name, options = writing_of(rig)
        writer = rig.instance(name, options, rig.client(opened=False))
        run = rig.run()
        writer.token(SCHEMA, run)  # imports what it needs
        before = set(subject_of(rig).traces())
        with touched() as events:
            writer.token(SCHEMA, run)
        assert events == [], "Writer.token has to do no I/O"
        assert set(subject_of(rig).traces()) == before

    @needs("writer")
    def test_a_token_and_a_part_travel(self, rig: Rig, echo: Echo) -> None:
        """Trap 8: through a spawned process, and through JSON as the ledger keeps them."""
        token, part = stage(rig.instance(*writing_of(rig)), NEW, SCHEMA, rig.run())
        for value in (token, part):
            assert echo.back(value) == value
        assert token_from_json(json.loads(json.dumps(to_json(token)))) == token
        assert json.loads(json.dumps(to_json(part))) == to_json(part)

    @needs("writer", "transaction")
    def test_a_token_is_durable_beside_other_writers(self, rig: Rig) -> None:
        """Only one writer of a flow may stage in what dies with its process: with `Run.sole` unset, none does."""
        name, options = writing_of(rig)
        assert rig.instance(name, options).token(SCHEMA, rig.run(sole=False)).durable

    @needs("writer", "transaction")
    def test_each_attempt_has_staging_of_its_own(self, rig: Rig) -> None:
        """What an earlier attempt could not remove must not come back as rows of the next; the commit id stays."""
        writer = rig.instance(*writing_of(rig))
        first, second = (writer.token(SCHEMA, rig.run(attempt=n, sole=False, number=1)) for n in (1, 2))
        assert first.data != second.data, "Token.data has to differ between attempts"
        assert first.commit_id == second.commit_id


class CommitTests:
    """The promises are those of `Writer.commit`, `settle`, `abort` and `finish` in osiris/connectors/base.py."""

    @needs("writer", "transaction")
    def test_nothing_is_visible_before_the_commit(self, rig: Rig, mode: str) -> None:
        """LESSONS 14: replace deleted the old rows first."""
        write(rig, OLD, mode)
        before = look(rig)
        stage(rig.instance(*writing_of(rig, mode)), NEW, SCHEMA, rig.run())
        assert look(rig) == before

    @needs("writer", "transaction")
    def test_a_commit_shows_all_or_nothing_at_each_moment(self, rig: Rig, mode: str) -> None:
        """LESSONS 14: replace was DELETE, commit, insert. Whoever looked in between, or was killed there, lost rows."""
        write(rig, OLD, mode)
        before = look(rig)
        writer = rig.instance(*writing_of(rig, mode))
        token, part = stage(writer, NEW, SCHEMA, rig.run())
        with watched(lambda: look(rig)) as seen:
            writer.commit(token, [part], None)
        after = look(rig)
        assert [rows for rows in seen if rows not in (before, after)] == [], "something else was visible in between"

    @needs("writer", "transaction")
    def test_a_second_commit_changes_nothing(self, rig: Rig, mode: str) -> None:
        """Its answer may have been lost, so it is asked for again."""
        name, options = writing_of(rig, mode)
        client = rig.client()
        writer = rig.instance(name, options, client)
        token, part = stage(writer, NEW, SCHEMA, rig.run())
        first = writer.commit(token, [part], None)
        shown = look(rig)
        again = writer.commit(token, [part], None)
        assert look(rig) == shown, "the rows of one token were committed twice"
        assert again.rows == first.rows

    @needs("writer")
    def test_the_commit_tells_how_many_rows_it_made_visible(self, rig: Rig) -> None:
        writer = rig.instance(*writing_of(rig))
        token, part = stage(writer, NEW, SCHEMA, rig.run())
        assert writer.commit(token, [part], None).rows == part.rows

    @needs("writer", "transaction")
    def test_an_abort_leaves_no_trace(self, rig: Rig, mode: str) -> None:
        """On a fresh instance, as after a crash: what was made is found by the token alone."""
        name, options = writing_of(rig, mode)
        before = self._traces(rig, mode)
        client = rig.client()
        token, _ = stage(rig.instance(name, options, client), NEW, SCHEMA, rig.run(sole=False))
        client.close()
        rig.fresh(name, options, lambda writer: writer.abort(token))
        assert set(subject_of(rig).traces()) == before, "staging stays after Writer.abort"

    @needs("writer", "transaction")
    def test_an_abort_after_half_a_write_leaves_no_trace(self, rig: Rig, mode: str) -> None:
        """A stream that fails, or a cancelled run, leaves staging that no part tells of."""
        name, options = writing_of(rig, mode)
        before = self._traces(rig, mode)
        client = rig.client()
        writer, run = rig.instance(name, options, client), rig.run(sole=False)
        token = writer.token(SCHEMA, run)
        writer.begin(token, SCHEMA)
        raised(lambda: writer.write(token, Batches(SCHEMA, breaking())))
        client.close()
        rig.fresh(name, options, lambda writer: writer.abort(token))
        assert set(subject_of(rig).traces()) == before, "staging stays after Writer.abort"

    @needs("writer")
    def test_an_abort_can_be_repeated_or_come_before_the_beginning(self, rig: Rig) -> None:
        name, options = writing_of(rig)
        rig.fresh(name, options, lambda writer: writer.abort(writer.token(SCHEMA, rig.run())))
        token, _ = stage(rig.instance(name, options), NEW, SCHEMA, rig.run())
        rig.close()
        for _ in range(2):
            rig.fresh(name, options, lambda writer: writer.abort(token))

    @needs("writer", "transaction")
    def test_finish_removes_what_was_staged(self, rig: Rig) -> None:
        name, options = writing_of(rig)
        before = self._traces(rig)
        client = rig.client()
        writer = rig.instance(name, options, client)
        token, part = stage(writer, NEW, SCHEMA, rig.run(sole=False))
        writer.commit(token, [part], None)
        client.close()
        for _ in range(2):
            rig.fresh(name, options, lambda writer: writer.finish(token))
        assert set(subject_of(rig).traces()) == before, "staging stays after Writer.finish"

    @needs("writer", "transaction", "locks")
    def test_an_interrupt_ends_a_commit_that_waits(self, rig: Rig, mode: str) -> None:
        """Ctrl-C while somebody else has the rows: nothing of it happens later, whenever the lock is let go."""
        name, options = writing_of(rig, mode)
        before = self._traces(rig, mode)
        shown, held = look(rig), subject_of(rig).held
        assert held is not None, "locks is set: say Writing(held=...)"
        client = rig.client()
        writer = rig.instance(name, options, client)
        token, part = stage(writer, NEW, SCHEMA, rig.run(sole=False))
        with held() as is_waiting:
            commit = partial(writer.commit, token, [part], None)
            ended, took_s = interrupted(commit, client.interrupt, reached=is_waiting)
            assert ended, "Client.interrupt has to end a commit that waits"
            assert took_s <= LIMIT_S + SLACK_S, f"it took {took_s:.1f} s to end a commit, 1 s is promised"
            client.close()
            assert rig.fresh(name, options, lambda writer: writer.settle(token, [part])) == "not_committed"
            rig.fresh(name, options, lambda writer: writer.abort(token))
        assert look(rig) == shown
        assert set(subject_of(rig).traces()) == before, "staging stays after Writer.abort"

    @needs("writer", "state")
    def test_state_comes_with_the_rows_and_not_before(self, rig: Rig) -> None:
        """State ahead of data would skip rows for good at the next run."""
        name, options = writing_of(rig)
        run, state = rig.run(), State(1, {"upto": "2026-01-01"})
        client = rig.client()
        writer = rig.instance(name, options, client)
        token, part = stage(writer, NEW, SCHEMA, run)
        assert rig.fresh(name, options, lambda writer: writer.last(run.key)) is None, "state is ahead of the data"
        writer.commit(token, [part], state)
        client.close()
        assert rig.fresh(name, options, lambda writer: writer.last(run.key)) == state

    def _traces(self, rig: Rig, mode: str = "") -> set[str]:
        write(rig, OLD, mode)
        return set(subject_of(rig).traces())
