"""Faults of clients, doctors and discovery."""

from __future__ import annotations

import itertools
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from osiris import sdk
from tests.kit.broken import Fault
from tests.kit.reference.osiris_reference import client
from tests.kit.reference.osiris_reference.table import Table


class ClosesOnlyOnce(Fault):
    """A second close raises."""

    caught_by = "test_closing_again_or_unopened_is_fine"

    class Client(client.Client):
        closed = False

        def close(self) -> None:
            if self.closed:
                raise ValueError("closed already")
            self.closed = True
            super().close()

        def open(self) -> None:
            self.closed = False
            super().open()


class KeepsAFileOpen(Fault):
    """A client that was opened and not used forgets a file when it is closed."""

    caught_by = "test_a_closed_client_leaves_nothing_open"
    kept: ClassVar[list[int]] = []

    class Client(client.Client):
        used = False

        def table(self, name: str) -> Table:
            self.used = True
            return super().table(name)

        def close(self) -> None:
            if not self.used:
                KeepsAFileOpen.kept.append(os.open(__file__, os.O_RDONLY))
            super().close()


class OpensOnlyOnce(Fault):
    """Closed once, it opens no more: a pool would throw every client away."""

    caught_by = "test_a_client_that_was_closed_opens_again"

    class Client(client.Client):
        used = False

        def close(self) -> None:
            self.used = True
            super().close()

        def log_in(self) -> None:
            if self.used:
                raise RuntimeError("this client was closed")
            super().log_in()


class DeafWhileOpening(Fault):
    """An interrupt is not heard before the connection is open."""

    caught_by = "test_interrupt_ends_a_blocked_open_within_a_second"

    class Client(client.Client):
        def open(self) -> None:
            time.sleep(min(5.0, self.connection.get("lag_s", 0.0)))
            self.log_in()

        def log_in(self) -> None:
            if not self.folder.is_dir():
                raise sdk.NotFound(f"there is no folder {self.folder}")
            super().log_in()


class WrongKeyIsANetworkFailure(Fault):
    """A wrong key is told as a network that is down, and so retried."""

    caught_by = "test_a_wrong_secret_is_an_auth_failure"

    class Client(client.Client):
        def log_in(self) -> None:
            try:
                super().log_in()
            except sdk.AuthFailed as error:
                raise sdk.NetworkFailed("the connection broke off") from error


class ErrorsDoNotTravel(Fault):
    """An error of its own that cannot be rebuilt in another process."""

    caught_by = "test_each_failure_to_open_is_classified_and_travels"

    class Client(client.Client):
        def log_in(self) -> None:
            try:
                super().log_in()
            except sdk.AuthFailed as error:
                error.details["answer"] = lambda: None
                raise


class DoctorLies(Fault):
    """Its check asks nothing, so every connection is fine."""

    caught_by = "test_doctor_fails_for_each_broken_connection"

    class Client(client.Client):
        def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
            def login() -> str:
                self.stop.wait(self.connection.get("lag_s", 0.0))
                return "looks good"

            return (sdk.Check("auth.login", login),)


class DoctorHangs(Fault):
    """It talks to the server before its first check, where no deadline holds."""

    caught_by = "test_doctor_keeps_its_deadline_when_nothing_answers"

    class Client(client.Client):
        def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
            self.stop.wait(min(3.0, self.connection.get("lag_s", 0.0)))
            return super().checks(resources)


class DoctorIsNeverSatisfied(Fault):
    """A check fails on a connection that works."""

    caught_by = "test_doctor_finds_nothing_wrong_with_a_connection_that_works"

    class Client(client.Client):
        def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
            def write() -> str:
                raise sdk.PermissionDenied("cannot write")

            return (*super().checks(resources), sdk.Check("perm.write", write, "write"))


class CheckIdsChange(Fault):
    """A check's id has a number in it that changes."""

    caught_by = "test_doctor_has_the_same_known_check_ids_each_time"

    class Client(client.Client):
        def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
            return (*super().checks(resources), sdk.Check(f"compat.{uuid.uuid4().hex}", lambda: "fine"))


class FailuresHaveNoCategory(Fault):
    """Doctor fails, and says neither how nor why."""

    caught_by = "test_doctor_gives_a_failure_a_category_and_a_message"

    class Client(client.Client):
        def checks(self, resources: Sequence[str] = ()) -> Sequence[sdk.Check]:
            def login() -> str:
                try:
                    self.open()
                except (sdk.AuthFailed, sdk.NotFound) as error:
                    raise sdk.OsirisError("") from error
                return "logged in"

            return (sdk.Check("auth.login", login),)


class DiscoverForgets(Fault):
    """One table is never listed."""

    caught_by = "test_discover_lists_what_there_is"

    class Client(client.Client):
        def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
            for resource in super().discover(like):
                yield resource if resource.name != "known" or like else replace(resource, name="known2")


class DiscoverChanges(Fault):
    """Each time it says something else of the same tables."""

    caught_by = "test_discover_says_the_same_each_time"
    numbers = itertools.count()

    class Client(client.Client):
        def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
            number = next(DiscoverChanges.numbers)
            return (replace(resource, estimated_rows=number) for resource in super().discover(like))


class DiscoverIsUnsorted(Fault):
    """The order of the folder, not that of the names."""

    caught_by = "test_discover_is_sorted"

    class Client(client.Client):
        def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
            return reversed(list(super().discover(like)))


class DiscoverIgnoresLike(Fault):
    """All tables, whatever was asked for."""

    caught_by = "test_discover_keeps_to_like"

    class Client(client.Client):
        def discover(self, like: str | None = None) -> Iterator[sdk.Resource]:
            return super().discover(None)


class FlagsLie(Fault):
    """The spec says that reads are not cut into splits; they are."""

    caught_by = "test_capabilities_are_those_of_the_classes"
    spec = ("splits: true", "splits: false")
