"""`wire`: who takes whose rows and who waits for whom, from `needs` and `inputs`, with every fault in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osiris.compile import graph
from osiris.compile.issues import Issues
from osiris.compile.keys import STEP_ID
from osiris.compile.manifest import Mode
from osiris.compile.parse import Draft
from osiris.errors import did_you_mean

MAX_EDGES = 1_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """A step and its role; None when neither component nor mode tell it, so that nothing more is said of its edges."""

    draft: Draft
    role: Mode | None

    @property
    def id(self) -> str:
        return self.draft.id

    @property
    def gives_rows(self) -> bool:
        return self.role != "write"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Edges by the places of the steps: whose rows each takes, and which writers it waits for.

    `order` has each step after those it needs; `parts` are the flows.
    """

    inputs: list[list[int]]
    after: list[list[int]]
    order: list[int]
    parts: list[list[int]]


def wire(nodes: Sequence[Node], issues: Issues) -> Wiring:
    """The edges of all steps. Faults go to `issues`; with faults the wiring is as complete as it can be."""
    _check_ids(nodes, issues)
    wirer = _Wirer(nodes, issues)
    for place, node in enumerate(nodes):
        wirer.connect(place)
        if wirer.count_edges(place) > MAX_EDGES:
            hint = "the copies of one for_each need all copies of another"
            issues.error("pipeline.too_large", f"more than {MAX_EDGES:,} needs", *node.draft.path, hint=hint)
            break
    for cycle in graph.cycles(wirer.needs):
        _tell_cycle([nodes[place] for place in cycle], issues)
    wirer.check_rows()
    inputs, after = [list(one) for one in wirer.inputs], [list(one) for one in wirer.after]
    needs = [one + other for one, other in zip(inputs, after, strict=True)]
    wiring = Wiring(inputs, after, graph.topological(needs), graph.flows(inputs))
    if len(wiring.order) == len(nodes):
        _check_flows(nodes, wiring, issues)
    return wiring


def folded(step_id: str) -> str:
    """The id as a table's name: without case, dashes as underscores."""
    return step_id.lower().replace("-", "_")


class _Wirer:
    """Resolves the names in `needs` and `inputs`, and sorts the edges by what the two ends do."""

    def __init__(self, nodes: Sequence[Node], issues: Issues) -> None:
        self._nodes = nodes
        self._issues = issues
        self._places: dict[str, list[int]] = {}
        self._by_step: dict[str | int, list[int]] = {}
        for place, node in enumerate(nodes):
            self._places.setdefault(node.id, []).append(place)
            self._by_step.setdefault(node.draft.path[-1], []).append(place)
        for place, node in enumerate(nodes):
            if node.draft.group != node.id and node.draft.copy is not None:
                self._places.setdefault(node.draft.group, []).append(place)
        self._broken: set[int] = set()
        self._paired: dict[str | int, bool] = {}
        self._edges = 0
        self.inputs: list[dict[int, None]] = [{} for _ in nodes]
        self.after: list[dict[int, None]] = [{} for _ in nodes]
        self.needs: list[set[int]] = [set() for _ in nodes]

    def connect(self, place: int) -> None:
        """Add the edges into one step."""
        draft = self._nodes[place].draft
        if draft.inputs is None and draft.needs is None:
            for source in self._previous(place):
                self._add(place, source, explicit=False)
            return
        for name, source_id in (draft.inputs or {}).items():
            for source in self._named(place, source_id, "inputs", name):
                self._add_input(place, source, name)
        for number, source_id in enumerate(draft.needs or ()):
            for source in self._named(place, source_id, "needs", number):
                self._add_need(place, source, number)

    def count_edges(self, place: int) -> int:
        """How many edges there are, counting those into the step that was connected last."""
        self._edges += len(self.needs[place])
        return self._edges

    def check_rows(self) -> None:
        """Whether each step gets the rows that it must have, and each row is taken by somebody."""
        taken = {source for sources in self.inputs for source in sources}
        for place, node in enumerate(self._nodes):
            if place not in self._broken:
                self._check_count(place, node)
            if node.role == "transform":
                self._check_names(place, node)
            if node.role in ("read", "transform") and place not in taken and not self._broken:
                hint = "add a write step that needs it, or remove it"
                self._issues.error("step.unused", f'nobody takes the rows of "{node.id}"', *node.draft.path, hint=hint)

    def _check_count(self, place: int, node: Node) -> None:
        sources = list(self.inputs[place])
        ids = ", ".join(self._nodes[source].id for source in sources[:5]) + (", ..." if len(sources) > 5 else "")
        path = self._edge_path(node)
        if node.role == "write" and len(sources) > 1:
            message = f'"{node.id}" writes the rows of one step, but is given those of {len(sources)}: {ids}'
            hint = "join them in a transform step, or write each with a step of its own"
            self._issues.error("step.many_inputs", message, *path, hint=hint)
        elif not sources and (node.role == "write" or (node.role == "transform" and self.after[place])):
            # a transform that stands first makes its rows itself; one behind a writer was meant to take some
            waits = "" if self.after[place] else ", and no step stands before it"
            message = f'"{node.id}" gets no rows: it needs no step that gives any{waits}'
            self._issues.error("step.no_input", message, *path, hint="name the step whose rows it takes in needs")

    def _check_names(self, place: int, node: Node) -> None:
        """Two inputs that a query would know by the same table name: `a` is also `df_a`."""
        names = {folded(self._nodes[source].id): source for source in self.inputs[place]}
        for name, source in names.items():
            other = names.get(f"df_{name}")
            if other is not None:
                message = f'"{self._nodes[source].id}" is also the table df_{name}, the name of another input'
                self._issues.error("step.table_name", message, *self._edge_path(node), hint="rename one of the steps")

    def _edge_path(self, node: Node) -> tuple[str | int, ...]:
        return (*node.draft.path, "needs" if node.draft.inputs is None else "inputs")

    def _previous(self, place: int) -> Iterator[int]:
        """The step before, each copy of it; of a `for_each` over the same items the copy of the same item."""
        draft = self._nodes[place].draft
        number = draft.path[-1]
        if number == 0 or not isinstance(number, int):
            return
        before = self._by_step.get(number - 1)
        if before is None:
            self._broken.add(place)
            return
        if number not in self._paired:
            self._paired[number] = draft.copy is not None and self._nodes[before[0]].draft.items == draft.items
        if self._paired[number] and draft.copy is not None:
            yield before[draft.copy]
        else:
            yield from before

    def _named(self, place: int, name: str, key: str, at: str | int) -> list[int]:
        found = self._places.get(name)
        if found is not None:
            return found
        node = self._nodes[place]
        self._broken.add(place)
        hint = did_you_mean(name, sorted(self._places)) or f"steps: {', '.join(list(self._places)[:10])}"
        self._issues.error("step.unknown", f'there is no step "{name}"', *node.draft.path, key, at, hint=hint)
        return []

    def _add_input(self, place: int, source: int, name: str) -> None:
        node, giver = self._nodes[place], self._nodes[source]
        at = (*node.draft.path, "inputs", name)
        if node.role == "read":
            self._issues.error(
                "step.reader_input", f'"{node.id}" reads, it takes no rows', *at, hint="use needs to wait"
            )
        elif not giver.gives_rows:
            message = f'"{giver.id}" writes, it gives no rows'
            self._issues.error("step.writer_input", message, *at, hint="to wait for it, name it in needs")
            self._broken.add(place)
        else:
            self._add(place, source, explicit=True)

    def _add_need(self, place: int, source: int, number: int) -> None:
        node, giver = self._nodes[place], self._nodes[source]
        at = (*node.draft.path, "needs", number)
        ignored = node.draft.inputs is not None and giver.gives_rows and source not in self.inputs[place]
        if ignored and node.role != "read":
            message = f'"{giver.id}" is needed but not among the inputs: its rows are not taken here'
            self._issues.warn("step.need_ignored", message, *at, hint="name it in inputs, or remove it from needs")
        elif node.role == "read" and giver.gives_rows and giver.role is not None:
            message = f'"{node.id}" reads and takes no rows, so it does not wait for "{giver.id}"'
            hint = "a reader can wait for a writer only; remove it from needs"
            self._issues.warn("step.need_ignored", message, *at, hint=hint)
            self.needs[place].add(source)
            return
        if not ignored:
            self._add(place, source, explicit=True)

    def _add(self, place: int, source: int, *, explicit: bool) -> None:
        node, giver = self._nodes[place], self._nodes[source]
        if giver.gives_rows and node.role == "read":
            if explicit:
                self.needs[place].add(source)
            return
        self.needs[place].add(source)
        edges = self.inputs[place] if giver.gives_rows else self.after[place]
        edges[source] = None


