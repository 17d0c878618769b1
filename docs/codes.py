"""Finds every error code in the sources of Osiris, with the class that carries it, what it says and what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import osiris
from osiris import errors

SOURCES = Path(osiris.__file__).parent
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+|usage|system|internal|error")
NEAREST = 'did you mean "…"?'
CLASSES: Mapping[str, type[errors.OsirisError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.OsirisError)
}
ADVICE = dict(re.findall(r"── (\w+) +(.+?)(?: \(exit .*\))?$", errors.__doc__ or "", re.MULTILINE))
"""What the tree in errors.py says of each class."""


@dataclass(slots=True)
class Found:
    """What is known of one code: its classes, and the texts and hints of all places where it is raised."""

    classes: set[str] = field(default_factory=set)
    says: dict[str, None] = field(default_factory=dict)
    hints: dict[str, None] = field(default_factory=dict)

    def add(self, kind: str, says: Sequence[str], hints: Sequence[str]) -> None:
        self.classes.add(kind)
        self.says |= dict.fromkeys(says)
        self.hints |= dict.fromkeys(hints)


def codes() -> dict[str, Found]:
    """Every code, sorted. `osiris/testing` is left out: what it raises, no user of pipelines sees."""
    paths = [path for path in sorted(SOURCES.rglob("*.py")) if "testing" not in path.relative_to(SOURCES).parts]
    modules = [_Module(ast.parse(path.read_text(encoding="utf-8"))) for path in paths]
    plain = {name: _Maker(parameters) for module in modules for name, parameters in module.takers().items()}
    everywhere = plain | {name: maker for module in modules for name, maker in module.makers(plain).items()}
    found: dict[str, Found] = {}
    for name, kind in CLASSES.items():
        if "default_code" in vars(kind):
            found.setdefault(kind.default_code, Found()).add(name, (), ())
    for module in modules:
        for site in module.sites(everywhere | module.makers(plain)):
            found.setdefault(site.code, Found()).add(site.kind, site.says, site.hints)
    for code, like in [pair for module in modules for pair in module.renamed()]:
        found.setdefault(code, Found()).add("ConfigError", list(found[like].says), list(found[like].hints))
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class _Site:
    """A place where an error is made."""

    code: str
    kind: str
    says: Sequence[str] = ()
    hints: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Maker:
    """A function or dataclass that takes a `code`: its parameters, and what it makes of it itself."""

    parameters: Sequence[str]
    makes: _Site | None = None


class _Module:
    """One source file."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self._functions = functions
        self._inside = {id(below): function for function in functions for below in ast.walk(function)}

    def takers(self) -> dict[str, list[str]]:
        """The parameters of each function and dataclass that takes a `code`."""
        fields = {
            node.name: [_name(part.target) for part in node.body if isinstance(part, ast.AnnAssign)]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ClassDef)
        }
        arguments = {node.name: [part.arg for part in node.args.args] for node in self._functions}
        found = (fields | arguments).items()
        return {
            name: [part for part in parts if part not in ("self", "cls")] for name, parts in found if "code" in parts
        }

    def makers(self, plain: Mapping[str, _Maker]) -> dict[str, _Maker]:
        """The same with what each function makes of the code that it is given."""
        makes: dict[str, _Site] = {}
        for function in self._functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and any(_name(part) == "code" for part in _values(node)):
                    makes.setdefault(function.name, _Site("", *self._parts(node, plain)))
        return {name: _Maker(parameters, makes.get(name)) for name, parameters in self.takers().items()}

    def renamed(self) -> Iterator[tuple[Any, Any]]:
        """The values and keys of a table CODES: what a code is called in another place."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _name(node.targets[0]) == "CODES":
                for key, value in zip(node.value.keys, node.value.values, strict=True):
                    if (
                        isinstance(key, ast.Constant)
                        and isinstance(value, ast.Constant)
                        and CODE.fullmatch(str(key.value))
                    ):
                        yield value.value, key.value

    def sites(self, makers: Mapping[str, _Maker]) -> Iterator[_Site]:
        """Every place where an error is made; `makers` by their names."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield from self._called(node, makers)
            elif isinstance(node, ast.FunctionDef) and node.name in makers:
                made = makers[node.name].makes or _Site("", "ConfigError")
                texts = [text for part in node.args.defaults for text in self._texts(part).of(part)]
                yield from (replace(made, code=text) for text in texts if CODE.fullmatch(text))
            elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and _name(node.elts[0]) in CLASSES:
                texts = [text for part in node.elts[1:] for text in self._texts(part).of(part)]
                if texts and CODE.fullmatch(texts[0]):
                    yield _Site(texts[0], _name(node.elts[0]), (), texts[1:])

    def _called(self, node: ast.Call, makers: Mapping[str, _Maker]) -> Iterator[_Site]:
        callee = _name(node.func)
        kind, says, hints = self._parts(node, makers)
        part = _argument(node, "code", makers)
        found = [text for text in self._texts(node).of(part) if CODE.fullmatch(text)]
        if part is None and callee in CLASSES and node.args:
            found = [CLASSES[callee].default_code]
        elif (
            part is None and callee == "error" and _name(getattr(node.func, "value", node)) in ("document", "_document")
        ):
            found = [errors.ConfigError.default_code]
        yield from (_Site(code, kind, says, hints) for code in found)

    def _parts(self, node: ast.Call, makers: Mapping[str, _Maker]) -> tuple[str, list[str], list[str]]:
        """Kind, texts and hints of the error that a call makes."""
        callee = _name(node.func)
        made = makers[callee].makes if callee in makers else None
        said = _argument(node, "message", makers) or (
            node.args[0] if callee in (*CLASSES, "error") and node.args else None
        )
        texts = self._texts(node)
        says = [text for text in texts.of(said) if not CODE.fullmatch(text)] or list(made.says if made else ())
        hints = texts.of(_argument(node, "hint", makers)) or list(made.hints if made else ())
        kind = callee if callee in CLASSES else "warning" if callee == "warn" else made.kind if made else "ConfigError"
        return kind, says, hints

    def _texts(self, node: ast.expr) -> _Texts:
        return _Texts(self.tree, self._inside.get(id(node)), node.lineno)


