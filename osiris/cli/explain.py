"""A pipeline explained, as a page: the flows as trees, then each step with its values and where they come from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from osiris.cli.examples import on_one_line
from osiris.cli.paths import shown_path
from osiris.cli.rows import Row, laid_out, wrapped
from osiris.cli.tree import Style, tree
from osiris.secrets import MASK

if TYPE_CHECKING:
    from osiris.cli.render import Output
    from osiris.compile.explained import (
        Explained,
        ExplainedConnection,
        ExplainedParam,
        ExplainedStep,
        Setting,
        Use,
    )

WIDEST = 120
WHY = {
    "default_true": "which says default: true",
    "called_default": "which is called default",
    "only_one": "the only one of its family",
}


def show_explained(output: Output, found: Explained) -> None:
    """Show the whole page. Lines are broken where the terminal ends, but never cut."""
    page = _Page(found, min(WIDEST, output.width), plain=not output.draws)
    for line in page.lines():
        output.line(line, "head" if line.endswith(":") and not line.startswith(" ") else None)
    for line in page.missing():
        output.line(line, "warning")


class _Page:
    def __init__(self, found: Explained, width: int, *, plain: bool) -> None:
        self._found = found
        self._width = width
        self._plain = plain
        self._flow_of = {step.id: step.flow for step in found.steps}
        self._flows = [list(steps) for _, steps in itertools.groupby(found.steps, lambda step: step.flow)]

    def lines(self) -> Iterator[str]:
        found = self._found
        yield from wrapped(f"{found.name} from {shown_path(found.file)}, profile {found.profile}", "  ", self._width)
        if found.params:
            yield from ("", "params:")
            yield from laid_out([self._param(param) for param in found.params], self._width)
        for number, steps in enumerate(self._flows, 1):
            yield from ("", *self._flow(number, steps))
        for step in found.steps:
            yield from ("", f"{step.id}:")
            yield from laid_out(list(self._step(step)), self._width)
            yield from self._defaults(step)

    def missing(self) -> Iterator[str]:
        """What somebody has to set before the pipeline can run."""
        connections = {step.connection.reference: step.connection for step in self._found.steps if step.connection}
        lines = [f"NOT set: {', '.join(each.unset)}, for {name}" for name, each in connections.items() if each.unset]
        params = [param for param in self._found.params if param.origin == "unset"]
        lines += [f"NOT set: {param.variable}, or give --param {param.name}=..." for param in params]
        if lines:
            yield ""
        for line in lines:
            yield from wrapped(line, "  ", self._width)

    def _flow(self, number: int, steps: Sequence[ExplainedStep]) -> Iterator[str]:
        before = sorted({self._flow_of[writer] for step in steps for writer in step.step.after})
        waits = f", after flow {', '.join(map(str, before))}" if before else ""
        yield f"flow {number} of {len(self._flows)}{waits}:"
        texts = {step.id: _in_short(step) for step in steps}
        inputs = {step.id: step.step.inputs for step in steps}
        yield from (f"  {line}" for line in tree(texts, inputs, Style(self._width - 2, self._plain)))

    def _param(self, param: ExplainedParam) -> Row:
        value = MASK if param.secret else on_one_line(param.value)
        place = {
            "command_line": f"--param {param.name}",
            "environment": param.variable,
            "profile": f"profile {self._found.profile}; {self._at(param.line)}",
            "default": f"default; {self._at(param.line)}",
            "unset": "NOT set",
        }
        return Row(f"  {param.name}: {value}", place[param.origin])

    def _step(self, step: ExplainedStep) -> Iterator[Row]:
        yield Row(f"  component: {step.component.name} {step.component.version}", self._at(step.line))
        yield Row(f"  mode: {step.step.mode}")
        if step.item is not None:
            parts = [f"{step.item.number:,} of {step.item.of:,}", self._at(step.item.line)]
            comment = "; ".join([*parts, *map(self._use, step.item.uses)])
            yield Row(f"  item: {on_one_line(step.item.value)}", comment)
        wired = self._at(step.wired_line) if step.wired_line is not None else "the step before"
        for word, names in (("takes the rows of", step.step.inputs), ("waits for", step.step.after)):
            if names:
                yield Row(f"  {word}: {', '.join(names)}", wired)
        if step.connection is not None:
            yield from self._connection(step.connection)
        yield from self._settings((*step.options, *step.settings), "  ")

    def _connection(self, connection: ExplainedConnection) -> Iterator[Row]:
        named = connection.named_line
        why = f"named in {self._at(named)}" if named is not None else WHY[connection.why]
        uses = [self._use(use) for use in connection.uses]
        place = f"{shown_path(connection.file)}:{connection.line}"
        yield Row(f"  connection: {connection.reference}", "; ".join([why, *uses, place]))
        yield from self._settings(connection.fields, "    ")

    def _settings(self, settings: Sequence[Setting], indent: str) -> Iterator[Row]:
        """Those that somebody set."""
        for setting in settings:
            if setting.origin == "default":
                continue
            value, comment = setting.value, "; ".join(self._origin(setting))
            if isinstance(value, str) and "\n" in value.strip():
                yield Row(f"{indent}{setting.name}: |", comment)
                yield from (Row(f"{indent}  {line}") for line in value.rstrip().splitlines())
            else:
                yield Row(f"{indent}{setting.name}: {on_one_line(value)}", comment)

    def _origin(self, setting: Setting) -> Iterator[str]:
        yield f"{shown_path(setting.file or self._found.file)}:{setting.line}"
        if setting.written is not None:
            yield f"written as {setting.written}, its former name"
        if setting.origin == "override":
            there = "" if setting.replaces is None else f" {on_one_line(setting.replaces)}"
            yield f"instead of the connection's{there}"
        yield from map(self._use, setting.uses)
        for name, is_set in setting.variables.items():
            yield f"{name} is {'set' if is_set else 'NOT set' if name in setting.unset else 'not set, so its default'}"

    def _use(self, use: Use) -> str:
        reference = f"${{{use.reference}}}"
        if use.origin == "unset":
            return f"{reference} is NOT set"
        words = {"command_line": "--param", "environment": "the environment", "default": "its default"}
        words |= {"profile": f"profile {self._found.profile}", "item": "for_each"}
        return f"{reference} from {words[use.origin]}"

    def _defaults(self, step: ExplainedStep) -> Iterator[str]:
        """What nobody set, close together: there is much of it, and it is seldom looked for."""
        fields = step.connection.fields if step.connection is not None else ()
        rest = [setting for setting in (*fields, *step.options) if setting.origin == "default"]
        if rest:
            text = ", ".join(f"{setting.name}: {on_one_line(setting.value)}" for setting in rest)
            yield from wrapped(f"  by default: {text}", "    ", self._width)

    def _at(self, line: int) -> str:
        return f"{shown_path(self._found.file)}:{line}"


def _in_short(step: ExplainedStep) -> str:
    joins = f", joins {', '.join(step.step.inputs)}" if len(step.step.inputs) > 1 else ""
    connection = f", {step.connection.reference}" if step.connection is not None else ""
    return f"{step.id}: {step.step.mode}, {step.component.name}{connection}{joins}"
