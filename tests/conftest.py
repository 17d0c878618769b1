"""For all tests: a machine that is busy makes no property of the code false."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("osiris", deadline=None)
settings.load_profile("osiris")
