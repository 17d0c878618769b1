"""`compose`: from YAML text to `Node`s, without recursion and within limits that a hostile file cannot pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from osiris.documents.scalars import Scalar, fits, resolve
from osiris.errors import ConfigError

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CORE = "tag:yaml.org,2002:"
MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may have: bytes, values once aliases are expanded, levels.

    The defaults are for what people write; a pipeline of 10,000 steps has a quarter of them.
    """

    size_bytes: int = 16 * 1024 * 1024
    values: int = 1_000_000
    levels: int = 64


@dataclass(slots=True)
class Node:
    """A value and its place (1-based). `parts` are the nodes below it, `keys` the places of a mapping's keys.

    `size` counts the values in it and `height` its levels, both with aliases expanded.
    """

    value: Any
    line: int
    column: int
    parts: dict[str, Node] | list[Node] | None = None
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 1
    height: int = 1

    def part(self, name: str | int) -> Node | None:
        """The node below this one at a key or an index, None when there is none."""
        if isinstance(self.parts, dict):
            return self.parts.get(str(name))
        if isinstance(self.parts, list) and isinstance(name, int) and 0 <= name < len(self.parts):
            return self.parts[name]
        return None


def compose(text: str, name: str, limits: Limits) -> Node:
    """The root of the one document in `text`. Raises ConfigError for all that `documents.load` lists."""
    composer = _Composer(name, limits)
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.YAMLError as error:
        raise _syntax(error, text, name) from error
    return composer.root or Node(None, 1, 1)


def _events(text: str) -> Iterator[Any]:
    events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
    return events


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet; `key` is the mapping's key that waits for its value."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_place: tuple[int, int] = (1, 1)
    plain_key: bool = False
    merges: list[Node] = field(default_factory=list)


