"""A graph of steps drawn as a tree: fan-outs branch, and a join is drawn once, below the last of those that feed it."""

from __future__ import annotations

import textwrap
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

UNICODE = ("├─ ", "└─ ", "│  ", "   ")
ASCII = ("|- ", "`- ", "|  ", "   ")
LEAST_TEXT = 24
"""How many columns the text of a step keeps, however deep it stands."""


@dataclass(frozen=True, slots=True)
class Style:
    """`width` is that of the page; `plain` draws with ASCII alone."""

    width: int = 80
    plain: bool = False

    @property
    def deepest(self) -> int:
        """A step that would stand deeper is drawn at the margin instead."""
        return max(1, (self.width - LEAST_TEXT) // len(UNICODE[0]))


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line to draw: a step under the one that feeds it, at the end of `indent`; a root is on no branch."""

    step: str
    indent: str
    branch: str
    below: str
    depth: int


def tree(texts: Mapping[str, str], inputs: Mapping[str, Sequence[str]], style: Style) -> list[str]:
    """The lines for the steps of `texts` (id to what is shown of it), in whose order each comes after its `inputs`."""
    return list(_Drawing(texts, inputs, style).lines())


class _Drawing:
    def __init__(self, texts: Mapping[str, str], inputs: Mapping[str, Sequence[str]], style: Style) -> None:
        self._texts = texts
        self._inputs = inputs
        self._style = style
        self._marks = ASCII if style.plain else UNICODE
        self._consumers: dict[str, list[str]] = {step: [] for step in texts}
        for step in texts:
            for source in inputs[step]:
                self._consumers[source].append(step)

    def lines(self) -> Iterator[str]:
        """Depth first; with a stack, since a pipeline may be as deep as it has steps."""
        seen: Counter[str] = Counter()
        roots = deque(step for step in self._texts if not self._inputs[step])
        while roots:
            stack = [_Edge(roots.popleft(), "", "", "", 0)]
            cut: list[str] = []
            while stack:
                edge = stack.pop()
                seen[edge.step] += edge.depth > 0
                whole = edge.depth == 0 or seen[edge.step] == len(self._inputs[edge.step])
                if whole and edge.depth > self._style.deepest:
                    cut.append(edge.step)
                    whole = False
                yield from self._line(edge, whole=whole)
                stack += reversed(self._below(edge)) if whole else ()
            roots.extendleft(reversed(cut))

    def _below(self, edge: _Edge) -> list[_Edge]:
        consumers = self._consumers[edge.step]
        tee, end, bar, gap = self._marks
        indent, depth = edge.indent + edge.below, edge.depth + 1
        return [
            _Edge(step, indent, end, gap, depth) if place == len(consumers) else _Edge(step, indent, tee, bar, depth)
            for place, step in enumerate(consumers, 1)
        ]

    def _line(self, edge: _Edge, *, whole: bool) -> list[str]:
        text = self._texts[edge.step] if whole else f"{edge.step} (below)"
        more = self._marks[2] if whole and self._consumers[edge.step] else self._marks[3]
        return textwrap.wrap(
            text,
            max(LEAST_TEXT, self._style.width),
            initial_indent=edge.indent + edge.branch,
            subsequent_indent=edge.indent + edge.below + more,
            break_long_words=False,
            break_on_hyphens=False,
        )
