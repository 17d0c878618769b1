"""The graph of steps by their places: cycles, order and flows, each in time linear in steps and edges."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

MAX_CYCLES = 20


def flows(inputs: Sequence[Sequence[int]]) -> list[list[int]]:
    """The connected parts under the data edges, each sorted; `inputs[n]` are the places whose rows `n` takes."""
    leader = list(range(len(inputs)))

    def find(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    for place, sources in enumerate(inputs):
        for source in sources:
            one, other = find(place), find(source)
            leader[max(one, other)] = min(one, other)
    parts: dict[int, list[int]] = {}
    for place in range(len(inputs)):
        parts.setdefault(find(place), []).append(place)
    return list(parts.values())


def order_flows(parts: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """An order of the parts in which each comes after those its steps wait for, early ones first.

    The second list holds the places whose waiting can never end: a step that waits for its own part, or for a part that
    waits for it. It is empty when the order is complete.
    """
    part_of = {place: number for number, part in enumerate(parts) for place in part}
    waits: list[set[int]] = [set() for _ in parts]
    for place, writers in enumerate(after):
        waits[part_of[place]].update(part_of[writer] for writer in writers)
    order = topological(waits)
    if len(order) == len(parts):
        return order, []
    # a part that waits for one in a cycle is not itself to blame
    cyclic = {number for cycle in cycles(waits) for number in cycle}
    blamed = [
        place
        for place, writers in enumerate(after)
        if part_of[place] in cyclic and any(part_of[writer] in cyclic for writer in writers)
    ]
    return order, blamed


def topological(needs: Sequence[Sequence[int] | set[int]]) -> list[int]:
    """Places in an order in which each comes after its needs, the lowest possible first; those in or behind a cycle are
    left out."""
    waiting = [len(set(sources)) for sources in needs]
    consumers: list[list[int]] = [[] for _ in needs]
    for place, sources in enumerate(needs):
        for source in set(sources):
            consumers[source].append(place)
    ready = [place for place, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        place = heapq.heappop(ready)
        order.append(place)
        for consumer in consumers[place]:
            waiting[consumer] -= 1
            if waiting[consumer] == 0:
                heapq.heappush(ready, consumer)
    return order


def cycles(needs: Sequence[Sequence[int] | set[int]]) -> list[list[int]]:
    """Cycles that share no place, each as the places in the order of needing; at most MAX_CYCLES of them."""
    left = set(range(len(needs))) - set(topological(needs))
    found: list[list[int]] = []
    while left and len(found) < MAX_CYCLES:
        place = min(left)
        trail: list[int] = []
        seen: dict[int, int] = {}
        while place not in seen:
            seen[place] = len(trail)
            trail.append(place)
            place = next(source for source in needs[place] if source in left)
        cycle = trail[seen[place] :]
        first = cycle.index(min(cycle))
        found.append(cycle[first:] + cycle[:first])
        left = _trimmed(needs, left - set(cycle))
    return found


def _trimmed(needs: Sequence[Sequence[int] | set[int]], left: set[int]) -> set[int]:
    """The places that are still in or behind a cycle among `left`."""
    places = sorted(left)
    number = {place: n for n, place in enumerate(places)}
    inner = [[number[source] for source in needs[place] if source in number] for place in places]
    return left - {places[n] for n in topological(inner)}
