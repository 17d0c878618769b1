"""What shows that a connector keeps its promises: the conformance kit, a hostile connector, and a fault proxy.

from osiris.testing.connector import Conformance, Reading, Subject     one class, and a connector is tested
from osiris.testing.faults import Fault, FaultProxy                    a network that misbehaves on request
"""
