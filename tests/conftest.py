"""For all tests: a machine that is busy makes no property of the code false, nor does `nohup` before pytest."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("osiris", deadline=None)
settings.load_profile("osiris")

# Whom nohup shields hands that on to every process it starts, and theirs are tested for what a closed terminal does.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
