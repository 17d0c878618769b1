"""Tests of a `Client`: opening, closing, interrupting, and telling its errors apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from osiris.errors import OsirisError
from osiris.testing.abilities import needs
from osiris.testing.echo import Echo
from osiris.testing.leaks import Before, until
from osiris.testing.rig import LIMIT_S, SLACK_S, Rig, raised
from osiris.testing.silence import silenced


class ClientTests:
    """The promises are those of `Client` in osiris/connectors/base.py."""

    @needs("client")
    def test_closing_again_or_unopened_is_fine(self, rig: Rig) -> None:
        client = rig.client()
        client.close()
        client.close()
        rig.client(opened=False).close()

    @needs("client")
    def test_a_closed_client_leaves_nothing_open(self, rig: Rig) -> None:
        rig.client().close()
        before = Before()
        client = rig.client()
        client.close()
        assert before.new() == [], "Client.close has to let go of everything"

    @needs("client")
    def test_a_client_that_was_closed_opens_again(self, rig: Rig) -> None:
        client = rig.client()
        client.close()
        client.open()
        client.close()

    @needs("client", "silent")
    def test_interrupt_ends_a_blocked_open_within_a_second(self, rig: Rig) -> None:
        with silenced(rig) as fields:
            client = rig.client(fields, opened=False)
            ended, took_s = interrupted(client.open, client.interrupt)
        assert ended, "Client.interrupt has to end a blocked open"
        assert took_s <= LIMIT_S + SLACK_S, f"it took {took_s:.1f} s to end a blocked open, 1 s is promised"

    @needs("client")
    def test_an_osiris_error_passes_through_classify(self, rig: Rig) -> None:
        error = OsirisError("known already")
        assert rig.client_class.classify(error) is error

    @needs("client")
    def test_each_failure_to_open_is_classified_and_travels(self, rig: Rig, echo: Echo) -> None:
        for name, error in failures(rig):
            travels(rig, echo, error, name)

    @needs("client", "secrets")
    def test_a_wrong_secret_is_an_auth_failure(self, rig: Rig) -> None:
        """A wrong key must not look like a network that is down: that would be retried, and the account be locked."""
        for name in rig.secret_fields():
            client = rig.client({name: f"not-{rig.subject.fields[name]}"}, opened=False)
            error = raised(client.open)
            assert error is not None, f"the connection opens with a wrong {name}"
            known = client.classify(error)
            assert known.category == "auth", f"a wrong {name} is told as {known!r}"


def travels(rig: Rig, echo: Echo, error: Exception, name: str) -> None:
    """Trap 8: errors are pickled on their way from another process."""
    known = rig.client_class.classify(error)
    back = echo.back(known)
    assert (type(back), back.message, back.code) == (type(known), known.message, known.code), name


def failures(rig: Rig) -> list[tuple[str, Exception]]:
    """The error of each broken connection that already fails to open."""
    found = [(name, raised(rig.client(changes, opened=False).open)) for name, changes in rig.subject.broken.items()]
    return [(name, error) for name, error in found if error is not None]


def interrupted(
    call: Callable[[], object], interrupt: Callable[[], None], *, reached: Callable[[], object] | None = None
) -> tuple[bool, float]:
    """Whether a call that blocks in a thread ends when it is interrupted, again and again, and how long that takes.

    It counts as blocked once `reached` says so, else after a moment."""
    thread = threading.Thread(target=raised, args=(call,), name="osiris-kit-blocked", daemon=True)
    thread.start()
    if reached is None:
        thread.join(0.2)
    else:
        until(lambda: reached() or not thread.is_alive(), 10.0)
    assert thread.is_alive(), "the call that should block has ended"
    started = time.monotonic()
    while thread.is_alive() and time.monotonic() < started + LIMIT_S + 2 * SLACK_S:
        interrupt()
        thread.join(0.05)
    return not thread.is_alive(), time.monotonic() - started
