"""For all tests: a machine that is busy makes no property of the code false, nor does a shell that shields pytest."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from osiris.secrets import redactor

settings.register_profile("osiris", deadline=None)
settings.load_profile("osiris")

# What a shell has a command ignore (nohup, a job in the background of a script) every process that it starts ignores,
# too, and those of the tests are asked what they do about it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _secrets_of_one_test() -> Iterator[None]:
    """A password of one test (`1`, `table`) is masked in no other."""
    with redactor.for_a_while():
        yield
