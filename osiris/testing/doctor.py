"""Tests of a connector's doctor: it tells the truth, in time, and never raises."""

from __future__ import annotations

import re
import time

from osiris.testing.abilities import needs
from osiris.testing.rig import SLACK_S, Rig
from osiris.testing.silence import silenced

CHECK_ID = re.compile(
    r"(net\.(dns|tcp)|tls\.(handshake|verify)|auth\.login|perm\.(read|write)|server\.(version|limits)"
    r"|clock\.skew|compat\.[a-z0-9_]+)"
)
TIMEOUT_S = 0.5


class DoctorTests:
    """The promises are those of `Client.checks` and `Client.doctor` in osiris/connectors/base.py."""

    @needs("client")
    def test_doctor_finds_nothing_wrong_with_a_connection_that_works(self, rig: Rig) -> None:
        for level in ("quick", "full", "write"):
            found = rig.client(opened=False).doctor(10.0, level)
            assert found.ok, f"level {level}: {found.message}"
            assert found.checks, "checks() has to give at least one check"

    @needs("client")
    def test_doctor_fails_for_each_broken_connection(self, rig: Rig) -> None:
        assert rig.subject.broken, "the subject has to name broken connections: Subject(broken=...)"
        for name, changes in rig.subject.broken.items():
            found = rig.client(changes, opened=False).doctor(10.0, "full")
            assert not found.ok, f"doctor calls a connection with {name} fine: {found.message}"

    @needs("client")
    def test_doctor_gives_a_failure_a_category_and_a_message(self, rig: Rig) -> None:
        for name, changes in rig.subject.broken.items():
            found = rig.client(changes, opened=False).doctor(10.0, "full")
            if not found.ok:
                assert found.category not in ("ok", "unknown"), f"{name}: {found.category}: {found.message}"
                assert found.message.strip(), f"{name}: no message"

    @needs("client")
    def test_doctor_has_the_same_known_check_ids_each_time(self, rig: Rig) -> None:
        first, second = (
            [check.id for check in rig.client(opened=False).doctor(10.0, "write").checks] for _ in range(2)
        )
        assert first == second, "programs rely on the ids: they must not change"
        strange = [check for check in first if not CHECK_ID.fullmatch(check)]
        assert strange == [], "the known ids are listed in docs/connections.md"

    @needs("client", "silent")
    def test_doctor_keeps_its_deadline_when_nothing_answers(self, rig: Rig) -> None:
        with silenced(rig) as fields:
            client = rig.client(fields, opened=False)
            started = time.monotonic()
            found = client.doctor(TIMEOUT_S)
            took_s = time.monotonic() - started
            assert took_s <= TIMEOUT_S + SLACK_S, f"doctor took {took_s:.1f} s, its limit was {TIMEOUT_S} s"
            assert found.category == "timeout", f"{found.category}: {found.message}"
