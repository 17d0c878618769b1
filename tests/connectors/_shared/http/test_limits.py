"""Limits in time, by a clock that is given, and limits on how many ask at once."""

from __future__ import annotations

import threading

import pytest

from osiris.connectors._shared.http.limits import Limiter, Limits, limiter_of
from osiris.connectors._shared.line import Line
from osiris.errors import Cancelled, RateLimited
from tests.connectors._shared.http.clock import QuickClock
from tests.connectors.patience import Blocked


def starts(limiter: Limiter, clock: QuickClock, count: int) -> list[float]:
    """When each of `count` requests was allowed."""
    found = []
    for _ in range(count):
        with limiter.turn(Line(), 100):
            found.append(clock.now())
    return found


def test_no_minute_has_more_than_its_share() -> None:
    clock = QuickClock()
    assert starts(Limiter(Limits(per_minute=3), clock), clock, 7) == [0, 0, 0, 60, 60, 60, 120]


def test_the_hour_holds_too_and_the_longer_wait_counts() -> None:
    clock = QuickClock()
    found = starts(Limiter(Limits(per_minute=2, per_hour=5), clock), clock, 11)
    assert found == [0, 0, 60, 60, 120, 3600, 3600, 3660, 3660, 3720, 7200]


def test_a_window_slides() -> None:
    clock = QuickClock()
    limiter = Limiter(Limits(per_minute=2), clock)
    first = starts(limiter, clock, 1)
    clock.wait(Line(), 50)
    assert first + starts(limiter, clock, 3) == [0, 50, 60, 110]


def test_who_must_wait_for_the_server_waits_for_everybody() -> None:
    clock = QuickClock()
    limiter = Limiter(Limits(), clock)
    limiter.hold_off(30)
    limiter.hold_off(10)
    assert starts(limiter, clock, 2) == [30, 30]


def test_a_wait_longer_than_allowed_is_told() -> None:
    limiter = Limiter(Limits(), QuickClock())
    limiter.hold_off(3600)
    with pytest.raises(RateLimited, match="3600 s") as failed, limiter.turn(Line(), 100):
        pass
    assert failed.value.retry_after_s == 3600


def test_no_more_run_at_once_than_allowed() -> None:
    limiter = Limiter(Limits(concurrent=2))
    lock, running, most = threading.Lock(), 0, 0
    meeting = threading.Barrier(2)

    def ask() -> None:
        nonlocal running, most
        with limiter.turn(Line(), 100):
            with lock:
                running += 1
                most = max(most, running)
            meeting.wait(30)  # so that two do run at once
            with lock:
                running -= 1

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (running, most) == (0, 2)


@pytest.mark.parametrize("limits", [Limits(concurrent=1), Limits(per_hour=1)])
def test_who_waits_for_a_turn_can_be_interrupted(limits: Limits) -> None:
    limiter, line = Limiter(limits), Line()

    def ask() -> None:
        with limiter.turn(line, 100):
            pass

    with limiter.turn(Line(), 100):
        assert isinstance(Blocked(ask).interrupted_by(line.cut), Cancelled)


def test_a_failure_gives_its_turn_back() -> None:
    limiter = Limiter(Limits(concurrent=1))
    for _ in range(3):
        with pytest.raises(RuntimeError), limiter.turn(Line(), 100):
            raise RuntimeError


def test_clients_of_one_connection_share_a_limiter() -> None:
    limits = Limits(per_minute=240, per_hour=2400, concurrent=3)
    assert limiter_of(("/shop", "@posthog.main"), limits) is limiter_of(("/shop", "@posthog.main"), limits)
    assert limiter_of(("/shop", "@posthog.main"), limits) is not limiter_of(("/shop", "@posthog.other"), limits)