@dataclass(frozen=True, slots=True)
class _Texts:
    """What an expression on a line may read as, `…` standing for what is known only when it happens."""

    tree: ast.Module
    function: ast.FunctionDef | None
    line: int

    def of(self, node: ast.expr | None, depth: int = 0) -> list[str]:
        found: list[str] = []
        match node:
            case ast.Constant(value=str(text)):
                found = [text]
            case ast.JoinedStr(values=parts):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
                found = [re.sub("…+", "…", text)]
            case ast.IfExp(body=first, orelse=second):
                found = [*self.of(first, depth), *self.of(second, depth)]
            case ast.BoolOp(values=values):
                found = [text for value in values for text in self.of(value, depth)]
            case ast.BinOp(left=left, right=right):
                ends = self.of(right, depth) or ["…"]
                found = [start + end for start in self.of(left, depth) or ["…"] for end in ends]
            case ast.Call(func=called) if _name(called) == "did_you_mean":
                found = [NEAREST]
            case ast.Name(id=name) if depth < 3:
                found = [text for value in self._assigned(name) for text in self.of(value, depth + 1)]
        return found

    def _assigned(self, name: str) -> list[ast.expr]:
        """What a name was set to since it was last used, in the function, else in the module."""
        scope: ast.AST = self.function or self.tree
        uses = [node.lineno for node in ast.walk(scope) if isinstance(node, ast.Name) and _loads(node, name)]
        since = max((line for line in uses if line < self.line), default=0)
        found = [(line, value) for node in ast.walk(scope) for line, value in _set(node, name) if line <= self.line]
        fresh = [value for line, value in found if line > since]
        last = [value for line, value in found if line == max(line for line, _ in found)]
        return fresh or last or [value for node in self.tree.body for _, value in _set(node, name)]


def _loads(node: ast.Name, name: str) -> bool:
    return node.id == name and isinstance(node.ctx, ast.Load)


def _set(node: ast.AST, name: str) -> Iterator[tuple[int, ast.expr]]:
    """The line and the value that a statement sets a name to."""
    if isinstance(node, ast.NamedExpr) and _name(node.target) == name:
        yield node.lineno, node.value
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        if _name(target) == name:
            yield node.lineno, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
            yield from ((node.lineno, value) for part, value in pairs if _name(part) == name)


def _argument(node: ast.Call, name: str, makers: Mapping[str, _Maker]) -> ast.expr | None:
    """What a call gives for a parameter, by its name or place."""
    maker = makers.get(_name(node.func))
    places = dict(zip(maker.parameters, node.args, strict=False)) if maker is not None else {}
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), places.get(name))


def _values(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _name(node: ast.AST) -> str:
    """The last part of `a.b.c`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
