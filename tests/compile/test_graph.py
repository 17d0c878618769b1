"""Orders, circles and flows of graphs, against slow and plain ways to find them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.compile import graph
from osiris.compile.manifest import ManifestStep
from osiris.compile.plan import flows
from osiris.errors import ConfigError

GRAPHS = st.integers(1, 8).flatmap(
    lambda size: st.lists(st.sets(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size)
)


def reachable(needs: list[set[int]], start: int) -> set[int]:
    seen: set[int] = set()
    waiting = list(needs[start])
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting.extend(needs[place])
    return seen


@given(GRAPHS)
def test_an_order_has_each_place_after_its_needs_and_leaves_out_what_hangs_on_a_circle(needs: list[set[int]]) -> None:
    order = graph.topological(needs)
    at = {place: number for number, place in enumerate(order)}
    assert all(at[source] < at[place] for place in order for source in needs[place])
    stuck = {p for p in range(len(needs)) if any(q in reachable(needs, q) for q in reachable(needs, p) | {p})}
    assert set(range(len(needs))) - set(order) == stuck


@given(GRAPHS)
def test_each_circle_that_is_told_is_one_and_there_is_one_if_there_is_any(needs: list[set[int]]) -> None:
    found = graph.cycles(needs)
    for cycle in found:
        assert all(other in needs[place] for place, other in zip(cycle, cycle[1:] + cycle[:1], strict=True))
    assert bool(found) == any(place in reachable(needs, place) for place in range(len(needs)))


@given(GRAPHS)
def test_a_flow_is_what_hangs_together(needs: list[set[int]]) -> None:
    both = [set(sources) for sources in needs]
    for place, sources in enumerate(needs):
        for source in sources:
            both[source].add(place)
    expected = {frozenset(reachable(both, place) | {place}) for place in range(len(needs))}
    assert {frozenset(part) for part in graph.flows([sorted(sources) for sources in needs])} == expected


def step(name: str, inputs: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> ManifestStep:
    return ManifestStep(name, "x.y", "read", inputs, after)


def test_flows_stand_in_an_order_that_respects_after() -> None:
    steps = [step("b", after=("w",)), step("w2", ("b",)), step("a"), step("w", ("a",))]
    assert flows(steps) == [("a", "w"), ("b", "w2")]


def test_flows_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="wait for each other: a, b"):
        flows([step("a", after=("b",)), step("b", after=("a",))])
    with pytest.raises(ConfigError, match="has no step"):
        flows([step("a", inputs=("gone",))])