class _Composer:
    """Takes the parser's events in order and builds the tree."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.root: Node | None = None
        self._limits = limits
        self._name = name
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._start(event, {}, {}, "map")
        elif isinstance(event, yaml.SequenceStartEvent):
            self._start(event, [], [], "seq")
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                hint = "keep one document a file: remove the line ---"
                self._fail(event, "a second document starts here", "yaml.documents", hint)

    def _scalar(self, event: Any) -> None:
        value = self._value(event)
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.node.value, dict):
            self._key(event, value, top)
            return
        node = Node(value, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._attach(node, event)

    def _value(self, event: Any) -> Scalar:
        text: str = event.value
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            self._fail(event, "half of a surrogate pair is not a character", "yaml.character")
        if event.tag is None:
            return resolve(text) if event.implicit[0] else text
        tag = event.tag.removeprefix(CORE)
        if tag in ("str", "!"):
            return text
        if tag not in ("int", "float", "bool", "null"):
            self._fail(event, f"the tag {event.tag} is not allowed", "yaml.tag", "only plain data can be used here")
        value = resolve(text)
        if not fits(value, tag):
            self._fail(event, f"{text!r} is not of type {tag}, as its tag says", "yaml.tag")
        return float(value) if tag == "float" and isinstance(value, int) else value

    def _key(self, event: Any, value: Scalar, top: _Open) -> None:
        if not isinstance(value, str):
            message = f"a key must be text, {event.value or 'an empty key'!r} is not"
            self._fail(event, message, "yaml.key", f'quote it: "{event.value}":')
        if event.anchor:
            self._anchors[event.anchor] = Node(value, event.start_mark.line + 1, event.start_mark.column + 1)
        top.key, top.plain_key = value, bool(event.implicit[0])
        top.key_place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if value in top.node.keys:
            first = top.node.keys[value][0]
            message = f'the key "{value}" stands twice: on line {first} and on line {top.key_place[0]}'
            self._fail(event, message, "yaml.duplicate_key", "remove one of them")
        self._count_values(1, event)

    def _start(self, event: Any, value: Any, parts: Any, tag: str) -> None:
        if event.tag not in (None, "!", CORE + tag):
            self._fail(event, f"the tag {event.tag} is not allowed", "yaml.tag", "only plain data can be used here")
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.node.value, dict):
            hint = "a key is one text; quote what starts with { or ["
            self._fail(event, "a key must be text, this is a list or mapping", "yaml.key", hint)
        self._check_depth(1, event)
        node = Node(value, event.start_mark.line + 1, event.start_mark.column + 1, parts)
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        for merged in done.merges:
            _merge(done.node, merged)
        if done.anchor:
            self._anchors[done.anchor] = done.node
        self._attach(done.node, None)

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if any(frame.anchor == event.anchor for frame in self._open):
            self._fail(event, f"the alias *{event.anchor} stands inside what it names", "yaml.alias")
        if found is None:
            self._fail(event, f"there is no anchor &{event.anchor} before this alias", "yaml.alias")
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.node.value, dict):
            self._fail(event, "an alias cannot be a key", "yaml.key", "write the key out")
        self._check_depth(found.height, event)
        place = event.start_mark.line + 1, event.start_mark.column + 1
        # counted before it is copied: a bomb must not cost what it would unfold to
        self._count_values(found.size - 1, event)
        self._attach(Node(_copy(found.value), *place, found.parts, found.keys, found.size, found.height), event)

    def _attach(self, node: Node, event: Any) -> None:
        self._count_values(1, event)
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        parent = top.node
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if isinstance(parent.parts, list):
            parent.value.append(node.value)
            parent.parts.append(node)
        elif top.key == MERGE and top.plain_key:
            top.key = None
            top.merges.extend(self._mergeable(node))
        elif isinstance(parent.parts, dict) and top.key is not None:
            key, top.key = top.key, None
            parent.value[key], parent.parts[key], parent.keys[key] = node.value, node, top.key_place

    def _mergeable(self, node: Node) -> list[Node]:
        nodes = node.parts if isinstance(node.parts, list) else [node]
        for each in nodes:
            if not isinstance(each.value, dict):
                message = "<< takes a mapping or a list of mappings"
                raise ConfigError(message, code="yaml.merge", file=self._name, line=each.line, column=each.column)
        return nodes

    def _count_values(self, count: int, event: Any) -> None:
        self._count += count
        if self._count > self._limits.values:
            hint = "aliases count as often as they are used"
            self._fail(event, f"the file holds more than {self._limits.values:,} values", "yaml.too_large", hint)

    def _check_depth(self, levels: int, event: Any) -> None:
        if len(self._open) + levels > self._limits.levels:
            self._fail(event, f"nested more than {self._limits.levels} levels deep", "yaml.too_deep")

    def _fail(self, event: Any, message: str, code: str, hint: str | None = None) -> NoReturn:
        line = event.start_mark.line + 1 if event is not None else None
        column = event.start_mark.column + 1 if event is not None else None
        raise ConfigError(message, code=code, hint=hint, file=self._name, line=line, column=column)


def _merge(into: Node, merged: Node) -> None:
    """Add the keys of `merged` that `into` does not have; explicit keys and earlier merges win."""
    if not isinstance(into.parts, dict) or not isinstance(merged.parts, dict):
        return
    for key, part in merged.parts.items():
        if key not in into.parts:
            into.value[key], into.parts[key] = _copy(part.value), part
            into.keys[key] = merged.keys[key]


def _copy(value: Any) -> Any:
    """A copy of plain data; recursion is bounded by the limit of levels."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _syntax(error: yaml.YAMLError, text: str, name: str) -> ConfigError:
    """The parser's complaint in our words, with a word on tabs where one is to blame."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    if mark is None:
        return ConfigError(f"this is not YAML: {problem}", code="yaml.syntax", file=name)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    row = mark.line + 1
    indent = line[: len(line) - len(line.lstrip())]
    tab = mark.column if line[mark.column : mark.column + 1] == "\t" else indent.find("\t")
    if tab >= 0:
        message, hint = "a tab is used for indentation, which YAML forbids", "use spaces"
        return ConfigError(message, code="yaml.tab", hint=hint, file=name, line=row, column=tab + 1)
    message = f"this is not YAML: {problem}" + (f" ({context})" if context else "")
    return ConfigError(message, code="yaml.syntax", hint=_cure(problem), file=name, line=row, column=mark.column + 1)


def _cure(problem: str) -> str | None:
    if "mapping values are not allowed" in problem:
        return 'a text with ": " in it must be quoted; check the indentation as well'
    if "expected ',' or" in problem:
        return "inside [ ] and { } a text with { } or ${...} in it must be quoted"
    if any(words in problem for words in ("expected '-' indicator", "expected <block end>", "expected key")):
        return "look at the indentation: this line stands neither below the one above it nor beside its equals"
    if "cannot start any token" in problem:
        return "a text that starts with @, %, `, or * must be quoted"
    return None
