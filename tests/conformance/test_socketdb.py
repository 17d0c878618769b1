"""The conformance kit over socketdb, a third party's connector to a server: the faults come through the proxy."""

from __future__ import annotations

import pytest

from tests.plugins import lab
from tests.plugins.subject import SocketdbConformance

pytestmark = pytest.mark.slow

with lab.installed():

    class TestSocketdb(SocketdbConformance):
        """Both of its components."""

        family = "socketdb"