def _check_ids(nodes: Sequence[Node], issues: Issues) -> None:
    first: dict[str, Node] = {}
    for node in nodes:
        at = (*node.draft.path, "id")
        if not node.id:
            continue
        if not STEP_ID.fullmatch(node.id):
            message = f'"{node.id}" cannot be the id of a step'
            issues.error("step.id", message, *at, hint="use up to 100 letters, digits, _ and -")
            continue
        other = first.setdefault(folded(node.id), node)
        if other is not node:
            message = f'two steps have the id "{node.id}"'
            if other.id != node.id:
                message = f'"{node.id}" and "{other.id}" would be the same table, {folded(node.id)}'
            copies = other.draft.path == node.draft.path
            hint = "put what differs between the items into the id" if copies else "rename one of them"
            issues.error("step.duplicate_id", message, *at, hint=hint)


def _tell_cycle(cycle: Sequence[Node], issues: Issues) -> None:
    ids = [node.id for node in cycle]
    shown = [*ids[:10], "..."] if len(ids) > 10 else ids
    message = f"steps need each other in a circle: {' needs '.join([*shown, ids[0]])}"
    key = "needs" if cycle[0].draft.needs is not None else "inputs"
    issues.error("step.cycle", message, *cycle[0].draft.path, key, hint="remove one of these needs")


def _check_flows(nodes: Sequence[Node], wiring: Wiring, issues: Issues) -> None:
    """Writers of one flow commit together, so nothing in the flow can wait for one of them."""
    part_of = {place: number for number, part in enumerate(wiring.parts) for place in part}
    own: set[int] = set()
    for place, writers in enumerate(wiring.after):
        for writer in writers:
            if part_of[writer] == part_of[place]:
                own.add(place)
                _tell_wait(nodes[place], f'"{nodes[writer].id}", a writer of its own flow', issues)
    _, stuck = graph.order_flows(wiring.parts, wiring.after)
    for place in stuck:
        if place not in own:
            waits = ", ".join(f'"{nodes[writer].id}"' for writer in wiring.after[place])
            _tell_wait(nodes[place], f"{waits}, whose flow waits for its own", issues)


def _tell_wait(node: Node, what: str, issues: Issues) -> None:
    implicit = node.draft.needs is None
    hint = "all writers of a flow commit together: " + (
        "without needs it waits for the step before; write needs: [] or what it really needs"
        if implicit
        else "remove the writer from needs"
    )
    issues.error("flow.cycle", f'"{node.id}" waits for {what}', *node.draft.path, "needs", hint=hint)
