"""The pytest plugin: lets assertions of the kit explain themselves. Registered by the entry point group pytest11."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("osiris.testing")
