"""Tests of `discover`: stable, sorted, and no more than was asked for."""

from __future__ import annotations

from osiris.connectors.base import Discovers, Resource
from osiris.testing.abilities import needs
from osiris.testing.rig import Rig


class DiscoverTests:
    """The promises are those of `Discovers` in osiris/connectors/base.py."""

    @needs("client", "discover")
    def test_discover_lists_what_there_is(self, rig: Rig) -> None:
        assert rig.subject.discovered, "the subject has to name what discover must list: Subject(discovered=...)"
        names = {resource.name for resource in discover(rig)}
        assert set(rig.subject.discovered) <= names

    @needs("client", "discover")
    def test_discover_says_the_same_each_time(self, rig: Rig) -> None:
        assert sorted(map(repr, discover(rig))) == sorted(map(repr, discover(rig)))

    @needs("client", "discover")
    def test_discover_is_sorted(self, rig: Rig) -> None:
        found = [(resource.schema or "", resource.name) for resource in discover(rig)]
        assert len(found) > 1, "the subject has to hold two resources or more, or an order cannot be seen"
        assert found == sorted(found)

    @needs("client", "discover")
    def test_discover_keeps_to_like(self, rig: Rig) -> None:
        name = min(rig.subject.discovered)
        assert [resource.name for resource in discover(rig, name)] == [name]
        assert discover(rig, "no-such-name-*") == []


def discover(rig: Rig, like: str | None = None) -> list[Resource]:
    """What a client of its own lists."""
    client = rig.client()
    assert isinstance(client, Discovers)
    return list(client.discover(like))
